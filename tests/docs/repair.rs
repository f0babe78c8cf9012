//! The repair: when the source has moved under the pages, the line numbers follow it. Nothing but
//! line numbers is ever rewritten.

use std::env;
use std::io::{self, Write};

use crate::markdown::{Page, Place};
use crate::quotes;
use crate::tree::Tree;

/// What a fault says that the repair can mend.
pub const HINT: &str = "(`REPAIR=1 cargo test --test docs` rewrites the line numbers.)";

/// Whether the pages are to be repaired.
pub fn is_wanted() -> bool {
    env::var_os("REPAIR").is_some()
}

/// Says something to whoever runs the tests; `println!` would be kept back by a test that passes.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "tests/docs: {text}");
}

/// A quote, where its link says that it stands, and where it does.
struct Move {
    from: Place,
    to: Place,
}

/// The pages that need it, with their new text.
pub fn repaired(tree: &Tree) -> Vec<(String, String)> {
    let pages = tree.pages();
    let repaired = pages.iter().filter_map(|page| {
        // The README and the map have few quotes; they go by those of the English pages.
        let language = if page.path.starts_with("docs/ko/") { "docs/ko/" } else { "docs/en/" };
        let mut moves = moves(tree, page);
        let others = pages.iter().filter(|other| other.path.starts_with(language) && other.path != page.path);
        moves.extend(others.flat_map(|other| self::moves(tree, other)));
        let old = tree.text(&page.path)?;
        let new = repaired_page(page, old, &moves);
        (new != old).then(|| (page.path.clone(), new))
    });
    repaired.collect()
}

fn moves(tree: &Tree, page: &Page) -> Vec<Move> {
    let quotes = page.fences.iter().filter_map(|fence| Some((fence, fence.quote.as_ref()?.place.clone())));
    let moves = quotes.filter_map(|(fence, from)| {
        let stays = quotes::is_right(tree, fence);
        let to = if stays { from.clone() } else { quotes::moved_to(tree, fence)? };
        (to.path == from.path).then_some(Move { from, to })
    });
    moves.collect()
}

/// Rewrites the links of a page: those of its quotes, and those in the prose that point into one.
fn repaired_page(page: &Page, text: &str, moves: &[Move]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for link in &page.links {
        let Some(old) = link.place() else { continue };
        let is_quote =
            page.fences.iter().any(|fence| fence.quote.as_ref().is_some_and(|q| q.line == link.line));
        let new = if is_quote { quote_after(moves, &old) } else { line_after(moves, &old) };
        let Some(new) = new.filter(|new| *new != old) else { continue };
        let (label, target) = (&link.label, &link.target);
        let new_label = label.replace(&old.to_string(), &new.to_string());
        let new_target = target.replace(&old.anchor(), &new.anchor());
        let line = &mut lines[link.line - 1];
        *line = line.replace(&format!("[{label}]({target})"), &format!("[{new_label}]({new_target})"));
    }
    lines.join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

fn quote_after(moves: &[Move], old: &Place) -> Option<Place> {
    moves.iter().find(|quote| quote.from == *old).map(|quote| quote.to.clone())
}

/// Where lines have gone that a quote held. Lines in no quote, or in two that have gone different
/// ways, are left for the writer.
fn line_after(moves: &[Move], old: &Place) -> Option<Place> {
    let after = |line: usize| {
        let holds = |quote: &&Move| {
            quote.from.path == old.path && (quote.from.first..=quote.from.last).contains(&line)
        };
        moves.iter().find(holds).map(|quote| quote.to.first + line - quote.from.first)
    };
    let new = old.moved_to(after(old.first)?);
    (after(old.last) == Some(new.last)).then_some(new)
}
