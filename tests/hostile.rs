//! Clients that mean harm.
//!
//! In each test a normal client is served meanwhile or right after, and what the attack took
//! (threads, descriptors, memory, places among the connections) is given back. Linux tells what a
//! process holds; elsewhere the tests prove that a normal client is served.

mod support;
#[path = "support/victim.rs"]
mod victim;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::Limits;

use support::{Client, PATIENCE, is_timeout};
use victim::{CAP, HELLO, LARGE, SPARE, Victim, read_to_end};

/// Between two bytes of a slow client: far less than any deadline here.
const NOW_AND_THEN: Duration = Duration::from_millis(50);

/// A server that is asked for this must not have a deadline of its own for each byte.
fn send_now_and_then(stream: &mut TcpStream, byte: &[u8], victim: &Victim) -> String {
    let started = Instant::now();
    stream.set_read_timeout(Some(NOW_AND_THEN)).expect("a read timeout");
    while stream.peek(&mut [0]).is_err() && stream.write_all(byte).is_ok() {
        assert!(started.elapsed() < PATIENCE, "a byte now and then keeps the thread");
        victim.is_well();
    }
    stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    read_to_end(stream)
}

// Deadlines.

#[test]
fn a_head_that_comes_byte_by_byte_does_not_outlive_its_deadline() {
    let victim = Victim::small("head_timeout=500");
    let before = victim.holdings();
    let mut stream = victim.connect();
    let response = send_now_and_then(&mut stream, b"G", &victim);
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    drop(stream);
    victim.recovers(&before);
}

#[test]
fn a_body_that_comes_byte_by_byte_does_not_outlive_its_deadline() {
    let victim = Victim::small("body_timeout=500");
    let before = victim.holdings();
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut stream = victim.connect();
        let head = format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("the head is sent");
        let response = send_now_and_then(&mut stream, b"1", &victim);
        assert!(response.starts_with("HTTP/1.1 408 "), "{framing}: {response}");
    }
    victim.recovers(&before);
}

#[test]
fn a_silent_connection_is_closed_without_a_word() {
    let victim = Victim::small("idle_timeout=500");
    let before = victim.holdings();
    let silent = victim.connect();
    let mut served = victim.connect();
    served.write_all(HELLO).expect("a request is sent");
    for (stream, responses) in [(&silent, 0), (&served, 1)] {
        let text = read_to_end(stream);
        assert_eq!(text.matches("HTTP/1.1 ").count(), responses, "{text}");
    }
    drop((silent, served));
    victim.recovers(&before);
}

#[test]
fn an_empty_line_alone_is_closed_without_a_word() {
    let victim = Victim::small("head_timeout=500");
    let mut stream = victim.connect();
    stream.write_all(b"\r\n").expect("an empty line is sent");
    assert_eq!(read_to_end(&stream), "");
    victim.is_well();
}

#[test]
fn a_client_that_never_reads_is_dropped() {
    let victim = Victim::small("write_timeout=500");
    let before = victim.holdings();
    let mut stream = victim.connect();
    stream.set_write_timeout(Some(NOW_AND_THEN)).expect("a write timeout");
    let (requests, mut sent, started) = (HELLO.repeat(1000), 0, Instant::now());
    loop {
        match stream.write(&requests[sent..]) {
            Ok(count) => sent = (sent + count) % requests.len(),
            Err(error) if is_timeout(&error) => {} // the server does not read, but it is there
            Err(_) => break,
        }
        assert!(started.elapsed() < PATIENCE, "the server keeps a client that never reads");
    }
    drop(stream);
    victim.recovers(&before);
}

/// One deadline for a whole response: not one for each part of it that the client makes room for.
#[test]
fn a_client_that_reads_a_little_now_and_then_does_not_outlive_the_write_deadline() {
    let victim = Victim::small("write_timeout=500");
    let mut stream = victim.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request is sent");
    let (mut portion, mut received) = (vec![0; 1024 * 1024], 0);
    for _ in 0..30 {
        thread::sleep(NOW_AND_THEN);
        received += stream.read(&mut portion).unwrap_or(0);
    }
    while let Ok(count @ 1..) = stream.read(&mut portion) {
        received += count; // what the system still had
    }
    assert!(received < LARGE, "the server waited for a client three times as long as it may");
    victim.is_well();
}

