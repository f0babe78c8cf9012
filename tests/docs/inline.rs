//! What stands in the prose of a page: links and inline code.

use crate::markdown::{Link, Page};

impl Page {
    /// Reads a heading, or the lines of a paragraph.
    pub fn read_inline(&mut self, text: &str, first_line: usize) {
        let line_at = |offset: usize| first_line + text[..offset].matches('\n').count();
        let mut open_brackets = Vec::new();
        let mut next = 0;
        while let Some(character) = text[next..].chars().next() {
            let rest = &text[next..];
            let mut length = character.len_utf8();
            match character {
                '\\' => length += rest[1..].chars().next().map_or(0, char::len_utf8),
                '`' => {
                    let (code, whole) = code_span(rest);
                    self.code.extend(code.map(|code| (line_at(next), code)));
                    length = whole;
                }
                '[' => open_brackets.push(next),
                ']' => {
                    if let (Some(open), Some(target)) = (open_brackets.pop(), target_after(&rest[1..])) {
                        let label = text[open + 1..next].to_owned();
                        length += target.len() + 2;
                        let target = target.split_whitespace().next().unwrap_or_default().to_owned();
                        self.links.push(Link { line: line_at(open), label, target });
                    }
                }
                _ => {}
            }
            next += length;
        }
    }
}

/// The code of a span that begins here, if it ends, and how many bytes to step over.
fn code_span(text: &str) -> (Option<String>, usize) {
    let run = |text: &str| text.bytes().take_while(|&byte| byte == b'`').count();
    let ticks = run(text);
    let mut next = ticks;
    while let Some(offset) = text[next..].find('`') {
        let closing = run(&text[next + offset..]);
        if closing == ticks {
            let code = text[ticks..next + offset].replace('\n', " ");
            let padded = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
            let code = padded.map(str::to_owned).unwrap_or(code);
            return (Some(code), next + offset + closing);
        }
        next += offset + closing;
    }
    (None, ticks)
}

/// What stands in the parentheses that begin here.
fn target_after(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('(')?;
    let mut depth = 0;
    for (offset, character) in inside.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(&inside[..offset]),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}
