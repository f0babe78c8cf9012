//! What a page should say, found in one way, to compare it and to repair it.

use std::io::Write;
use std::path::Path;
use std::{fs, io};

use crate::counts::{self, Counts};
use crate::page::Page;
use crate::quotes::{self, Moves};
use crate::transcripts;
use crate::tree::{ROOT, Tree};

/// What lines of a page should be.
pub struct Change {
    /// The first of them, and how many they are.
    pub line: usize,
    pub count: usize,
    /// The lines; or what is wrong, where only a writer can know them.
    pub new: Result<Vec<String>, String>,
}

/// The tree with all quotes, line numbers, counts and transcripts as they should be, and what was wrong.
pub fn refilled(tree: &Tree) -> (Tree, Vec<String>) {
    let (counts, moves) = (counts::all(tree), quotes::moves(tree));
    let (mut new_tree, mut faults) = (tree.clone(), Vec::new());
    for page in tree.pages() {
        let mut changes = quotes::changes(tree, &page);
        changes.extend(transcripts::changes(&page));
        changes.extend(prose_changes(&page, &counts, &moves));
        // The last one comes first, so that the lines of the others stay where they are.
        changes.sort_by_key(|change| usize::MAX - change.line);
        let mut lines = page.lines.clone();
        for Change { line, count, new } in changes {
            let old = &page.lines[line - 1..line - 1 + count];
            match new {
                Err(what) => faults.push(page.at(line, &what)),
                Ok(new) if new != old => {
                    let found = old.iter().map(|line| format!("\n    found     {line}"));
                    let expected = new.iter().map(|line| format!("\n    expected  {line}"));
                    faults.push(page.at(line, &found.chain(expected).collect::<String>()));
                    lines.splice(line - 1..line - 1 + count, new);
                }
                Ok(_) => {}
            }
        }
        new_tree.files.insert(page.path, lines.join("\n") + "\n");
    }
    (new_tree, faults)
}

/// The lines of prose, with links and counts as they should be.
fn prose_changes(page: &Page, counts: &Counts, moves: &Moves) -> Vec<Change> {
    let is_quote = |line| page.fences.iter().any(|fence| fence.quote.is_some() && fence.line == line + 2);
    let lines = (1..=page.lines.len()).filter(|line| !is_quote(*line) && page.fence_at(*line).is_none());
    let new = |line| counts::refilled(&quotes::followed(page, line, moves), counts).map(|text| vec![text]);
    lines.map(|line| Change { line, count: 1, new: new(line) }).collect()
}

/// What is wrong, as sentences.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = refilled(tree).1;
    let hint = "\n`REPAIR=1 cargo test --test docs` writes what is expected";
    faults.extend((!faults.is_empty()).then(|| hint.to_owned()));
    faults
}

/// Refills the pages of the repository and says what was wrong. A count may follow from a refilled quote:
/// then the tests say so, and the next repair writes it.
pub fn repair(tree: &mut Tree) {
    let (new_tree, faults) = refilled(tree);
    for (path, text) in new_tree.files.iter().filter(|(path, text)| tree.files[*path] != **text) {
        fs::write(Path::new(ROOT).join(path), text).expect("the page can be written");
    }
    for fault in faults {
        say(&format!("repaired, where lines are expected: {fault}"));
    }
    *tree = new_tree;
}

/// Speaks to the person who runs the tests; the output of `println!` is held back when a test passes.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
