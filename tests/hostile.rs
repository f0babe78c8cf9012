//! Clients that mean harm.
//!
//! In each test a normal client is served meanwhile or right after, and what the attack took
//! (threads, descriptors, memory, places among the connections) is given back. Linux tells what a
//! process holds; elsewhere the tests prove that a normal client is served.

mod support;
#[path = "support/victim.rs"]
mod victim;

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::Limits;

use support::{Client, PATIENCE, TestServer, get, is_timeout};
use victim::{CAP, HELLO, LARGE, SPARE, Victim, hello};

/// Between two bytes of a slow client: far less than any deadline here.
const NOW_AND_THEN: Duration = Duration::from_millis(50);

// Deadlines.

/// Sends this start of a request, and then a byte now and then, which must not put off the deadline.
fn assert_deadline(limit: &str, start: &str, byte: &[u8]) {
    let victim = Victim::small(limit);
    let mut client = victim.connect();
    client.send(start.as_bytes());
    let started = Instant::now();
    while client.is_silent_for(NOW_AND_THEN) {
        assert!(started.elapsed() < PATIENCE, "a byte now and then keeps the thread");
        client.send(byte);
        victim.is_well();
    }
    let response = client.everything().expect("the connection ends");
    assert!(response.starts_with("HTTP/1.1 408 "), "after {start:?}: {response}");
    drop(client);
    victim.recovers(SPARE);
}

#[test]
fn a_head_that_comes_byte_by_byte_does_not_outlive_its_deadline() {
    assert_deadline("head_timeout=500", "", b"G");
}

#[test]
fn a_body_that_comes_byte_by_byte_does_not_outlive_its_deadline() {
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let head = format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n");
        assert_deadline("body_timeout=500", &head, b"1");
    }
}

#[test]
fn a_client_that_sends_no_more_is_let_go_without_a_word() {
    for (limit, sent, responses) in
        [("idle_timeout=500", &b""[..], 0), ("idle_timeout=500", HELLO, 1), ("head_timeout=500", b"\r\n", 0)]
    {
        let victim = Victim::small(limit);
        let mut client = victim.connect();
        client.send(sent);
        let text = client.everything().expect("the connection ends");
        assert_eq!(text.matches("HTTP/1.1 ").count(), responses, "after {}: {text}", sent.escape_ascii());
        drop(client);
        victim.recovers(SPARE);
    }
}

#[test]
fn a_client_that_never_reads_is_dropped() {
    let victim = Victim::small("write_timeout=500");
    let mut client = victim.connect();
    client.stream.set_write_timeout(Some(NOW_AND_THEN)).expect("a write timeout");
    let (requests, mut sent, started) = (HELLO.repeat(1000), 0, Instant::now());
    loop {
        match client.stream.write(&requests[sent..]) {
            Ok(count) => sent = (sent + count) % requests.len(),
            Err(error) if is_timeout(&error) => {} // the server does not read, but it is there
            Err(_) => break,
        }
        assert!(started.elapsed() < PATIENCE, "the server keeps a client that never reads");
    }
    drop(client);
    victim.recovers(SPARE);
}

/// One deadline for a whole response: not one for each part of it that the client makes room for.
#[test]
fn a_client_that_reads_a_little_now_and_then_does_not_outlive_the_write_deadline() {
    let victim = Victim::small("write_timeout=500");
    let mut client = victim.connect();
    client.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (mut portion, mut received) = (vec![0; 1024 * 1024], 0);
    for _ in 0..30 {
        thread::sleep(NOW_AND_THEN);
        received += client.stream.read(&mut portion).unwrap_or(0);
    }
    while let Ok(count @ 1..) = client.stream.read(&mut portion) {
        received += count; // what the system still had
    }
    assert!(received < LARGE, "the server waited for a client three times as long as it may");
    victim.is_well();
}

#[test]
fn clients_that_send_a_request_before_each_timeout_cannot_keep_others_out() {
    let victim = Victim::small("max_connections=4 connection_lifetime=500");
    for mut attacker in [(); 4].map(|()| victim.connect()) {
        let started = Instant::now();
        loop {
            attacker.send(HELLO);
            let response = attacker.response();
            assert_eq!(response.status, 200);
            if response.header("connection") == Some("close") {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "a connection has no end");
            thread::sleep(NOW_AND_THEN);
        }
        assert!(attacker.is_closed(), "more came after the last response");
    }
    victim.becomes_well();
}

// After the last response: the rest of a request is read and dropped, and not for ever.

/// A client that has sent garbage, and has read all that it got for it.
fn refused(victim: &Victim) -> Client {
    let mut client = victim.connect();
    client.send(b"garbage\r\n\r\n");
    let response = client.everything().expect("the connection ends");
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    client
}

#[test]
fn a_silent_client_does_not_keep_its_place_after_the_last_response() {
    let victim = Victim::small("max_connections=1 linger_timeout=500");
    let _silent = refused(&victim);
    victim.becomes_well();
}

#[test]
fn a_client_that_goes_on_sending_after_the_last_response_does_not_keep_its_place() {
    let victim = Victim::small("max_connections=1 linger_time=500");
    let mut client = refused(&victim);
    let started = Instant::now();
    while client.stream.write_all(b"x").is_ok() {
        assert!(started.elapsed() < PATIENCE, "the server reads on and on");
        thread::sleep(NOW_AND_THEN);
    }
    victim.becomes_well();
}

