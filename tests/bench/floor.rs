//! The floor: as little as a server can do that starts a thread for each connection.
//!
//! It parses nothing. It relies on the bench's client, which sends one of two requests, each in
//! one write, and sends `connection: close` as the last line if at all. What it costs is what the
//! system calls and the threads cost; what a real server costs beyond that is HTTP.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::client::Exchange;
use crate::{LOG_IN, READ_USER};

/// As many requests as the bench pipelines at the most.
const MOST_AT_ONCE: usize = 16;

/// Serves until the process is killed.
pub fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("The floor runs on http://{}", listener.local_addr()?);
    let canned = [&READ_USER, &LOG_IN].map(Canned::new);
    let canned: &'static [Canned; 2] = Box::leak(Box::new(canned));
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || answer(&stream, canned));
    }
}

/// A request by its length, and the answers to sixteen of it in a row.
struct Canned {
    request: usize,
    answer: usize,
    answers: Vec<u8>,
}

impl Canned {
    fn new(exchange: &Exchange) -> Self {
        let body = exchange.answer;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ndate: Mon, 23 Nov 2026 17:01:51 GMT\r\ncontent-length: {}\r\ncontent-type: application/json\r\n\r\n{body}",
            body.len()
        );
        let answers = answer.repeat(MOST_AT_ONCE).into_bytes();
        Self { request: exchange.request(false).len(), answer: answer.len(), answers }
    }
}

fn answer(mut stream: &TcpStream, [read_user, log_in]: &[Canned; 2]) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let canned = if buffer[0] == b'G' { read_user } else { log_in };
        let is_last = buffer[..count].ends_with(b"close\r\n\r\n");
        let requests = if is_last { 1 } else { count / canned.request };
        if stream.write_all(&canned.answers[..requests * canned.answer]).is_err() || is_last {
            return;
        }
    }
}
