//! The explain mode: what the server did for a request, step by step, as it happened.
//!
//! Layer: none; Python has a debugger for this. A step is noted where it is taken, in a list of
//! the thread that takes it, which is the connection's own, so no two requests mix. The place in
//! the source comes from the compiler and cannot go stale. Passwords and hashes are never noted.

use std::cell::RefCell;
use std::fmt::{Arguments, Write as _};
use std::io::{self, Write as _};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::server::{Request, Response};

static ON: AtomicBool = AtomicBool::new(false);

thread_local! {
    static STEPS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A longer body is told by its length.
const LONGEST_BODY: usize = 400;

/// Switches the explain mode on, for the life of the process.
pub fn switch_on() {
    ON.store(true, Relaxed);
}

/// Opens the block of a request. A handler that panicked may have left steps behind.
pub(crate) fn begin() {
    if ON.load(Relaxed) {
        STEPS.take();
    }
}

/// Notes a step: the section of the chapter, the place of the call, and what was found there.
///
/// While the mode is off this is one load and one jump.
#[track_caller]
pub fn step(section: &str, finding: Arguments<'_>) {
    if !ON.load(Relaxed) {
        return;
    }
    let place = Location::caller();
    let place = format!("{}:{}", place.file(), place.line());
    STEPS.with_borrow_mut(|steps| {
        // Writing to a string cannot fail.
        let _ = writeln!(steps, "  {section:<4} {place:<32} {finding}");
    });
}

/// Closes the block of a request: adds its steps and its answer to `block`, under a heading.
pub(crate) fn finish(block: &mut String, peer: &str, request: &Request<'_>, response: &Response) {
    if !ON.load(Relaxed) {
        return;
    }
    let steps = STEPS.take();
    let heading = format!("{} {}", request.method, request.path);
    let status = response.status;
    let content_type = response.content_type.unwrap_or("bytes");
    let body = match response.body.len() {
        0 => "no body".into(),
        1..=LONGEST_BODY => printable(&without_hash(&response.body)),
        length => format!("{content_type}, {length} bytes"),
    };
    let _ = writeln!(block, "{heading:<50} {peer}\n{steps}  {status}  {body}\n");
}

/// Prints finished blocks, in one piece. A closed stdout is no reason to stop serving.
pub(crate) fn print(blocks: &str) {
    if ON.load(Relaxed) {
        let _ = io::stdout().lock().write_all(blocks.as_bytes());
    }
}

/// The hash goes out in the answer, as the chapter has it; it need not stand on a screen as well.
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

/// Control characters, and those that turn the direction of writing, would let a client draw on the
/// terminal of whoever watches.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for character in text.chars() {
        if matches!(character, '"' | '\'' | '\\') {
            printable.push(character); // JSON has seen to these
        } else {
            printable.extend(character.escape_debug());
        }
    }
    printable
}
