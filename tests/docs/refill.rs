//! What a page says, and what it should say: found in one way, to compare it and to repair it.

use std::io::Write;
use std::{fs, io};

use crate::counts::Counts;
use crate::page::Page;
use crate::programs::Servers;
use crate::quotes::{self, Moves};
use crate::transcripts;
use crate::tree::{LANGUAGES, Tree, root};

/// Lines of a page that should be other ones.
pub struct Change {
    pub page: String,
    /// The first of them.
    pub line: usize,
    pub old: Vec<String>,
    /// What should be there; `None` where only a writer can know.
    pub new: Option<Vec<String>>,
    pub what: String,
}

impl Change {
    pub fn of(page: &Page, line: usize, old: &[String], new: Vec<String>, what: String) -> Self {
        Self { page: page.path.clone(), line, old: old.to_vec(), new: Some(new), what }
    }

    /// Something that only a writer can mend.
    pub fn fault(page: &Page, line: usize, what: String) -> Self {
        Self { page: page.path.clone(), line, old: Vec::new(), new: None, what }
    }

    /// Tells it to a writer, without the lines at both ends that are right.
    pub fn tell(&self) -> String {
        let new = self.new.as_deref().unwrap_or(&self.old);
        let alike = |(old, new): &(&String, &String)| old == new;
        let head = self.old.iter().zip(new).take_while(alike).count();
        let (old, new) = (&self.old[head..], &new[head..]);
        let tail = old.iter().rev().zip(new.iter().rev()).take_while(alike).count();
        let found = old[..old.len() - tail].iter().map(|line| format!("\n    found     {line}"));
        let expected = new[..new.len() - tail].iter().map(|line| format!("\n    expected  {line}"));
        let lines: String = found.chain(expected).collect();
        format!("{}:{}: {}{lines}", self.page, self.line + head, self.what)
    }
}

/// All that is not as it should be: quotes, line numbers, counts, transcripts.
pub fn changes(tree: &Tree) -> Vec<Change> {
    let (mut servers, counts) = (Servers::default(), Counts::of(tree));
    let [english, korean] = LANGUAGES.map(|language| Moves::of(tree, language));
    let mut changes = Vec::new();
    for page in tree.pages() {
        let moves = if page.path.starts_with("docs/ko/") { &korean } else { &english };
        changes.extend(quotes::changes(tree, &page));
        for (line, old) in (1..).zip(&page.lines) {
            let is_quote = page.fences.iter().any(|it| it.quote.as_ref().is_some_and(|(at, _)| *at == line));
            if is_quote || page.is_in_fence(line) {
                continue;
            }
            let what = "a line number or a count".to_owned();
            changes.extend(match counts.refilled(&moves.followed(&page, line)) {
                Ok(new) if new == *old => None,
                Ok(new) => Some(Change::of(&page, line, &page.lines[line - 1..line], vec![new], what)),
                Err(fault) => Some(Change::fault(&page, line, fault)),
            });
        }
        changes.extend(transcripts::changes(tree, &page, &mut servers));
    }
    changes
}

/// The same as sentences.
pub fn faults(tree: &Tree) -> Vec<String> {
    let changes = changes(tree);
    let count = changes.iter().filter(|change| change.new.is_some()).count();
    let hint = format!("\n`REPAIR=1 cargo test --test docs` can write {count} of these");
    changes.iter().map(Change::tell).chain((count > 0).then_some(hint)).collect()
}

/// The tree with all changes made that can be made.
pub fn repaired(tree: &Tree, changes: &[Change]) -> Tree {
    let mut tree = tree.clone();
    let mut changes: Vec<_> = changes.iter().collect();
    changes.sort_by_key(|change| change.line);
    for (change, new) in changes.iter().rev().filter_map(|change| Some((change, change.new.as_ref()?))) {
        let text = tree.files.get_mut(&change.page).expect("a page of the tree");
        let mut lines: Vec<&str> = text.lines().collect();
        let old = change.line - 1..change.line - 1 + change.old.len();
        lines.splice(old, new.iter().map(String::as_str));
        *text = lines.join("\n") + "\n";
    }
    tree
}

/// Refills the pages of the repository and says what it changed. A count may follow from a refilled
/// quote, so it looks again until nothing changes.
pub fn repair(tree: &mut Tree) {
    for _ in 0..3 {
        let changes = changes(tree);
        *tree = repaired(tree, &changes);
        if changes.iter().all(|change| change.new.is_none()) {
            break;
        }
        for change in changes.iter().filter(|change| change.new.is_some()) {
            say(&format!("repaired {}", change.tell()));
            fs::write(root().join(&change.page), &tree.files[&change.page]).expect("the page can be written");
        }
    }
}

/// Speaks to the person who runs the tests; the output of `println!` is held back when a test passes.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
