//! Clients that mean harm, and a system that has nothing left to give.
//!
//! In each test a normal client is served meanwhile or right after, and what the attack took
//! (threads, descriptors, memory, places among the connections) is given back. The server has a
//! process of its own, so that the numbers are its own: this test program starts itself again, with
//! limits small enough to be reached. Linux keeps the numbers in `/proc`.

#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::app::APPLICATION;
use simple_oauth2::server::{Application, Limits, Response, Server};
use support::{Client, PATIENCE, address_in};

const HELLO: &[u8] = b"GET /users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer johndoe\r\n\r\n";

/// Each deadline of the small server. A test waits for three times as long before it complains.
const DEADLINE: Duration = Duration::from_millis(700);

/// Connections of the small server, and threads that stay when they have ended.
const CAP: usize = 48;
const SPARE: usize = 4;

/// Started by the other tests, in a process of its own.
#[test]
#[ignore = "this is the server, not a test"]
fn small_server() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("\nserving http://{},", listener.local_addr().expect("an address"));
    let limits = Limits {
        idle: DEADLINE,
        head_time: DEADLINE,
        body_time: DEADLINE,
        write_time: DEADLINE,
        linger_time: Duration::from_millis(100),
        connections: CAP,
        spare_threads: SPARE,
        ..Limits::DEFAULT
    };
    let answer = |request: &simple_oauth2::server::Request<'_>| -> Response {
        assert!(request.path != "/panic", "this handler panics on purpose");
        (APPLICATION.answer)(request)
    };
    let application = Application { answer, ..APPLICATION };
    let _ = Server { listener, application, limits, access_log: None }.run();
}

/// One attack at a time: two would not leave each other the places that they count.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A server in a process of its own; it ends when this is dropped.
struct Victim {
    process: Child,
    address: SocketAddr,
    _alone: MutexGuard<'static, ()>,
}

/// What a process holds.
#[derive(Debug)]
struct Holdings {
    threads: usize,
    descriptors: usize,
    resident_kib: usize,
}

