//! Links lead to files, lines and headings that exist, and a label that names lines names those
//! that the link leads to.

use crate::markdown::{Link, Page, Place};
use crate::tree::{LANGUAGES, Tree, extension};

/// Links that lead nowhere, and pages that the map does not lead to.
pub fn faults(tree: &Tree) -> Vec<String> {
    let pages = tree.pages();
    let mut faults = Vec::new();
    for page in &pages {
        for link in page.links.iter().filter(|link| link.is_relative()) {
            if let Err(reason) = check(tree, page, link) {
                let Link { line, label, target } = link;
                faults.push(format!("{}:{line}: [{label}]({target}): {reason}", page.path));
            }
        }
    }
    let Some(map) = pages.iter().find(|page| page.path == "docs/README.md") else {
        faults.push("docs/README.md: there is no map".to_owned());
        return faults;
    };
    for page in LANGUAGES.iter().flat_map(|language| tree.pages_in(language)) {
        if !map.links.iter().any(|link| target_path(map, link).as_ref() == Some(&page.path)) {
            faults.push(format!("docs/README.md: there is no link to {}", page.path));
        }
    }
    faults
}

fn check(tree: &Tree, page: &Page, link: &Link) -> Result<(), String> {
    let path = target_path(page, link).ok_or("leaves the repository")?;
    if !tree.exists(&path) {
        return Err(format!("there is no {path}"));
    }
    let fragment = link.target.split_once('#').map(|(_, fragment)| fragment);
    let leads_to = |place: &Place| place.path == path && fragment == place.anchor().strip_prefix('#');
    if let Some(place) = link.place().filter(|place| !leads_to(place)) {
        return Err(format!("the label says {place}, the link does not"));
    }
    let Some(fragment) = fragment else { return Ok(()) };
    if is_page(&path) {
        let found = heading_number(tree, &path, fragment).is_some();
        return if found { Ok(()) } else { Err(format!("{path} has no heading #{fragment}")) };
    }
    let (first, last) = first_and_last(fragment).ok_or_else(|| format!("#{fragment} names no lines"))?;
    let lines = tree.lines(&path).unwrap_or_default();
    if last > lines.len() {
        return Err(format!("{path} has {} lines", lines.len()));
    }
    // Nobody means a blank line or a lone brace; the source has moved under the link.
    let says_nothing = |line: &&str| !line.contains(char::is_alphanumeric);
    if lines[first - 1..last].iter().all(says_nothing) {
        return Err(format!("nothing is said there: {:?}", lines[first - 1..last].join("\n")));
    }
    Ok(())
}

/// The lines of `L71-L78` or `L71`.
fn first_and_last(fragment: &str) -> Option<(usize, usize)> {
    let (first, last) = fragment.split_once('-').unwrap_or((fragment, fragment));
    let number = |line: &str| line.strip_prefix('L')?.parse::<usize>().ok();
    let (first, last) = (number(first)?, number(last)?);
    (first >= 1 && first <= last).then_some((first, last))
}

fn is_page(path: &str) -> bool {
    extension(path) == Some("md")
}

/// A heading by its place on the page, which is the same in both languages.
fn heading_number(tree: &Tree, path: &str, slug: &str) -> Option<usize> {
    let page = Page::parse(path, tree.text(path)?);
    page.headings.iter().position(|heading| heading.slug == slug)
}

/// The file or folder that a link leads to, from the root; `None` when it leads out of it.
fn target_path(page: &Page, link: &Link) -> Option<String> {
    let target = link.target.split('#').next().unwrap_or_default();
    if target.is_empty() {
        return Some(page.path.clone());
    }
    let mut path: Vec<&str> = page.path.split('/').collect();
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
    let path = target_path(page, link).filter(|_| link.is_relative());
    let Some(path) = path else { return link.target.clone() };
    let fragment = link.target.split_once('#').map_or(String::new(), |(_, fragment)| {
        match heading_number(tree, &path, fragment) {
            Some(number) if is_page(&path) => format!("#heading {}", number + 1),
            _ => format!("#{fragment}"),
        }
    });
    let common = |language: &&str| path.strip_prefix(&format!("docs/{language}/")).map(str::to_owned);
    let path = match LANGUAGES.iter().find_map(common) {
        Some(name) => format!("docs/(language)/{name}"),
        None => path,
    };
    path + &fragment
}
