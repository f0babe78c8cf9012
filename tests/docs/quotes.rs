//! A quote equals its lines, and the quotes of a language together hold every line of the source.

use std::collections::{HashMap, HashSet};

use crate::links::target_path;
use crate::page::{Fence, Page, Place};
use crate::refill::Change;
use crate::tree::{LANGUAGES, Tree};

/// The lines of the file that a fence shows. In a `diff` these are the lines before the edit.
fn quoted_lines(fence: &Fence) -> Vec<&str> {
    if fence.language == "diff" {
        side(fence, '+', '-')
    } else {
        fence.lines.iter().map(String::as_str).collect()
    }
}

/// The lines that a `diff` leaves.
pub fn edited_lines(fence: &Fence) -> Vec<&str> {
    side(fence, '-', '+')
}

fn side(fence: &Fence, other: char, own: char) -> Vec<&str> {
    let lines = fence.lines.iter().filter(|line| !line.starts_with(other));
    lines.map(|line| line.strip_prefix([own, ' ']).unwrap_or(line)).collect()
}

/// Where the text of a quote is now, and whether it is still the same text.
fn place_now(tree: &Tree, fence: &Fence, place: &Place) -> Option<(Place, bool)> {
    let (lines, quoted) = (tree.lines(&place.path), quoted_lines(fence));
    if quoted.is_empty() {
        return (place.last <= lines.len()).then(|| (place.clone(), false)); // a writer wants it filled
    }
    let starts = |lines: &[&str]| -> Vec<usize> {
        (1..=lines.len()).filter(|first| lines[first - 1..].starts_with(&quoted)).collect()
    };
    let same =
        |path: &str, first| (Place { path: path.to_owned(), first, last: first + quoted.len() - 1 }, true);
    if let Some(first) = starts(&lines).into_iter().min_by_key(|first| first.abs_diff(place.first)) {
        return Some(same(&place.path, first));
    }
    let elsewhere =
        tree.sources().flat_map(|(path, lines)| starts(&lines).into_iter().map(move |it| (path, it)));
    if let [(path, first)] = elsewhere.collect::<Vec<_>>()[..] {
        return Some(same(path, first));
    }
    let found = if fence.language == "diff" { None } else { changed_text(&lines, &quoted, place.first) };
    found.map(|(first, last)| (Place { path: place.path.clone(), first, last }, false))
}

/// Finds text that has been changed: by its first line, or by any line that the file has only once.
/// Its last line is the one that ended it before: a `}` that was the first of its indentation still is.
fn changed_text(lines: &[&str], quoted: &[&str], old: usize) -> Option<(usize, usize)> {
    let numbers = |text: &str| -> Vec<usize> {
        let is_telling = text.contains(char::is_alphanumeric);
        (1..).zip(lines).filter(|(_, line)| **line == text && is_telling).map(|(number, _)| number).collect()
    };
    let by_first = numbers(quoted[0]).into_iter().min_by_key(|number| number.abs_diff(old));
    let by_any = || {
        (0..quoted.len()).find_map(|index| match numbers(quoted[index])[..] {
            [only] => only.checked_sub(index).filter(|first| *first > 0),
            _ => None,
        })
    };
    let first = by_first.or_else(by_any).unwrap_or(old);
    let (last, after) = (quoted.last()?, lines.get(first..)?);
    let same_length = (first + quoted.len() - 1).min(lines.len());
    let Some(ends_before) = quoted[1..].iter().filter(|line| *line == last).count().checked_sub(1) else {
        return Some((first, first));
    };
    let mut ends = (first + 1..).zip(after).filter(|(_, line)| *line == last).map(|(number, _)| number);
    Some((first, ends.nth(ends_before).unwrap_or(same_length)))
}

/// Quotes that are not their lines.
pub fn changes(tree: &Tree, page: &Page) -> Vec<Change> {
    let mut changes = Vec::new();
    for fence in &page.fences {
        let Some((line, place)) = &fence.quote else { continue };
        let Some((now, is_same)) = place_now(tree, fence, place) else {
            let what = format!("{place} has not these lines, and no other place has them");
            changes.push(Change::fault(page, *line, what));
            continue;
        };
        if now != *place {
            let (old, new) = (&page.lines[line - 1..*line], format!("[{now}]({})", now.target(&page.path)));
            changes.push(Change::of(page, *line, old, vec![new], format!("{place} is now {now}")));
        }
        if !is_same {
            let lines = &tree.lines(&now.path)[now.first - 1..now.last];
            let new = lines.iter().map(|&line| line.to_owned()).collect();
            changes.push(Change::of(page, fence.line + 1, &fence.lines, new, format!("the text of {now}")));
        }
    }
    changes
}

