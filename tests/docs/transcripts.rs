//! The transcripts: the commands of each `console` fence are run, and their output is compared.

use crate::page::{Fence, Page};
use crate::programs::{PATIENCE, Server, Servers, run, shell};
use crate::refill::{Change, say};
use crate::tree::Tree;
use crate::{exercises, named_tests};

/// A command, and what the page says that it prints.
pub struct Command {
    pub line: usize,
    pub text: String,
    pub output: Vec<String>,
}

impl Command {
    fn is_cargo(&self) -> bool {
        self.text.split_whitespace().any(|word| word == "cargo")
    }
}

/// Splits a fence into its commands; a line that ends in `\` goes on in the next one.
pub fn commands(fence: &Fence) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut goes_on = false;
    for (line, text) in (fence.line + 1..).zip(&fence.lines) {
        match (text.strip_prefix("$ "), commands.last_mut()) {
            (_, Some(command)) if goes_on => command.text += &format!("\n{text}"),
            (Some(text), _) => commands.push(Command { line, text: text.to_owned(), output: Vec::new() }),
            (None, Some(command)) => command.output.push(text.clone()),
            (None, None) => {}
        }
        let is_output = commands.last().is_some_and(|command| !command.output.is_empty());
        goes_on = text.ends_with('\\') && !is_output;
    }
    commands
}

/// Outputs that do not come true, and transcripts that cannot be run.
pub fn changes(tree: &Tree, page: &Page, servers: &mut Servers) -> Vec<Change> {
    let (mut changes, mut requests) = (Vec::new(), Vec::new());
    for fence in page.fences.iter().filter(|fence| fence.language == "console") {
        let commands = commands(fence);
        if let Some(reason) = fence.marked("not run") {
            say(&page.at(fence.line, &format!("not run: {reason}")));
            continue;
        } else if fence.lines.first().is_none_or(|line| !line.starts_with("$ ")) {
            changes.push(Change::fault(page, fence.line, "a transcript begins with `$ `".to_owned()));
        }
        for command in &commands {
            let found = match command.text.strip_prefix("cargo run") {
                Some(_) if commands.len() > 1 => Err("`cargo run` is alone in its fence".to_owned()),
                Some(_) if command.output.is_empty() => continue, // the reader is asked to start it
                Some(words) => printed_by_server(words, &command.output, &requests, servers),
                None if command.is_cargo() => match cargo_fault(tree, page, fence, command) {
                    Some(fault) => Err(fault),
                    None => continue,
                },
                None => {
                    let above = page.comments.iter().rfind(|it| it.0 < fence.line && it.1 == "server");
                    let port = servers.port(above.map_or("", |(_, _, server)| server));
                    port.and_then(|port| printed(&command.text, port))
                }
            };
            changes.extend(compared(page, command, found));
        }
        if !commands.iter().any(Command::is_cargo) {
            requests = commands;
        }
    }
    changes
}

/// `cargo test` is not run here. With an output it belongs to an edit, with which it is run.
fn cargo_fault(tree: &Tree, page: &Page, fence: &Fence, command: &Command) -> Option<String> {
    let is_exercise = exercises::of_page(page).0.iter().any(|it| it.at_fence == fence.line);
    if command.output.is_empty() || is_exercise {
        return named_tests::command_fault(tree, &command.text);
    }
    Some("nothing runs this and looks at its output; `<!-- not run: why -->` above it says so".to_owned())
}

/// What a command prints, with the port of the server for that of the page.
fn printed(text: &str, port: u16) -> Result<String, String> {
    let mut script = text.to_owned();
    for host in ["127.0.0.1", "localhost"] {
        for between in [":", " ", "', ", "\", ", "/"] {
            script = script.replace(&format!("{host}{between}8000"), &format!("{host}{between}{port}"));
        }
    }
    let hint = |reason| format!("{reason}; does the request ask for `Connection: close`?");
    let (_, output) = run(&mut shell(&script), PATIENCE).map_err(hint)?;
    Ok(as_on_the_page(&output, port))
}

