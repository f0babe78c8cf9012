//! The report: Markdown tables on stdout, row by row as they are measured.

/// The beginning of a table: words on the left, figures on the right.
pub fn head(title: &str, columns: &str, words: usize) {
    let figures = columns.split('|').count() - words;
    println!("\n### {title}\n\n| {columns} |\n|{}{}", "---|".repeat(words), "---:|".repeat(figures));
}

pub fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// A figure, or the words for one that this system does not give.
pub fn shown(figure: Option<f64>, format: impl Fn(f64) -> String) -> String {
    figure.filter(|figure| figure.is_finite()).map_or_else(|| "not measured here".to_owned(), format)
}

/// `1,234,567`
pub fn thousands(figure: f64) -> String {
    let mut text = format!("{figure:.0}");
    let first = text.len() % 3;
    for index in (first..text.len()).step_by(3).rev().filter(|&index| index > 0) {
        text.insert(index, ',');
    }
    text
}

/// Seconds, as microseconds or milliseconds.
pub fn latency(seconds: f64) -> String {
    if seconds < 0.001 { format!("{:.0} µs", seconds * 1e6) } else { format!("{:.1} ms", seconds * 1e3) }
}

/// Bytes.
pub fn kibibytes(bytes: f64) -> String {
    format!("{:.1}", bytes / 1024.0)
}

/// To two digits after the point, or to one where the number is large.
pub fn short(figure: f64) -> String {
    if figure < 10.0 { format!("{figure:.2}") } else { format!("{figure:.1}") }
}
