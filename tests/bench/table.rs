//! The report: Markdown tables on stdout, row by row as they are measured.

use std::io;

use crate::support::{is_reset, is_timeout};

/// The beginning of a table: words on the left, figures on the right.
pub fn head(title: &str, columns: &str, words: usize) {
    let figures = columns.split('|').count() - words;
    println!("\n### {title}\n\n| {columns} |\n|{}{}", "---|".repeat(words), "---:|".repeat(figures));
}

/// A row: words, and figures or the reason why there are none. A limit of the system, such as that
/// of open files, is not a failure; a server that hangs or ends is one.
pub fn row(words: &[&str], figures: io::Result<Vec<f64>>) -> io::Result<()> {
    let figures = match figures {
        Err(error) if is_timeout(&error) || is_reset(&error) => return Err(error),
        Err(error) if error.raw_os_error().is_some() => format!("not measured: {error}"),
        figures => figures?.into_iter().map(number).collect::<Vec<_>>().join(" | "),
    };
    println!("| {} | {figures} |", words.join(" | "));
    Ok(())
}

/// `0.76`, `16.1`, `1,234,567`, or the words for a figure that this system does not give.
pub fn number(figure: f64) -> String {
    if !figure.is_finite() {
        return "not measured here".to_owned();
    }
    if figure < 1000.0 {
        return if figure < 10.0 { format!("{figure:.2}") } else { format!("{figure:.1}") };
    }
    let mut text = format!("{figure:.0}");
    for index in (1..text.len() - 2).rev().step_by(3) {
        text.insert(index, ',');
    }
    text
}
