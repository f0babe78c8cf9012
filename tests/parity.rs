//! The answers of this server beside those of FastAPI, exchange by exchange.
//!
//! `tests/fastapi/exchanges.txt` holds what FastAPI answered when `record.py` asked it;
//! `tests/fastapi/differences.txt` holds where we answer otherwise, and why. Here each request is
//! sent again, to the built server. Whatever is not as recorded must be on the list, and whatever
//! is on the list must differ. No Python is needed for it.

mod support;

use std::collections::BTreeMap;

use support::TestServer;

const EXCHANGES: &str = include_str!("fastapi/exchanges.txt");
const DIFFERENCES: &str = include_str!("fastapi/differences.txt");
const OPENAPI: &str = include_str!("fastapi/openapi.json");

/// The headers whose presence and value matter to a client.
const HEADERS: [&str; 7] = [
    "content-type",
    "content-length",
    "www-authenticate",
    "allow",
    "location",
    "connection",
    "cache-control",
];

/// The parts of an answer by name: `status`, `body` and headers.
type Parts = BTreeMap<String, String>;

struct Exchange {
    name: String,
    request: Vec<u8>,
    answer: Parts,
}

/// A line of the list: for these exchanges, this part is this instead.
struct Change {
    pattern: String,
    part: String,
    value: String,
}

impl Change {
    fn is_for(&self, name: &str) -> bool {
        self.pattern.strip_suffix('*').map_or(name == self.pattern, |start| name.starts_with(start))
    }
}

#[test]
fn every_answer_is_fastapis_or_a_difference_on_the_list() {
    let server = TestServer::start();
    let (exchanges, changes) = (exchanges(), changes());
    assert!(exchanges.len() >= 120, "only {} exchanges are recorded", exchanges.len());
    let mut faults = Vec::new();
    for exchange in &exchanges {
        let expected = expected(exchange, &changes);
        let ours = ask(&server, &exchange.request, is_page(&expected));
        if ours != expected {
            faults.push(format!("{}\n  expected {expected:?}\n  got      {ours:?}", exchange.name));
        }
    }
    assert!(faults.is_empty(), "{} answers differ:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_line_of_the_list_makes_a_difference() {
    let exchanges = exchanges();
    for Change { pattern, part, value } in &changes() {
        let change = Change { pattern: pattern.clone(), part: part.clone(), value: value.clone() };
        let mut of_this_line = exchanges.iter().filter(|exchange| change.is_for(&exchange.name)).peekable();
        assert!(of_this_line.peek().is_some(), "no exchange is called {pattern}");
        for exchange in of_this_line {
            let recorded = exchange.answer.get(part).map_or("-", String::as_str);
            assert_ne!(recorded, value, "{}: FastAPI answers this {part} too", exchange.name);
        }
    }
}

#[test]
fn every_difference_has_a_reason() {
    let headings = DIFFERENCES.lines().filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty());
    let mut count = 0;
    for heading in headings {
        let (name, reason) = heading.split_once(": ").unwrap_or_default();
        assert!(!name.is_empty() && reason.ends_with('.') && reason.len() > 20, "{heading:?} has no reason");
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn the_openapi_document_is_fastapis() {
    let ours = TestServer::start().exchange(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("a JSON document");
    assert_eq!(parse(ours.text()), parse(OPENAPI));
}

/// What we should answer: the recording, changed by the lines of the list.
fn expected(exchange: &Exchange, changes: &[Change]) -> Parts {
    let mut parts = exchange.answer.clone();
    for change in changes.iter().filter(|change| change.is_for(&exchange.name)) {
        if change.value == "-" {
            parts.remove(&change.part);
        } else {
            parts.insert(change.part.clone(), change.value.clone());
        }
        if change.part == "body" && !is_page(&parts) && parts["status"] != "204" {
            let length = bytes(&change.value).len();
            parts.insert("content-length".into(), length.to_string());
        }
    }
    parts
}

fn is_page(parts: &Parts) -> bool {
    parts.get("content-type").is_some_and(|value| value.starts_with("text/html"))
}

/// Sends a request and takes the answer apart, as `record.py` does.
fn ask(server: &TestServer, request: &[u8], page: bool) -> Parts {
    let mut client = server.connect();
    client.send(request);
    let is_head = request.starts_with(b"HEAD ");
    let mut next = || if is_head { client.answer_to_head() } else { client.answer() };
    let mut answer = next();
    let mut status = answer.status.to_string();
    while answer.status < 200 {
        answer = next();
        status = format!("{status} {}", answer.status);
    }
    let mut parts = Parts::from([("status".into(), status)]);
    for name in HEADERS.into_iter().filter(|name| !page || *name == "content-type") {
        if let Some(value) = answer.header(name) {
            parts.insert(name.into(), if name == "allow" { sorted(value) } else { value.into() });
        }
    }
    if !answer.body.is_empty() && !page {
        parts.insert("body".into(), readable(&answer.body));
    }
    parts
}

/// The methods of an `allow` header are a set, and FastAPI's order changes from run to run.
fn sorted(list: &str) -> String {
    let mut elements: Vec<&str> = list.split(", ").collect();
    elements.sort_unstable();
    elements.join(", ")
}

/// Reads the recording.
fn exchanges() -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in EXCHANGES.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            let (request, answer) = (Vec::new(), Parts::from([("status".into(), String::new())]));
            exchanges.push(Exchange { name: name.into(), request, answer });
            continue;
        }
        let Some(exchange) = exchanges.last_mut() else { continue };
        if let Some(piece) = line.strip_prefix(">|") {
            exchange.request.extend(bytes(piece));
        } else if let Some(line) = line.strip_prefix('>') {
            exchange.request.extend(bytes(line.strip_prefix(' ').unwrap_or_default()));
            exchange.request.extend(b"\r\n");
        } else if let Some(body) = line.strip_prefix("<|") {
            exchange.answer.insert("body".into(), body.into());
        } else if let Some((name, value)) = line.strip_prefix("< ").and_then(|line| line.split_once(": ")) {
            exchange.answer.insert(name.into(), value.into());
        } else if let Some(status) = line.strip_prefix("< ") {
            let all = exchange.answer.entry("status".into()).or_default();
            all.push_str(if all.is_empty() { "" } else { " " });
            all.push_str(status);
        }
    }
    exchanges
}

/// Reads the list of differences.
fn changes() -> Vec<Change> {
    let lines = DIFFERENCES.lines().filter_map(|line| line.strip_prefix("    "));
    let change = |line: &str| {
        let (pattern, rest) = line.rsplit_once(" | ").expect("a bar between the exchange and the change");
        let (part, value) = rest.split_once(" = ").expect("an equals sign between the part and its value");
        Change { pattern: pattern.into(), part: part.into(), value: value.into() }
    };
    lines.map(change).collect()
}

/// The bytes that a text of the recording stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend(plain.bytes());
        if let Some(hexadecimal) = escape.strip_prefix('x') {
            bytes.push(u8::from_str_radix(&hexadecimal[..2], 16).expect("two hexadecimal digits"));
            rest = &hexadecimal[2..];
        } else {
            let (count, run) = escape.split_once('*').expect("a count and a character");
            bytes.extend(run[..1].repeat(count.parse().expect("a count")).bytes());
            rest = &run[1..];
        }
    }
    bytes.extend(rest.bytes());
    bytes
}

/// The text of the recording for some bytes.
fn readable(bytes: &[u8]) -> String {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\\';
    let escape = |&byte: &u8| {
        if is_plain(byte) { char::from(byte).to_string() } else { format!("\\x{byte:02X}") }
    };
    bytes.iter().map(escape).collect()
}
