//! The transcripts: the commands of each `console` fence are run, and their output is compared.

use crate::page::{Fence, Page};
use crate::programs::{PATIENCE, run, serve, shell};
use crate::refill::{Change, say};

/// A command, and what the page says that it prints.
pub struct Command {
    pub line: usize,
    pub text: String,
    pub output: Vec<String>,
}

/// Splits a fence into its commands; a line that ends in `\` goes on in the next one.
pub fn commands(fence: &Fence) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for (line, text) in (fence.line + 1..).zip(&fence.lines) {
        match (text.strip_prefix("$ "), commands.last_mut()) {
            (_, Some(command)) if command.output.is_empty() && command.text.ends_with('\\') => {
                command.text += &format!("\n{text}");
            }
            (Some(text), _) => commands.push(Command { line, text: text.to_owned(), output: Vec::new() }),
            (None, Some(command)) => command.output.push(text.clone()),
            (None, None) => {}
        }
    }
    commands
}

/// The outputs of all transcripts that can be run; the exercises run `cargo test`.
pub fn changes(page: &Page) -> Vec<Change> {
    let (mut changes, mut requests) = (Vec::new(), Vec::new());
    for fence in page.fences.iter().filter(|fence| fence.language == "console") {
        if let Some(reason) = page.not_run(fence) {
            say(&page.at(fence.line, &format!("not run: {reason}")));
            continue;
        }
        let commands = commands(fence);
        for command in commands.iter().filter(|command| !command.text.starts_with("cargo test")) {
            let found = match command.text.strip_prefix("cargo run") {
                Some(_) if command.output.is_empty() => continue, // the reader is asked to start it
                Some(words) => printed_by_server(words, &command.output, &requests),
                None => {
                    let mut above = page.comments.iter().filter(|(line, ..)| *line < fence.line);
                    let server = above.rfind(|(_, name, _)| name == "server");
                    let once = || {
                        let (_process, first, port) = serve(server.map_or("", |(.., flags)| flags))?;
                        printed(&command.text, port.ok_or(first)?)
                    };
                    // Page 0 shows a client that races with a reset, and mostly wins.
                    let has_lost =
                        |found: &String| refilled(&command.output, found) != Ok(command.output.clone());
                    once().and_then(|found| if has_lost(&found) { once() } else { Ok(found) })
                }
            };
            let line = command.line + command.text.lines().count();
            let new = found.and_then(|found| refilled(&command.output, &found));
            changes.push(Change { line, count: command.output.len(), new });
        }
        if !commands.iter().any(|command| command.text.starts_with("cargo")) {
            requests = commands;
        }
    }
    changes
}

/// What a command prints, with the port of the server for that of the page.
fn printed(text: &str, port: u16) -> Result<String, String> {
    let result = run(&mut shell(&text.replace("8000", &port.to_string())), PATIENCE);
    let hint = |reason| format!("{reason}; does the request ask for `Connection: close`?");
    result.map(|(_, output)| as_on_the_page(&output, port)).map_err(hint)
}

/// What `cargo run` prints: the first line, if the page has it, and what comes because of the requests
/// before on the page; or all, where it ends by itself.
fn printed_by_server(words: &str, shown: &[String], requests: &[Command]) -> Result<String, String> {
    let words = words.trim().trim_start_matches("--example ").trim_start_matches("-- ");
    let (process, first, port) = serve(words)?;
    let Some(port) = port else {
        return Ok([vec![first], process.lines(usize::MAX, PATIENCE)].concat().join("\n"));
    };
    for request in requests {
        printed(&request.text, port)?;
    }
    let shows_first = fits_line(&shown[0], &as_on_the_page(&first, port));
    let first = if shows_first { vec![first] } else { Vec::new() };
    let others = process.lines(shown.len() - first.len(), PATIENCE);
    Ok(as_on_the_page(&[first, others].concat().join("\n"), port))
}

/// An output as the page has it: with its port, and `[..]` for what differs from run to run.
fn as_on_the_page(output: &str, port: u16) -> String {
    let output = output.replace("\r\n", "\n").replace(&port.to_string(), "8000");
    let line = |line: &str| match line.split_once("127.0.0.1:") {
        _ if line.starts_with("date: ") => "date: [..]".to_owned(),
        Some((before, after)) if !after.starts_with("8000") => {
            format!("{before}127.0.0.1:[..]{}", after.trim_start_matches(|it: char| it.is_ascii_digit()))
        }
        _ => line.to_owned(),
    };
    output.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// An output as the page should show it: where it fits what the page shows, it stays as it is.
fn refilled(shown: &[String], found: &str) -> Result<Vec<String>, String> {
    let found: Vec<&str> = found.lines().collect();
    let mut patterns: Vec<&str> = shown.iter().map(String::as_str).collect();
    if fits(&patterns, &found) {
        return Ok(shown.to_vec());
    } else if patterns.contains(&"...") {
        return Err(format!("this does not fit what the command prints:\n    {}", found.join("\n    ")));
    }
    let refill = |line: &&str| match patterns.iter().position(|pattern| fits_line(pattern, line)) {
        Some(index) => patterns.drain(..=index).next_back().unwrap_or(line).to_owned(),
        None => (*line).to_owned(),
    };
    Ok(found.iter().map(refill).collect())
}

/// Whether an output is what the page shows, where a line `...` stands for any number of lines.
fn fits(shown: &[&str], found: &[&str]) -> bool {
    match (shown, found) {
        ([], rest) => rest.is_empty(),
        (["...", shown @ ..], _) => (0..=found.len()).any(|skipped| fits(shown, &found[skipped..])),
        ([line, shown @ ..], [first, found @ ..]) => fits_line(line, first) && fits(shown, found),
        ([line, shown @ ..], []) => line.is_empty() && fits(shown, found),
    }
}

/// Whether a line fits one of the page, in which `[..]` stands for anything.
pub fn fits_line(pattern: &str, line: &str) -> bool {
    let Some((start, end)) = pattern.split_once("[..]") else {
        return pattern.trim_end() == line.trim_end();
    };
    let fits_end = |rest: &str| rest.char_indices().any(|(skipped, _)| fits_line(end, &rest[skipped..]));
    line.strip_prefix(start).is_some_and(|rest| fits_line(end, "") || fits_end(rest))
}
