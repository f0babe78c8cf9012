//! The explain mode: what the server does for a request, step by step.
//!
//! Layer: framework; a middleware, which in Starlette usually is a class round the application. A
//! step is noted where it happens, in a list of the thread that does it; a thread serves one
//! request at a time, so steps of two requests never mix. The compiler adds the place in the source.
//!
//! Passwords, hashes and client secrets are never noted. Bearer tokens are: in this chapter a token
//! is a user name. So this mode is for learning, and not for a server that others use.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::OnceLock;

use crate::server::{Application, Log, Request, Response};

/// Where the steps are printed. The mode is on once there is such a log.
static LOG: OnceLock<Log> = OnceLock::new();

thread_local! {
    static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
}

/// A step: the section of the chapter, the place in the source, and what was found there.
struct Step {
    section: &'static str,
    place: String,
    finding: String,
}

/// A longer finding is cut, in characters.
const LONGEST_FINDING: usize = 200;

/// A longer body is told by its length, in bytes.
const LONGEST_BODY: usize = 400;

/// A longer `server-timing` field is cut, in bytes: programs between client and server take 4 KiB of
/// header fields and more.
const LONGEST_FIELD: usize = 2048;

/// Switches the explain mode on, for the life of the process.
pub fn switch_on(log: Log) {
    let _ = LOG.set(log); // an error means that it is on
}

/// Notes a step. While the mode is off, `finding` is never called, so a step costs next to nothing.
#[track_caller]
pub(crate) fn step(section: &'static str, finding: impl FnOnce() -> String) {
    if LOG.get().is_none() {
        return;
    }
    let (caller, finding) = (Location::caller(), finding());
    // The compiler writes paths as its system does; on Windows with backslashes.
    let place = format!("{}:{}", caller.file().replace('\\', "/"), caller.line());
    let cut = finding.char_indices().nth(LONGEST_FINDING);
    let finding = match cut {
        Some((end, _)) => format!("{}...", &finding[..end]),
        None => finding,
    };
    STEPS.with_borrow_mut(|steps| steps.push(Step { section, place, finding }));
}

/// Calls the application, prints what it did, and puts it into the response.
#[must_use]
pub fn explain(request: &Request<'_>, application: Application) -> Response {
    STEPS.take();
    let result = catch_unwind(AssertUnwindSafe(|| application(request)));
    let steps = STEPS.take();
    match result {
        Ok(mut response) => {
            print(request, &steps, response.status, &body_text(&response));
            if !steps.is_empty() {
                response.headers.push(("server-timing", server_timing(&steps).into()));
            }
            response
        }
        Err(panic) => {
            print(request, &steps, 500, "the handler panicked");
            resume_unwind(panic)
        }
    }
}

/// Prints the block of a request: its steps between a heading and the response. The empty line is
/// before it, so that the line of the access log, which mostly comes next, is seen to belong to it.
fn print(request: &Request<'_>, steps: &[Step], status: u16, body: &str) {
    let heading = format!("{} {}", request.method, request.path);
    let mut block = format!("\n{heading:<50} {}\n", request.client);
    for Step { section, place, finding } in steps {
        // Writing to a string cannot fail.
        let _ = writeln!(block, "  {section:<4} {place:<32} {}", printable(finding));
    }
    let _ = writeln!(block, "  {status}  {body}");
    if let Some(log) = LOG.get() {
        log.send(block);
    }
}

/// The body of a response as it may be shown.
fn body_text(response: &Response) -> String {
    match response.body.len() {
        0 => "no body".into(),
        1..=LONGEST_BODY => printable(&without_hash(&response.body)),
        length => format!("{}, {length} bytes", response.content_type.unwrap_or("bytes")),
    }
}

/// The hash is in the response, as in the chapter; it need not be on a screen as well.
fn without_hash(body: &str) -> String {
    const FIELD: &str = "\"hashed_password\":\"";
    match body.split_once(FIELD) {
        Some((before, after)) => {
            let after = after.find('"').map_or("", |end| &after[end..]);
            format!("{before}{FIELD}******{after}")
        }
        None => body.to_owned(),
    }
}

/// Escapes control characters, and those that change the direction of writing: a client could draw
/// on a terminal with them.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for character in text.chars() {
        if matches!(character, '"' | '\'' | '\\') {
            printable.push(character); // harmless
        } else {
            printable.extend(character.escape_debug());
        }
    }
    printable
}

/// The steps as a `Server-Timing` field (W3C Server Timing): a metric for each step, with a
/// description and without a duration, because the steps take some microseconds.
fn server_timing(steps: &[Step]) -> String {
    let mut field = String::new();
    for (index, Step { section, place, finding }) in steps.iter().enumerate() {
        let description = quoted(&format!("{section} {place} {finding}"));
        let comma = if index == 0 { "" } else { ", " };
        if field.len() + description.len() > LONGEST_FIELD {
            let left = steps[index..].len();
            let _ = write!(field, "{comma}cut;desc=\"{left} more steps, see the terminal\"");
            break;
        }
        let _ = write!(field, "{comma}step{};desc={description}", index + 1);
    }
    field
}

/// A quoted string (RFC 9110 §5.6.4) of visible ASCII characters; all others are escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => {
                quoted.push('\\');
                quoted.extend(character.escape_unicode());
            }
        }
    }
    quoted.push('"');
    quoted
}
