//! Rule 5: only fences that something checks, so that no untested output has a place to hide.

use crate::markdown::Fence;
use crate::tree::Tree;

/// What a line of output begins with: it belongs into a transcript.
const OUTPUT: [&str; 6] = ["$ ", "HTTP/1.", "INFO: ", "WARNING: ", "{\"", "simple-oauth2: "];

/// More lines of the chapter than this should be a link to the chapter.
const LONGEST_PYTHON: usize = 6;

/// Fences of no known kind, and code that stands in no fence.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        faults.extend(page.faults.iter().cloned());
        for fence in &page.fences {
            if let Some(fault) = fault(fence) {
                faults.push(format!("{}:{}: {fault}", page.path, fence.line));
            }
        }
    }
    faults
}

fn fault(fence: &Fence) -> Option<String> {
    let lines = &fence.lines;
    let language = fence.language.as_str();
    let quoted = fence.quote.as_ref().map(|quote| quote.place.path.as_str());
    match language {
        "" => Some("a fence without a language".to_owned()),
        "rust" | "toml" | "html" => match quoted.map(|path| path.rsplit('.').next()) {
            None => Some(format!("a `{language}` fence without a link line above it, so it is no quote")),
            Some(Some("rs")) if language == "rust" => None,
            Some(extension) if extension == Some(language) => None,
            Some(_) => Some(format!("a quote of {} as `{language}`", quoted.unwrap_or_default())),
        },
        "diff" => diff_fault(fence),
        "python" if lines.len() > LONGEST_PYTHON => {
            Some(format!("{} lines of Python; {LONGEST_PYTHON} are the most", lines.len()))
        }
        "text" => {
            let is_output = |line: &&String| OUTPUT.iter().any(|start| line.starts_with(start));
            let line = lines.iter().find(is_output)?;
            Some(format!("output belongs into a `console` fence, which is run: {line}"))
        }
        // Whether a transcript is in good form is found where it is run.
        "console" | "mermaid" | "python" => None,
        other => Some(format!("a `{other}` fence, which nothing checks")),
    }
}

fn diff_fault(fence: &Fence) -> Option<String> {
    let starts_with = |signs: &'static [char]| move |line: &String| line.starts_with(signs);
    if fence.quote.is_none() {
        Some("a `diff` fence without a link line above it: which lines does it change?".to_owned())
    } else if let Some(line) = fence.lines.iter().find(|line| !starts_with(&['+', '-', ' '])(line)) {
        // Editors cut the blank of an empty line of context.
        (!line.is_empty()).then(|| format!("a line of a diff begins with `+`, `-` or a blank: {line}"))
    } else if !fence.lines.iter().any(starts_with(&['+', '-'])) {
        Some("a diff that changes nothing".to_owned())
    } else {
        None
    }
}
