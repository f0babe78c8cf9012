//! The cargo commands of the pages: `cargo run`, with what the server says, and `cargo test`, which
//! is not run inside a test.

use std::net::SocketAddr;
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::curl::Way;
use crate::names;
use crate::support::{PATIENCE, TestServer};
use crate::transcripts::{Entry, answer};
use crate::tree::Tree;
use crate::wildcards::{as_on_the_page, without_client_ports};

/// How the server's first line begins.
const BANNER: &str = "INFO:     simple-oauth2 running on ";

/// What the server prints: the banner, and what it says about the requests before on the page.
pub fn run(
    flags: &[String],
    entry: &Entry,
    requests: &[Entry],
    way: Way,
    other: SocketAddr,
) -> Result<String, String> {
    let shown = &entry.output;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    if shown.is_empty() {
        return Ok(String::new()); // the page only asks the reader to start it
    }
    let says_and_ends = flags.iter().any(|flag| matches!(*flag, "--help" | "--version"));
    if says_and_ends || shown[0].starts_with("simple-oauth2: ") {
        return run_to_its_end(&flags, other);
    }
    let server = TestServer::start_with(&[&flags[..], &["--port", "0"]].concat());
    let mut lines = Vec::new();
    if shown[0].starts_with(BANNER) {
        lines.push(server.banner().to_owned());
    }
    if shown.len() > lines.len() {
        if requests.is_empty() {
            return Err("no `console` fence with requests comes before it on the page".to_owned());
        }
        for request in requests {
            answer(&request.command, way, server.address())?;
            lines.extend(said_about_a_request(&server, flags.contains(&"--explain"))?);
        }
    }
    let output = as_on_the_page(&lines.join("\n"), server.address());
    Ok(without_client_ports(&output))
}

/// A line of the log, or a block up to its blank line.
fn said_about_a_request(server: &TestServer, explains: bool) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    loop {
        let line = server.next_line_within(PATIENCE);
        let line = line
            .ok_or_else(|| format!("the server printed no line more; until then:\n{}", lines.join("\n")))?;
        let is_last = !explains || line.is_empty();
        lines.push(line);
        if is_last {
            return Ok(lines);
        }
    }
}

/// A start that ends by itself. It finds its port taken by the server that is already running.
fn run_to_its_end(flags: &[&str], other: SocketAddr) -> Result<String, String> {
    let (port, next) = (other.port().to_string(), (other.port() + 1).to_string());
    let mut process = Process::new(env!("CARGO_BIN_EXE_simple-oauth2"));
    process
        .args(["--port", &port])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = process.spawn().map_err(|error| error.to_string())?;
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            return Err("the program goes on".to_owned());
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let ports = |text: String, before: &str| {
        text.replace(&format!("{before}{port}"), &format!("{before}8000"))
            .replace(&format!("{before}{next}"), &format!("{before}8001"))
    };
    Ok(["port ", "--port ", "127.0.0.1:"].into_iter().fold(text, ports).trim_end().to_owned())
}

/// `cargo test` is not run inside a test, but what it names must be there.
pub fn check_test(tree: &Tree, arguments: &[String]) -> Result<(), String> {
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    let (mut file, mut filter) = (None, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--test" => file = Some(arguments.next().ok_or("--test needs a name")?),
            option if option.starts_with('-') => return Err(format!("{option}: only --test is known here")),
            _ => filter = Some(argument),
        }
    }
    let Some(file) = file else {
        return if filter.is_none() { Ok(()) } else { Err("say where the test is: --test FILE".to_owned()) };
    };
    let (single, folder) = (format!("tests/{file}.rs"), format!("tests/{file}/"));
    let text = tree.lines(&single).or_else(|| tree.lines(&format!("{folder}main.rs")));
    let lines = text.ok_or_else(|| format!("there is no {single}"))?;
    let tests = names::tests(&lines);
    let found = filter.is_none_or(|filter| tests.iter().any(|test| test.contains(filter.as_str())));
    if found { Ok(()) } else { Err(format!("no test in {single} has this in its name")) }
}
