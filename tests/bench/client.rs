//! The load generator. It takes CPU from the server that it measures, so it does little.
//!
//! A thread per core serves its share of the connections in turn: it reads the response of one,
//! sends its next request, and goes on to the next connection. Meanwhile the requests of all its
//! other connections are with the server, so the server always has work; and a request costs the
//! client one write and one read.
//!
//! Only correct responses count; any other is an error.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Client, PATIENCE};

/// A request and its response.
#[derive(Clone, Copy)]
pub struct Exchange {
    pub name: &'static str,
    pub request: &'static str,
    /// How the response ends.
    pub body: &'static str,
}

/// One write, of one request or of several, and the responses to it.
pub struct Burst {
    exchange: Exchange,
    address: SocketAddr,
    times: usize,
    close: bool,
    requests: String,
    /// Of one response.
    length: usize,
}

impl Burst {
    /// Makes the request once, to learn how long the response is. `close`: each burst has a new
    /// connection, and asks the server to close it, so that TIME-WAIT is on the server's side and
    /// the client does not run out of ports.
    pub fn new(exchange: Exchange, address: SocketAddr, times: usize, close: bool) -> Self {
        let end_of_head = if close { "\r\nconnection: close\r\n\r\n" } else { "\r\n\r\n" };
        let request = exchange.request.replacen("\r\n\r\n", end_of_head, 1);
        let mut burst = Self { exchange, address, times, close, requests: request.repeat(times), length: 0 };
        let mut client = Client::connect(address);
        client.send(request.as_bytes());
        let response = client.response();
        burst.length = response.head.len() + response.body.len();
        burst
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Room for the responses.
    fn buffer(&self) -> Vec<u8> {
        vec![0; self.length * self.times]
    }

    fn send(&self, stream: &mut TcpStream) -> io::Result<()> {
        if self.close {
            *stream = self.connect()?;
        }
        stream.write_all(self.requests.as_bytes())
    }

    /// Reads the responses, up to the end of the stream if the server is to close, and checks each.
    fn receive(&self, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
        stream.read_exact(buffer)?;
        if self.close && stream.read(&mut [0])? > 0 {
            return Err(io::Error::other("a response is longer than the first one"));
        }
        let Exchange { name, body, .. } = self.exchange;
        for response in buffer.chunks_exact(self.length) {
            if !response.starts_with(b"HTTP/1.1 200 ") || !response.ends_with(body.as_bytes()) {
                let text = String::from_utf8_lossy(response);
                return Err(io::Error::other(format!("not the right response to {name}: {text:?}")));
            }
        }
        Ok(())
    }

    fn exchange(&self, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
        self.send(stream)?;
        self.receive(stream, buffer)
    }

    /// So many connections, each after its first responses: then the server has accepted it, and the
    /// kernel's short queue of those that wait for that is never full.
    pub fn connections(&self, count: usize) -> io::Result<Vec<TcpStream>> {
        let connection = |_| {
            let mut stream = self.connect()?;
            self.exchange(&mut stream, &mut self.buffer())?;
            Ok(stream)
        };
        (0..count).map(connection).collect()
    }

    /// A burst on each of these connections, one after the other.
    pub fn once_on_each(&self, streams: &mut [TcpStream]) -> io::Result<()> {
        streams.iter_mut().try_for_each(|stream| self.exchange(stream, &mut self.buffer()))
    }

    /// How many seconds each of so many bursts takes, sent after the response to the last one.
    /// Between them the client allocates nothing, so that the server's allocations can be counted in
    /// the same process.
    pub fn one_by_one(&self, count: usize) -> io::Result<Vec<f64>> {
        let (mut stream, mut buffer) = (self.connect()?, self.buffer());
        let mut latencies = Vec::with_capacity(count);
        for _ in 0..count {
            let sent = Instant::now();
            self.exchange(&mut stream, &mut buffer)?;
            latencies.push(sent.elapsed().as_secs_f64());
        }
        Ok(latencies)
    }

    /// Sends on all these connections for this time, until each burst has its responses. The result
    /// is the number of bursts.
    pub fn repeat_for(&self, time: Duration, streams: &mut [TcpStream]) -> io::Result<usize> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shares = streams.chunks_mut(streams.len().div_ceil(cores));
        thread::scope(|scope| {
            let drivers: Vec<_> = shares.map(|share| scope.spawn(move || self.drive(time, share))).collect();
            drivers.into_iter().map(|driver| driver.join().expect("no panic in the client")).sum()
        })
    }

    fn drive(&self, time: Duration, streams: &mut [TcpStream]) -> io::Result<usize> {
        let (begin, mut buffer, mut count) = (Instant::now(), self.buffer(), streams.len());
        streams.iter_mut().try_for_each(|stream| self.send(stream))?;
        while begin.elapsed() < time {
            for stream in &mut *streams {
                self.receive(stream, &mut buffer)?;
                self.send(stream)?;
            }
            count += streams.len();
        }
        streams.iter_mut().try_for_each(|stream| self.receive(stream, &mut buffer))?;
        Ok(count)
    }
}
