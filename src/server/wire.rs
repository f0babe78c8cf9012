//! One socket with its deadlines: bytes in, answers out.
//!
//! Layer: uvicorn and asyncio, where timers run beside the reading. A blocking read has a timeout
//! of its own, but it begins anew with every byte; so each deadline is a moment, and before each
//! read the timeout is set to what is left of it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Server;
use super::date::Clock;
use super::framing::Persistence;
use super::refusal::Refusal;
use super::response::Response;

/// Why a connection ends before its client said so.
#[derive(Debug)]
pub(super) enum End {
    /// The client gets an answer that says why.
    Refused(Refusal),
    /// Nobody is left to read an answer.
    Gone,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// A read begins with room for this many bytes, in which most requests fit; it doubles when one read
/// fills it. So an idle connection holds little memory, and a busy one makes few system calls.
const FIRST_READ: usize = 1024;

/// A socket, what is to be written to it, and what is to be said about it in the log.
pub(super) struct Wire<'a> {
    stream: &'a TcpStream,
    pub(super) server: &'a Server,
    /// The client, as it stands in the log.
    pub(super) peer: String,
    /// Answers that are not written yet.
    pub(super) output: String,
    /// Lines about those answers.
    pub(super) log: String,
    /// What day it is.
    clock: Clock,
    /// How many bytes a read takes at the most.
    room: usize,
    read_timeout: Duration,
    write_timeout: Duration,
}

impl<'a> Wire<'a> {
    /// Sets the socket up. `TCP_NODELAY`, or the kernel would hold a small answer back for 40 ms
    /// when the client has not yet acknowledged the one before.
    pub(super) fn new(server: &'a Server, stream: &'a TcpStream, peer: SocketAddr) -> io::Result<Self> {
        let (read_timeout, write_timeout) = (server.limits.idle, server.limits.write_time);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(read_timeout))?;
        stream.set_write_timeout(Some(write_timeout))?;
        let (output, log) = (String::new(), String::new());
        let (peer, clock) = (peer.to_string(), Clock::default());
        let room = FIRST_READ;
        Ok(Self { stream, server, peer, output, log, clock, room, read_timeout, write_timeout })
    }

    /// Puts an answer with those that are to be written.
    pub(super) fn owe(&mut self, response: &Response, persistence: Persistence, is_head: bool) {
        response.write_to(&mut self.output, self.clock.date(), persistence, is_head);
    }

    /// Waits for bytes of a head. `false`: the client has no further request.
    ///
    /// `deadline` is the one of this head; it is set when the first byte is there. Everything owed is
    /// written first: the client may be waiting for it before it says more.
    pub(super) fn read_head(
        &mut self,
        head: &mut Vec<u8>,
        deadline: &mut Option<Instant>,
    ) -> Result<bool, End> {
        self.flush()?;
        let limits = &self.server.limits;
        let timeout = if head.is_empty() {
            limits.idle
        } else {
            let moment = deadline.get_or_insert_with(|| Instant::now() + limits.head_time);
            moment.saturating_duration_since(Instant::now())
        };
        let only_line_ends = head.iter().all(|byte| b"\r\n".contains(byte));
        match self.read(head, timeout) {
            Ok(0) if only_line_ends => Ok(false),
            Ok(0) => {
                Err(Refusal::bad_request("The connection ends before the head of the request does.").into())
            }
            Err(error) if is_timeout(&error) && only_line_ends => Ok(false),
            Err(error) if is_timeout(&error) => {
                Err(Refusal::new(408, "The head of the request came too slowly.").into())
            }
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Waits for bytes of a body, for which the client may want a `100 Continue` first.
    pub(super) fn read_body(&mut self, stream: &mut Vec<u8>, deadline: Instant) -> Result<(), End> {
        self.flush()?;
        match self.read(stream, deadline.saturating_duration_since(Instant::now())) {
            Ok(0) => {
                Err(Refusal::bad_request("The connection ends before the body of the request does.").into())
            }
            Err(error) if is_timeout(&error) => {
                Err(Refusal::new(408, "The body of the request came too slowly.").into())
            }
            other => Ok(other.map(|_| ())?),
        }
    }

    /// Whether a read was filled to its last byte, so that there may be more where it came from.
    pub(super) fn was_filled(&self) -> bool {
        self.room > FIRST_READ
    }

    /// Appends what comes to `buffer`.
    fn read(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> io::Result<usize> {
        if timeout.is_zero() {
            return Err(ErrorKind::TimedOut.into()); // a timeout of zero would mean none
        }
        if timeout != self.read_timeout {
            self.stream.set_read_timeout(Some(timeout))?;
            self.read_timeout = timeout;
        }
        let length = buffer.len();
        let room = self.room.min(self.server.limits.buffer() - length);
        buffer.resize(length + room, 0);
        let result = retry(|| self.stream.read(&mut buffer[length..]));
        let count = *result.as_ref().unwrap_or(&0);
        buffer.truncate(length + count);
        if count == self.room {
            self.room *= 2;
        }
        result
    }

    /// Writes everything that is owed, under one deadline, and then what the log says about it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + self.server.limits.write_time;
        let mut written = 0;
        while written < self.output.len() {
            if written > 0 {
                self.limit_write(deadline.saturating_duration_since(Instant::now()))?;
            }
            match retry(|| self.stream.write(&self.output.as_bytes()[written..]))? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => written += count,
            }
        }
        self.limit_write(self.server.limits.write_time)?;
        self.output.clear();
        self.server.say(&self.log);
        self.log.clear();
        Ok(())
    }

    fn limit_write(&mut self, timeout: Duration) -> io::Result<()> {
        if timeout.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        if timeout != self.write_timeout {
            self.stream.set_write_timeout(Some(timeout))?;
            self.write_timeout = timeout;
        }
        Ok(())
    }

    /// Ends a connection on which more may be coming, without destroying the last answer: says
    /// that nothing follows, then drops what comes, within bounds (RFC 9112 §9.6).
    pub(super) fn linger(&mut self) -> io::Result<()> {
        self.flush()?;
        self.stream.shutdown(Shutdown::Write)?;
        let deadline = Instant::now() + self.server.limits.linger_time;
        let mut dropped = 0;
        let mut buffer = Vec::new();
        while dropped < self.server.limits.linger_bytes {
            match self.read(&mut buffer, deadline.saturating_duration_since(Instant::now()))? {
                0 => break,
                count => dropped += count,
            }
            buffer.clear();
        }
        Ok(())
    }
}

/// A read timeout has two names: one on Unix, one on Windows.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A signal may interrupt a system call; nothing has happened then, and it is made again.
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
