//! The baseline: as little as a server can do that starts a thread for each connection.
//!
//! It parses nothing. It relies on the bench's client, which sends one of two requests, and
//! `connection: close` in the last line of a head or not at all. What it costs is what the system
//! calls and the threads cost; what a real server costs beyond that is HTTP.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::client::Exchange;
use crate::{LOG_IN, PIPELINED, READ_USER};

/// Says where it is as the real server does, and serves until the process is killed.
pub fn run() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("The baseline runs on http://{}", listener.local_addr()?);
    serve(&listener)
}

pub fn serve(listener: &TcpListener) -> io::Result<()> {
    let canned: &'static [Canned; 2] = Box::leak(Box::new([READ_USER, LOG_IN].map(Canned::new)));
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || respond(&stream, canned));
    }
}

/// Lengths of a request and of its response, and the response as often as the client pipelines.
struct Canned {
    request: usize,
    response: usize,
    responses: String,
}

impl Canned {
    fn new(exchange: Exchange) -> Self {
        let (body, length) = (exchange.body, exchange.body.len());
        let head = "HTTP/1.1 200 OK\r\ndate: Mon, 23 Nov 2026 17:01:51 GMT\r\ncontent-type: application/json";
        let response = format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        let request = exchange.request(false).len();
        Self { request, response: response.len(), responses: response.repeat(PIPELINED) }
    }
}

fn respond(mut stream: &TcpStream, [read_user, log_in]: &[Canned; 2]) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        let canned = if buffer[0] == b'G' { read_user } else { log_in };
        let is_last = buffer[..count].ends_with(b"close\r\n\r\n");
        let requests = if is_last { 1 } else { count / canned.request };
        stream.write_all(&canned.responses.as_bytes()[..requests * canned.response])?;
        if is_last || count == 0 {
            return Ok(());
        }
    }
}
