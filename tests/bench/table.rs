//! The report: Markdown on stdout, and on stderr a line that says what is going on.

use std::fmt;
use std::io::{self, IsTerminal};

/// A Markdown table in the making.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|&head| head.to_owned()).collect()] }
    }

    /// Adds a row; cells that are missing at its end stay empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Prints it under a heading, with its columns in line; nothing at all if it has no rows. Words
    /// stand on the left and figures on the right.
    pub fn print(&self, heading: &str) {
        if self.rows.len() < 2 {
            return;
        }
        clear_progress();
        let heads = &self.rows[0];
        let is_word = |column: usize| column == 0 || heads[column] == "server";
        let widths: Vec<usize> = (0..heads.len()).map(|column| self.width(column)).collect();
        println!("\n### {heading}\n");
        for (index, row) in self.rows.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                if is_word(column) {
                    print!("| {cell:width$} ");
                } else {
                    print!("| {cell:>width$} ");
                }
            }
            println!("|");
            if index == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    print!("|-{}{}", "-".repeat(width), if is_word(column) { '-' } else { ':' });
                }
                println!("|");
            }
        }
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

/// Says what is going on: over the last such line on a terminal, and below it elsewhere.
pub fn progress(line: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{line}");
    } else {
        eprintln!("{line}");
    }
}

fn clear_progress() {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[2K");
    }
}

/// The middle one. `None` without any.
pub fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        count if count % 2 == 1 => Some(figures[middle]),
        _ => Some(f64::midpoint(figures[middle - 1], figures[middle])),
    }
}

/// `1,234,567`
pub fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds, as microseconds or milliseconds.
pub fn microseconds(seconds: Option<f64>) -> String {
    match seconds {
        None => "—".into(),
        Some(seconds) if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        Some(seconds) => format!("{:.1} ms", seconds * 1e3),
    }
}

/// Seconds, to three digits.
pub fn seconds(seconds: Option<f64>) -> String {
    match seconds {
        None => "—".into(),
        Some(seconds) if seconds < 10.0 => format!("{seconds:.2}"),
        Some(seconds) => format!("{seconds:.1}"),
    }
}

/// Bytes, as mebibytes.
pub fn mebibytes(bytes: Option<f64>) -> String {
    bytes.map_or("—".into(), |bytes| format!("{:.1} MiB", bytes / 1024.0 / 1024.0))
}

/// How many times as much; a dash where there is nothing to compare with.
pub struct Ratio(pub Option<f64>);

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => formatter.write_str("—"),
            Some(ratio) if ratio < 0.1 => write!(formatter, "{ratio:.4}"),
            Some(ratio) if ratio < 10.0 => write!(formatter, "{ratio:.2}"),
            Some(ratio) => write!(formatter, "{ratio:.1}"),
        }
    }
}
