//! Links lead to files, lines and headings that exist, and a label that names lines names those
//! that the link leads to.

use crate::page::{Link, Page, Place};
use crate::tree::{LANGUAGES, Tree, has_extension};

/// Links that lead nowhere, and pages that the map does not lead to.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        for link in page.links.iter().filter(|link| is_relative(&link.target)) {
            let reason = check(tree, &page, link).err();
            faults.extend(
                reason.map(|it| page.at(link.line, &format!("[{}]({}): {it}", link.label, link.target))),
            );
        }
        if page.path == "docs/README.md" {
            let targets: Vec<_> =
                page.links.iter().filter_map(|it| target_path(&page.path, &it.target)).collect();
            let missing = tree.page_paths().filter(|path| !targets.iter().any(|target| target == path));
            let missing = missing.filter(|path| !matches!(*path, "docs/README.md" | "README.md"));
            faults.extend(missing.map(|path| format!("docs/README.md: there is no link to {path}")));
        }
    }
    faults
}

fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

fn check(tree: &Tree, page: &Page, link: &Link) -> Result<(), String> {
    let path = target_path(&page.path, &link.target).ok_or("leaves the repository")?;
    let fragment = link.target.split_once('#').map(|(_, fragment)| fragment);
    let leads_to = |place: &Place| place.path == path && fragment == Some(&place.fragment());
    if tree.lags(&path) {
        return Ok(()); // it may not even be there yet
    } else if !tree.exists(&path) {
        return Err(format!("there is no {path}"));
    } else if let Some(place) = Place::parse(&link.label).filter(|place| !leads_to(place)) {
        return Err(format!("the label says {place}, the link does not"));
    }
    let Some(fragment) = fragment else { return Ok(()) };
    if has_extension(&path, "md") {
        let found = heading_number(tree, &path, fragment);
        return found.map(|_| ()).ok_or_else(|| format!("{path} has no heading #{fragment}"));
    }
    let place = Place::of_file(&path, fragment).ok_or_else(|| format!("#{fragment} names no lines"))?;
    let lines = tree.lines(&path);
    let lines =
        lines.get(place.first - 1..place.last).ok_or_else(|| format!("{path} has {} lines", lines.len()))?;
    // Nobody means a blank line or a lone brace; the source has moved under the link.
    let says_something = lines.iter().any(|line| line.contains(char::is_alphanumeric));
    if says_something { Ok(()) } else { Err(format!("nothing is there: {:?}", lines.join("\n"))) }
}

/// A heading by its place on the page, which is the same in both languages.
fn heading_number(tree: &Tree, path: &str, slug: &str) -> Option<usize> {
    let page = Page::parse(path, tree.files.get(path)?);
    page.headings.iter().position(|heading| heading.slug == slug)
}

/// The file or folder that a link of this page leads to, from the root; `None` when it leads out of it.
pub fn target_path(page: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or_default();
    if target.is_empty() {
        return Some(page.to_owned());
    }
    let mut path: Vec<&str> = page.split('/').collect();
    path.pop();
    for step in target.trim_end_matches('/').split('/') {
        match step {
            "." => {}
            ".." => drop(path.pop()?),
            name => path.push(name),
        }
    }
    Some(path.join("/"))
}

/// A target without what may differ between the languages: the folder, and the words of a heading.
pub fn without_language(tree: &Tree, page: &Page, link: &Link) -> String {
    let path = target_path(&page.path, &link.target).filter(|_| is_relative(&link.target));
    let Some(path) = path else { return link.target.clone() };
    let fragment = link.target.split_once('#').map_or("", |(_, fragment)| fragment);
    let number = heading_number(tree, &path, fragment).filter(|_| has_extension(&path, "md"));
    let fragment = number.map_or(fragment.to_owned(), |number| format!("heading {}", number + 1));
    let folder = LANGUAGES.map(|language| format!("docs/{language}/"));
    let name = folder.iter().find_map(|folder| path.strip_prefix(folder));
    format!("{}#{fragment}", name.unwrap_or(&path))
}