/// Where the quoted lines have gone, so that links in the prose can follow them.
pub struct Moves(HashMap<(String, usize), (String, usize)>);

impl Moves {
    /// Learns it from the quotes of a language.
    pub fn of(tree: &Tree, language: &str) -> Self {
        let mut moves = HashMap::new();
        for fence in tree.pages_in(language).iter().flat_map(|page| &page.fences) {
            let Some((_, place)) = &fence.quote else { continue };
            let Some((now, _)) = place_now(tree, fence, place) else { continue };
            let lines = tree.lines(&now.path);
            for (index, line) in quoted_lines(fence).iter().enumerate() {
                let same = (now.first..=now.last).filter(|number| lines[number - 1] == *line);
                let Some(new) = same.min_by_key(|number| number.abs_diff(now.first + index)) else {
                    continue;
                };
                moves.entry((place.path.clone(), place.first + index)).or_insert((now.path.clone(), new));
            }
        }
        Self(moves)
    }

    fn place(&self, old: &Place) -> Option<Place> {
        let (path, first) = self.0.get(&(old.path.clone(), old.first))?.clone();
        let (last_path, last) = self.0.get(&(old.path.clone(), old.last))?;
        (*last_path == path && *last >= first).then_some(Place { path, first, last: *last })
    }

    /// A line of prose, with links that lead to where the lines are now.
    pub fn followed(&self, page: &Page, line: usize) -> String {
        let (mut done, mut rest) = (String::new(), page.lines[line - 1].as_str());
        for link in page.links.iter().filter(|link| link.line == line) {
            let old = target_path(&page.path, &link.target);
            let old = old.and_then(|path| Place::of_file(&path, link.target.split_once("#L")?.1));
            let new = old.as_ref().and_then(|old| self.place(old)).filter(|new| Some(new) != old.as_ref());
            let (Some(old), Some(new)) = (old, new) else { continue };
            let Some((before, after)) = rest.split_once(&format!("]({}", link.target)) else { continue };
            let label = before.replace(&format!("[{old}"), &format!("[{new}"));
            done += &format!("{label}]({}", new.target(&page.path));
            rest = after;
        }
        done + rest
    }
}

/// Lines of the source that no page of a language shows; not for a language of which pages lag.
pub fn uncovered(tree: &Tree) -> Vec<String> {
    let is_whole = |language: &&&str| {
        let folder = format!("docs/{language}/");
        !tree.lagging.iter().any(|path| path.starts_with(&folder))
    };
    LANGUAGES.iter().filter(is_whole).flat_map(|language| uncovered_in(tree, language)).collect()
}

fn uncovered_in(tree: &Tree, language: &str) -> Vec<String> {
    let pages = tree.pages_in(language);
    let rust = pages.iter().flat_map(|page| &page.fences).filter(|fence| fence.language == "rust");
    let places = rust.filter_map(|fence| fence.quote.as_ref()).map(|(_, place)| place);
    let shown: HashSet<(&str, usize)> =
        places.flat_map(|place| (place.first..=place.last).map(|line| (place.path.as_str(), line))).collect();
    let mut faults: Vec<Place> = Vec::new();
    for (path, lines) in tree.sources() {
        for number in lines_to_quote(&lines).into_iter().filter(|number| !shown.contains(&(path, *number))) {
            let is_blank = |last: usize| lines[last..number - 1].iter().all(|line| line.trim().is_empty());
            match faults.last_mut() {
                Some(place) if place.path == path && is_blank(place.last) => place.last = number,
                _ => faults.push(Place { path: path.to_owned(), first: number, last: number }),
            }
        }
    }
    faults.iter().map(|place| format!("{place} is quoted nowhere in docs/{language}")).collect()
}

/// The numbers of the lines that are neither blank nor in a `#[cfg(test)]` module.
fn lines_to_quote(lines: &[&str]) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut numbered = (1..).zip(lines);
    while let Some((number, line)) = numbered.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.extend((!line.trim().is_empty()).then_some(number));
        } else if numbered.next().is_some_and(|(_, line)| !line.ends_with([';', '}'])) {
            let end = line.replace("#[cfg(test)]", "}");
            numbered.by_ref().find(|(_, line)| **line == end);
        }
    }
    kept
}
