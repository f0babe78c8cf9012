//! Connections on which nobody says anything, and one more client who does.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::READ_USER;
use crate::client::{PATIENCE, check, sample};
use crate::process::Recipe;

/// So many that their median is steady.
const FRESH_REQUESTS: usize = 200;

/// What idle connections cost, and how long a newcomer waits meanwhile.
pub struct Idle {
    /// Resident bytes.
    pub per_connection: Option<f64>,
    pub threads: Option<f64>,
    /// Seconds.
    pub fresh_median: f64,
    pub fresh_p99: f64,
}

impl Idle {
    /// Every connection makes one request before it falls silent, as a browser's does. The server
    /// is a new one and ends before its clients do: so its memory is these connections' alone, and
    /// it is the server's ports that linger in TIME-WAIT and not ten thousand of the client's.
    pub fn measure(recipe: &Recipe, count: usize) -> io::Result<Self> {
        let server = recipe.start()?;
        fresh_latencies(server.address, 10)?;
        let before = server.resident();
        let mut idle = IdleConnections::open(server.address, count)?;
        thread::sleep(Duration::from_millis(100));
        let per_connection =
            before.zip(server.resident()).map(|(before, after)| (after - before) / count as f64);
        let threads = server.threads();
        let fresh = fresh_latencies(server.address, FRESH_REQUESTS)?;
        idle.prove_alive()?;
        drop(server);
        let at = |percent: usize| fresh[(fresh.len() - 1) * percent / 100].as_secs_f64();
        Ok(Self { per_connection, threads, fresh_median: at(50), fresh_p99: at(99) })
    }
}

/// How long requests take that each come on a connection of their own, one after the other, from
/// `connect` to the end; sorted.
fn fresh_latencies(address: SocketAddr, count: usize) -> io::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        sample(&READ_USER, address, true)?;
        latencies.push(begin.elapsed());
    }
    latencies.sort_unstable();
    Ok(latencies)
}

/// Connections that have had an answer and say nothing more.
struct IdleConnections {
    request: Vec<u8>,
    /// Room for one answer.
    buffer: Vec<u8>,
    streams: Vec<TcpStream>,
}

impl IdleConnections {
    /// Opens so many, and makes one request on each.
    fn open(address: SocketAddr, count: usize) -> io::Result<Self> {
        let length = sample(&READ_USER, address, false)?;
        let mut idle =
            Self { request: READ_USER.request(false), buffer: vec![0; length], streams: Vec::new() };
        for index in 0..count {
            let stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            idle.streams.push(stream);
            idle.ask(index)?;
        }
        Ok(idle)
    }

    fn ask(&mut self, index: usize) -> io::Result<()> {
        let stream = &mut self.streams[index];
        stream.write_all(&self.request)?;
        stream.read_exact(&mut self.buffer)?;
        check(&READ_USER, &self.buffer)
    }

    /// Each hundredth is asked again: idle, but not given up.
    fn prove_alive(&mut self) -> io::Result<()> {
        (0..self.streams.len()).step_by(100).try_for_each(|index| self.ask(index))
    }
}
