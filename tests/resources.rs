//! Attacks on what the system has: memory, descriptors, threads. What they take is bounded while they
//! last, and is given back. Only Linux tells what a process holds, and has the limits of a shell that
//! these tests need.

mod support;
#[path = "support/victim.rs"]
mod victim;

#[cfg(not(target_os = "linux"))]
#[test]
fn memory_descriptors_and_threads_are_counted_on_linux_alone() {
    println!("left out on this system: what attacks on memory, descriptors and threads take");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream;
    use std::thread;
    use std::time::{Duration, Instant};

    use simple_oauth2::server::Limits;

    use crate::support::{Client, PATIENCE};
    use crate::victim::{HELLO, Holdings, Victim, descriptor_limit, read_to_end};

    const DOCS: &[u8] = b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const OPENAPI: &[u8] = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// So many clients, or as many as there are descriptors for, beside those of another test.
    fn clients(victim: &Victim, wanted: usize) -> Vec<Client> {
        let count = wanted.min(descriptor_limit().saturating_sub(40) / 2);
        (0..count).map(|_| Client::connect(victim.address)).collect()
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

    /// So many clients send these requests and never read.
    fn clients_that_never_read(wanted: usize, requests: &[u8]) {
        let victim = Victim::program(&["--no-access-log"]);
        let before = victim.holdings();
        let mut clients = clients(&victim, wanted);
        for client in &mut clients {
            client.send(requests);
        }
        let (count, during) = (clients.len(), settled(&victim));
        let taken = during.resident_kib - before.resident_kib;
        assert!(taken < 1536 + count * 48, "{count} clients take {taken} KiB");
        victim.is_well();
        drop(clients);
        victim.recovers_with(Limits::DEFAULT.spare_threads, &before);
    }

    #[test]
    fn a_thousand_clients_that_never_read_take_little_memory_and_it_is_given_back() {
        clients_that_never_read(1000, &DOCS.repeat(60));
    }

    /// Small responses are collected before they are written. The system takes 4 MB for a client that
    /// never reads, which is 150 times the page; the rest waits in the server.
    #[test]
    fn responses_that_wait_for_a_client_that_never_reads_take_little_memory() {
        clients_that_never_read(40, &[DOCS.repeat(150), OPENAPI.repeat(400)].concat());
    }

    /// A login with a form of 60 KiB; `POST /token` reads all of it and says 400.
    fn long_login() -> Vec<u8> {
        let form = format!("username=johndoe&password={}", "x".repeat(60 * 1024));
        let head =
            "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
        format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len()).into_bytes()
    }

    #[test]
    fn an_idle_connection_has_given_back_what_large_requests_took() {
        let victim = Victim::program(&["--no-access-log"]);
        let login = long_login();
        let mut clients = clients(&victim, 200);
        for client in &mut clients {
            client.send(HELLO);
            assert_eq!(client.response().status, 200);
        }
        let idle = settled(&victim);
        // One after the other: what many take at the same time, the allocator keeps for the next.
        for client in &mut clients {
            client.send(&login);
            assert_eq!(client.response().status, 400);
            client.send(&DOCS.repeat(4));
            (0..4).for_each(|_| assert_eq!(client.response().status, 200));
        }
        let (count, after) = (clients.len(), settled(&victim));
        let kept = after.resident_kib.saturating_sub(idle.resident_kib);
        assert!(
            kept < 2048 + count * 8,
            "{count} idle connections keep {kept} KiB: {idle:?} became {after:?}"
        );
    }

    /// Read and write buffers that have become large go back to the allocator: so a second crowd of
    /// connections takes what the first one no longer needs.
    #[test]
    fn large_buffers_of_idle_connections_serve_others() {
        let victim = Victim::program(&["--no-access-log"]);
        let large = format!("GET /a HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n\r\n", "x".repeat(15_600));
        let crowd = || {
            let mut clients = clients(&victim, 200);
            for client in &mut clients {
                client.send(large.as_bytes());
                assert_eq!(client.response().status, 404);
                client.send(&OPENAPI.repeat(7)); // their responses fill a write buffer
                (0..7).for_each(|_| assert_eq!(client.response().status, 200));
            }
            (clients, settled(&victim))
        };
        let ((first, one), (_second, two)) = (crowd(), crowd());
        let (count, more) = (first.len(), two.resident_kib - one.resident_kib);
        assert!(more < 512 + count * 34, "{count} connections more take {more} KiB: {one:?} became {two:?}");
    }

    #[test]
    fn without_descriptors_the_server_neither_ends_nor_spins_and_says_so() {
        let mut victim = Victim::program_under(["-n", "24"], &["--no-access-log"]);
        let before = victim.holdings();
        let flood: Vec<TcpStream> = (0..40).map(|_| victim.connect()).collect();
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
        victim.recovers_with(24, &before);
    }

    /// Stacks so large that only a few fit, while there is room for everything else: where exactly the
    /// limit is does not matter then.
    const STACK: &str = "thread_stack=268435456";

    /// Whether a 200 comes. Else it is a 503, or its reset, because the request was not read.
    fn is_served(stream: &mut TcpStream) -> bool {
        let mut start = [0; 12];
        match stream.write_all(HELLO).and_then(|()| stream.read_exact(&mut start)) {
            Ok(()) if &start == b"HTTP/1.1 200" => return true,
            Ok(()) => assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 503"),
            Err(error) => {
                let is_reset = matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
                assert!(is_reset, "{error}");
            }
        }
        false
    }

    fn assert_told(victim: &mut Victim) {
        let told = victim.log().with("WARNING");
        assert!(told.starts_with("WARNING:  a client was rejected: the system has no thread"), "{told}");
    }

    #[test]
    fn without_threads_the_server_turns_clients_away_and_recovers() {
        let mut victim = Victim::small_under(["-v", "1000000"], STACK);
        let (mut flood, mut turned_away) = (Vec::new(), 0);
        while turned_away < 3 {
            let mut stream = victim.connect();
            if is_served(&mut stream) {
                flood.push(stream);
            } else {
                turned_away += 1;
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
        let mut victim = Victim::small_under(["-v", "400000"], STACK);
        assert!(!is_served(&mut victim.connect()));
        let response = read_to_end(&victim.connect());
        assert!(response.ends_with("The system has no thread for this connection.\n"), "{response:?}");
        assert_told(&mut victim);
    }
}
