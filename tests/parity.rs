//! The responses of this server beside those of FastAPI, exchange by exchange.
//!
//! `tests/fastapi/exchanges.txt` holds what FastAPI answered when `record.py` asked it;
//! `tests/fastapi/differences.txt` holds where we answer otherwise, and why. Here each exchange is
//! made again, with the built server. What is not as recorded must be on the list, and what is on
//! the list must differ. No Python is needed for it.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use support::{Response, TestServer};

const EXCHANGES: &str = include_str!("fastapi/exchanges.txt");
const DIFFERENCES: &str = include_str!("fastapi/differences.txt");
const REQUIREMENTS: &str = include_str!("fastapi/requirements.txt");

/// Stands for the body of an error response of HTTP: the status and a sentence, on a line of text.
/// `tests/refusals.rs` has the words.
const REASON: &str = "(a line that says why)";

/// The parts of a response by name: `status`, `phrase` (the words after it), `body` and header
/// fields. Several responses have their statuses in a row, and the other parts of the last one.
type Parts = BTreeMap<String, String>;

/// What the client of an exchange does.
enum Step {
    Send(Vec<u8>),
    /// Waits for a response before it sends more.
    Wait,
    /// Closes its side of the connection, and reads to the end.
    Finish,
    /// Reads to the end of the connection, and not only to the first response.
    ToEnd,
}

struct Exchange {
    name: String,
    steps: Vec<Step>,
    response: Parts,
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
fn the_recording_is_of_the_application_and_the_versions_beside_it() {
    let head: Vec<&str> = EXCHANGES.lines().map_while(|line| line.strip_prefix("# ")).collect();
    let versions = REQUIREMENTS.lines().filter_map(|line| line.split_once("=="));
    let mut expected: Vec<String> = versions.map(|(name, version)| format!("{name} {version}")).collect();
    assert!(!expected.is_empty(), "requirements.txt pins no version");
    for (file, text) in [
        ("main.py", include_str!("fastapi/main.py")),
        ("requirements.txt", REQUIREMENTS),
        ("openapi.json", include_str!("fastapi/openapi.json")),
    ] {
        let hash = Sha256::digest(text);
        let digits = hash.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
        expected.push(format!("sha256 of {file}: {digits}"));
    }
    for line in expected {
        assert!(
            head.contains(&line.as_str()),
            "exchanges.txt is not the recording of the files beside it: its head does not say \
             `{line}`. Run tests/fastapi/record.py again."
        );
    }
    assert!(head.iter().any(|line| line.starts_with("python 3.")), "the head does not name a Python");
}

#[test]
fn every_response_is_fastapis_or_a_difference_on_the_list() {
    let server = TestServer::start();
    let (exchanges, changes) = (exchanges(), changes());
    assert!(exchanges.len() >= 400, "only {} exchanges are recorded", exchanges.len());
    let mut faults = Vec::new();
    for exchange in &exchanges {
        println!("{}", exchange.name); // seen when the next line panics
        let ours = ask(&server, exchange);
        faults.extend(faults_of(exchange, &expected(exchange, &exchanges, &changes), &ours));
    }
    assert!(
        faults.is_empty(),
        "{} parts of responses are neither FastAPI's nor on the list:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// A name with `*` may cover exchanges that it does not change; another line may not.
#[test]
fn every_line_of_the_list_makes_a_difference() {
    let (exchanges, changes) = (exchanges(), changes());
    for change in &changes {
        let Change { pattern, part, value } = change;
        let of_this_line: Vec<&Exchange> =
            exchanges.iter().filter(|exchange| change.is_for(&exchange.name)).collect();
        assert!(!of_this_line.is_empty(), "no exchange is called {pattern}");
        let differs = |exchange: &&Exchange| {
            let mut parts = exchange.response.clone();
            apply(change, &mut parts, &exchanges, &changes);
            parts != exchange.response
        };
        assert!(of_this_line.iter().any(differs), "{pattern} | {part} = {value}: FastAPI answers this too");
    }
}

#[test]
fn every_difference_has_a_reason() {
    let headings = DIFFERENCES.lines().filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty());
    let mut names = BTreeSet::new();
    for heading in headings {
        let (name, reason) = heading.split_once(": ").unwrap_or_default();
        assert!(!name.is_empty() && reason.ends_with('.') && reason.len() > 20, "{heading:?} has no reason");
        assert!(names.insert(name), "two differences are called {name}");
    }
    assert!(!names.is_empty(), "there is no list of differences");
}

/// What we should answer: the recording, changed by the lines of the list in their order.
fn expected(exchange: &Exchange, exchanges: &[Exchange], changes: &[Change]) -> Parts {
    let mut parts = exchange.response.clone();
    for change in changes.iter().filter(|change| change.is_for(&exchange.name)) {
        apply(change, &mut parts, exchanges, changes);
    }
    parts
}

fn apply(Change { part, value, .. }: &Change, parts: &mut Parts, exchanges: &[Exchange], changes: &[Change]) {
    let (part, value) = (part.as_str(), value.as_str());
    let mut set = |part: &str, value: &str| parts.insert(part.into(), value.into());
    match (part, value) {
        ("refused", status) => {
            parts.clear();
            let fields = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")];
            let all = [("status", status), ("body", REASON)].into_iter().chain(fields);
            parts.extend(all.map(|(part, value)| (part.into(), value.into())));
        }
        ("as", other) => {
            let other = exchanges.iter().find(|exchange| exchange.name == other);
            *parts = expected(other.expect("an exchange of this name"), exchanges, changes);
        }
        (_, "-") => _ = parts.remove(part),
        ("body", _) => {
            set("content-length", &bytes(value).len().to_string());
            set(part, value);
        }
        _ => _ = set(part, value),
    }
}

/// A sentence for each part that is not as expected.
fn faults_of(exchange: &Exchange, expected: &Parts, ours: &Parts) -> Vec<String> {
    let names: BTreeSet<&String> = expected.keys().chain(ours.keys()).collect();
    let differing = names.into_iter().filter(|name| expected.get(*name) != ours.get(*name));
    let shown = |part: Option<&String>| part.map_or("absent".to_owned(), |value| format!("`{value}`"));
    let fault = |name| {
        let (ours, expected) = (shown(ours.get(name)), shown(expected.get(name)));
        format!("{}: {name} is {ours}, and should be {expected}", exchange.name)
    };
    differing.map(fault).collect()
}

/// Makes an exchange with our server and takes the last response apart, as `record.py` does.
fn ask(server: &TestServer, exchange: &Exchange) -> Parts {
    let mut client = server.connect();
    let is_head = matches!(exchange.steps.first(), Some(Step::Send(bytes)) if bytes.starts_with(b"HEAD "));
    let (mut responses, mut to_end) = (Vec::new(), false);
    for step in &exchange.steps {
        match step {
            Step::Send(bytes) => client.send(bytes),
            Step::Wait => responses.extend(client.next_response(!is_head)),
            Step::Finish => client.finish_sending(),
            Step::ToEnd => {}
        }
        to_end |= matches!(step, Step::Finish | Step::ToEnd);
    }
    let is_final = |responses: &[Response]| responses.last().is_some_and(|last| last.status >= 200);
    while to_end || !is_final(&responses) {
        let Some(response) = client.next_response(!is_head) else { break };
        responses.push(response);
    }
    let mut statuses: Vec<String> = responses.iter().map(|response| response.status.to_string()).collect();
    if !is_final(&responses) {
        statuses.push("closed".into());
    }
    let last = responses.last().map(|last| parts_of(&exchange.name, is_head, last));
    let mut parts = last.unwrap_or_default();
    parts.insert("status".into(), statuses.join(" "));
    parts
}

/// All parts but the status, and the date, which is for FastAPI's server to write. The page at `/docs`
/// is our own, and the OpenAPI document is compared as JSON, in `tests/tutorial.rs`: of these two only
/// the type counts here.
fn parts_of(exchange: &str, is_head: bool, response: &Response) -> Parts {
    let is_document =
        response.status == 200 && (exchange.starts_with("page/") || exchange.starts_with("openapi/"));
    assert!(response.status < 200 || response.header("date").is_some(), "{exchange}: no date");
    let mut parts = Parts::from([("phrase".into(), response.phrase().into())]);
    for (name, value) in &response.headers {
        let mut elements: Vec<&str> = value.split(", ").collect();
        if name == "allow" {
            elements.sort_unstable(); // they are a set, and FastAPI's order changes from run to run
        }
        if name != "date" && (!is_document || name == "content-type") {
            parts.insert(name.clone(), elements.join(", "));
        }
    }
    if is_reason(response, is_head) {
        parts.remove("phrase");
        parts.remove("content-length");
        parts.insert("body".into(), REASON.into());
    } else if !response.body.is_empty() && !is_document {
        parts.insert("body".into(), readable(&response.body));
    }
    parts
}

/// Whether the body is the status, its phrase and a sentence, on one line of plain text. A response
/// to HEAD has the fields for it alone.
fn is_reason(response: &Response, is_head: bool) -> bool {
    let text = String::from_utf8_lossy(&response.body);
    let is_plain = response.header("content-type").is_some_and(|value| value.starts_with("text/plain"));
    let start = format!("{} {}: ", response.status, response.phrase());
    let is_line = text.starts_with(&start) && text.ends_with(".\n") && text.lines().count() == 1;
    is_plain && (is_line || (is_head && text.is_empty()))
}

/// Reads the recording.
fn exchanges() -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in EXCHANGES.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            exchanges.push(Exchange { name: name.into(), steps: Vec::new(), response: Parts::new() });
        } else if let Some(exchange) = exchanges.last_mut() {
            match line.split_at_checked(1) {
                Some((">", step)) => read_step(step, &mut exchange.steps),
                Some(("<", part)) => read_part(part, &mut exchange.response),
                _ => assert_eq!(line, "", "a line of the recording that is neither sent nor received"),
            }
        }
    }
    exchanges
}

