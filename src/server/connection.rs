//! The life of a connection: read a request, answer it, and again, until someone closes.
//!
//! Layer: uvicorn. The thread waits in `read` and in `write`; nothing else is needed to serve many
//! clients, because each has a thread of its own.

use std::fmt::Write;
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::Server;
use super::body::BodyReader;
use super::framing::{BodyLength, Persistence};
use super::refusal::Refusal;
use super::request::{Request, mend_minor_version};
use super::response::{Response, reason_phrase};
use super::wire::{End, Wire};
use crate::explain;

/// The methods of RFC 9110 §9 and PATCH (RFC 5789). Any other is answered 501, on every path.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Serves one connection to its end.
pub(super) fn serve(server: &Server, stream: &TcpStream, peer: SocketAddr) {
    let Ok(mut wire) = Wire::new(server, stream, peer) else { return };
    let mut head = Vec::new();
    if let Err(End::Refused(refusal)) = answer_requests(&mut wire, &mut head) {
        let is_head = head.trim_ascii_start().starts_with(b"HEAD ");
        wire.owe(&Response::from(refusal), Persistence::Close, is_head);
        let reason = reason_phrase(refusal.status);
        let (peer, status, sentence) = (&wire.peer, refusal.status, refusal.sentence);
        let _ = writeln!(wire.log, "WARNING:  {peer} - refused with {status} {reason}: {sentence}");
        let _ = wire.linger(); // the connection ends, whether the client has read this or not
    }
}

/// Answers one request after the other.
///
/// There are three buffers. `head` holds the head, from which the request borrows; `rest` what
/// came behind it, which is first this request's body and then the next request; `body` the body.
fn answer_requests(wire: &mut Wire<'_>, head: &mut Vec<u8>) -> Result<(), End> {
    let limits = &wire.server.limits;
    let (mut rest, mut body) = (Vec::new(), Vec::new());
    loop {
        let mut deadline = None;
        let (mut request, framing) = loop {
            mend_minor_version(head);
            if let Some(complete) = Request::parse(head, limits)? {
                break complete;
            }
            if !wire.read_head(head, &mut deadline)? {
                return Ok(());
            }
        };
        rest.extend_from_slice(&head[framing.head_length..]);
        let reader = BodyReader::new(framing.body);
        let expects = framing.expects_continue && framing.body != BodyLength::Fixed(0);
        let whole = read_body(wire, &request, reader, expects, &mut rest, &mut body)?;
        request.body = &body;
        let persistence = if whole { framing.persistence } else { Persistence::Close };
        answer(wire, &request, persistence)?;
        if persistence == Persistence::Close {
            let more_may_come = !whole || !rest.is_empty() || wire.was_filled();
            if more_may_come {
                wire.linger()?;
            }
            return Ok(wire.flush()?);
        }
        head.clear();
        body.clear();
        mem::swap(head, &mut rest);
    }
}

/// Reads the body. `false`: the client waits for leave to send it, and nobody here wants it.
///
/// `100 Continue` is said only when no byte of the body is there yet (RFC 9110 §10.1.1).
fn read_body(
    wire: &mut Wire<'_>,
    request: &Request<'_>,
    mut reader: BodyReader,
    expects_continue: bool,
    rest: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Result<bool, End> {
    let server = wire.server;
    if expects_continue && rest.is_empty() {
        if !(server.application.reads_body)(request) {
            return Ok(false);
        }
        wire.output.push_str("HTTP/1.1 100 Continue\r\n\r\n");
    }
    let mut deadline = None;
    while !reader.take(rest, body, &server.limits)? {
        let moment = *deadline.get_or_insert_with(|| Instant::now() + server.limits.body_time);
        wire.read_body(rest, moment)?;
    }
    Ok(true)
}

/// Hands the request to the application and puts its answer with those that are to be written.
fn answer(wire: &mut Wire<'_>, request: &Request<'_>, persistence: Persistence) -> Result<(), End> {
    let server = wire.server;
    explain::begin();
    let response = if METHODS.contains(&request.method) {
        // A handler that panics costs its connection, not the server: the stack unwinds to here.
        catch_unwind(AssertUnwindSafe(|| (server.application.answer)(request)))
            .map_err(|_| Refusal::new(500, "The handler of this request failed."))?
    } else {
        Refusal::new(501, "This server does not know the method of the request.").into()
    };
    wire.owe(&response, persistence, request.method == "HEAD");
    if server.access_log.is_some() {
        log_line(&mut wire.log, &wire.peer, request, response.status);
    }
    explain::finish(&mut wire.log, &wire.peer, request, &response);
    if wire.output.len() >= server.limits.output {
        wire.flush()?;
    }
    Ok(())
}

/// uvicorn's line. A target with control characters has been refused before, so that no client
/// can write a line of its own into the log.
fn log_line(log: &mut String, peer: &str, request: &Request<'_>, status: u16) {
    let Request { method, path, minor_version, .. } = request;
    let (mark, query) = request.query.map_or(("", ""), |query| ("?", query));
    let reason = reason_phrase(status);
    // Writing to a string cannot fail.
    let _ = writeln!(
        log,
        "INFO:     {peer} - \"{method} {path}{mark}{query} HTTP/1.{minor_version}\" {status} {reason}"
    );
}
