//! Rule 1: a quote equals its lines. When the text has moved, the fault says where to.

use crate::markdown::{Fence, Page, Place};
use crate::repair;
use crate::tree::Tree;

/// Quotes that say something else than the source.
pub fn faults(tree: &Tree) -> Vec<String> {
    let pages = tree.pages();
    let quotes = pages.iter().flat_map(|page| page.fences.iter().map(move |fence| (page, fence)));
    quotes.filter_map(|(page, fence)| fault(tree, page, fence)).collect()
}

fn fault(tree: &Tree, page: &Page, fence: &Fence) -> Option<String> {
    let quote = fence.quote.as_ref()?;
    let place = &quote.place;
    let at = format!("{}:{}", page.path, quote.line);
    let Some(lines) = tree.lines(&place.path) else {
        return Some(format!("{at}: there is no file {}", place.path));
    };
    let quoted = quoted_lines(fence);
    if stands_at(&lines, &quoted, place) {
        return None;
    }
    if let Some(now) = moved_to(tree, fence) {
        let hint = repair::HINT;
        return Some(format!("{at}: the text of {place} has moved to {now}. {hint}"));
    }
    if quoted.len() != place.last + 1 - place.first {
        let count = quoted.len();
        return Some(format!("{at}: {place} is not {count} lines long, as the fence below it"));
    }
    let (number, quoted) =
        (place.first..).zip(quoted).find(|(number, quoted)| lines.get(number - 1) != Some(quoted))?;
    let source = lines.get(number - 1).unwrap_or(&"(the file has ended before)");
    let path = &place.path;
    Some(format!("{at}: {path}:{number} differs\n    the source: {source}\n    the page:   {quoted}"))
}

/// The lines of the file that a fence shows. In a `diff` these are the lines before the edit.
pub fn quoted_lines(fence: &Fence) -> Vec<&str> {
    let lines = fence.lines.iter().map(String::as_str);
    if fence.language != "diff" {
        return lines.collect();
    }
    let before = lines.filter(|line| !line.starts_with('+'));
    before.map(|line| line.strip_prefix(['-', ' ']).unwrap_or(line)).collect()
}

/// Whether a quote is right as it stands.
pub fn is_right(tree: &Tree, fence: &Fence) -> bool {
    let lines = fence.quote.as_ref().and_then(|quote| Some((tree.lines(&quote.place.path)?, &quote.place)));
    lines.is_some_and(|(lines, place)| stands_at(&lines, &quoted_lines(fence), place))
}

fn stands_at(lines: &[&str], quoted: &[&str], place: &Place) -> bool {
    lines.get(place.first - 1..place.last) == Some(quoted)
}

/// Where the text of a quote is now: in its file, or else in another one. The nearest, where there
/// are several.
pub fn moved_to(tree: &Tree, fence: &Fence) -> Option<Place> {
    let place = &fence.quote.as_ref()?.place;
    let quoted = quoted_lines(fence);
    if quoted.iter().all(|line| line.trim().is_empty()) {
        return None;
    }
    let in_file = |path: &str, lines: &[&str]| {
        let starts = lines.windows(quoted.len()).enumerate().filter(|(_, window)| *window == quoted);
        let first = starts.map(|(index, _)| index + 1).min_by_key(|first| first.abs_diff(place.first))?;
        Some(Place { path: path.to_owned(), first, last: first + quoted.len() - 1 })
    };
    let lines = tree.lines(&place.path)?;
    in_file(&place.path, &lines).or_else(|| tree.sources().find_map(|(path, lines)| in_file(path, &lines)))
}
