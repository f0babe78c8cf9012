//! The numbers that pages tell: `<!-- count: src lines -->1,234<!-- /count -->`.

use std::collections::BTreeMap;

use crate::page::number;
use crate::tree::{Tree, has_extension};

/// Each name that a page may write, with its number. These are all of them:
///
/// - `src lines`, `src code lines`: of all of `src/**/*.rs`, the second without blank lines and comments
/// - `first server lines`, `first server code lines`: of `docs/first-server.rs`
/// - `refused requests`: rows of the table in `tests/refusals.rs`
/// - `recorded exchanges`: those with FastAPI in `tests/fastapi/exchanges.txt`
/// - `differences`: those of `tests/fastapi/differences.txt`
/// - `minutes of N`: to read page N; `evening minutes`: pages 0 to 6; `all minutes`: all pages
pub struct Counts(BTreeMap<String, usize>);

const START: &str = "<!-- count: ";
const END: &str = "<!-- /count -->";

impl Counts {
    pub fn of(tree: &Tree) -> Self {
        let is_source = |path: &&String| path.starts_with("src/") && has_extension(path, "rs");
        let source: Vec<&str> =
            tree.files.keys().filter(is_source).flat_map(|path| tree.lines(path)).collect();
        let first_server = tree.lines("docs/first-server.rs");
        let count = |path: &str, is: fn(&&str) -> bool| tree.lines(path).into_iter().filter(is).count();
        let is_row = |line: &&str| line.starts_with("    (4") || line.starts_with("    (5");
        let is_difference = |line: &&str| line.contains(':') && !line.starts_with([' ', '#']);
        let mut counts: BTreeMap<String, usize> = [
            ("src lines", source.len()),
            ("src code lines", code_lines(&source)),
            ("first server lines", first_server.len()),
            ("first server code lines", code_lines(&first_server)),
            ("refused requests", count("tests/refusals.rs", is_row)),
            ("recorded exchanges", count("tests/fastapi/exchanges.txt", |line| line.starts_with("== "))),
            ("differences", count("tests/fastapi/differences.txt", is_difference)),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .into();
        let (mut evening, mut all) = (0.0, 0.0);
        for path in tree.page_paths().filter(|path| path.starts_with("docs/en/")) {
            let minutes = reading_minutes(&tree.files[path]);
            counts.insert(format!("minutes of {}", number(path)), rounded(minutes));
            evening += if number(path).parse().is_ok_and(|number: u32| number <= 6) { minutes } else { 0.0 };
            all += minutes;
        }
        counts.insert("evening minutes".to_owned(), rounded(evening));
        counts.insert("all minutes".to_owned(), rounded(all));
        Self(counts)
    }

    /// A line with the right numbers in its markers.
    pub fn refilled(&self, line: &str) -> Result<String, String> {
        let (mut done, mut rest) = (String::new(), line);
        while let Some((before, after)) = rest.split_once(START) {
            let (name, after) = after.split_once(" -->").ok_or("this count does not begin as it should")?;
            let (_, after) =
                after.split_once(END).ok_or_else(|| format!("no `{END}` ends the count `{name}`"))?;
            let number =
                self.0.get(name).ok_or_else(|| format!("tests/docs/counts.rs has no count `{name}`"))?;
            done += &format!("{before}{START}{name} -->{}{END}", with_commas(*number));
            rest = after;
        }
        Ok(done + rest)
    }
}

fn code_lines(lines: &[&str]) -> usize {
    lines
        .iter()
        .map(|line| line.trim_start())
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

/// 200 words and 10 lines of Rust a minute, exercises apart. What is folded is for those who want it.
fn reading_minutes(text: &str) -> f64 {
    let (mut words, mut rust) = (0, 0);
    let (mut fence, mut is_folded) = (None, false);
    for line in text.lines() {
        is_folded |= line.starts_with("<details");
        match line.strip_prefix("```") {
            _ if is_folded => is_folded = !line.starts_with("</details"),
            Some(language) => fence = if fence.is_some() { None } else { Some(language) },
            None if fence == Some("rust") => rust += u32::from(!line.trim().is_empty()),
            None if fence.is_none() => words += words_in(line),
            None => {}
        }
    }
    f64::from(words) / 200.0 + f64::from(rust) / 10.0
}

/// `don't` is one word, `src/app.rs` is three.
fn words_in(line: &str) -> u32 {
    let is_apart = |it: char| !(it.is_alphanumeric() || it == '_' || it == '\'' || it == '’');
    let words = line.split(is_apart).filter(|word| word.contains(char::is_alphanumeric));
    u32::try_from(words.count()).unwrap_or(u32::MAX)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // minutes are few and positive
fn rounded(minutes: f64) -> usize {
    minutes.round() as usize
}

fn with_commas(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}
