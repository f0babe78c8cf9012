//! The log: lines on stdout that no response ever waits for.
//!
//! Layer: server. uvicorn writes a line before the response, and waits until it is written. Here
//! the threads of the connections send their lines through a channel, and a thread of its own
//! writes all that have come a hundred times a second at most: one system call for many lines.
//!
//! The price: when the process is killed, the lines of the last hundredth of a second are lost; and
//! when nobody reads stdout (a terminal that was stopped with Ctrl+S), lines beyond a mebibyte are
//! dropped and counted.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

/// How many bytes of text may wait to be written.
const CAPACITY: usize = 1024 * 1024;

/// How long lines are collected before they are written: too short for a person to notice.
const FLUSH_INTERVAL: Duration = Duration::from_millis(10);

/// The sending end of a log. Its clones all send to the same thread.
#[derive(Clone, Debug)]
pub struct Log {
    sender: Sender<String>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    /// Bytes that were sent and are not written yet.
    waiting_bytes: AtomicUsize,
    /// Lines that were dropped since the last write.
    lost_lines: AtomicUsize,
}

impl Log {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    ///
    /// The system's error, if it has no thread to give.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let counters = Arc::<Counters>::default();
        let log = Self { sender, counters: Arc::clone(&counters) };
        thread::Builder::new().name("log".into()).spawn(move || write_lines(&receiver, &counters, output))?;
        Ok(log)
    }

    /// Sends one or more whole lines, and returns at once.
    pub fn send(&self, lines: String) {
        let length = lines.len();
        if self.counters.waiting_bytes.fetch_add(length, Relaxed) + length > CAPACITY {
            self.counters.waiting_bytes.fetch_sub(length, Relaxed);
            self.counters.lost_lines.fetch_add(lines.lines().count(), Relaxed);
        } else {
            // An error means that the thread has ended, because nobody reads what it writes.
            let _ = self.sender.send(lines);
        }
    }
}

/// Writes what comes through the channel, until stdout is closed.
fn write_lines(receiver: &Receiver<String>, counters: &Counters, mut output: impl Write) {
    while let Ok(mut text) = receiver.recv() {
        thread::sleep(FLUSH_INTERVAL);
        text.extend(receiver.try_iter());
        let length = text.len();
        let lost = counters.lost_lines.swap(0, Relaxed);
        if lost > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "WARNING:  nobody read this log for a while: {lost} lines were lost");
        }
        if output.write_all(text.as_bytes()).and_then(|()| output.flush()).is_err() {
            return;
        }
        counters.waiting_bytes.fetch_sub(length, Relaxed);
    }
}