#[test]
fn clients_that_send_a_request_before_each_timeout_cannot_keep_others_out() {
    let victim = Victim::small("max_connections=4 connection_lifetime=500");
    let attackers = [(); 4].map(|()| {
        let mut client = Client::connect(victim.address);
        thread::spawn(move || {
            let started = Instant::now();
            loop {
                client.send(HELLO);
                let response = client.response();
                assert_eq!(response.status, 200);
                if response.header("connection") == Some("close") {
                    return client.is_closed();
                }
                assert!(started.elapsed() < PATIENCE, "a connection has no end");
                thread::sleep(NOW_AND_THEN);
            }
        })
    });
    for attacker in attackers {
        assert!(
            attacker.join().expect("the attacker's connection ends"),
            "more came after the last response"
        );
    }
    victim.becomes_well();
}

// After the last response: the rest of a request is read and dropped, and not for ever.

#[test]
fn a_silent_client_does_not_keep_its_place_after_the_last_response() {
    let victim = Victim::small("max_connections=1 linger_timeout=500");
    let mut stream = victim.connect();
    stream.write_all(b"garbage\r\n\r\n").expect("garbage is sent");
    let response = read_to_end(&stream);
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    victim.becomes_well();
}

#[test]
fn a_client_that_goes_on_sending_after_the_last_response_does_not_keep_its_place() {
    let victim = Victim::small("max_connections=1 linger_time=500");
    let mut stream = victim.connect();
    stream.write_all(b"garbage\r\n\r\n").expect("garbage is sent");
    let response = read_to_end(&stream);
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    let started = Instant::now();
    while stream.write_all(b"x").is_ok() {
        assert!(started.elapsed() < PATIENCE, "the server reads on and on");
        thread::sleep(NOW_AND_THEN);
    }
    victim.becomes_well();
}

const TOO_LONG: [&str; 2] =
    ["Content-Length: 20971520\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1400000\r\n"];

/// Most clients read a response when they have sent their request, however long it is.
#[test]
fn a_client_that_sends_20_mb_before_it_reads_sees_the_413() {
    let victim = Victim::program(&[]);
    let megabyte = vec![b'x'; 1024 * 1024];
    for start in TOO_LONG.iter().cycle().take(10) {
        let mut stream = victim.connect();
        let head = format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{start}");
        stream.write_all(head.as_bytes()).expect("the head is sent");
        for _ in 0..20 {
            stream.write_all(&megabyte).expect("the server reads and drops");
        }
        let response = read_to_end(&stream);
        assert!(response.starts_with("HTTP/1.1 413 "), "{start}: {response:?}");
        assert!(response.ends_with("The body is longer than this server takes.\n"), "{response}");
    }
}

#[test]
fn a_client_that_sends_a_long_body_slowly_sees_the_413() {
    let victim = Victim::small("linger_timeout=700");
    let piece = vec![b'x'; 64 * 1024];
    for start in TOO_LONG {
        let mut stream = victim.connect();
        let head = format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{start}");
        stream.write_all(head.as_bytes()).expect("the head is sent");
        for _ in 0..24 {
            thread::sleep(NOW_AND_THEN);
            stream.write_all(&piece).expect("the server reads and drops");
        }
        let response = read_to_end(&stream);
        assert!(response.starts_with("HTTP/1.1 413 "), "{start}: {response:?}");
    }
}

/// A request for a page that nobody has: the last one of its connection, with a head of this length.
fn last_request(length: usize) -> Vec<u8> {
    let start = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nA: ";
    format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4)).into_bytes()
}

