//! Links lead to files, lines and headings that exist, and a label that names lines names those
//! that the link leads to. The tests that a page names, in its prose and in its commands, exist.

use crate::page::{Link, Page, Place};
use crate::tree::{Tree, has_extension};

/// Links that lead nowhere, and pages that the map does not lead to.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        for link in &page.links {
            if let Err(reason) = check(tree, &page, link) {
                faults.push(page.at(link.line, &format!("[{}]({}): {reason}", link.label, link.target)));
            }
        }
        if page.path == "docs/README.md" {
            let targets = page.links.iter().map(|it| target_path(&page.path, &it.target));
            let targets: Vec<_> = targets.flatten().collect();
            let pages = ["en", "ko"].into_iter().flat_map(|language| tree.pages_in(language));
            let missing = pages.filter(|other| !targets.contains(&other.path));
            faults.extend(missing.map(|other| format!("docs/README.md: there is no link to {}", other.path)));
        }
    }
    faults
}

fn check(tree: &Tree, page: &Page, link: &Link) -> Result<(), String> {
    if link.target.contains("://") {
        return Ok(());
    }
    let path = target_path(&page.path, &link.target).ok_or("leaves the repository")?;
    let fragment = link.target.split_once('#').map(|(_, fragment)| fragment);
    let leads_to = |place: &Place| place.path == path && fragment == Some(&place.fragment());
    let folder = format!("{path}/");
    let exists = |file: &String| *file == path || file.starts_with(&folder);
    if !path.is_empty() && !tree.files.keys().any(exists) {
        return Err(format!("there is no {path}"));
    } else if let Some(place) = Place::parse(&link.label).filter(|place| !leads_to(place)) {
        return Err(format!("the label says {place}, the link does not"));
    }
    let Some(fragment) = fragment else { return Ok(()) };
    if has_extension(&path, "md") {
        let found = heading_number(tree, &path, fragment);
        return found.map(|_| ()).ok_or_else(|| format!("{path} has no heading #{fragment}"));
    }
    let place = Place::parse(&format!("{path}:{fragment}")).ok_or("the link names no lines")?;
    let lines = place.lines(tree).ok_or_else(|| format!("{path} has not so many lines"))?.join("\n");
    // Nobody means a blank line or a lone brace; the source has moved under the link.
    let says_something = lines.contains(char::is_alphanumeric);
    if says_something { Ok(()) } else { Err(format!("nothing is there: {lines:?}")) }
}

/// A heading by its place on the page, which is the same in both languages.
fn heading_number(tree: &Tree, path: &str, slug: &str) -> Option<usize> {
    let page = Page::parse(path, tree.files.get(path)?);
    page.headings.iter().position(|heading| heading.slug == slug)
}

/// The file or folder that a link of this page leads to, from the root; `None` when it leads out of it.
pub fn target_path(page: &str, target: &str) -> Option<String> {
    let joined = match target.split('#').next()? {
        "" => page.to_owned(),
        file => format!("{page}/../{file}"),
    };
    let mut path = Vec::new();
    for step in joined.split('/').filter(|step| !step.is_empty()) {
        match step {
            ".." => drop(path.pop()?),
            name => path.push(name),
        }
    }
    Some(path.join("/"))
}

/// A target without what may differ between the languages: the folder, and the words of a heading.
pub fn without_language(tree: &Tree, page: &Page, link: &Link) -> String {
    let path = target_path(&page.path, &link.target).unwrap_or_default();
    let (file, fragment) = link.target.split_once('#').unwrap_or((&link.target, ""));
    match heading_number(tree, &path, fragment) {
        Some(number) => format!("{}, heading {}", file.rsplit('/').next().unwrap_or_default(), number + 1),
        None => link.target.replace("../ko/", "../en/"),
    }
}

/// Tests that a page names in its prose, such as `tests/tutorial.rs::section_5::no_token`, or in a command,
/// such as `$ cargo test --test tutorial no_token`, and that are not there.
pub fn test_faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        let in_prose = page.code.iter().filter_map(|(line, code)| {
            let (file, path) = code.split_once(".rs::")?;
            Some((*line, format!("{file}.rs"), format!("{}(", path.rsplit("::").next()?)))
        });
        let in_commands = (1..).zip(&page.lines).filter_map(|(line, text)| {
            let (file, names) = text.strip_prefix("$ cargo test --test ")?.split_once(' ')?;
            Some((line, format!("tests/{file}.rs"), names.rsplit([' ', ':']).next()?.to_owned()))
        });
        for (line, file, name) in in_prose.chain(in_commands) {
            let starts = [format!("fn {name}"), format!("mod {name}")];
            let is_it = |line: &str| starts.iter().any(|start| line.trim_start().starts_with(start));
            if !tree.lines(&file).into_iter().any(is_it) {
                faults.push(page.at(line, &format!("there is no test {name} in {file}")));
            }
        }
    }
    faults
}
