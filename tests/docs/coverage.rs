//! Rule 2: in each language, the quotes hold every line of the source exactly once, so that the
//! pages are a rearrangement of the program.

use std::collections::BTreeMap;

use crate::markdown::Place;
use crate::tree::{LANGUAGES, Tree};

/// The quotes that hold a line, for each line that is quoted.
type Quoted = BTreeMap<(String, usize), Vec<String>>;

/// Lines that are quoted nowhere, and lines that are quoted more than once.
pub fn faults(tree: &Tree) -> Vec<String> {
    LANGUAGES.iter().flat_map(|language| faults_in(tree, language)).collect()
}

fn faults_in(tree: &Tree, language: &str) -> Vec<String> {
    if tree.pages_in(language).is_empty() {
        return vec![format!("docs/{language}: there is no page at all")];
    }
    let quoted = quoted_lines(tree, language);
    let mut faults: Vec<(Place, String)> = Vec::new();
    for (path, lines) in tree.sources() {
        // The last line of the range that is open: blank lines go on with it, others with a fault.
        let mut open_to = 0;
        for (number, line) in lines_to_quote(&lines) {
            let goes_on = open_to + 1 == number;
            if line.trim().is_empty() {
                open_to += usize::from(goes_on);
                continue;
            }
            let Some(problem) = problem(&quoted, path, number, language) else { continue };
            match faults.last_mut() {
                Some((place, said)) if goes_on && place.path == path && *said == problem => {
                    place.last = number;
                }
                _ => faults.push((Place { path: path.to_owned(), first: number, last: number }, problem)),
            }
            open_to = number;
        }
    }
    faults.into_iter().map(|(place, problem)| format!("{place} {problem}")).collect()
}

fn problem(quoted: &Quoted, path: &str, number: usize, language: &str) -> Option<String> {
    match quoted.get(&(path.to_owned(), number)).map(Vec::as_slice) {
        None | Some([]) => Some(format!("is quoted nowhere in docs/{language}")),
        Some([_]) => None,
        Some(several) => Some(format!("is quoted {} times: {}", several.len(), several.join(", "))),
    }
}

/// Which quotes hold which lines. A quote counts by its link; whether it equals its lines is
/// another rule.
fn quoted_lines(tree: &Tree, language: &str) -> Quoted {
    let mut quoted = Quoted::new();
    for page in tree.pages_in(language) {
        for fence in page.fences.iter().filter(|fence| fence.language == "rust") {
            let Some(quote) = &fence.quote else { continue };
            for number in quote.place.first..=quote.place.last {
                let key = (quote.place.path.clone(), number);
                quoted.entry(key).or_default().push(format!("{}:{}", page.path, quote.line));
            }
        }
    }
    quoted
}

/// The numbered lines that are not in a `#[cfg(test)]` module.
fn lines_to_quote<'a>(lines: &'a [&'a str]) -> Vec<(usize, &'a str)> {
    let mut kept = Vec::new();
    let mut numbered = (1..).zip(lines.iter().copied());
    while let Some((number, line)) = numbered.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push((number, line));
            continue;
        }
        let indentation = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indentation}}}");
        let is_last = |line: &str| line == end || line.ends_with(';') && line.starts_with(indentation);
        // `mod tests;` is over at once; `mod tests {` at its brace.
        if numbered.next().is_some_and(|(_, line)| !is_last(line)) {
            numbered.by_ref().find(|(_, line)| *line == end);
        }
    }
    kept
}
