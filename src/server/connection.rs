//! The life of a connection: read a request, respond to it, and again, until one side ends it.
//!
//! Layer: server. The thread waits in `read` and in `write`, and nothing more is needed to serve many
//! clients at a time, because each connection has a thread of its own.

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::body::BodyReader;
use super::config::Config;
use super::date::Clock;
use super::error::HttpError;
use super::framing::Framing;
use super::request::{Request, is_head_request};
use super::response::{Persistence, Response, status_text};
use super::socket::{Deadline, READ_SIZE, Socket, is_timeout};

/// Bytes that have come, of which the first `used` belong to requests that have their response.
#[derive(Debug, Default)]
struct Input {
    bytes: Vec<u8>,
    used: usize,
}

/// What ends the loop of a connection before a response of the application does.
enum Error {
    /// The client gets a response that says why.
    Http(HttpError),
    /// The client is gone, or has no further request.
    Gone,
    /// The client did not take its responses.
    Write(io::Error),
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

const HEAD_CUT_OFF: HttpError =
    HttpError::bad_request("The connection ends before the head of the request does.");
const HEAD_TOO_SLOW: HttpError = HttpError::new(408, "The head of the request came too slowly.");
const BODY_CUT_OFF: HttpError =
    HttpError::bad_request("The connection ends before the body of the request does.");
const BODY_TOO_SLOW: HttpError = HttpError::new(408, "The body of the request came too slowly.");

/// A socket, and what its requests have in common.
struct Connection<'a> {
    config: &'a Config,
    socket: Socket<'a>,
    client: SocketAddr,
    lifetime: Deadline,
    /// Responses that wait to be written: the write buffer.
    output: String,
    clock: &'a mut Clock,
}

/// Serves one connection to its end.
pub(super) fn serve(config: &Config, stream: &TcpStream, client: SocketAddr, clock: &mut Clock) {
    let limits = &config.limits;
    let Ok(socket) = Socket::new(stream, limits.idle_timeout, limits.write_timeout) else {
        return; // the client has gone again
    };
    let lifetime = Deadline::after(limits.connection_lifetime);
    let output = String::with_capacity(512); // most responses fit
    let mut connection = Connection { config, socket, client, lifetime, output, clock };
    let mut input = Input::default();
    match connection.serve_requests(&mut input) {
        Ok(()) | Err(Error::Gone) => {}
        Err(Error::Http(error)) => {
            let is_head = is_head_request(&input.bytes[input.used..], limits);
            let _ = connection.refuse(error, is_head); // the connection ends in any case
        }
        Err(Error::Write(error)) => {
            config.log.send(format!("WARNING:  {client} - a response could not be sent: {error}\n"));
        }
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
            let (mut request, framing) = loop {
                let unread = &mut input.bytes[input.used..];
                if let Some(head) = Request::parse(unread, self.client, &self.config.limits)? {
                    break head;
                }
                self.write()?;
                input.bytes.drain(..mem::take(&mut input.used));
                self.read_head(&mut input.bytes, &mut deadline)?;
            };
            let whole_body = framing.whole_body(request.body);
            request.body = if let Some(body) = whole_body {
                body // nothing is copied
            } else {
                after_head.extend_from_slice(request.body);
                self.read_body(&framing, &mut after_head, &mut body)?;
                &body
            };
            let persistence = self.respond(&request, framing.persistence)?;
            match whole_body {
                Some(body) => input.used += framing.head_length + body.len(),
                None => *input = Input { bytes: after_head, used: 0 },
            }
            if persistence == Persistence::Close {
                let is_last = framing.persistence == Persistence::Close && input.used == input.bytes.len();
                return self.close(is_last);
            }
        }
    }

    /// Reads more of a head. Its deadline is set when the first byte has come.
    fn read_head(&mut self, input: &mut Vec<u8>, deadline: &mut Option<Deadline>) -> Result<(), Error> {
        let limits = &self.config.limits;
        let has_begun = input.iter().any(|byte| !b"\r\n".contains(byte));
        let timeout = if input.is_empty() {
            // What large requests and responses have taken is given back before the client may be silent.
            input.shrink_to(READ_SIZE);
            self.output.shrink_to(READ_SIZE);
            Ok(limits.idle_timeout)
        } else {
            deadline.get_or_insert_with(|| Deadline::after(limits.head_timeout)).remaining()
        };
        let result = self.read(input, timeout, HEAD_CUT_OFF, HEAD_TOO_SLOW);
        if has_begun { result } else { result.map_err(|_| Error::Gone) }
    }

    /// Reads a body that did not come whole with its head. What follows it stays in `input`.
    ///
    /// `100 Continue` is sent only where no byte of the body is there yet (RFC 9110 §10.1.1).
    fn read_body(&mut self, framing: &Framing, input: &mut Vec<u8>, body: &mut Vec<u8>) -> Result<(), Error> {
        if framing.expects_continue && input.is_empty() {
            self.output.push_str("HTTP/1.1 100 Continue\r\n\r\n");
        }
        let mut reader = BodyReader::new(framing.body);
        let deadline = Deadline::after(self.config.limits.body_timeout);
        while !reader.take(input, body, &self.config.limits)? {
            self.write()?;
            self.read(input, deadline.remaining(), BODY_CUT_OFF, BODY_TOO_SLOW)?;
        }
        Ok(())
    }

    /// Reads more bytes, or says which error it is that none come.
    fn read(
        &mut self,
        input: &mut Vec<u8>,
        timeout: io::Result<Duration>,
        cut_off: HttpError,
        too_slow: HttpError,
    ) -> Result<(), Error> {
        match timeout.and_then(|timeout| self.socket.read(input, timeout)) {
            Ok(0) => Err(cut_off.into()),
            Ok(_) => Ok(()),
            Err(error) if is_timeout(&error) => Err(too_slow.into()),
            Err(_) => Err(Error::Gone),
        }
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
    /// (RFC 9110 §9.3.2), and a 204 has none (§15.3.5). A body that is longer than the buffer is written
    /// at once, and not copied.
    fn queue(&mut self, response: &Response, persistence: Persistence, is_head: bool) -> Result<(), Error> {
        let has_body = !is_head && response.status != 204;
        let body = if has_body { &response.body } else { "" };
        let limit = self.config.limits.write_buffer;
        response.write_head(&mut self.output, self.clock.date(), persistence);
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
        self.config.log.send(format!("WARNING:  {client} - refused with {status}: {message}\n"));
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
}
