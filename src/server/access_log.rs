//! Lines on stdout that no answer ever waits for.
//!
//! Layer: uvicorn, whose log is written before the answer is. Here connections put their lines
//! into one shared text, and a thread of its own writes it out a hundred times a second at most:
//! one system call then serves a thousand answers. What that costs: the lines of the last
//! hundredth of a second are lost when the process is killed, and when the reader of stdout
//! stalls, lines are dropped and counted.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Unwritten text, in bytes; lines that do not fit are dropped.
const MOST: usize = 1024 * 1024;

/// How long lines gather before they are written: too short for a person to notice.
const GATHER: Duration = Duration::from_millis(10);

/// A text that grows on one side and is written away on the other.
#[derive(Clone, Debug, Default)]
pub struct AccessLog {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    something_to_write: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    text: String,
    /// Appended texts that found no room.
    lost: u64,
    /// The reader of stdout is gone, so no one will ever write the text away.
    closed: bool,
}

impl AccessLog {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    ///
    /// The system's, if it has no thread to give.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let log = Self::default();
        let shared = Arc::clone(&log.shared);
        thread::Builder::new().name("access log".into()).spawn(move || shared.write_away(output))?;
        Ok(log)
    }

    /// Hands over whole lines.
    pub(super) fn append(&self, lines: &str) {
        let mut pending = self.shared.lock();
        if pending.closed {
            return;
        }
        if pending.text.len() + lines.len() > MOST {
            pending.lost += 1;
            return;
        }
        let was_empty = pending.text.is_empty();
        pending.text.push_str(lines);
        drop(pending);
        if was_empty {
            self.shared.something_to_write.notify_one();
        }
    }
}

impl Shared {
    /// The text stays whole if a thread panics while it holds the lock, so the lock stays good.
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_away(&self, mut output: impl Write) {
        let mut text = String::new();
        loop {
            let idle = |pending: &mut Pending| pending.text.is_empty();
            drop(
                self.something_to_write.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner),
            );
            thread::sleep(GATHER);
            let mut pending = self.lock();
            std::mem::swap(&mut pending.text, &mut text);
            let lost = std::mem::take(&mut pending.lost);
            drop(pending);
            if lost > 0 {
                let _ = writeln!(text, "WARNING:  the reader of this log stalled: {lost} entries were lost");
            }
            if output.write_all(text.as_bytes()).and_then(|()| output.flush()).is_err() {
                *self.lock() = Pending { closed: true, ..Pending::default() };
                return;
            }
            text.clear();
        }
    }
}
