//! What a machine can see of bad Korean.

use crate::page::{Fence, Page};
use crate::tree::Tree;

/// What `korean.txt` holds.
struct Words {
    /// Words, characters that may follow them, and what to write instead.
    forbidden: Vec<(&'static str, Vec<char>, &'static str)>,
    /// English that a reader of Korean expects.
    allowed: Vec<&'static str>,
}

impl Words {
    fn read() -> Self {
        let lines = || include_str!("korean.txt").lines().filter(|line| !line.starts_with('#'));
        let forbidden = lines().filter_map(|line| {
            let (word, instead) = line.split_once(" -> ")?;
            let (word, but) = word.split_once("[^").unwrap_or((word, ""));
            Some((word, but.trim_end_matches(']').chars().collect(), instead))
        });
        let allowed = lines().filter_map(|line| line.strip_prefix("allow: "));
        Self { forbidden: forbidden.collect(), allowed: allowed.collect() }
    }

    /// Forbidden words that begin a word of this text: where, the word, what to write instead.
    fn found_in(&self, text: &str) -> Vec<(usize, &str, &str)> {
        let mut found = Vec::new();
        for (word, but, instead) in &self.forbidden {
            let begins = |start: usize| !text[..start].ends_with(char::is_alphanumeric);
            let may_follow = |start: usize| text[start + word.len()..].starts_with(&but[..]);
            let starts = text.match_indices(word).map(|(start, _)| start);
            found.extend(starts.filter(|it| begins(*it) && !may_follow(*it)).map(|it| (it, *word, *instead)));
        }
        found
    }

    /// Whether this is a phrase of English where a reader expects Korean.
    fn is_english(&self, text: &str) -> bool {
        let text = self.allowed.iter().fold(text.to_owned(), |text, phrase| text.replace(phrase, ""));
        let words =
            text.split_whitespace().map(|word| word.trim_matches(|it: char| it.is_ascii_punctuation()));
        let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        words.filter(is_word).count() >= 3 && !text.contains(is_hangul)
    }
}

fn is_hangul(character: char) -> bool {
    ('가'..='힣').contains(&character)
}

/// Forbidden words on all pages, and English where Korean belongs.
pub fn faults(tree: &Tree) -> Vec<String> {
    let words = Words::read();
    tree.pages().iter().flat_map(|page| faults_of(page, &words)).collect()
}

fn faults_of(page: &Page, words: &Words) -> Vec<String> {
    let (mut prose, mut line_at) = (String::new(), Vec::new());
    for piece in &page.prose {
        prose += if piece.is_code { "`" } else { &piece.text };
        line_at.resize(prose.len(), piece.line);
    }
    let found = words.found_in(&prose).into_iter();
    let mut faults: Vec<_> =
        found.map(|(at, word, it)| (line_at[at], format!("not `{word}` but {it}"))).collect();
    for (line, text) in (1..).zip(&page.lines).filter(|(line, _)| !page.is_in_fence(*line)) {
        let mut after_links = text.split("#L").skip(1).filter_map(|rest| rest.split_once(')'));
        if after_links.any(|(_, after)| after.starts_with(is_hangul)) {
            faults.push((line, "a particle directly follows a line number, which will change".to_owned()));
        }
    }
    let is_korean = page.path.starts_with("docs/ko/");
    let is_for_both = page.path == "docs/README.md";
    let cells = page.cells.iter().filter(|(_, cell)| (is_korean || is_for_both) && words.is_english(cell));
    faults.extend(cells.map(|(line, cell)| (*line, format!("English in a cell of a table: {cell}"))));
    let pictures = page.fences.iter().filter(|fence| is_korean && is_english_picture(fence, words));
    faults.extend(
        pictures.map(|it| (it.line, "a picture in English, without `<!-- picture: the same -->`".to_owned())),
    );
    faults.sort();
    faults.iter().map(|(line, fault)| page.at(*line, fault)).collect()
}

/// Mermaid, or text with arrows or boxes, in which nothing is Korean.
fn is_english_picture(fence: &Fence, words: &Words) -> bool {
    let has = |sign: &&str| fence.lines.iter().any(|line| line.contains(sign));
    let is_drawing = fence.language == "text" && ["-->", "<--", "│", "┌", "---", "+--"].iter().any(has);
    let is_picture = fence.language == "mermaid" || is_drawing;
    is_picture && fence.marked("picture").is_none() && words.is_english(&fence.lines.join("\n"))
}