/// Sends the end of a last request with more bytes, and after a moment more, as a client does that has
/// not read the response yet.
fn assert_more_may_follow(mut stream: TcpStream, end: &[u8], victim: &Victim) {
    stream.write_all(&[end, b"more"].concat()).expect("the request is sent");
    for _ in 0..2 {
        thread::sleep(NOW_AND_THEN); // a reset comes with the next packet, and an error with the next write
        stream.write_all(b"more").expect("the server reads and drops");
    }
    let response = read_to_end(&stream);
    assert!(response.ends_with("{\"detail\":\"Not Found\"}"), "{response:?}");
    victim.is_well();
}

/// Also where they begin exactly after what one read of the server takes, which is 1,460 bytes.
#[test]
fn bytes_after_the_last_request_do_not_destroy_its_response() {
    let victim = Victim::small("");
    for length in [200, 1024, 1460, 2 * 1460, 4096, 11 * 1460] {
        assert_more_may_follow(victim.connect(), &last_request(length), &victim);
    }
}

/// And where the head is as long as a head may be.
#[test]
fn bytes_after_a_last_request_of_full_length_do_not_destroy_its_response() {
    let victim = Victim::small("");
    let request = last_request(Limits::DEFAULT.head);
    let mut stream = victim.connect();
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let (start, end) = request.split_at(request.len() - 500);
    for piece in start.chunks(1000) {
        stream.write_all(piece).expect("a piece is sent");
        thread::sleep(NOW_AND_THEN / 5); // so that the server reads it alone
    }
    assert_more_may_follow(stream, end, &victim);
}

// Floods.

#[test]
fn a_client_over_the_cap_is_turned_away_at_once_and_the_others_are_served() {
    let victim = Victim::small("");
    let before = victim.holdings();
    let mut inside: Vec<TcpStream> = (0..CAP).map(|_| victim.connect()).collect();
    for _ in 0..20 {
        let response = read_to_end(&victim.connect());
        assert!(response.starts_with("HTTP/1.1 503 "), "{response:?}");
        for field in ["retry-after: 1", "connection: close"] {
            assert!(response.contains(&format!("\r\n{field}\r\n")), "{response}");
        }
    }
    for stream in &mut inside {
        stream.write_all(HELLO).expect("a request is sent");
        let mut start = [0; 15];
        stream.read_exact(&mut start).expect("a response");
        assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 200 OK");
    }
    assert!(victim.holdings().threads <= CAP + SPARE + 1, "{:?}", victim.holdings());
    drop(inside);
    victim.becomes_well();
    victim.recovers(&before);
}

#[test]
fn a_flood_of_connections_that_come_and_go_leaves_nothing_behind() {
    let victim = Victim::small("");
    let before = victim.holdings();
    for round in 0..400 {
        drop(victim.connect());
        if round % 50 == 0 {
            thread::sleep(NOW_AND_THEN);
        }
    }
    victim.becomes_well();
    victim.recovers(&before);
}

#[test]
fn a_flood_of_garbage_is_answered_and_leaves_nothing_behind() {
    let victim = Victim::small("");
    let before = victim.holdings();
    for round in 0_u32..200 {
        let mut stream = victim.connect();
        let garbage: Vec<u8> = (0..2000_u32).map(|i| (i * (round + 7) + round).to_le_bytes()[0]).collect();
        let _ = stream.write_all(&garbage);
        let response = read_to_end(&stream);
        assert!(response.starts_with("HTTP/1.1 400 "), "{response:?}");
    }
    victim.recovers(&before);
}

#[test]
fn a_handler_that_panics_costs_its_connection_and_nothing_else() {
    let victim = Victim::small("");
    let before = victim.holdings();
    for _ in 0..CAP * 2 {
        let mut client = Client::connect(victim.address);
        client.send(b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.send(HELLO);
        let response = client.response();
        assert_eq!((response.status, response.header("connection")), (500, Some("close")));
        assert!(!response.text().contains("on purpose"), "the reason of a panic is nobody's business");
        client.finish_sending();
        assert!(client.is_closed(), "something came after the last response");
    }
    victim.recovers(&before);
}
