//! What differs from run to run: the port, the date, the client, and where a line of the source is.

use std::net::SocketAddr;

use crate::curl::SERVER;

/// An output with the page's port and without what differs from run to run.
pub fn as_on_the_page(output: &str, server: SocketAddr) -> String {
    let output = output.replace("\r\n", "\n").replace(&server.to_string(), SERVER);
    let lines = output.lines().map(|line| if is_date(line) { "date: [..]" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether this is a header line with an IMF-fixdate (RFC 9110 §5.6.7).
fn is_date(line: &str) -> bool {
    let shape = |byte: u8| match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A',
        other => other,
    };
    let shape: Vec<u8> = line.strip_prefix("date: ").unwrap_or_default().bytes().map(shape).collect();
    shape == b"Aaa, 00 Aaa 0000 00:00:00 AAA" && line.ends_with(" GMT")
}

/// Clients are at ports that the system picks.
pub fn without_client_ports(output: &str) -> String {
    let mut parts = output.split("127.0.0.1:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (port, rest) = part.split_at(digits);
        let port = if port.is_empty() || port == "8000" { port } else { "[..]" };
        text.extend(["127.0.0.1:", port, rest]);
    }
    text
}

/// A text in which the places in the source have no line number, nor the blanks that fill a column.
pub fn without_line_numbers(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.trim_start_matches(|character: char| character.is_ascii_digit());
        masked += ".rs: ";
        masked += part.trim_start_matches(' ');
    }
    masked
}