/// Sends so many pieces of a body that is too long, and only then reads, as most clients do.
fn assert_413_is_read(victim: &Victim, piece: &[u8], count: usize, pause: Duration) {
    for start in ["Content-Length: 20971520\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1400000\r\n"] {
        let mut client = victim.connect();
        let head = format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{start}");
        client.send(head.as_bytes());
        for _ in 0..count {
            thread::sleep(pause);
            client.stream.write_all(piece).expect("the server reads and drops");
        }
        let response = client.everything().expect("the connection ends");
        assert!(response.starts_with("HTTP/1.1 413 "), "{start}: {response:?}");
        assert!(response.ends_with("The body is longer than this server takes.\n"), "{response}");
    }
}

#[test]
fn a_client_that_sends_20_mb_before_it_reads_sees_the_413() {
    let victim = Victim::program(&[]);
    for _ in 0..5 {
        assert_413_is_read(&victim, &vec![b'x'; 1024 * 1024], 20, Duration::ZERO);
    }
}

#[test]
fn a_client_that_sends_a_long_body_slowly_sees_the_413() {
    assert_413_is_read(&Victim::small("linger_timeout=700"), &vec![b'x'; 64 * 1024], 24, NOW_AND_THEN);
}

/// Also where they begin exactly after what one read of the server takes, which is 1,460 bytes, and
/// where the head is as long as a head may be and its start has come in pieces.
#[test]
fn bytes_after_the_last_request_do_not_destroy_its_response() {
    let victim = Victim::small("");
    let full = Limits::DEFAULT.head;
    let lengths = [200, 1024, 1460, 2 * 1460, 4096, 11 * 1460].map(|length| (length, 0));
    for (length, in_pieces) in lengths.into_iter().chain([(full, full - 500)]) {
        let start = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nA: ";
        let request = format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4));
        let (start, end) = request.split_at(in_pieces);
        let mut client = victim.connect();
        for piece in start.as_bytes().chunks(1000) {
            client.send(piece);
            thread::sleep(NOW_AND_THEN / 5); // so that the server reads it alone
        }
        client.send(format!("{end}more").as_bytes());
        for _ in 0..2 {
            thread::sleep(NOW_AND_THEN); // a reset comes with the next packet, and an error with the next write
            client.stream.write_all(b"more").expect("the server reads and drops");
        }
        let response = client.everything().expect("the connection ends");
        assert!(response.ends_with("{\"detail\":\"Not Found\"}"), "{length} bytes: {response:?}");
    }
    victim.is_well();
}

// Floods.

#[test]
fn a_client_over_the_cap_is_turned_away_at_once_and_the_others_are_served() {
    let victim = Victim::small("");
    let mut inside: Vec<Client> = (0..CAP).map(|_| victim.connect()).collect();
    for _ in 0..20 {
        let mut client = victim.connect();
        let response = client.response();
        assert_eq!((response.status, response.header("connection")), (503, Some("close")));
        assert_eq!(response.header("retry-after"), Some("1"));
        assert!(client.is_closed(), "something came after the 503");
    }
    for client in &mut inside {
        assert_eq!(hello(client), Some(200), "the status of a client that was there before");
    }
    assert!(victim.holdings().threads <= CAP + SPARE + 1, "{:?}", victim.holdings());
    drop(inside);
    victim.becomes_well();
    victim.recovers(SPARE);
}

#[test]
fn a_client_that_has_seen_the_end_of_its_connection_has_a_place_again() {
    let server = TestServer::start_with(&["--port", "0", "--no-access-log", "--limit-concurrency", "1"]);
    for turn in 0..5000 {
        let mut client = server.connect();
        client.send(get("/users/me", "Connection: close\r\n").as_bytes());
        assert_eq!((client.response().status, client.is_closed()), (401, true), "turn {turn}");
    }
}

#[test]
fn a_flood_of_connections_that_come_and_go_leaves_nothing_behind() {
    let victim = Victim::small("");
    for round in 0..400 {
        drop(victim.connect());
        if round % 50 == 0 {
            thread::sleep(NOW_AND_THEN);
        }
    }
    victim.becomes_well();
    victim.recovers(SPARE);
}

#[test]
fn a_flood_of_garbage_is_answered_and_leaves_nothing_behind() {
    let victim = Victim::small("");
    for round in 0_u32..200 {
        let mut client = victim.connect();
        let garbage: Vec<u8> = (0..2000_u32).map(|i| (i * (round + 7) + round).to_le_bytes()[0]).collect();
        client.send(&garbage);
        let response = client.everything().expect("the connection ends");
        assert!(response.starts_with("HTTP/1.1 400 "), "{response:?}");
    }
    victim.recovers(SPARE);
}

#[test]
fn a_handler_that_panics_costs_its_connection_and_nothing_else() {
    let victim = Victim::small("");
    for _ in 0..CAP * 2 {
        let mut client = victim.connect();
        client.send(b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.send(HELLO);
        let response = client.response();
        assert_eq!((response.status, response.header("connection")), (500, Some("close")));
        assert!(!response.text().contains("on purpose"), "the reason of a panic is nobody's business");
        client.finish_sending();
        assert!(client.is_closed(), "something came after the last response");
    }
    victim.recovers(SPARE);
}
