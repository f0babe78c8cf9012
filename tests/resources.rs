//! Attacks on what the system has: memory, descriptors, threads. What they take is bounded while they
//! last, and is given back. Only Linux tells what a process holds, and has the `ulimit` that they need.

#![cfg(target_os = "linux")]

mod support;
#[path = "support/victim.rs"]
mod victim;

use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::Limits;

use support::{Client, PATIENCE, get, post_form, program, under};
use victim::{Holdings, Victim, descriptor_limit, hello, small_command};

/// So many clients, or as many as there are descriptors for, beside those of another test.
fn clients(victim: &Victim, wanted: usize) -> Vec<Client> {
    let count = wanted.min(descriptor_limit().saturating_sub(40) / 2);
    (0..count).map(|_| victim.connect()).collect()
}

/// What the server holds when it takes no more.
fn settled(victim: &Victim) -> Holdings {
    let (deadline, mut last) = (Instant::now() + PATIENCE, victim.holdings());
    loop {
        thread::sleep(Duration::from_millis(300));
        let now = victim.holdings();
        if now.resident_kib <= last.resident_kib + 64 {
            return now;
        }
        assert!(Instant::now() < deadline, "it takes more and more memory: {now:?}");
        last = now;
    }
}

/// Small responses are collected before they are written. The system takes 4 MB for a client that
/// never reads, which is 150 times the page; the rest waits in the server.
#[test]
fn clients_that_never_read_take_little_memory_and_it_is_given_back() {
    let (docs, openapi) = (get("/docs", ""), get("/openapi.json", ""));
    for (wanted, requests) in [(1000, docs.repeat(60)), (40, docs.repeat(150) + &openapi.repeat(400))] {
        let victim = Victim::program(&["--no-access-log"]);
        let mut clients = clients(&victim, wanted);
        for client in &mut clients {
            client.send(requests.as_bytes());
        }
        let (count, during) = (clients.len(), settled(&victim));
        let taken = during.resident_kib - victim.before.resident_kib;
        assert!(taken < 1536 + count * 48, "{count} clients take {taken} KiB");
        victim.is_well();
        drop(clients);
        victim.recovers(Limits::DEFAULT.spare_threads);
    }
}

#[test]
fn an_idle_connection_has_given_back_what_large_requests_took() {
    let victim = Victim::program(&["--no-access-log"]);
    let login = post_form(&format!("username=johndoe&password={}", "x".repeat(60 * 1024)));
    let head = get("/nowhere", &format!("A: {}\r\n", "x".repeat(15_600)));
    let pages = get("/openapi.json", "").repeat(7); // the responses fill a write buffer
    let large = [(login, 400, 1), (head, 404, 1), (pages, 200, 7)];
    let mut clients = clients(&victim, 200);
    for client in &mut clients {
        assert_eq!(hello(client), Some(200));
    }
    let idle = settled(&victim);
    // One after the other: what many take at the same time, the allocator keeps for the next.
    for client in &mut clients {
        for (request, status, count) in &large {
            client.send(request.as_bytes());
            (0..*count).for_each(|_| assert_eq!(client.response().status, *status));
        }
    }
    let (count, after) = (clients.len(), settled(&victim));
    let kept = after.resident_kib.saturating_sub(idle.resident_kib);
    let bound = 2048 + count * 8;
    assert!(kept < bound, "{count} idle connections keep {kept} KiB: {idle:?} became {after:?}");
}

#[test]
fn without_descriptors_the_server_neither_ends_nor_spins_and_says_so() {
    let mut victim = Victim::start(under(["-n", "24"], &program(&["--port", "0", "--no-access-log"])));
    let flood: Vec<Client> = (0..40).map(|_| victim.connect()).collect();
    let told = victim.log().with("WARNING");
    assert!(told.starts_with("WARNING:  no connection can be accepted: "), "{told}");
    let busy = victim.cpu_ticks();
    thread::sleep(Duration::from_secs(1));
    let busy = victim.cpu_ticks() - busy;
    assert!(busy < 30, "{busy} hundredths of a second of CPU in a second of waiting");
    let during = victim.holdings();
    assert!(during.threads <= 24, "threads without connections: {during:?}");
    drop(flood);
    victim.is_well();
    victim.recovers(24);
}

/// The small server, with so many KiB of addresses and stacks so large that only a few fit, while
/// there is room for everything else: where exactly the limit is does not matter then.
fn with_room_for_few_stacks(kib: &str) -> Victim {
    Victim::start(under(["-v", kib], &small_command("thread_stack=268435456")))
}

fn assert_told(victim: &mut Victim) {
    let told = victim.log().with("WARNING");
    assert!(told.starts_with("WARNING:  a client was rejected: the system has no thread"), "{told}");
}

#[test]
fn without_threads_the_server_turns_clients_away_and_recovers() {
    let mut victim = with_room_for_few_stacks("1000000");
    let (mut flood, mut turned_away) = (Vec::new(), 0);
    while turned_away < 3 {
        let mut client = victim.connect();
        match hello(&mut client) {
            Some(200) => flood.push(client),
            None | Some(503) => turned_away += 1,
            status => panic!("the status is {status:?}"),
        }
        assert!(flood.len() < 4, "1 GB has room for three stacks of 256 MiB");
    }
    assert!(!flood.is_empty(), "nobody was served");
    assert_told(&mut victim);
    drop(flood);
    victim.becomes_well();
}

#[test]
fn with_one_thread_to_give_the_server_says_why_it_serves_nobody() {
    let mut victim = with_room_for_few_stacks("400000");
    assert_ne!(hello(&mut victim.connect()), Some(200));
    let response = victim.connect().everything().expect("the connection ends");
    assert!(response.ends_with("The system has no thread for this connection.\n"), "{response:?}");
    assert_told(&mut victim);
}
