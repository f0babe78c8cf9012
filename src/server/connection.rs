//! The life of a connection: read a request, respond to it, and again, until one side ends it.
//!
//! Layer: server. The thread waits in `read` and in `write`, and nothing more is needed to serve many
//! clients at a time, because each connection has a thread of its own.

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::body::BodyReader;
use super::config::Config;
use super::date::Clock;
use super::error::HttpError;
use super::framing::Framing;
use super::request::{ParsedHead, Request, is_head_request};
use super::response::{Persistence, Response, status_text};
use super::socket::{Deadline, READ_SIZE, Socket, is_timeout};

/// A buffer that has grown larger than this is made small again before its connection waits.
const LARGE_BUFFER: usize = 2 * READ_SIZE;

/// What a thread keeps from one connection to the next, so that a new connection allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    input: Input,
    /// Responses that wait to be written: the write buffer.
    output: String,
    clock: Clock,
}

/// Bytes that have come, of which the first `used` belong to requests that have their response.
#[derive(Debug, Default)]
struct Input {
    bytes: Vec<u8>,
    used: usize,
}

/// Why a connection ends before its client wants it to.
enum Error {
    /// The client gets a response that says why.
    Http(HttpError),
    /// The client is gone.
    Gone,
    /// The client did not take its responses.
    Write(io::Error),
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

/// A socket, and the responses that wait to be written to it.
struct Connection<'a> {
    config: &'a Config,
    socket: Socket<'a>,
    client: SocketAddr,
    lifetime: Deadline,
    output: &'a mut String,
    clock: &'a mut Clock,
}

/// Gives back what large requests and responses have taken.
fn shrink(input: &mut Vec<u8>, output: &mut String) {
    if input.capacity() > LARGE_BUFFER {
        input.shrink_to(READ_SIZE);
    }
    if output.capacity() > LARGE_BUFFER {
        output.shrink_to(0);
    }
}

/// Serves one connection to its end.
pub(super) fn serve(config: &Config, stream: &TcpStream, client: SocketAddr, buffers: &mut Buffers) {
    let limits = &config.limits;
    let Ok(socket) = Socket::new(stream, limits.idle_timeout, limits.write_timeout) else {
        return; // the client has gone again
    };
    let lifetime = Deadline::after(limits.connection_lifetime);
    let Buffers { input, output, clock } = buffers;
    let mut connection = Connection { config, socket, client, lifetime, output, clock };
    match connection.serve_requests(input) {
        Ok(()) | Err(Error::Gone) => {}
        Err(Error::Http(error)) => {
            let is_head = is_head_request(&input.bytes[input.used..], limits);
            let _ = connection.refuse(error, is_head); // the connection ends in any case
        }
        Err(Error::Write(error)) => {
            connection.log(format!("WARNING:  {client} - a response could not be sent: {error}\n"));
        }
    }
    input.replace(b""); // nothing of one client is left for the next
    output.clear();
    shrink(&mut input.bytes, output);
}

impl Input {
    /// Goes on with these bytes, which came after a request whose body was read apart.
    fn replace(&mut self, bytes: &[u8]) {
        self.used = 0;
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }
}

