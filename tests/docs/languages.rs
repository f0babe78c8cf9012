//! Korean equals English but for the prose.

use std::collections::BTreeSet;

use crate::links;
use crate::page::{Fence, Page};
use crate::tree::Tree;

/// Where the pages of the two languages differ in more than prose.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for path in tree.page_paths().filter(|path| !tree.lags(path)) {
        let twin =
            path.replace("/en/", "/(language)/").replace("/ko/", "/en/").replace("/(language)/", "/ko/");
        match tree.files.get(&twin) {
            _ if twin == path || tree.lags(&twin) => {}
            None => faults.push(format!("{path}: there is no {twin}")),
            Some(text) => {
                let (page, twin) = (Page::parse(path, &tree.files[path]), Page::parse(&twin, text));
                faults.extend(first_difference(&page, &twin));
                let mut others = names(tree, &twin);
                for name in names(tree, &page) {
                    match others.iter().position(|other| *other == name) {
                        Some(index) => drop(others.swap_remove(index)),
                        None => faults.push(format!("{path}: {name} that {} has not", twin.path)),
                    }
                }
            }
        }
    }
    faults
}

/// What has the same order in both languages: headings, fences, comments.
fn skeleton(page: &Page) -> Vec<(usize, String)> {
    let headings = page.headings.iter().map(|it| (it.line, format!("a heading of depth {}", it.depth)));
    let fences = page.fences.iter().map(|it| (it.line, shown(it)));
    let comments = page.comments.iter().map(|(line, name, value)| {
        let value = if name == "not run" { "" } else { value };
        (*line, format!("a comment {name}: {value}"))
    });
    let mut all: Vec<_> = headings.chain(fences).chain(comments).collect();
    all.sort();
    all
}

/// What of a fence is the same in both languages: of a picture only that it is there.
fn shown(fence: &Fence) -> String {
    let is_picture = matches!(fence.language.as_str(), "text" | "mermaid");
    let lines = if is_picture { String::new() } else { fence.lines.join("\n    ") };
    format!("a `{}` fence\n    {lines}", fence.language)
}

fn first_difference(page: &Page, twin: &Page) -> Option<String> {
    let (items, others) = (skeleton(page), skeleton(twin));
    let (line, item) =
        (0..).zip(&items).find(|(index, item)| others.get(*index).is_none_or(|other| other.1 != item.1))?.1;
    Some(page.at(*line, &format!("{item}\n    is not the same in {}", twin.path)))
}

/// Links in any order, and the set of inline code: how often it is repeated is a matter of the language.
fn names(tree: &Tree, page: &Page) -> Vec<String> {
    let links =
        page.links.iter().map(|link| format!("a link to {}", links::without_language(tree, page, link)));
    let code: BTreeSet<String> = page.code().map(|(_, code)| format!("inline code `{code}`")).collect();
    links.chain(code).collect()
}
