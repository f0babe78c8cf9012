//! A TCP connection with deadlines: bytes in, bytes out. It knows nothing of HTTP.
//!
//! Layer: server. For uvicorn this is asyncio's work, whose timers run beside the reading. Here a
//! read blocks, and has a timeout that begins anew with every read. So a deadline is a moment, and
//! before each read the timeout is set to what is left of it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How many bytes a read takes at most: as many as one TCP segment over Ethernet can carry. Most
/// requests fit, and an idle connection, which waits in a read, holds little memory.
pub(super) const READ_SIZE: usize = 1460;

/// The moment until which something may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// So much time from now.
    pub(super) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Whether it has passed.
    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// The time that is left, or an error of the kind `TimedOut`: the system would take a timeout of
    /// zero for none, so the standard library refuses it.
    pub(super) fn remaining(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// A stream whose reads and writes end in time.
#[derive(Debug)]
pub(super) struct Socket<'a> {
    stream: &'a TcpStream,
    /// Whether the last read was filled, so that more bytes may be waiting.
    pub(super) more_may_wait: bool,
    /// The read timeout that is set, so that a system call is made only to change it.
    read_timeout: Duration,
    write_timeout: Duration,
}

impl<'a> Socket<'a> {
    /// Prepares a stream. Without `TCP_NODELAY` the kernel holds a small response back until the client
    /// has acknowledged the one before, which a client may delay for some 40 ms.
    pub(super) fn new(
        stream: &'a TcpStream,
        read_timeout: Duration,
        write_timeout: Duration,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(read_timeout))?;
        stream.set_write_timeout(Some(write_timeout))?;
        Ok(Self { stream, more_may_wait: false, read_timeout, write_timeout })
    }

    /// Appends what comes within this time to `buffer`, and says how many bytes that were. None: the
    /// other side sends nothing more.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> io::Result<usize> {
        self.set_read_timeout(timeout)?;
        let length = buffer.len();
        buffer.resize(length + READ_SIZE, 0);
        let result = retry(|| self.stream.read(&mut buffer[length..]));
        let count = result.as_ref().map_or(0, |count| *count);
        buffer.truncate(length + count);
        self.more_may_wait = count == READ_SIZE;
        result
    }

    /// Writes all of these bytes, under one deadline for the whole.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let deadline = Deadline::after(self.write_timeout);
        let mut written = 0;
        while written < bytes.len() {
            if written > 0 {
                self.stream.set_write_timeout(Some(deadline.remaining()?))?;
            }
            match retry(|| self.stream.write(&bytes[written..]))? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count if count < bytes.len() => written += count,
                _ => return Ok(()), // all at once, as nearly always: no timeout was changed
            }
        }
        self.stream.set_write_timeout(Some(self.write_timeout))
    }

    /// Says that nothing more will be sent, then reads and drops what still comes, until the other
    /// side ends too, is silent for too long, or the time is over.
    pub(super) fn linger(&mut self, silence: Duration, time: Duration) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        let deadline = Deadline::after(time);
        let mut buffer = vec![0; 16 * 1024];
        loop {
            self.set_read_timeout(deadline.remaining()?.min(silence))?;
            if retry(|| self.stream.read(&mut buffer))? == 0 {
                return Ok(());
            }
        }
    }

    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        if timeout != self.read_timeout {
            self.stream.set_read_timeout(Some(timeout))?;
            self.read_timeout = timeout;
        }
        Ok(())
    }
}

/// Whether a timeout ended a read or a write. The kind has one name on Unix, another on Windows.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A signal may interrupt a system call. Nothing has happened then, and the call is made again.
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
