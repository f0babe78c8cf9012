//! Korean equals English but for the prose.

use std::collections::BTreeSet;

use crate::links;
use crate::page::Page;
use crate::tree::Tree;

/// Where the pages of the two languages differ in more than prose.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (language, other) in [("en", "ko"), ("ko", "en")] {
        for page in tree.pages_in(language) {
            let path = page.path.replace(&format!("/{language}/"), &format!("/{other}/"));
            let twin = Page::parse(&path, tree.files.get(&path).map_or("", String::as_str));
            let others = skeleton(&twin);
            let is_same = |index, item: &str| others.get(index).is_some_and(|(_, other)| other == item);
            let mut items = (0..).zip(skeleton(&page));
            let first = items.find(|(index, (_, item))| !is_same(*index, item)).map(|(_, item)| item);
            faults
                .extend(first.map(|(line, item)| page.at(line, &format!("{item}\n    is not so in {path}"))));
            let missing = &names(tree, &page) - &names(tree, &twin);
            faults.extend(missing.iter().map(|name| format!("{}: {name} that {path} has not", page.path)));
        }
    }
    faults
}

/// What has the same order in both languages: headings, fences (of a picture only that it is there),
/// comments.
fn skeleton(page: &Page) -> Vec<(usize, String)> {
    let headings = page.headings.iter().map(|heading| {
        let number = heading.text.split(' ').next().filter(|word| word.starts_with(char::is_numeric));
        (heading.line, format!("a heading of depth {} {}", heading.depth, number.unwrap_or_default()))
    });
    let fences = page.fences.iter().map(|fence| {
        let lines = if fence.is_picture() { String::new() } else { fence.lines.join("\n    ") };
        (fence.line, format!("a `{}` fence\n    {lines}", fence.language))
    });
    let comments = page.comments.iter().map(|(line, name, value)| {
        let value = if name == "not run" { "" } else { value };
        (*line, format!("a comment {name}: {value}"))
    });
    let mut all: Vec<_> = headings.chain(fences).chain(comments).collect();
    all.sort();
    all
}

/// Links and inline code, in any order: how often they are repeated is a matter of the language.
fn names(tree: &Tree, page: &Page) -> BTreeSet<String> {
    let links =
        page.links.iter().map(|link| format!("a link to {}", links::without_language(tree, page, link)));
    links.chain(page.code.iter().map(|(_, code)| format!("inline code `{code}`"))).collect()
}
