//! The transcripts: each `console` fence is run, and what comes back is compared to the byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::curl::{Curl, Way};
use crate::markdown::{Fence, Page};
use crate::support::{PATIENCE, TestServer};
use crate::tree::Tree;
use crate::wildcards::{as_on_the_page, without_line_numbers};
use crate::{cargo, repair, shell, tree};

/// What stands behind `$ `.
#[derive(Debug)]
pub enum Command {
    Curl(Curl),
    /// `printf '…' | nc 127.0.0.1 8000`: bytes as they are.
    Raw(String),
    /// `cargo run -- FLAGS`
    Run(Vec<String>),
    /// `cargo test ARGUMENTS`
    Test(Vec<String>),
}

/// A command and what the page says that comes back.
pub struct Entry {
    line: usize,
    text: String,
    pub command: Command,
    /// Where the output begins on the page.
    output_line: usize,
    pub output: Vec<String>,
}

/// Transcripts that do not come true.
pub fn faults(tree: &Tree, way: Way) -> Vec<String> {
    let server = TestServer::start();
    let mut faults = Vec::new();
    for page in tree.pages() {
        // What the log of a `cargo run` on the same page is about.
        let mut requests: Vec<Entry> = Vec::new();
        for fence in page.fences.iter().filter(|fence| fence.language == "console") {
            let entries = match entries(fence) {
                Ok(entries) => entries,
                Err((line, reason)) => {
                    faults.push(format!("{}:{line}: {reason}", page.path));
                    continue;
                }
            };
            for entry in &entries {
                let outcome = match &entry.command {
                    Command::Curl(_) | Command::Raw(_) => answer(&entry.command, way, server.address()),
                    Command::Run(flags) => cargo::run(flags, entry, &requests, way, server.address()),
                    Command::Test(arguments) => cargo::check_test(tree, arguments).map(|()| String::new()),
                };
                faults.extend(compare(tree, &page, entry, outcome));
            }
            if entries.iter().all(|entry| matches!(entry.command, Command::Curl(_) | Command::Raw(_))) {
                requests = entries;
            }
        }
    }
    faults
}

/// Splits a fence into its commands and their outputs.
fn entries(fence: &Fence) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut lines = (fence.line + 1..).zip(&fence.lines);
    while let Some((line, first)) = lines.next() {
        let Some(command) = first.strip_prefix("$ ") else {
            let entry = entries.last_mut().ok_or((line, "a transcript begins with `$ `".to_owned()))?;
            entry.output.push(first.clone());
            continue;
        };
        let (mut text, mut output_line) = (command.to_owned(), line + 1);
        while let Some(begun) = text.strip_suffix('\\') {
            let (number, next) = lines.next().ok_or((line, "the command does not end".to_owned()))?;
            text = format!("{begun}{}", next.trim_start());
            output_line = number + 1;
        }
        let command = parse(&text).map_err(|reason| (line, format!("$ {text}\n    {reason}")))?;
        entries.push(Entry { line, text, command, output_line, output: Vec::new() });
    }
    let runs = entries.iter().any(|entry| matches!(entry.command, Command::Run(_)));
    match entries.len() {
        0 => Err((fence.line, "an empty transcript".to_owned())),
        2.. if runs => Err((fence.line, "`cargo run` stands alone in its fence".to_owned())),
        _ => Ok(entries),
    }
}

fn parse(text: &str) -> Result<Command, String> {
    if let Some(format) =
        text.strip_prefix("printf ").and_then(|text| text.strip_suffix(" | nc 127.0.0.1 8000"))
    {
        return match shell::words(format)?.as_slice() {
            [format] => shell::printf(format).map(Command::Raw),
            _ => Err("`printf` with one format and nothing else".to_owned()),
        };
    }
    let mut words = shell::words(text)?;
    let begins =
        |start: &[&str]| words.iter().zip(start).filter(|(word, start)| word == start).count() == start.len();
    if begins(&["curl"]) {
        Curl::parse(words.split_off(1)).map(Command::Curl)
    } else if begins(&["cargo", "run"]) && (words.len() == 2 || words[2] == "--") {
        Ok(Command::Run(words.into_iter().skip(3).collect()))
    } else if begins(&["cargo", "test"]) {
        Ok(Command::Test(words.split_off(2)))
    } else {
        Err("not a command that is known here".to_owned())
    }
}

/// What a command prints that sends a request.
pub fn answer(command: &Command, way: Way, server: SocketAddr) -> Result<String, String> {
    let output = match command {
        Command::Curl(curl) => curl.run(way, server)?,
        Command::Raw(bytes) => exchange(bytes, server)?,
        Command::Run(_) | Command::Test(_) => return Err("this is no request".to_owned()),
    };
    Ok(as_on_the_page(&output, server))
}

/// Sends the bytes and reads up to the end of the connection, as `nc` does.
fn exchange(bytes: &str, server: SocketAddr) -> Result<String, String> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    stream.write_all(bytes.as_bytes()).map_err(|error| error.to_string())?;
    let mut output = Vec::new();
    stream.read_to_end(&mut output).map_err(|error| {
        format!("the server does not end the connection ({error}); ask it to: Connection: close")
    })?;
    String::from_utf8(output).map_err(|_| "the answer is not UTF-8".to_owned())
}

fn compare(tree: &Tree, page: &Page, entry: &Entry, outcome: Result<String, String>) -> Option<String> {
    let at = format!("{}:{}: $ {}", page.path, entry.line, entry.text);
    let output = match outcome {
        Ok(output) => output,
        Err(reason) => return Some(format!("{at}\n    {reason}")),
    };
    let (shown, output) = (entry.output.join("\n"), output.trim_end_matches('\n'));
    let shown = shown.trim_end_matches('\n');
    if shown == output {
        return None;
    }
    let only_moved = without_line_numbers(shown) == without_line_numbers(output);
    if only_moved && repair::is_wanted() {
        repair_output(tree, page, entry, output);
        return None;
    }
    let hint = if only_moved { repair::HINT } else { "" };
    Some(format!("{at}\n--- the page says\n{shown}\n--- what comes back {hint}\n{output}\n---"))
}

/// Only the lines of this output change, and their number stays, so all other lines keep theirs.
fn repair_output(tree: &Tree, page: &Page, entry: &Entry, output: &str) {
    let path = tree::root().join(&page.path);
    let text = std::fs::read_to_string(path).or_else(|_| tree.text(&page.path).map(str::to_owned).ok_or(""));
    let mut lines: Vec<String> = text.unwrap_or_default().lines().map(str::to_owned).collect();
    for (line, new) in lines[entry.output_line - 1..].iter_mut().zip(output.lines()) {
        new.clone_into(line);
    }
    tree::write(&page.path, &(lines.join("\n") + "\n"));
}
