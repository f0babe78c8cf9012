//! The page on the differences from FastAPI has all of those that the comparison with FastAPI knows.

use crate::tree::{LANGUAGES, Tree};

/// A difference in each line at the margin: its name, a colon, and what it is.
const LIST: &str = "tests/fastapi/differences.txt";

/// Differences that are on no page.
pub fn faults(tree: &Tree) -> Vec<String> {
    let names = names(tree);
    if names.is_empty() {
        return vec![format!("{LIST}: there is no list of differences")];
    }
    let mut faults = Vec::new();
    for language in LANGUAGES {
        let pages = tree.pages_in(language);
        let Some(page) = pages.iter().find(|page| page.name().ends_with("-differences.md")) else {
            faults.push(format!("docs/{language}: no page for the differences, N-differences.md"));
            continue;
        };
        let is_missing = |name: &&&str| !page.code.iter().any(|(_, code)| code == **name);
        let missing = names.iter().filter(is_missing);
        faults.extend(missing.map(|name| format!("{}: `{name}` of {LIST} is missing", page.path)));
    }
    faults
}

/// The names of the differences.
fn names(tree: &Tree) -> Vec<&str> {
    let lines = tree.text(LIST).unwrap_or_default().lines();
    let at_the_margin = lines.filter(|line| !line.starts_with([' ', '#']));
    at_the_margin.filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect()
}
