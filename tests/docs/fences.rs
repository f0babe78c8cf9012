//! Only fences that something checks, so that no untested output has a place to hide.

use crate::page::{Fence, Page};
use crate::tree::Tree;

/// More lines of Python than this are a quote.
const LONGEST_PYTHON: usize = 6;

/// What a line of output begins with: it belongs in a transcript.
const OUTPUT: [&str; 6] = ["$ ", "HTTP/1.", "INFO: ", "WARNING: ", "{\"", "simple-oauth2: "];

/// Fences of a kind that nothing checks, and code outside fences.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        let found = page.fences.iter().filter_map(|fence| Some(page.at(fence.line, &fault(fence)?)));
        faults.extend(found.chain(hidden_code(&page)));
    }
    faults
}

fn fault(fence: &Fence) -> Option<String> {
    let is_edit_line = |line: &&String| line.is_empty() || line.starts_with(['+', '-', ' ']);
    match (fence.language.as_str(), &fence.quote) {
        ("rust" | "toml" | "html" | "python", Some(_)) | ("console" | "mermaid", None) => None,
        ("python", None) if fence.lines.len() <= LONGEST_PYTHON => None,
        ("diff", Some(_)) if !fence.lines.iter().any(|line| line.starts_with(['+', '-'])) => {
            Some("a `diff` that changes nothing".to_owned())
        }
        ("diff", Some(_)) => {
            let other = fence.lines.iter().find(|line| !is_edit_line(line))?;
            Some(format!("a line of a `diff` begins with `+`, `-` or a space: {other}"))
        }
        // A picture of bytes shows `\r\n`, which an output does not.
        ("text", None) if fence.lines.iter().any(|line| line.contains(r"\r\n")) => None,
        ("text", None) => {
            let output =
                fence.lines.iter().find(|line| OUTPUT.iter().any(|start| line.starts_with(start)))?;
            Some(format!("output belongs in a `console` fence, which is run: {output}"))
        }
        ("rust" | "toml" | "html" | "python" | "diff", None) => {
            Some(format!("a `{}` fence needs a link to its lines above it", fence.language))
        }
        (other, _) => Some(format!("nothing checks such a `{other}` fence")),
    }
}

/// Code that is in no fence to Markdown, or in an indented one.
fn hidden_code(page: &Page) -> Vec<String> {
    let is_hidden = |(line, text): &(usize, &String)| {
        let is_code =
            ["```", "~~~", "<pre", "<code"].iter().any(|start| text.trim_start().starts_with(start));
        let opens = page.fences.iter().any(|fence| fence.line == *line);
        if page.is_in_fence(*line) { opens && !text.starts_with("```") } else { is_code }
    };
    let what =
        "code belongs in a fence that begins in the first column, has an end, and a blank line before it";
    (1..).zip(&page.lines).filter(is_hidden).map(|(line, _)| page.at(line, what)).collect()
}