/// What `cargo run` prints: the first line, if the page has it, and what comes because of the requests
/// before on the page; or all, where it ends by itself.
fn printed_by_server(
    words: &str,
    shown: &[String],
    requests: &[Command],
    servers: &mut Servers,
) -> Result<String, String> {
    let words = words.trim().trim_start_matches("--example ").trim_start_matches("-- ");
    let taken = if shown[0].contains("is taken") { servers.port("")? } else { 0 };
    let server = Server::start(words, taken)?;
    let port = server.address.map_or(taken, |address| address.port());
    for request in requests.iter().filter(|_| server.address.is_some()) {
        printed(&request.text, port)?;
    }
    let port = if words.contains("--port") { 0 } else { port }; // then the page has the real one
    let shows_first = fits_line(&shown[0], &as_on_the_page(&server.first_line, port));
    let lines = server.lines(shown.len() - usize::from(shows_first));
    let first = Some(server.first_line.clone()).filter(|_| shows_first || server.address.is_none());
    Ok(as_on_the_page(&first.into_iter().chain(lines).collect::<Vec<_>>().join("\n"), port))
}

/// An output as the page has it: with its port, and `[..]` for what differs from run to run.
fn as_on_the_page(output: &str, port: u16) -> String {
    let mut output = output.replace("\r\n", "\n");
    if port > 0 {
        let next = (u32::from(port) + 1).to_string(); // which the program proposes where the first is taken
        output = output.replace(&port.to_string(), "8000").replace(&next, "8001");
    }
    let mut lines: Vec<String> = Vec::new();
    for line in output.trim_end().lines() {
        if line.starts_with("thread '") && lines.last().is_some_and(String::is_empty) {
            lines.pop(); // newer Rust has a blank line before a panic
        }
        lines.push(match line.split_once("' ") {
            _ if line.starts_with("date: ") => "date: [..]".to_owned(),
            Some((thread, rest)) if line.starts_with("thread '") => {
                let place = rest.split_once("panicked at ").map_or(rest, |(_, place)| place);
                let place = if place.starts_with('/') { "[..]" } else { place };
                format!("{thread}' [..]panicked at {place}")
            }
            _ => without_client_ports(line),
        });
    }
    lines.join("\n")
}

fn without_client_ports(line: &str) -> String {
    let mut parts = line.split("127.0.0.1:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|it: char| it.is_ascii_digit());
        let port = &part[..part.len() - rest.len()];
        text.extend(["127.0.0.1:", if matches!(port, "" | "8000") { port } else { "[..]" }, rest]);
    }
    text
}

fn compared(page: &Page, command: &Command, found: Result<String, String>) -> Option<Change> {
    let what = format!("$ {}", command.text);
    let found = match found {
        Ok(found) => found,
        Err(reason) => return Some(Change::fault(page, command.line, format!("{what}\n    {reason}"))),
    };
    let mut shown: Vec<&str> = command.output.iter().map(String::as_str).collect();
    let found: Vec<&str> = found.lines().collect();
    if fits(&shown, &found) {
        return None;
    } else if shown.contains(&"...") {
        let what = format!("{what}\n    does not fit what it prints:\n    {}", found.join("\n    "));
        return Some(Change::fault(page, command.line, what));
    }
    // A line of the page stays where it fits.
    let refill = |line: &&str| match shown.iter().position(|pattern| fits_line(pattern, line)) {
        Some(index) => shown.drain(..=index).next_back().unwrap_or(line).to_owned(),
        None => (*line).to_owned(),
    };
    let new = found.iter().map(refill).collect();
    Some(Change::of(page, command.line + command.text.lines().count(), &command.output, new, what))
}

/// Whether an output is what the page shows, where a line `...` stands for any number of lines.
pub fn fits(shown: &[&str], found: &[&str]) -> bool {
    match (shown, found) {
        ([], rest) => rest.is_empty(),
        (["...", shown @ ..], _) => (0..=found.len()).any(|skipped| fits(shown, &found[skipped..])),
        ([line, shown @ ..], [first, found @ ..]) => fits_line(line, first) && fits(shown, found),
        ([line, shown @ ..], []) => line.is_empty() && fits(shown, found),
    }
}

/// Whether a line fits one of the page, in which `[..]` stands for anything.
pub fn fits_line(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once("[..]") else {
        return pattern.trim_end() == line.trim_end();
    };
    let Some(mut line) = line.strip_prefix(start) else { return false };
    let (middle, last) = rest.rsplit_once("[..]").unwrap_or(("", rest));
    for part in middle.split("[..]") {
        let Some((_, after)) = line.split_once(part) else { return false };
        line = after;
    }
    line.ends_with(last)
}
