//! What a machine can see of bad Korean.

use crate::page::Page;
use crate::tree::Tree;

/// The lines of `korean.txt` that are no comments.
fn words() -> impl Iterator<Item = &'static str> {
    include_str!("korean.txt").lines().filter(|line| !line.starts_with('#'))
}

/// Forbidden words that begin a word of this text, and what to write instead.
fn forbidden(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, instead) in words().filter_map(|line| line.split_once(" -> ")) {
        let (word, but) = word.split_once("[^").unwrap_or((word, ""));
        for (start, _) in text.match_indices(word) {
            let may_follow = text[start + word.len()..].starts_with(|it| it != ']' && but.contains(it));
            if !text[..start].ends_with(char::is_alphanumeric) && !may_follow {
                found.push(format!("not `{word}` but {instead}"));
            }
        }
    }
    found
}

/// Whether this is a phrase of English where a reader expects Korean.
fn is_english(text: &str) -> bool {
    let allowed = words().filter_map(|line| line.strip_prefix("allow: "));
    let text = allowed.fold(text.to_owned(), |text, phrase| text.replace(phrase, ""));
    let words = text.split_whitespace().map(|word| word.trim_matches(|it: char| it.is_ascii_punctuation()));
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    words.filter(is_word).count() >= 3 && !text.contains(is_hangul)
}

fn is_hangul(character: char) -> bool {
    ('가'..='힣').contains(&character)
}

/// Forbidden words on all pages, and English where Korean belongs.
pub fn faults(tree: &Tree) -> Vec<String> {
    tree.pages().flat_map(|page| faults_of(&page)).collect()
}

fn faults_of(page: &Page) -> Vec<String> {
    let found = page.prose.iter().flat_map(|(line, text)| forbidden(text).into_iter().map(|it| (*line, it)));
    let mut faults: Vec<_> = found.collect();
    for (line, text) in (1..).zip(&page.lines) {
        let mut after_links = text.split("#L").skip(1).filter_map(|rest| rest.split_once(')'));
        if after_links.any(|(_, after)| after.starts_with(is_hangul)) {
            faults.push((line, "a particle directly follows a line number, which will change".to_owned()));
        }
    }
    // `text` without a sign of these shows bytes.
    let is_drawn = |lines: &str| ["->", "<-", "--", "│"].iter().any(|sign| lines.contains(sign));
    let pictures = page.fences.iter().filter(|it| it.is_picture() && is_drawn(&it.lines.concat()));
    let texts = page.prose.iter().cloned().chain(pictures.map(|fence| (fence.line, fence.lines.join("\n"))));
    let is_korean = page.path.starts_with("docs/ko/");
    // The headings are the chapter's.
    let is_heading = |line| page.headings.iter().any(|heading| heading.line == line);
    let english = texts.filter(|(line, text)| is_korean && !is_heading(*line) && is_english(text));
    faults.extend(english.map(|(line, text)| (line, format!("this is English: {text}"))));
    faults.iter().map(|(line, fault)| page.at(*line, fault)).collect()
}
