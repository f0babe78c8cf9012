//! Everything that happened is in the log, also what an attacker would rather not have there; and the
//! log holds up nobody, also when nobody reads it.

mod support;
#[path = "support/victim.rs"]
mod victim;

use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::Limits;

use support::{Client, PATIENCE, get, post_form};
use victim::{CAP, HELLO, Lines, Victim};

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
    let mut client = victim.connect();
    let address = client.address();
    client.send(HELLO);
    client.stream.peek(&mut [0]).expect("its response, which stays unread, so that the end will be a reset");
    // All in one packet, so that the server has read all guesses when the reset comes.
    let guesses = post_form("username=johndoe&password=wrong").repeat(8);
    client.send((get("/slow", "") + &guesses).as_bytes());
    drop(client); // while the server is busy with the slow one
    assert!(log.next().contains("/users/me"));
    assert!(log.next().contains("/slow"));
    for _ in 0..8 {
        assert_eq!(log.next(), format!("INFO:     {address} - \"POST /token HTTP/1.1\" 400 Bad Request"));
    }
    let told = log.next();
    assert!(told.starts_with(&format!("WARNING:  {address} - a response could not be sent: ")), "{told}");
}

#[test]
fn a_handler_that_panics_and_a_request_that_comes_too_slowly_are_in_the_log() {
    let mut victim = Victim::small("head_timeout=300");
    let log = victim.log();
    let mut client = victim.connect();
    client.send(get("/panic?why", "").as_bytes());
    let told = "\"GET /panic?why HTTP/1.1\" 500 Internal Server Error";
    assert_eq!(log.next(), format!("INFO:     {} - {told}", client.address()));
    let mut client = victim.connect();
    client.send(b"GET /");
    let told = "refused with 408 Request Timeout: The head of the request came too slowly.";
    assert_eq!(log.next(), format!("WARNING:  {} - {told}", client.address()));
}

/// A flood of clients must be told, and must not become a flood of lines.
#[test]
fn clients_over_the_cap_are_counted_in_one_line_a_second() {
    let mut victim = Victim::small("");
    let log = victim.log();
    let _inside: Vec<Client> = (0..CAP).map(|_| victim.connect()).collect();
    let started = Instant::now();
    for _ in 0..200 {
        thread::sleep(Duration::from_millis(1));
        let response = victim.connect().everything().expect("the connection ends");
        assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    }
    let (mut told, mut lines) = (0, 0);
    while told < 200 {
        let line = log.with("WARNING");
        let why = format!("a client was rejected: the limit of {CAP} open connections is reached (");
        assert!(line.contains(&why), "{line}");
        told += number_before(&line, " in the last second)");
        lines += 1;
    }
    assert_eq!(told, 200, "rejected clients in the log");
    let seconds = started.elapsed().as_secs() + 1;
    assert!(lines <= seconds, "{lines} lines in {seconds} seconds");
}

/// Sends more than a log that nobody reads can keep: a pipe has 64 KiB or so, the server a mebibyte.
fn fill_the_log(victim: &Victim) -> usize {
    let mut client = victim.connect();
    let request = get(&format!("/line?{}", "x".repeat(1000)), "");
    for _ in 0..40 {
        client.send(request.repeat(50).as_bytes());
        for _ in 0..50 {
            assert_eq!(client.response().status, 404);
        }
    }
    40 * 50
}

/// A client is served, and its response is explained or is not.
fn assert_served(client: &mut Client, explained: bool) {
    client.send(HELLO);
    let response = client.response();
    assert_eq!((response.status, response.header("server-timing").is_some()), (200, explained));
}

/// Sends more requests until the log has all lines of one: what was lost is told with the next lines.
fn lines_until_it_goes_on(victim: &Victim, log: &Lines, explained: bool) -> (Vec<String>, usize) {
    let (deadline, mut lines, mut sent) = (Instant::now() + PATIENCE, Vec::new(), 0);
    loop {
        assert!(Instant::now() < deadline, "the log does not go on");
        let mut client = victim.connect();
        assert_served(&mut client, explained);
        sent += 1;
        lines.extend(std::iter::from_fn(|| log.next_within(Duration::from_millis(200))));
        // The heading of a block has the address, and so has the line that follows the block.
        let address = client.address().to_string();
        let shown = lines.iter().filter(|line: &&String| line.contains(&address)).count();
        if shown == 1 + usize::from(explained) {
            return (lines, sent);
        }
    }
}

/// Every line of a log that nobody read for a while is there in the end, or is counted as lost.
fn assert_a_stalled_reader_stalls_nobody(flags: &[&str], lines_of_line: usize, lines_of_me: usize) {
    let explained = !flags.is_empty();
    let mut victim = Victim::program(flags);
    let sent = fill_the_log(&victim);
    let mut clients: Vec<Client> = (0..CAP).map(|_| victim.connect()).collect();
    for client in &mut clients {
        assert_served(client, explained);
    }
    drop(clients);
    victim.recovers(Limits::DEFAULT.spare_threads); // it sends a request as well
    let log = victim.log();
    let (lines, more) = lines_until_it_goes_on(&victim, &log, explained);
    let (warnings, written): (Vec<&String>, Vec<&String>) =
        lines.iter().partition(|line| line.starts_with("WARNING:  nobody read this log for a while: "));
    let lost: usize = warnings.iter().map(|line| number_before(line, " lines were lost")).sum();
    let kept: usize = written.iter().map(|line| line.len()).sum();
    assert!(lost > 0 && kept > 1_000_000, "{lost} lines were lost, and {kept} bytes were kept");
    let expected = sent * lines_of_line + (CAP + 1 + more) * lines_of_me;
    assert_eq!(written.len() + lost, expected, "lines written and lost: {warnings:?}");
}

#[test]
fn a_reader_of_the_log_that_stalls_stalls_no_response_and_is_told_what_it_missed() {
    assert_a_stalled_reader_stalls_nobody(&[], 1, 1);
}

/// Ctrl+S in the terminal, or a selection in a Windows console. A block has an empty line, a heading,
/// the steps (2 for `/users/me`) and the response.
#[test]
fn a_reader_of_explanations_that_stalls_stalls_no_response_and_is_told_what_it_missed() {
    assert_a_stalled_reader_stalls_nobody(&["--explain"], 3 + 1, 5 + 1);
}
