//! A thread for each connection: accept one, serve it to its end, and come back to the door.
//!
//! Layer: uvicorn, where one thread serves everybody and never waits. Here whoever waits has a
//! thread that waits with it. Starting a thread for each connection and letting it die would make
//! a connection cost four times the CPU, so threads take turns: each accepts and serves,
//! and the one that takes the last place at the door first puts a new thread there. So at every
//! moment somebody accepts, and no connection ever waits in a queue of ours.

use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::date::Clock;
use super::framing::Persistence;
use super::refusal::Refusal;
use super::response::Response;
use super::{Server, connection};

/// After an `accept` that failed for want of something: long enough not to spin, and short enough
/// to be back as soon as a connection has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// A server, and how many threads are where.
struct Turns {
    server: Server,
    /// Threads at the door. Never zero but for the moment in which a new one is started.
    at_the_door: AtomicUsize,
    /// Connections being served.
    connections: AtomicUsize,
    /// Threads started so far; a thread's name is its number.
    started: AtomicUsize,
}

/// Puts the first thread at the door; all others come from there.
pub(super) fn run(server: Server) -> io::Result<Infallible> {
    let [at_the_door, connections, started] = [const { AtomicUsize::new(0) }; 3];
    let turns = Arc::new(Turns { server, at_the_door, connections, started });
    turns.start_thread()?;
    loop {
        thread::park();
    }
}

impl Turns {
    /// A new thread at the door. `thread::spawn` would panic where the system has none to give.
    fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        let name = format!("connection {}", self.started.fetch_add(1, SeqCst));
        let builder = thread::Builder::new().name(name).stack_size(self.server.limits.thread_stack);
        let turns = Arc::clone(self);
        self.at_the_door.fetch_add(1, SeqCst);
        builder.spawn(move || turns.take_turns()).map(drop).inspect_err(|_| {
            self.at_the_door.fetch_sub(1, SeqCst);
        })
    }

    /// The accept loop: the whole life of a thread.
    fn take_turns(self: Arc<Self>) {
        loop {
            let (stream, peer) = match self.server.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    // A client that has gone again is no reason to wait; no descriptor left is one.
                    if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) {
                        thread::sleep(PAUSE);
                    }
                    continue;
                }
            };
            let Some(place) = Place::take(&self) else {
                turn_away(&stream, "This server has as many connections as it takes.");
                continue;
            };
            if self.leave_the_door().is_err() {
                turn_away(&stream, "The system has no thread for this connection.");
                continue;
            }
            connection::serve(&self.server, &stream, peer);
            drop((stream, place));
            if !self.come_back() {
                return;
            }
        }
    }

    /// Takes this thread off the door; if it is the last one there, a new one takes its place. On
    /// an error nothing has changed: this thread still stands there.
    fn leave_the_door(self: &Arc<Self>) -> io::Result<()> {
        if self.at_the_door.fetch_sub(1, SeqCst) == 1 {
            self.start_thread().inspect_err(|_| {
                self.at_the_door.fetch_add(1, SeqCst);
            })?;
        }
        Ok(())
    }

    /// Back to the door, unless enough threads are there.
    fn come_back(&self) -> bool {
        let spare = self.server.limits.spare_threads;
        let one_more = |count| (count < spare).then_some(count + 1);
        self.at_the_door.fetch_update(SeqCst, SeqCst, one_more).is_ok()
    }
}

/// A connection's place among those that are served; given back when dropped, also by a panic.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    /// A place, if one is left.
    fn take(turns: &'a Turns) -> Option<Self> {
        let most = turns.server.limits.connections;
        let one_more = |count| (count < most).then_some(count + 1);
        turns.connections.fetch_update(SeqCst, SeqCst, one_more).ok()?;
        Some(Self(&turns.connections))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// 503 for a client that cannot be served, without ever waiting for it: whoever stands at the door
/// must not be held up there.
fn turn_away(mut stream: &TcpStream, sentence: &'static str) {
    let mut answer = String::new();
    Response::from(Refusal::new(503, sentence)).write_to(
        &mut answer,
        Clock::default().date(),
        Persistence::Close,
        false,
    );
    let _ = stream
        .set_nonblocking(true)
        .and_then(|()| stream.write_all(answer.as_bytes()))
        .and_then(|()| stream.shutdown(Shutdown::Write))
        .and_then(|()| stream.read(&mut [0; 4096])); // what has come already would reset the answer
}
