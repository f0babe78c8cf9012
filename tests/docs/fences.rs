//! Only fences that something checks, so that no untested output has a place to hide.

use crate::page::Fence;
use crate::tree::Tree;

/// What a line of output begins with: it belongs in a transcript.
const OUTPUT: [&str; 6] = ["$ ", "HTTP/1.", "INFO: ", "WARNING: ", "{\"", "simple-oauth2: "];

/// Fences of a kind that nothing checks, and code outside fences.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        for fence in &page.fences {
            let Some(what) = fault(fence) else { continue };
            faults.push(page.at(fence.line, &format!("`{}`: {what}", fence.language)));
        }
        // A fence directly below a line of HTML is no fence to Markdown.
        let is_code = |text: &str| ["```", "~~~", "<pre"].iter().any(|it| text.trim_start().starts_with(it));
        let hidden =
            (1..).zip(&page.lines).filter(|(line, text)| is_code(text) && page.fence_at(*line).is_none());
        faults.extend(hidden.map(|(line, _)| page.at(line, "code belongs in a fence, below a blank line")));
    }
    faults
}

fn fault(fence: &Fence) -> Option<&'static str> {
    let has_line = |is: fn(&str) -> bool| fence.lines.iter().any(|line| is(line));
    let is_output = |line: &str| OUTPUT.iter().any(|start| line.starts_with(start));
    match (fence.language.as_str(), &fence.quote) {
        // A picture of bytes shows `\r\n`, which an output does not.
        ("text", None) if has_line(is_output) && !has_line(|line| line.contains(r"\r\n")) => {
            Some("an output belongs in a `console` fence, which is run")
        }
        ("console", None) if !fence.lines.first().is_some_and(|line| line.starts_with("$ ")) => {
            Some("a transcript begins with `$ `")
        }
        ("rust" | "python" | "diff", Some(_)) | ("console" | "mermaid" | "text", None) => None,
        ("python", None) if fence.lines.len() <= 6 => None,
        ("rust" | "python" | "diff", None) => Some("it needs a link to its lines above it"),
        _ => Some("nothing checks such a fence"),
    }
}
