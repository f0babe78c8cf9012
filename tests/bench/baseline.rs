//! The baseline: as little as a server can do that starts a thread for each connection.
//!
//! It parses nothing. It relies on the bench's client, which sends one of two requests, and
//! `connection: close` in the last line of a head or not at all. What it costs is what the system
//! calls and the threads cost; what a real server costs beyond that is HTTP.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;
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
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || respond(&stream));
    }
}

/// The response to each request, as often as the client pipelines.
static RESPONSES: LazyLock<[String; 2]> = LazyLock::new(|| [READ_USER, LOG_IN].map(responses));

fn responses(exchange: Exchange) -> String {
    let (body, length) = (exchange.body, exchange.body.len());
    let head = "HTTP/1.1 200 OK\r\ndate: Mon, 23 Nov 2026 17:01:51 GMT\r\ncontent-type: application/json";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").repeat(PIPELINED)
}

fn respond(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        let index = usize::from(buffer[0] == b'P');
        let (request, responses) = ([READ_USER, LOG_IN][index].request, &RESPONSES[index]);
        // The field `connection: close` makes one request longer, and not two of it.
        let length = responses.len() / PIPELINED * (count / request.len());
        stream.write_all(&responses.as_bytes()[..length])?;
        if count == 0 || buffer[..count].ends_with(b"close\r\n\r\n") {
            return Ok(());
        }
    }
}