impl Victim {
    /// The small server.
    fn small() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.args(["--exact", "small_server", "--ignored", "--nocapture"]);
        Self::start(command)
    }

    /// The built program behind a limit of the shell, such as `ulimit -n 40`.
    fn behind(limit: &str, flags: &str) -> Self {
        let mut command = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_simple-oauth2");
        command.args(["-c", &format!("{limit}; exec '{program}' --port 0 {flags}")]);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env("RUST_BACKTRACE", "0"); // a backtrace reads 50 MB of debug information
        let mut process = command.spawn().expect("the server starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert!(stdout.read_line(&mut line).expect("a line") > 0, "the server ended");
        }
        // Kept open, and never read: what is left in it belongs to the test of a stalled reader.
        process.stdout = Some(stdout.into_inner());
        let victim = Self { process, address: address_in(&line), _alone: alone };
        victim.is_well();
        victim
    }

    /// A normal client is served.
    fn is_well(&self) {
        let mut client = Client::connect(self.address);
        client.send(HELLO);
        assert_eq!(client.answer().status, 200);
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
        stream
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.process.id())
    }

    fn holdings(&self) -> Holdings {
        let threads = fs::read_dir(self.proc("task")).expect("the process lives").flatten();
        let is_connection = |entry: &fs::DirEntry| {
            fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.starts_with("connection"))
        };
        let status = fs::read_to_string(self.proc("status")).expect("the process lives");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Holdings {
            threads: threads.filter(is_connection).count(),
            descriptors: fs::read_dir(self.proc("fd")).expect("the process lives").count(),
            resident_kib: resident.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0),
        }
    }

    /// CPU time so far, in clock ticks of a hundredth of a second.
    fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(self.proc("stat")).expect("the process lives");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields[11..13].iter().filter_map(|field| field.parse::<u64>().ok()).sum()
    }

    /// Waits until everything that an attack took has been given back. Idle threads stay by design.
    fn recovers(&self, before: &Holdings) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.holdings();
            if now.threads <= SPARE.max(before.threads) + 1 && now.descriptors <= before.descriptors {
                assert!(now.resident_kib < before.resident_kib + 8 * 1024, "{before:?} became {now:?}");
                return self.is_well();
            }
            assert!(Instant::now() < deadline, "{before:?} became {now:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What comes until the connection ends, and how long that took.
fn read_to_end(mut stream: &TcpStream) -> (String, Duration) {
    let (started, mut bytes) = (Instant::now(), Vec::new());
    let _ = stream.read_to_end(&mut bytes); // a reset is an end too
    (String::from_utf8_lossy(&bytes).into_owned(), started.elapsed())
}

#[test]
fn a_head_that_comes_byte_by_byte_does_not_outlive_its_deadline() {
    let victim = Victim::small();
    let before = victim.holdings();
    let mut stream = victim.connect();
    let started = Instant::now();
    // Each byte comes in time, if each byte had a time of its own.
    stream.set_read_timeout(Some(DEADLINE / 7)).expect("a read timeout");
    while stream.peek(&mut [0]).is_err() && stream.write_all(b"G").is_ok() {
        assert!(started.elapsed() < DEADLINE * 4, "a byte now and then keeps the thread");
        victim.is_well();
    }
    let (answer, _) = read_to_end(&stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
    drop(stream);
    victim.recovers(&before);
}

#[test]
fn a_body_that_comes_byte_by_byte_does_not_outlive_its_deadline() {
    let victim = Victim::small();
    for head in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut stream = victim.connect();
        let request = format!("POST /token HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the head is sent");
        let started = Instant::now();
        stream.set_read_timeout(Some(DEADLINE / 7)).expect("a read timeout");
        while stream.peek(&mut [0]).is_err() && stream.write_all(b"1").is_ok() {
            assert!(started.elapsed() < DEADLINE * 4, "a byte now and then keeps the thread");
        }
        let (answer, _) = read_to_end(&stream);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
        victim.is_well();
    }
}

#[test]
fn a_silent_connection_is_closed_without_a_word() {
    let victim = Victim::small();
    let before = victim.holdings();
    let silent = victim.connect();
    let mut served = victim.connect();
    served.write_all(HELLO).expect("a request is sent");
    let mut empty_line = victim.connect();
    empty_line.write_all(b"\r\n").expect("an empty line is sent");
    for (stream, answers) in [(&silent, 0), (&served, 1), (&empty_line, 0)] {
        let (text, took) = read_to_end(stream);
        assert_eq!(text.matches("HTTP/1.1 ").count(), answers, "{text}");
        assert!(took < DEADLINE * 4, "closed after {took:?}");
    }
    drop((silent, served, empty_line));
    victim.recovers(&before);
}

#[test]
fn a_client_that_never_reads_is_dropped_and_fills_no_memory() {
    let victim = Victim::small();
    let before = victim.holdings();
    let mut stream = victim.connect();
    let started = Instant::now();
    let many = HELLO.repeat(100);
    while stream.write_all(&many).is_ok() {
        assert!(started.elapsed() < PATIENCE, "the server goes on reading");
    }
    assert!(victim.holdings().resident_kib < before.resident_kib + 8 * 1024);
    victim.is_well();
    drop(stream);
    victim.recovers(&before);
}

#[test]
fn a_client_over_the_cap_is_turned_away_at_once_and_the_others_are_served() {
    let victim = Victim::small();
    let before = victim.holdings();
    let mut inside: Vec<TcpStream> = (0..CAP).map(|_| victim.connect()).collect();
    let mut turned_away = 0;
    for _ in 0..20 {
        let (answer, took) = read_to_end(&victim.connect());
        if answer.starts_with("HTTP/1.1 503 ") {
            assert!(
                answer.contains("\r\nretry-after: 1\r\n") && answer.contains("\r\nconnection: close\r\n")
            );
            assert!(took < DEADLINE, "turned away after {took:?}");
            turned_away += 1;
        }
    }
    assert_eq!(turned_away, 20);
    for stream in &mut inside {
        stream.write_all(HELLO).expect("a request is sent");
        let mut start = [0; 15];
        stream.read_exact(&mut start).expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 200 OK");
    }
    assert!(victim.holdings().threads <= CAP + SPARE + 1);
    drop(inside);
    victim.recovers(&before);
}

#[test]
fn a_flood_of_connections_that_come_and_go_leaves_nothing_behind() {
    let victim = Victim::small();
    let before = victim.holdings();
    for round in 0..400 {
        drop(victim.connect());
        if round % 50 == 0 {
            thread::sleep(Duration::from_millis(20));
        }
    }
    victim.recovers(&before);
}

#[test]
fn a_flood_of_garbage_is_answered_and_leaves_nothing_behind() {
    let victim = Victim::small();
    let before = victim.holdings();
    for round in 0_u32..200 {
        let mut stream = victim.connect();
        let garbage: Vec<u8> = (0..2000_u32).map(|i| (i * (round + 7) + round).to_le_bytes()[0]).collect();
        let _ = stream.write_all(&garbage);
        let (answer, _) = read_to_end(&stream);
        let is_refusal =
            ["400", "408", "414", "431", "503", "505"].iter().any(|status| answer[9..].starts_with(status));
        assert!(is_refusal, "{answer:?}");
    }
    victim.recovers(&before);
}

#[test]
fn a_handler_that_panics_costs_its_connection_and_nothing_else() {
    let victim = Victim::small();
    let before = victim.holdings();
    for _ in 0..CAP * 2 {
        let mut client = Client::connect(victim.address);
        client.send(b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (500, Some("close")));
        assert!(!answer.text().contains("on purpose"), "the reason of a panic is nobody's business");
        client.finish_sending();
        assert!(client.is_closed());
    }
    victim.recovers(&before);
}

#[test]
fn without_descriptors_the_server_neither_ends_nor_spins() {
    let victim = Victim::behind("ulimit -n 40", "--no-access-log");
    let before = victim.holdings();
    let flood: Vec<TcpStream> = (0..80).map(|_| victim.connect()).collect();
    let busy = victim.cpu_ticks();
    thread::sleep(Duration::from_secs(1));
    let busy = victim.cpu_ticks() - busy;
    assert!(busy < 30, "{busy} hundredths of a second of CPU in a second of waiting");
    assert!(victim.holdings().descriptors < before.descriptors + 40, "{:?}", victim.holdings());
    drop(flood);
    victim.is_well();
    let deadline = Instant::now() + PATIENCE;
    while victim.holdings().descriptors > before.descriptors {
        assert!(Instant::now() < deadline, "{:?}", victim.holdings());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_threads_the_server_turns_clients_away_and_recovers() {
    // Room for the program and for some stacks of 256 KiB.
    let victim = Victim::behind("ulimit -v 60000", "--no-access-log");
    let (mut flood, mut turned_away, started) = (Vec::new(), 0, Instant::now());
    while turned_away < 3 {
        assert!(flood.len() < 600, "600 threads in 60 MB");
        let mut stream = victim.connect();
        stream.write_all(HELLO).expect("a request is sent");
        let mut start = [0; 12];
        match stream.read_exact(&mut start).map(|()| &start) {
            Ok(b"HTTP/1.1 200") => flood.push(stream),
            Ok(b"HTTP/1.1 503") => turned_away += 1,
            // The request was not read, and its reset may win against the answer.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("{other:?}"),
        }
        assert!(started.elapsed() < PATIENCE, "only {turned_away} clients were turned away");
    }
    drop(flood);
    let deadline = Instant::now() + PATIENCE;
    while victim.holdings().threads > Limits::DEFAULT.spare_threads + 1 {
        assert!(Instant::now() < deadline, "{:?}", victim.holdings());
        thread::sleep(Duration::from_millis(20));
    }
    victim.is_well();
}

#[test]
fn a_reader_of_the_log_that_stalls_stalls_no_answer_and_is_told_what_it_missed() {
    let mut victim = Victim::behind("true", "");
    let mut client = Client::connect(victim.address);
    // A line has 60 bytes; the pipe holds 64 KiB and the server keeps 1 MiB.
    for _ in 0..300 {
        client.send(&HELLO.repeat(100));
        for _ in 0..100 {
            assert_eq!(client.answer().status, 200);
        }
    }
    victim.is_well();
    let log = BufReader::new(victim.process.stdout.take().expect("stdout is a pipe"));
    let told = log.lines().map_while(Result::ok).find(|line| line.contains("stalled"));
    let told = told.expect("a line about the lines that were lost");
    assert!(told.starts_with("WARNING:  ") && told.ends_with(" entries were lost"), "{told}");
}
