//! The accept loop: a thread for each connection.
//!
//! Layer: server. uvicorn has one thread that serves everybody and waits for all of them at once; here
//! each connection has a thread that waits for it. To start a thread for each connection and let it end
//! with it would cost more than twice the CPU (`cargo bench`, the baseline's row with new
//! connections), so threads stay: each accepts a connection, serves it, and accepts the next. The
//! last thread that leaves the accept loop to serve starts another, so one accepts or is being
//! started at every moment, and no connection waits in a queue of ours. The pattern is called
//! leader/followers; Apache calls the number of threads that may wait `MaxSpareThreads`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::config::Config;
use super::connection;
use super::date::Clock;
use super::error::HttpError;
use super::response::{Persistence, Response};

/// After an `accept` that failed because something is used up: long enough not to spin, short enough
/// to be back soon after a connection has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// How often trouble is reported in the log: a flood of clients must not become a flood of lines.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// What all threads of a server share.
struct Server {
    config: Config,
    /// Each open connection holds a clone, so the number of clones is the number of connections. A
    /// clone is given back when it is dropped, also by a panic.
    connections: Arc<()>,
    /// What went wrong since the last report, and how often.
    trouble: Mutex<HashMap<String, usize>>,
}

/// A listening socket, and how many threads wait for its next connection.
struct Acceptor {
    server: Arc<Server>,
    listener: TcpListener,
    /// Each thread in the accept loop holds a clone, so the number of clones is their number.
    idle: Arc<()>,
}

/// Serves what connects to these listeners, for as long as the process lives.
///
/// # Errors
///
/// The system's error, if the first thread of a listener cannot be started.
pub fn run(config: Config, listeners: Vec<TcpListener>) -> io::Result<Infallible> {
    let (connections, trouble) = (Arc::new(()), Mutex::default());
    let server = Arc::new(Server { config, connections, trouble });
    for listener in listeners {
        let acceptor = Acceptor { server: Arc::clone(&server), listener, idle: Arc::new(()) };
        start_thread(&Arc::new(acceptor))?;
    }
    loop {
        thread::sleep(REPORT_INTERVAL);
        server.report();
    }
}

/// Starts a thread in the accept loop. `thread::spawn` would panic where the system has none to give.
fn start_thread(acceptor: &Arc<Acceptor>) -> io::Result<()> {
    let stack_size = acceptor.server.config.limits.thread_stack;
    let builder = thread::Builder::new().name("connection".into()).stack_size(stack_size);
    let idle = Arc::clone(&acceptor.idle);
    let acceptor = Arc::clone(acceptor);
    builder.spawn(move || accept_loop(&acceptor, idle))?;
    Ok(())
}

/// The life of a thread: accept a connection, serve it, and again.
fn accept_loop(acceptor: &Arc<Acceptor>, mut idle: Arc<()>) {
    let server = &acceptor.server;
    let limits = &server.config.limits;
    let mut clock = Clock::default();
    loop {
        let (stream, client) = acceptor.accept();
        // Of two clients that come at the same moment to the last place, both may be rejected.
        let connection = Arc::clone(&server.connections);
        if clones(&server.connections) > limits.max_connections {
            let open = format!("the limit of {} open connections is reached", limits.max_connections);
            server.reject(&stream, "This server has as many connections as it takes.", &open);
            continue;
        }
        drop(idle);
        if clones(&acceptor.idle) == 0 {
            if let Err(error) = start_thread(acceptor) {
                let no_thread = format!("the system has no thread for a connection: {error}");
                server.reject(&stream, "The system has no thread for this connection.", &no_thread);
                idle = Arc::clone(&acceptor.idle);
                continue;
            }
        }
        connection::serve(&server.config, &stream, client, &mut clock);
        drop(connection); // the place first: the client may come again at once
        drop(stream);
        if clones(&acceptor.idle) >= limits.spare_threads {
            return;
        }
        idle = Arc::clone(&acceptor.idle);
    }
}

/// How many clones there are beside the original.
fn clones(counted: &Arc<()>) -> usize {
    Arc::strong_count(counted) - 1
}

impl Acceptor {
    /// The next connection, however often `accept` fails before.
    fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept() {
                Ok(accepted) => return accepted,
                // A client that has gone again is not a reason to wait.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    self.server.note(format!("no connection can be accepted: {error}"));
                    thread::sleep(PAUSE);
                }
            }
        }
    }
}

impl Server {
    /// Responds with 503, and never waits for the client: nobody may be held up in the accept loop. A
    /// client that is still sending may see a reset instead.
    fn reject(&self, mut stream: &TcpStream, message: &'static str, trouble: &str) {
        self.note(format!("a client was rejected: {trouble}"));
        let response = Response::from(HttpError::new(503, message));
        let mut output = String::new();
        response.write_head(&mut output, Clock::default().date(), Persistence::Close);
        output += &response.body;
        let _ = stream
            .set_nonblocking(true)
            .and_then(|()| stream.write_all(output.as_bytes()))
            .and_then(|()| stream.shutdown(Shutdown::Write))
            // A request that is there already and is not read would reset the connection.
            .and_then(|()| stream.read(&mut [0; 4096]));
    }

    /// Counts what went wrong, for the next report.
    fn note(&self, trouble: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner).entry(trouble).or_insert(0) += 1;
    }

    /// Logs what went wrong since the last report: a line for each kind of trouble.
    fn report(&self) {
        let trouble = std::mem::take(&mut *self.trouble.lock().unwrap_or_else(PoisonError::into_inner));
        for (trouble, count) in trouble {
            self.config.log.send(format!("WARNING:  {trouble} ({count} in the last second)\n"));
        }
    }
}
