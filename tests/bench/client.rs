//! The load generator. It is in the way of what it measures, because it takes CPU from the server;
//! so it does little.
//!
//! A thread per core serves its share of the connections by turns: take the answer of one, send
//! its next request, go on to the next connection. While it takes one answer, the requests of all
//! its other connections are with the server, so the server always has something to do; and a
//! request costs the client one write and one read, with nothing in between to find out who is
//! ready. A latency is the time from just before the write until the answer has been read: under
//! load most of it is waiting for one's turn.
//!
//! Only right answers count, and any other ends the bench: status 200, the length of the first
//! answer, which was looked at closely, and its body to the byte.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::Process;
use crate::rounds::Round;

/// Longer than any answer takes; then something hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A request and the body of its answer.
#[derive(Clone, Copy)]
pub struct Exchange {
    pub name: &'static str,
    /// The head, but for the empty line at its end.
    pub head: &'static str,
    /// What is sent behind the head.
    pub form: &'static str,
    /// What comes back.
    pub answer: &'static str,
}

impl Exchange {
    /// The bytes to send. `last`: the server is asked to close behind its answer.
    pub fn request(&self, last: bool) -> Vec<u8> {
        let close = if last { "connection: close\r\n" } else { "" };
        [self.head, close, "\r\n", self.form].concat().into_bytes()
    }
}

/// Who asks how.
#[derive(Clone, Copy)]
pub struct Load {
    pub exchange: Exchange,
    pub connections: usize,
    /// Requests sent in one write.
    pub pipelined: usize,
    /// A new connection for each request. The server is asked to close, so that it is the server's
    /// side that stays in TIME-WAIT and the client does not run out of ports.
    pub reconnect: bool,
}

impl Load {
    pub fn name(&self) -> String {
        let (name, connections) = (self.exchange.name, self.connections);
        match self {
            Self { reconnect: true, .. } => {
                format!("{name}, a new connection per request, {connections} at a time")
            }
            Self { pipelined: 1, connections: 1, .. } => format!("{name}, 1 connection"),
            Self { pipelined: 1, .. } => format!("{name}, {connections} connections"),
            Self { pipelined, .. } => format!("{name}, {connections} connections, pipelined by {pipelined}"),
        }
    }
}

/// The phases of a round, one after the other.
const WARM_UP: u8 = 0;
const COUNTED: u8 = 1;
const OVER: u8 = 2;

/// Puts a load on a server, and counts what happens in the window after the warm-up.
pub fn measure(load: &Load, server: &Process, warm_up: Duration, window: Duration) -> io::Result<Round> {
    let length = sample(&load.exchange, server.address, load.reconnect)?;
    let threads = thread::available_parallelism().map_or(1, usize::from).min(load.connections);
    let task = Arc::new(Task {
        load: *load,
        address: server.address,
        requests: load.exchange.request(load.reconnect).repeat(load.pipelined),
        length,
        phase: AtomicU8::new(WARM_UP),
        first_laps: AtomicUsize::new(threads),
    });
    let (sender, results) = mpsc::channel();
    for number in 0..threads {
        let share = load.connections / threads + usize::from(number < load.connections % threads);
        let streams =
            (0..share).map(|_| TcpStream::connect(server.address)).collect::<io::Result<Vec<_>>>()?;
        let (task, sender) = (Arc::clone(&task), sender.clone());
        thread::spawn(move || sender.send(task.drive(streams)));
    }
    thread::sleep(warm_up);
    let (begin, cpu_before) = (Instant::now(), server.cpu());
    task.phase.store(COUNTED, Ordering::SeqCst);
    thread::sleep(window);
    while task.first_laps.load(Ordering::SeqCst) > 0 && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
    task.phase.store(OVER, Ordering::SeqCst);
    let (seconds, cpu_after) = (begin.elapsed().as_secs_f64(), server.cpu());
    let resident = server.resident();
    let mut latencies = Vec::new();
    for _ in 0..threads {
        latencies
            .append(&mut results.recv_timeout(PATIENCE).map_err(|_| io::Error::other("no answer comes"))??);
    }
    latencies.sort_unstable();
    let requests = (latencies.len() * load.pipelined) as f64;
    let cpu = cpu_before.zip(cpu_after).map(|(before, after)| after - before);
    Ok(Round { requests, seconds, latencies, cpu, resident })
}

/// What all threads of a round share.
struct Task {
    load: Load,
    address: SocketAddr,
    /// What one write sends.
    requests: Vec<u8>,
    /// Of one answer.
    length: usize,
    phase: AtomicU8,
    /// Threads of which some connection has not yet had a counted answer. The window stays open for
    /// them, or a slow server would have answered nothing in it.
    first_laps: AtomicUsize,
}

impl Task {
    /// Goes round its connections until the round is over and every request has been answered.
    fn drive(&self, streams: Vec<TcpStream>) -> io::Result<Vec<Duration>> {
        let mut latencies = Vec::with_capacity(1 << 18);
        let mut buffer = vec![0; self.length * self.load.pipelined];
        let mut connections = Vec::new();
        for mut stream in streams {
            let sent = Instant::now();
            stream.write_all(&self.requests)?;
            connections.push((stream, sent));
        }
        let lap = connections.len();
        let mut waiting = lap;
        for index in (0..lap).cycle() {
            let (stream, sent) = &mut connections[index];
            self.receive(stream, &mut buffer)?;
            let now = Instant::now();
            match self.phase.load(Ordering::Relaxed) {
                WARM_UP => {}
                COUNTED => {
                    latencies.push(now - *sent);
                    if latencies.len() == lap {
                        self.first_laps.fetch_sub(1, Ordering::SeqCst);
                    }
                }
                _ => {
                    waiting -= 1;
                    if waiting == 0 {
                        break;
                    }
                    continue;
                }
            }
            if self.load.reconnect {
                *stream = TcpStream::connect(self.address)?;
            }
            *sent = now;
            stream.write_all(&self.requests)?;
        }
        Ok(latencies)
    }

    /// Reads the answers to one write, and looks at each.
    fn receive(&self, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
        stream.read_exact(buffer)?;
        if self.load.reconnect && stream.read(&mut [0])? > 0 {
            return Err(io::Error::new(ErrorKind::InvalidData, "an answer is longer than the first one"));
        }
        buffer.chunks_exact(self.length).try_for_each(|answer| check(&self.load.exchange, answer))
    }
}

pub fn check(exchange: &Exchange, answer: &[u8]) -> io::Result<()> {
    if answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(exchange.answer.as_bytes()) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(answer);
    Err(io::Error::new(
        ErrorKind::InvalidData,
        format!("not the right answer to {}: {text:?}", exchange.name),
    ))
}

/// One exchange, looked at closely, on a connection of its own; the length of the answer. `last`: the
/// server closes behind it, and that is waited for.
pub fn sample(exchange: &Exchange, address: SocketAddr, last: bool) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&exchange.request(last))?;
    let mut answer = Vec::new();
    let is_whole = |answer: &[u8]| !last && answer.ends_with(exchange.answer.as_bytes());
    while !is_whole(&answer) {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer)? {
            0 => break,
            count => answer.extend_from_slice(&buffer[..count]),
        }
    }
    check(exchange, &answer)?;
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    if length != Some(body.len()) || body.len() != exchange.answer.len() {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("the length of an answer is wrong: {text:?}"),
        ));
    }
    Ok(answer.len())
}
