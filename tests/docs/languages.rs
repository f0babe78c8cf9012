//! Rule 3: Korean equals English but for the prose.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::links;
use crate::markdown::Page;
use crate::tree::Tree;

/// Where the pages of the two languages differ in more than prose.
pub fn faults(tree: &Tree) -> Vec<String> {
    let (english, korean) = (tree.pages_in("en"), tree.pages_in("ko"));
    let mut faults = Vec::new();
    if english.is_empty() && korean.is_empty() {
        faults.push("docs/en and docs/ko: there is no page at all".to_owned());
    }
    let twin = |page: &Page, others: &[Page]| others.iter().position(|other| other.name() == page.name());
    for page in &korean {
        if twin(page, &english).is_none() {
            faults.push(format!("{}: there is no docs/en/{}", page.path, page.name()));
        }
    }
    for page in &english {
        match twin(page, &korean) {
            None => faults.push(format!("{}: there is no docs/ko/{}", page.path, page.name())),
            Some(other) => compare(tree, page, &korean[other], &mut faults),
        }
    }
    faults
}

fn compare(tree: &Tree, english: &Page, korean: &Page, faults: &mut Vec<String>) {
    let headings = |page: &Page| page.headings.iter().map(|it| (it.line, it.depth)).collect::<Vec<_>>();
    let fences = |page: &Page| {
        let shown = |lines: &[String]| format!("\n{}\n", lines.join("\n"));
        let fences = page.fences.iter();
        fences.map(|it| (it.line, format!("{}{}", it.language, shown(&it.lines)))).collect::<Vec<_>>()
    };
    same_order("heading depth", (english, &headings(english)), (korean, &headings(korean)), faults);
    same_order("fence", (english, &fences(english)), (korean, &fences(korean)), faults);

    let targets = |page: &Page| {
        let targets = page.links.iter().map(|link| links::without_language(tree, page, link));
        targets.collect::<Vec<_>>()
    };
    same_count("link to", (english, targets(english)), (korean, targets(korean)), faults);
    // A set: how often a name is repeated is a matter of the language.
    let code = |page: &Page| {
        let code: BTreeSet<String> = page.code.iter().map(|(_, code)| format!("`{code}`")).collect();
        code.into_iter().collect::<Vec<_>>()
    };
    same_count("inline code", (english, code(english)), (korean, code(korean)), faults);
}

/// Finds the first item, with its line, at which the two orders part.
fn same_order<T: PartialEq + Debug>(
    kind: &str,
    (english, left): (&Page, &[(usize, T)]),
    (korean, right): (&Page, &[(usize, T)]),
    faults: &mut Vec<String>,
) {
    let alike = left.iter().zip(right).take_while(|((_, left), (_, right))| left == right).count();
    let describe = |page: &Page, items: &[(usize, T)]| match items.get(alike) {
        Some((line, item)) => format!("{}:{line}: {item:?}", page.path),
        None => format!("{}: no {kind} more", page.path),
    };
    if alike < left.len() || alike < right.len() {
        let (english, korean) = (describe(english, left), describe(korean, right));
        faults.push(format!("the {kind}s differ from number {}\n    {english}\n    {korean}", alike + 1));
    }
}

/// Finds the items that one page has more of than the other.
fn same_count(
    kind: &str,
    (english, left): (&Page, Vec<String>),
    (korean, right): (&Page, Vec<String>),
    faults: &mut Vec<String>,
) {
    let mut only_in = |page: &Page, items: &[String], others: &[String]| {
        let mut others = others.to_vec();
        for item in items {
            if let Some(index) = others.iter().position(|other| other == item) {
                others.swap_remove(index);
            } else {
                faults.push(format!("{}: {kind} {item} is in this language only", page.path));
            }
        }
    };
    only_in(english, &left, &right);
    only_in(korean, &right, &left);
}
