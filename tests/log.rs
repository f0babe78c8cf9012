//! Everything that happened is in the log, also what an attacker would rather not have there; and the
//! log holds up nobody, also when nobody reads it.

mod support;
#[path = "support/victim.rs"]
mod victim;

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::Limits;

use support::{Client, PATIENCE};
use victim::{CAP, HELLO, Lines, Victim, read_to_end};

/// `POST /token` with a wrong password.
fn guess(number: usize) -> String {
    let form = format!("username=johndoe&password={number}");
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len())
}

/// `GET` of a path that nobody has, with a kilobyte of query, so that a log is filled soon.
fn long_line(number: usize) -> String {
    format!("GET /line/{number}?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(1000))
}

/// The number before these words.
fn number_before(line: &str, words: &str) -> usize {
    let number = line.split_once(words).and_then(|(before, _)| before.rsplit([' ', '(']).next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number in {line:?}"))
}

/// A client that guesses passwords, and resets the connection before it gets the responses, leaves its
/// traces all the same.
#[test]
fn guesses_whose_responses_could_not_be_sent_are_in_the_log() {
    let mut victim = Victim::small("");
    let log = victim.log();
    let mut stream = victim.connect();
    let client = stream.local_addr().expect("an address");
    stream.write_all(HELLO).expect("a request is sent");
    stream.peek(&mut [0]).expect("its response, which stays unread, so that the end will be a reset");
    // All in one packet, so that the server has read all guesses when the reset comes.
    let guesses: String = (0..8).map(guess).collect();
    let slow = "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(format!("{slow}{guesses}").as_bytes()).expect("all is sent");
    drop(stream); // while the server is busy with the slow one
    assert!(log.next().contains("/users/me"));
    assert!(log.next().contains("/slow"));
    for _ in 0..8 {
        assert_eq!(log.next(), format!("INFO:     {client} - \"POST /token HTTP/1.1\" 400 Bad Request"));
    }
    let told = log.next();
    assert!(told.starts_with(&format!("WARNING:  {client} - a response could not be sent: ")), "{told}");
}

#[test]
fn a_handler_that_panics_is_in_the_log_with_its_request() {
    let mut victim = Victim::small("");
    let log = victim.log();
    let mut client = Client::connect(victim.address);
    client.send(b"GET /panic?why HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.response().status, 500);
    let address = client.address();
    let line = format!("INFO:     {address} - \"GET /panic?why HTTP/1.1\" 500 Internal Server Error");
    assert_eq!(log.next(), line);
}

#[test]
fn a_request_that_came_too_slowly_is_in_the_log() {
    let mut victim = Victim::small("head_timeout=300");
    let log = victim.log();
    let mut client = Client::connect(victim.address);
    client.send(b"GET /");
    assert_eq!(client.response().status, 408);
    let address = client.address();
    let reason = "refused with 408 Request Timeout: The head of the request came too slowly.";
    assert_eq!(log.next(), format!("WARNING:  {address} - {reason}"));
}

/// A flood of clients must be told, and must not become a flood of lines.
#[test]
fn clients_over_the_cap_are_counted_in_one_line_a_second() {
    let mut victim = Victim::small("");
    let log = victim.log();
    let inside: Vec<TcpStream> = (0..CAP).map(|_| victim.connect()).collect();
    let started = Instant::now();
    for _ in 0..200 {
        thread::sleep(Duration::from_millis(1));
        assert!(read_to_end(&victim.connect()).starts_with("HTTP/1.1 503 "));
    }
    let (mut told, mut lines) = (0, 0);
    while told < 200 {
        let line = log.with("WARNING");
        let start =
            format!("WARNING:  a client was rejected: the limit of {CAP} open connections is reached (");
        assert!(line.starts_with(&start), "{line}");
        told += number_before(&line, " in the last second)");
        lines += 1;
    }
    assert_eq!(told, 200, "rejected clients in the log");
    let seconds = started.elapsed().as_secs() + 1;
    assert!(lines <= seconds, "{lines} lines in {seconds} seconds");
    drop(inside);
}

/// Sends as many requests as a log that nobody reads cannot keep: a pipe holds 64 KiB or so, the
/// server a mebibyte.
fn fill_the_log(victim: &Victim) -> usize {
    let mut client = Client::connect(victim.address);
    for round in 0..40 {
        let requests: String = (0..50).map(|number| long_line(round * 50 + number)).collect();
        client.send(requests.as_bytes());
        for _ in 0..50 {
            assert_eq!(client.response().status, 404);
        }
    }
    40 * 50
}

/// Sends more requests until the log shows one: what was lost is told with the next lines.
fn lines_until_it_goes_on(victim: &Victim, log: &Lines) -> (Vec<String>, usize) {
    let (deadline, mut lines, mut sent) = (Instant::now() + PATIENCE, Vec::new(), 0);
    while !lines.iter().any(|line: &String| line.contains("/users/me")) {
        assert!(Instant::now() < deadline, "the log does not go on");
        victim.is_well();
        sent += 1;
        lines.extend(std::iter::from_fn(|| log.next_within(Duration::from_millis(200))));
    }
    (lines, sent)
}

#[test]
fn a_reader_of_the_log_that_stalls_stalls_no_response_and_is_told_what_it_missed() {
    let mut victim = Victim::program(&[]);
    let sent = fill_the_log(&victim);
    let log = victim.log();
    let (lines, more) = lines_until_it_goes_on(&victim, &log);
    let lost =
        |line: &String| line.starts_with("WARNING:  ").then(|| number_before(line, " lines were lost"));
    let lost: Vec<usize> = lines.iter().filter_map(lost).collect();
    let written = lines.iter().filter(|line| line.starts_with("INFO:     ")).count();
    assert!(lost.iter().sum::<usize>() > 0, "nothing was lost, so this proves nothing");
    assert_eq!(written + lost.iter().sum::<usize>(), sent + more, "lines written and lost: {lost:?}");
}

/// Ctrl+S in the terminal, or a selection in a Windows console.
#[test]
fn a_reader_of_explanations_that_stalls_stalls_no_response() {
    let mut victim = Victim::program(&["--explain"]);
    let before = victim.holdings();
    fill_the_log(&victim);
    let mut clients: Vec<Client> = (0..CAP).map(|_| Client::connect(victim.address)).collect();
    for client in &mut clients {
        client.send(HELLO);
        assert_eq!(client.response().status, 200);
    }
    drop(clients);
    victim.recovers_with(Limits::DEFAULT.spare_threads, &before);
    let log = victim.log();
    let (lines, _) = lines_until_it_goes_on(&victim, &log);
    assert!(lines.iter().any(|line| line.ends_with(" lines were lost")), "the reader is not told");
}
