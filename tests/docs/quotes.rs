//! A quote equals its lines, and the quotes together hold every line of the source.

use std::collections::HashMap;

use crate::links::target_path;
use crate::page::{Fence, Page, Place};
use crate::refill::Change;
use crate::tree::Tree;

/// The lines of a fence; of a `diff` those without `+`, which the file has, or without `-`, which it gets.
pub fn lines_without(fence: &Fence, sign: char) -> Vec<&str> {
    let lines = fence.lines.iter().map(String::as_str);
    if fence.language != "diff" {
        return lines.collect();
    }
    lines.filter(|line| !line.starts_with(sign)).map(|line| line.get(1..).unwrap_or_default()).collect()
}

/// Where the text of a quote is now, or seems to be where it has changed.
fn place_now(tree: &Tree, fence: &Fence, place: &Place) -> Option<Place> {
    let (lines, quoted) = (tree.lines(&place.path), lines_without(fence, '+'));
    if quoted.is_empty() {
        return place.lines(tree).map(|_| place.clone()); // a writer wants it filled
    }
    let same = (1..=lines.len()).filter(|first| lines[first - 1..].starts_with(&quoted));
    let (first, last) = match same.min_by_key(|first| first.abs_diff(place.first)) {
        Some(first) => (first, first + quoted.len() - 1),
        None if fence.language == "diff" => return None,
        None => changed_text(&lines, &quoted)?,
    };
    Some(Place { path: place.path.clone(), first, last })
}

/// Finds text that has been changed, by the first and the last of its lines that the file has only once.
fn changed_text(lines: &[&str], quoted: &[&str]) -> Option<(usize, usize)> {
    let only_place = |index: usize| {
        let mut found = (0..lines.len()).filter(|place| lines[*place] == quoted[index]);
        found.next().filter(|_| found.next().is_none()).map(|place| (index, place))
    };
    let (before, first) = (0..quoted.len()).find_map(only_place)?;
    let (index, last) = (0..quoted.len()).rev().find_map(only_place)?;
    let (first, last) = (first.checked_sub(before)? + 1, (last + quoted.len() - index).min(lines.len()));
    (first <= last).then_some((first, last))
}

/// The links and the lines of all quotes.
pub fn changes(tree: &Tree, page: &Page) -> Vec<Change> {
    let mut changes = Vec::new();
    for fence in &page.fences {
        let (Some(place), line) = (&fence.quote, fence.line - 2) else { continue };
        let Some(now) = place_now(tree, fence, place) else {
            let new = Err(format!("{place} has not these lines, nor are they elsewhere in the file"));
            changes.push(Change { line, count: 1, new });
            continue;
        };
        let label = page.lines[line - 1].replace(&place.to_string(), &now.to_string());
        let new = label.replace(&format!("#{}", place.fragment()), &format!("#{}", now.fragment()));
        changes.push(Change { line, count: 1, new: Ok(vec![new]) });
        let lines = now.lines(tree).unwrap_or_default();
        if lines != lines_without(fence, '+') {
            let new = Ok(lines.into_iter().map(str::to_owned).collect());
            changes.push(Change { line: fence.line + 1, count: fence.lines.len(), new });
        }
    }
    changes
}

/// Where the quoted lines have gone, so that links in the prose can follow them.
pub type Moves = HashMap<(String, usize), usize>;

/// Learns it from the quotes of all pages.
pub fn moves(tree: &Tree) -> Moves {
    let mut moves = HashMap::new();
    for fence in tree.pages().flat_map(|page| page.fences) {
        let Some(place) = &fence.quote else { continue };
        let Some(now) = place_now(tree, &fence, place) else { continue };
        let lines = tree.lines(&now.path);
        for (index, line) in lines_without(&fence, '+').iter().enumerate() {
            let same = (now.first..=now.last).filter(|number| lines[number - 1] == *line);
            if let Some(new) = same.min_by_key(|number| number.abs_diff(now.first + index)) {
                moves.entry((place.path.clone(), place.first + index)).or_insert(new);
            }
        }
    }
    moves
}

/// A line of prose, with links that lead to where the lines are now.
pub fn followed(page: &Page, line: usize, moves: &Moves) -> String {
    let (mut done, mut rest) = (String::new(), page.lines[line - 1].as_str());
    for link in page.links.iter().filter(|link| link.line == line) {
        let Some((_, lines)) = link.target.split_once("#L") else { continue };
        let path = target_path(&page.path, &link.target).unwrap_or_default();
        let Some(old) = Place::parse(&format!("{path}:{lines}")) else { continue };
        let Some((before, after)) = rest.split_once(&format!("#{})", old.fragment())) else { continue };
        let now = |line| moves.get(&(path.clone(), line)).copied().unwrap_or(line);
        let new = Place { first: now(old.first), last: now(old.last), ..old.clone() };
        done += &before.replace(&format!("[{old}"), &format!("[{new}"));
        done += &format!("#{})", new.fragment());
        rest = after;
    }
    done + rest
}

/// Lines of the source that no English page shows; the Korean ones equal them.
pub fn uncovered(tree: &Tree) -> Vec<String> {
    let fences = tree.pages_in("en").into_iter().flat_map(|page| page.fences);
    let rust = fences.filter(|fence| fence.language == "rust");
    let places: Vec<Place> = rust.filter_map(|fence| fence.quote).collect();
    let mut faults = Vec::new();
    for (path, lines) in tree.sources() {
        let lines = (1..).zip(lines).filter(|(_, text)| !text.is_empty());
        let shows =
            |place: &Place, line: usize| place.path == path && (place.first..=place.last).contains(&line);
        let missing = lines.filter(|(line, _)| !places.iter().any(|place| shows(place, *line)));
        faults.extend(missing.map(|(line, text)| format!("{path}:{line} is quoted nowhere: {text}")));
    }
    faults
}