impl Connection<'_> {
    /// The loop: read → parse → respond → write, and again.
    ///
    /// What has been responded to is written when no further request is in the input: requests that
    /// came together are answered together, with one system call.
    fn serve_requests(&mut self, input: &mut Input) -> Result<(), Error> {
        loop {
            let (mut after_head, mut body) = (Vec::new(), Vec::new());
            let mut deadline = None;
            let ParsedHead { mut request, framing, rest } = loop {
                let unread = &mut input.bytes[input.used..];
                if let Some(head) = Request::parse(unread, self.client, &self.config.limits)? {
                    break head;
                }
                self.write()?;
                input.bytes.drain(..mem::take(&mut input.used));
                if !self.read_head(&mut input.bytes, &mut deadline)? {
                    return Ok(());
                }
            };
            let whole_body = framing.whole_body(rest);
            request.body = if let Some(body) = whole_body {
                body // nothing is copied
            } else {
                after_head.extend_from_slice(rest);
                self.read_body(&framing, &mut after_head, &mut body)?;
                &body
            };
            let persistence = self.respond(&request, framing.persistence)?;
            match whole_body {
                Some(body) => input.used += framing.head_length + body.len(),
                None => input.replace(&after_head),
            }
            if persistence == Persistence::Close {
                let is_last = framing.persistence == Persistence::Close && input.used == input.bytes.len();
                return self.close(is_last);
            }
        }
    }

    /// Reads more of a head. `false`: the client has no further request.
    ///
    /// The deadline is the one of this head; it is set when the first byte has come.
    fn read_head(&mut self, input: &mut Vec<u8>, deadline: &mut Option<Deadline>) -> Result<bool, Error> {
        let limits = &self.config.limits;
        let has_begun = input.iter().any(|byte| !b"\r\n".contains(byte));
        let result = if input.is_empty() {
            shrink(input, self.output);
            self.socket.read(input, limits.idle_timeout)
        } else {
            let deadline = deadline.get_or_insert_with(|| Deadline::after(limits.head_timeout));
            let remaining = deadline.remaining();
            remaining.and_then(|timeout| self.socket.read(input, timeout))
        };
        match result {
            Ok(0) if has_begun => {
                Err(HttpError::bad_request("The connection ends before the head of the request does.").into())
            }
            Ok(0) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) if is_timeout(&error) && has_begun => {
                Err(HttpError::new(408, "The head of the request came too slowly.").into())
            }
            Err(error) if is_timeout(&error) => Ok(false),
            Err(_) => Err(Error::Gone),
        }
    }

    /// Reads a body that did not come whole with its head. What follows it stays in `input`.
    ///
    /// `100 Continue` is sent only where no byte of the body is there yet (RFC 9110 §10.1.1).
    fn read_body(&mut self, framing: &Framing, input: &mut Vec<u8>, body: &mut Vec<u8>) -> Result<(), Error> {
        let limits = &self.config.limits;
        if framing.expects_continue && input.is_empty() {
            self.output.push_str("HTTP/1.1 100 Continue\r\n\r\n");
        }
        let mut reader = BodyReader::new(framing.body);
        let deadline = Deadline::after(limits.body_timeout);
        while !reader.take(input, body, limits)? {
            self.write()?;
            let remaining = deadline.remaining();
            match remaining.and_then(|timeout| self.socket.read(input, timeout)) {
                Ok(0) => {
                    let message = "The connection ends before the body of the request does.";
                    return Err(HttpError::bad_request(message).into());
                }
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {
                    return Err(HttpError::new(408, "The body of the request came too slowly.").into());
                }
                Err(_) => return Err(Error::Gone),
            }
        }
        Ok(())
    }

    /// Calls the application, and queues its response. Returns what happens to the connection.
    fn respond(&mut self, request: &Request<'_>, wanted: Persistence) -> Result<Persistence, Error> {
        let application = self.config.application;
        // A handler that panics costs its connection, and not the server: the stack unwinds to here.
        let result = catch_unwind(AssertUnwindSafe(|| application(request)));
        let (response, persistence) = match result {
            Ok(response) if self.lifetime.is_over() => (response, Persistence::Close),
            Ok(response) => (response, wanted),
            Err(_) => (HttpError::new(500, "The handler of this request failed.").into(), Persistence::Close),
        };
        if self.config.access_log {
            self.log_response(request, response.status);
        }
        self.queue(&response, persistence, request.method == "HEAD")?;
        Ok(persistence)
    }

    /// uvicorn's line. A target with control characters has been refused before, so no client can
    /// write a line of its own into the log.
    fn log_response(&self, request: &Request<'_>, status: u16) {
        let Request { method, path, minor_version, client, .. } = request;
        let (mark, query) = request.query.map_or(("", ""), |query| ("?", query));
        let status = status_text(status);
        let line = format!(
            "INFO:     {client} - \"{method} {path}{mark}{query} HTTP/1.{minor_version}\" {status}\n"
        );
        self.config.log.send(line);
    }

    /// Puts a response into the write buffer. A response to HEAD is one to GET without its body
    /// (RFC 9110 §9.3.2). A body that is longer than the buffer is written at once, and not copied.
    fn queue(&mut self, response: &Response, persistence: Persistence, is_head: bool) -> Result<(), Error> {
        let body = if is_head { "" } else { &response.body };
        let limit = self.config.limits.write_buffer;
        response.write_head(self.output, self.clock.date(), persistence);
        if self.output.len() + body.len() > limit {
            self.write()?;
        }
        if body.len() > limit {
            return self.socket.write_all(body.as_bytes()).map_err(Error::Write);
        }
        self.output.push_str(body);
        Ok(())
    }

    /// Writes the responses that are queued.
    fn write(&mut self) -> Result<(), Error> {
        if !self.output.is_empty() {
            self.socket.write_all(self.output.as_bytes()).map_err(Error::Write)?;
            self.output.clear();
        }
        Ok(())
    }

    /// The last response of a connection: the reason why the client gets no other.
    fn refuse(&mut self, error: HttpError, is_head: bool) -> Result<(), Error> {
        let (client, status, message) = (self.client, status_text(error.status), error.message);
        self.log(format!("WARNING:  {client} - refused with {status}: {message}\n"));
        self.queue(&error.into(), Persistence::Close, is_head)?;
        self.close(false)
    }

    /// Ends the connection. Only where the client has said that nothing follows its request, and
    /// nothing did, there is nothing to read and drop first.
    fn close(&mut self, is_last: bool) -> Result<(), Error> {
        self.write()?;
        let limits = &self.config.limits;
        if !is_last || self.socket.more_may_wait {
            self.socket.linger(limits.linger_timeout, limits.linger_time).map_err(|_| Error::Gone)?;
        }
        Ok(())
    }

    /// Logs what happened to a request that did not get the application's response.
    fn log(&self, line: String) {
        if self.config.access_log {
            self.config.log.send(line);
        }
    }
}
