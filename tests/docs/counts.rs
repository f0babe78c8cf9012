//! The numbers that pages tell: `<!-- count: src code lines -->1,234<!-- /count -->`.

use std::collections::BTreeMap;

use crate::chapter::differences;
use crate::page::{Page, number};
use crate::tree::{Tree, has_extension};

/// Each name that a page may write, with its number; `tests/docs/README.md` lists the names.
pub type Counts = BTreeMap<String, usize>;

const START: &str = "<!-- count: ";
const END: &str = "<!-- /count -->";

/// The words that a reader of prose reads in a minute, and how many of them a line of Rust takes: 10
/// lines a minute.
const WORDS_A_MINUTE: usize = 200;
const WORDS_A_LINE: usize = 20;

/// The numbers as they are now.
pub fn all(tree: &Tree) -> Counts {
    let source = tree.files.keys().filter(|path| path.starts_with("src/") && has_extension(path, "rs"));
    let source = source.flat_map(|path| tree.lines(path)).map(str::trim_start);
    let count = |path: &str, is: fn(&&str) -> bool| tree.lines(path).into_iter().filter(is).count();
    let mut counts = BTreeMap::new();
    let mut set = |name: &str, count: usize| counts.insert(name.to_owned(), count);
    set("src code lines", source.filter(|line| !line.is_empty() && !line.starts_with("//")).count());
    set("first server lines", count("docs/first-server.rs", |_| true));
    let is_row = |line: &&str| line.starts_with("    (4") || line.starts_with("    (5");
    set("refused requests", count("tests/refusals.rs", is_row));
    set("recorded exchanges", count("tests/fastapi/exchanges.txt", |line| line.starts_with("== ")));
    set("differences", differences(tree).len());
    let minutes = |words: usize| (words + WORDS_A_MINUTE / 2) / WORDS_A_MINUTE;
    let (mut evening, mut all) = (0, 0);
    for page in tree.pages_in("en") {
        let words = words_of(&page);
        set(&format!("minutes of {}", number(&page.path)), minutes(words));
        evening += if number(&page.path).parse().is_ok_and(|it: u32| it <= 6) { words } else { 0 };
        all += words;
    }
    set("evening minutes", minutes(evening));
    set("all minutes", minutes(all));
    counts
}

/// A line with the right numbers in its markers.
pub fn refilled(line: &str, counts: &Counts) -> Result<String, String> {
    let (mut done, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once(START) {
        let ends = after.split_once(" -->").and_then(|(name, it)| Some((name, it.split_once(END)?.1)));
        let (name, after) = ends.ok_or_else(|| format!("no `{END}` ends this count"))?;
        let count = counts.get(name).ok_or_else(|| format!("tests/docs/counts.rs has no count `{name}`"))?;
        let (thousands, below) = (count / 1000, count % 1000);
        let number = if thousands > 0 { format!("{thousands},{below:03}") } else { below.to_string() };
        done += &format!("{before}{START}{name} -->{number}{END}");
        rest = after;
    }
    Ok(done + rest)
}

/// What there is to read on a page. What is folded is for those who want it.
fn words_of(page: &Page) -> usize {
    // `don't` is one word, `src/app.rs` is three.
    let is_apart = |it: char| !(it.is_alphanumeric() || matches!(it, '_' | '\'' | '’'));
    let (mut words, mut is_folded) = (0, false);
    for (line, text) in (1..).zip(&page.lines) {
        is_folded |= text.starts_with("<details");
        words += match page.fence_at(line) {
            _ if is_folded => 0,
            None => text.split(is_apart).filter(|word| word.contains(char::is_alphanumeric)).count(),
            Some(fence) if fence.language != "rust" || text.is_empty() || text.starts_with("```") => 0,
            Some(_) => WORDS_A_LINE,
        };
        is_folded &= !text.starts_with("</details");
    }
    words
}
