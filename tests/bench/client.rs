//! The load generator. It takes CPU from the server that it measures, so it does little.
//!
//! A thread per core serves its share of the connections in turn: it reads the response of one,
//! sends its next request, and goes on to the next connection. Meanwhile the requests of all its
//! other connections are with the server, so the server always has work; and a request costs the
//! client one write and one read. A latency is the time from just before the write until the
//! response has been read: under load, most of it is waiting.
//!
//! Only correct responses count; any other is an error.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Plan;
use crate::process::Process;
use crate::rounds::Round;

/// Longer than any response takes: after it, something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request and its response.
#[derive(Clone, Copy)]
pub struct Exchange {
    pub name: &'static str,
    /// The head, without the empty line at its end.
    pub head: &'static str,
    /// What is sent after the head.
    pub form: &'static str,
    /// How the response ends.
    pub body: &'static str,
}

impl Exchange {
    /// The bytes to send. `close`: the server is asked to close after its response.
    pub fn request(&self, close: bool) -> Vec<u8> {
        let field = if close { "connection: close\r\n" } else { "" };
        [self.head, field, "\r\n", self.form].concat().into_bytes()
    }

    fn check(&self, response: &[u8]) -> io::Result<()> {
        if response.starts_with(b"HTTP/1.1 200 ") && response.ends_with(self.body.as_bytes()) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(response);
        Err(io::Error::other(format!("not the right response to {}: {text:?}", self.name)))
    }
}

/// One write, of one request or of several, and the responses to it.
pub struct Burst {
    exchange: Exchange,
    address: SocketAddr,
    times: usize,
    close: bool,
    requests: Vec<u8>,
    /// Of one response.
    length: usize,
}

impl Burst {
    /// Makes the exchange once, to learn how long the response is.
    pub fn new(exchange: Exchange, address: SocketAddr, times: usize, close: bool) -> io::Result<Self> {
        let requests = exchange.request(close).repeat(times);
        let mut burst = Self { exchange, address, times, close, requests, length: 0 };
        let mut stream = burst.connect()?;
        stream.write_all(&exchange.request(close))?;
        let mut response = Vec::new();
        while length_of(&response) != Some(response.len()) {
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer)? {
                0 => break,
                count => response.extend_from_slice(&buffer[..count]),
            }
        }
        exchange.check(&response)?;
        burst.length = response.len();
        Ok(burst)
    }

    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Room for the responses.
    pub fn buffer(&self) -> Vec<u8> {
        vec![0; self.length * self.times]
    }

    fn send(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(&self.requests)
    }

    /// Reads the responses, up to the end of the stream if the server is to close, and checks each.
    fn receive(&self, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
        stream.read_exact(buffer)?;
        if self.close && stream.read(&mut [0])? > 0 {
            return Err(io::Error::other("a response is longer than the first one"));
        }
        buffer.chunks_exact(self.length).try_for_each(|response| self.exchange.check(response))
    }

    pub fn exchange(&self, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
        self.send(stream)?;
        self.receive(stream, buffer)
    }

    /// So many bursts, each sent after the response to the last one. Between them the client
    /// allocates nothing, so that the server's allocations can be counted in the same process.
    pub fn one_by_one(&self, count: usize) -> io::Result<()> {
        let mut buffer = self.buffer();
        let mut stream = self.connect()?;
        for number in 0..count {
            if self.close && number > 0 {
                stream = self.connect()?;
            }
            self.exchange(&mut stream, &mut buffer)?;
        }
        Ok(())
    }
}

/// How long the response will be, as soon as its head is there.
fn length_of(response: &[u8]) -> Option<usize> {
    let head = response.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&response[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    Some(head + body.trim().parse::<usize>().ok()?)
}

/// Who sends how much, and how.
pub struct Load {
    pub exchange: Exchange,
    pub connections: usize,
    /// Requests sent in one write.
    pub pipelined: usize,
    /// A new connection for each request. The server is asked to close, so that TIME-WAIT is on the
    /// server's side and the client does not run out of ports.
    pub reconnect: bool,
}

impl Load {
    pub fn name(&self) -> String {
        let Self { exchange: Exchange { name, .. }, connections, pipelined, reconnect } = self;
        match (reconnect, pipelined) {
            (true, _) => format!("{name}, a new connection per request, {connections} at a time"),
            (_, 1) => format!("{name}, {connections} connections"),
            _ => format!("{name}, {connections} connections, pipelined by {pipelined}"),
        }
    }

    /// Puts this load on a server, and measures what happens in the window after the warm-up.
    pub fn measure(&self, server: &Process, plan: &Plan) -> io::Result<Round> {
        let burst = Burst::new(self.exchange, server.address, self.pipelined, self.reconnect)?;
        let phase = AtomicU8::new(WARM_UP);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(self.connections);
        let connected = Barrier::new(threads + 1);
        thread::scope(|scope| {
            let (burst, phase, connected) = (&burst, &phase, &connected);
            let shares = (0..threads).map(|number| (self.connections + number) / threads);
            let drivers: Vec<_> =
                shares.map(|share| scope.spawn(move || drive(burst, share, connected, phase))).collect();
            connected.wait();
            thread::sleep(plan.window / 4);
            let (begin, cpu) = (Instant::now(), server.cpu());
            phase.store(COUNTED, Ordering::Relaxed);
            thread::sleep(plan.window);
            phase.store(OVER, Ordering::Relaxed);
            let (time, cpu) = (begin.elapsed(), cpu.zip(server.cpu()).map(|(before, after)| after - before));
            let mut latencies = Vec::new();
            for driver in drivers {
                latencies.append(&mut driver.join().map_err(|_| io::Error::other("the client panicked"))??);
            }
            Ok(Round::new(latencies, self.pipelined, time, cpu))
        })
    }
}

/// The phases of a round.
const WARM_UP: u8 = 0;
const COUNTED: u8 = 1;
const OVER: u8 = 2;

/// Goes round its connections until the round is over and every request has its response.
fn drive(burst: &Burst, count: usize, connected: &Barrier, phase: &AtomicU8) -> io::Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(1 << 18);
    let mut buffer = burst.buffer();
    let streams: io::Result<Vec<TcpStream>> = (0..count).map(|_| burst.connect()).collect();
    // A crowd may have to knock twice: the kernel queues 128 connections of a server that uses std.
    connected.wait();
    let mut connections = Vec::with_capacity(count);
    for mut stream in streams? {
        burst.send(&mut stream)?;
        connections.push((stream, Instant::now()));
    }
    let mut waiting = count;
    for index in (0..count).cycle() {
        let (stream, sent) = &mut connections[index];
        burst.receive(stream, &mut buffer)?;
        let now = Instant::now();
        match phase.load(Ordering::Relaxed) {
            WARM_UP => {}
            COUNTED => latencies.push(now - *sent),
            _ if waiting > 1 => {
                waiting -= 1;
                continue;
            }
            _ => break,
        }
        if burst.close {
            *stream = burst.connect()?;
        }
        *sent = now;
        burst.send(stream)?;
    }
    Ok(latencies)
}