/// Reads what comes after `>`. Bytes without anything between them are sent as one.
fn read_step(text: &str, steps: &mut Vec<Step>) {
    let sent = match text {
        ":" => return steps.push(Step::Wait),
        "." => return steps.push(Step::Finish),
        "*" => return steps.push(Step::ToEnd),
        _ => match text.strip_prefix('|') {
            Some(piece) => bytes(piece),
            None => [&bytes(text.strip_prefix(' ').unwrap_or_default())[..], b"\r\n"].concat(),
        },
    };
    match steps.last_mut() {
        Some(Step::Send(before)) => before.extend(sent),
        _ => steps.push(Step::Send(sent)),
    }
}

/// Reads what comes after `<`. A status begins a response, of which the parts replace those of the
/// one before.
fn read_part(text: &str, parts: &mut Parts) {
    if let Some(body) = text.strip_prefix('|') {
        parts.insert("body".into(), body.into());
    } else if let Some((name, value)) = text.trim_start().split_once(": ") {
        parts.insert(name.into(), value.into());
    } else {
        let before = parts.remove("status").map_or(String::new(), |before| before + " ");
        let (status, phrase) = text.trim_start().split_once(' ').unwrap_or((text.trim_start(), ""));
        parts.clear();
        parts.insert("status".into(), before + status);
        if !phrase.is_empty() {
            parts.insert("phrase".into(), phrase.into());
        }
    }
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
