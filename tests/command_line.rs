//! What the program promises to the person who starts it: its flags, its exit statuses, what it
//! prints, and that nothing that happens to stdout can stop it.

mod support;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::Limits;
use support::{Client, PATIENCE, TestServer, address_in};

const ME: &[u8] = b"GET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Long enough for a line to be written that should not be.
const A_MOMENT: Duration = Duration::from_millis(100);

/// The program with these words.
fn program(words: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simple-oauth2"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn spawn(mut command: Command) -> Child {
    command.spawn().expect("the built program starts")
}

/// Waits for the program to end by itself.
fn outcome(command: Command) -> Output {
    let mut process = spawn(command);
    let deadline = Instant::now() + PATIENCE;
    while process.try_wait().expect("a child can be waited for").is_none() {
        if Instant::now() > deadline {
            let _ = process.kill();
            panic!("still running: {:?}", process.wait_with_output());
        }
        thread::sleep(Duration::from_millis(2));
    }
    process.wait_with_output().expect("what it said can be read")
}

/// The first line that a program prints, without its end; empty where it ends before. After that its
/// stdout is closed.
fn first_line(process: &mut Child) -> String {
    let mut stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
    let (sender, line) = mpsc::channel();
    // A thread of its own, because a pipe has no read timeout.
    thread::spawn(move || {
        let mut line = String::new();
        let _ = stdout.read_line(&mut line);
        drop(stdout);
        let _ = sender.send(line);
    });
    let Ok(line) = line.recv_timeout(PATIENCE) else {
        let _ = process.kill();
        panic!("the program neither prints nor ends");
    };
    line.trim_end().to_owned()
}

/// What the program says when it does not start: one line on stderr, nothing on stdout.
fn complaint(words: &[impl AsRef<OsStr>], status: i32) -> String {
    complaint_of(program(words), status)
}

fn complaint_of(command: Command, status: i32) -> String {
    let shown = format!("{command:?}");
    let output = outcome(command);
    let complaint = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    assert_eq!(output.status.code(), Some(status), "exit status of {shown}, which says {complaint:?}");
    assert!(output.stdout.is_empty(), "stdout of {shown}: {}", output.stdout.escape_ascii());
    let line =
        complaint.strip_suffix('\n').unwrap_or_else(|| panic!("{shown}: no whole line: {complaint:?}"));
    assert!(!line.contains(char::is_control), "{shown}: more than a line, or worse: {complaint:?}");
    let reason = line.strip_prefix("simple-oauth2: ");
    reason.unwrap_or_else(|| panic!("{shown}: does not say who speaks: {line:?}")).to_owned()
}

/// Ends a server that was started here, and proves that it has said nothing on stderr.
fn assert_served_in_peace(mut process: Child) {
    let ended = process.try_wait().expect("a child can be waited for");
    let _ = process.kill(); // no error where it has ended
    let output = process.wait_with_output().expect("what it said can be read");
    assert_eq!(
        (ended, output.stderr.escape_ascii().to_string()),
        (None, String::new()),
        "it ended, or complained"
    );
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

fn assert_answers(address: SocketAddr) {
    let mut client = Client::connect(address);
    client.send(ME);
    assert_eq!(client.response().status, 401, "from {address}");
}

/// Whether this machine has this address.
fn is_here(ip: IpAddr) -> bool {
    TcpListener::bind((ip, 0)).is_ok()
}

/// Says what could not be tried here: a test that was passed over would look like one that has passed.
/// `println!` would be shown only for a test that fails.
fn not_tried(what: &str) {
    let _ = writeln!(std::io::stderr(), "not tried here: {what}");
}

// Texts.

#[test]
fn help_names_every_flag_and_its_default() {
    for flag in ["--help", "-h"] {
        let output = outcome(program(&[flag]));
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        let default = |value: &dyn std::fmt::Display| format!("[default: {value}]");
        for (flag, default) in [
            ("Usage: simple-oauth2 [OPTIONS]", String::new()),
            ("--host HOST", default(&"127.0.0.1")),
            ("--port PORT", default(&8000)),
            ("--no-access-log", String::new()),
            ("--explain", String::new()),
            ("--limit-concurrency N", default(&Limits::DEFAULT.max_connections)),
            ("--timeout-keep-alive SECONDS", default(&Limits::DEFAULT.idle_timeout.as_secs())),
            ("-h, --help", String::new()),
            ("-V, --version", String::new()),
        ] {
            let line = help.lines().find(|line| line.trim_start().starts_with(flag));
            let line = line.unwrap_or_else(|| panic!("{flag} is missing in\n{help}"));
            assert!(line.ends_with(&default), "{line} does not end in {default}");
        }
    }
}

#[test]
fn version_is_the_version_of_the_package() {
    for flag in ["--version", "-V"] {
        let output = outcome(program(&[flag]));
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        let expected = format!("simple-oauth2 {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}

// Wrong flags and values: exit status 2, as with every Unix program.

#[test]
fn a_wrong_flag_is_one_line_and_exit_status_2() {
    for word in [
        "--prot",
        "-p",
        "--",
        "-",
        "",
        "serve",
        "8000",
        "--Port",
        "--help=yes",
        "--no-access-log=1",
        "-hV",
        "-v",
    ] {
        // A word with a value is named without it where flags have values.
        assert_eq!(complaint(&[word], 2), format!("{word:?} is not a flag; try --help"));
    }
}

#[test]
fn a_wrong_port_is_one_line_and_exit_status_2() {
    for port in ["x", "", "-1", "+80", "65536", "99999999999999999999", "0x50", "80.0", " 80", "８０"] {
        assert_wrong_number("--port", port, "0 to 65535");
    }
}

#[test]
fn a_wrong_number_of_connections_or_seconds_is_one_line_and_exit_status_2() {
    for number in ["0", "x", "", "-1", "+2", "1.5", "1e3", "99999999999999999999"] {
        assert_wrong_number("--limit-concurrency", number, "1 to 1000000");
        assert_wrong_number("--timeout-keep-alive", number, "1 to 86400");
    }
    assert_wrong_number("--limit-concurrency", "1000001", "1 to 1000000");
    assert_wrong_number("--timeout-keep-alive", "86401", "1 to 86400");
}

/// The value as the next word, and after an equals sign.
fn assert_wrong_number(flag: &str, value: &str, range: &str) {
    for words in [vec![flag.to_owned(), value.to_owned()], vec![format!("{flag}={value}")]] {
        let expected = format!("{flag} {value:?} is not a number from {range}");
        assert_eq!(complaint(&words, 2), expected);
    }
}

#[test]
fn a_missing_value_is_one_line_and_exit_status_2() {
    for flag in ["--host", "--port", "--limit-concurrency", "--timeout-keep-alive"] {
        assert_eq!(complaint(&[flag], 2), format!("{flag} needs a value; try --help"));
    }
}

#[test]
fn a_host_that_is_none_is_one_line_and_exit_status_2() {
    for words in [&["--host", ""][..], &["--host="], &["--host", "[]"], &["--host=[]"]] {
        assert_eq!(complaint(words, 2), "--host needs a name or an address");
    }
    let too_long = "x".repeat(300); // so long that nobody is asked for its address
    let complaint = complaint(&["--port", "0", "--host", &too_long], 2);
    assert!(complaint.starts_with(&format!("--host {too_long:?} is not ")), "{complaint}");
}

#[test]
fn a_wrong_flag_stays_one_line_whatever_is_in_it() {
    for word in ["--line\nINFO:     all is well", "--\u{1B}[31mred", "--carriage\rreturn", "--é"] {
        complaint(&[word], 2);
    }
}

#[cfg(unix)]
#[test]
fn a_flag_that_is_not_utf_8_is_one_line_and_exit_status_2() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    complaint(&[OsString::from_vec(b"--h\xFFst".to_vec())], 2);
    complaint(&[OsString::from("--port"), OsString::from_vec(b"80\xFF".to_vec())], 2);
}

// An address that cannot be had: exit status 1, and what to try.

#[test]
fn a_port_that_is_taken_is_one_line_that_says_what_to_try_and_exit_status_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("a bound listener has an address").port().to_string();
    assert_taken(&complaint(&["--port", &port], 1), "127.0.0.1", &port);
}

/// The complaint about a port that is taken, with the next port to try.
fn assert_taken(complaint: &str, host: &str, port: &str) {
    let next = if port == "65535" { 8000 } else { port.parse::<u16>().expect("a port") + 1 };
    let expected = format!(
        "port {port} of {host} is taken by another program; end it, or try --port {next} or --port 0 (any free one)"
    );
    assert_eq!(complaint, expected);
}

#[test]
fn the_last_port_there_is_can_be_had_and_nothing_comes_after_it() {
    let taken = TcpListener::bind("127.0.0.1:65535"); // where it is taken already, that will do
    assert_taken(&complaint(&["--port", "65535"], 1), "127.0.0.1", "65535");
    if taken.is_err() {
        return not_tried("--port 65535, which another program has");
    }
    drop(taken);
    let server = TestServer::start_with(&["--port", "65535", "--no-access-log"]);
    assert_eq!(server.address().port(), 65535);
    assert_answers(server.address());
}

#[test]
fn an_address_of_another_machine_is_one_line_that_says_what_to_try_and_exit_status_1() {
    // RFC 5737: an address that no machine has.
    let expected = "192.0.2.1 is not an address of this machine; try --host 127.0.0.1";
    assert_eq!(complaint(&["--host", "192.0.2.1", "--port", "0"], 1), expected);
}

// The banner.

/// The first line for a server that can be opened here.
fn banner(open: SocketAddr) -> String {
    format!(
        "INFO:     simple-oauth2 running on http://{open}, docs at http://{open}/docs (press CTRL+C to quit)"
    )
}

#[test]
fn the_banner_is_one_line_with_the_real_port_and_the_page() {
    let server = TestServer::start();
    let address = server.address();
    assert_ne!(address.port(), 0);
    assert_eq!(server.banner(), banner(address));
    assert_eq!(server.next_line_within(A_MOMENT), None);
    assert_answers(address);
}

/// `http://0.0.0.0:8000` and `http://[::]:8000` open nothing on Windows.
#[test]
fn the_banner_of_every_address_is_a_link_that_opens_and_a_second_line_says_what_is_listened_on() {
    for (host, open) in
        [("0.0.0.0", IpAddr::from(Ipv4Addr::LOCALHOST)), ("::", IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]))]
    {
        if !is_here(open) {
            not_tried("a banner with an IPv6 address: this machine has none");
            continue;
        }
        let server = TestServer::start_with(&["--host", host, "--port", "0", "--no-access-log"]);
        let address = server.address();
        assert_eq!((address.ip(), server.banner()), (open, banner(address).as_str()));
        let listening = SocketAddr::new(host.parse().expect("an address"), address.port());
        assert_eq!(server.next_line(), format!("INFO:     listening on {listening}"));
        assert_answers(address);
    }
}

#[test]
fn a_port_may_be_chosen() {
    let port = free_port();
    let server = TestServer::start_with(&["--port", &port.to_string()]);
    assert_eq!(server.address().port(), port);
    assert_answers(server.address());
}

#[test]
fn without_a_port_it_is_8000_of_127_0_0_1() {
    let mut process = spawn(program(&["--no-access-log"]));
    let first_line = first_line(&mut process);
    let _ = process.kill();
    let output = process.wait_with_output().expect("what it said can be read");
    // Somebody may be serving there already; then the complaint names it.
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        first_line == banner(([127, 0, 0, 1], 8000).into())
            || complaint.contains("port 8000 of 127.0.0.1 is taken"),
        "{first_line:?} {complaint:?}"
    );
}

#[test]
fn a_value_may_come_after_an_equals_sign() {
    let server = TestServer::start_with(&["--host=127.0.0.1", "--port=0", "--no-access-log"]);
    assert_answers(server.address());
}

#[test]
fn of_a_flag_that_is_repeated_the_last_one_counts() {
    let server = TestServer::start_with(&[
        "--port",
        "1",
        "--host=192.0.2.1",
        "--port",
        "0",
        "--host",
        "127.0.0.1",
        "--explain",
        "--explain",
    ]);
    assert_answers(server.address());
}

#[test]
fn a_host_may_be_an_ipv6_address_which_the_banner_puts_in_brackets() {
    for host in ["::1", "[::1]"] {
        let flags = ["--host", host, "--port", "0"];
        if !is_here(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])) {
            complaint(&flags, 1); // a machine without IPv6
            continue;
        }
        let server = TestServer::start_with(&flags);
        assert_eq!(
            server.banner(),
            banner(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], server.address().port())))
        );
        assert_answers(server.address());
        assert!(server.next_line().starts_with("INFO:     [::1]:"));
    }
}

/// uvicorn does so too. Browsers and curl try one address of `localhost` and then the other; other
/// programs know only one.
#[test]
fn a_host_may_be_a_name() {
    let addresses = ("localhost", 0).to_socket_addrs().expect("every machine knows localhost");
    let mut here: Vec<IpAddr> = addresses.map(|address| address.ip()).filter(|ip| is_here(*ip)).collect();
    here.dedup();
    assert_serves_the_name(|words| program(words), "localhost", &here);
}

/// The same for a name that surely has two addresses, and a third that is not of this machine.
#[cfg(target_os = "linux")]
#[test]
fn a_name_with_two_addresses_is_served_on_both() {
    let ips = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    let works = outcome(with_hosts(&["--version"])).status.success();
    if !works || !is_here(ips[1]) {
        return not_tried("a name with two addresses: that needs IPv6 and a mount namespace (unshare)");
    }
    assert_serves_the_name(with_hosts, "two.test", &ips);
}

/// The program where the file /etc/hosts has such a name, and nobody else sees it.
#[cfg(target_os = "linux")]
fn with_hosts(words: &[&str]) -> Command {
    let hosts = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("hosts");
    std::fs::write(&hosts, "::1 two.test\n127.0.0.1 two.test\n192.0.2.1 two.test\n")
        .expect("a file is written");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.args(["mount --bind \"$0\" /etc/hosts && exec \"$@\""]).arg(hosts);
    command.arg(env!("CARGO_BIN_EXE_simple-oauth2")).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A server for this name is reached by each of these addresses on one port, says so, and keeps a
/// second one away.
fn assert_serves_the_name(command: fn(&[&str]) -> Command, name: &str, ips: &[IpAddr]) {
    let server = TestServer::start_command(command(&["--host", name, "--port", "0", "--no-access-log"]));
    let port = server.address().port();
    assert_eq!(server.banner(), banner(server.address()));
    assert!(ips.contains(&server.address().ip()), "{}", server.banner());
    if ips.len() > 1 {
        let line = server.next_line();
        let listening = line.strip_prefix("INFO:     listening on ").unwrap_or_else(|| panic!("{line}"));
        let mut listening: Vec<&str> = listening.split(" and ").collect();
        let mut expected: Vec<String> = ips.iter().map(|ip| SocketAddr::new(*ip, port).to_string()).collect();
        listening.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listening, expected);
    }
    assert_eq!(server.next_line_within(A_MOMENT), None);
    for ip in ips {
        assert_answers(SocketAddr::new(*ip, port));
    }
    let port = port.to_string();
    assert_taken(&complaint_of(command(&["--host", name, "--port", &port]), 1), name, &port);
}

// The two bounds that can be set.

#[test]
fn with_limit_concurrency_2_the_third_client_is_told_to_come_back_and_the_log_says_so() {
    let flags = ["--port", "0", "--no-access-log", "--limit-concurrency", "1", "--limit-concurrency", "2"];
    let server = TestServer::start_with(&flags);
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.send(ME);
        assert_eq!(client.response().status, 401);
    }
    let mut third = server.connect();
    let response = third.response();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")), "{response:?}");
    assert_eq!(
        response.text(),
        "503 Service Unavailable: This server has as many connections as it takes.\n"
    );
    assert!(third.is_closed());
    assert_eq!(
        server.next_line(),
        "WARNING:  a client was rejected: the limit of 2 open connections is reached (1 in the last second)"
    );
    drop(clients);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut client = server.connect();
        client.send(ME);
        match client.response().status {
            401 => return, // there is room again
            503 => assert!(Instant::now() < deadline, "no room after the others have gone"),
            status => panic!("a response with {status}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn with_timeout_keep_alive_1_a_silent_connection_is_closed_after_a_second() {
    let server = TestServer::start_with(&["--port", "0", "--no-access-log", "--timeout-keep-alive", "1"]);
    let mut used = server.connect();
    let mut fresh = server.connect();
    used.send(ME);
    assert_eq!(used.response().status, 401);
    assert!(used.is_silent_for(Duration::from_millis(300)), "closed too early");
    // Within the patience of these tests, which is shorter than the 15 seconds without the flag.
    assert!(used.is_closed(), "a connection that was used stays open");
    assert!(fresh.is_closed(), "a connection without a request stays open");
}

// The access log.

#[test]
fn each_response_gets_a_line_as_uvicorn_writes_it() {
    let server = TestServer::start_with(&["--port", "0"]);
    let form = "username=johndoe&password=secret";
    let login = format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    for (request, line) in [
        (login.as_str(), "\"POST /token HTTP/1.1\" 200 OK"),
        (
            "GET /users/me?a=b&c HTTP/1.1\r\nHost: a\r\n\r\n",
            "\"GET /users/me?a=b&c HTTP/1.1\" 401 Unauthorized",
        ),
        ("GET /users/me? HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET /users/me? HTTP/1.1\" 401 Unauthorized"),
        ("POST /token HTTP/1.1\r\nHost: a\r\n\r\n", "\"POST /token HTTP/1.1\" 422 Unprocessable Entity"),
        ("GET /token HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET /token HTTP/1.1\" 405 Method Not Allowed"),
        ("GET /docs/ HTTP/1.1\r\nHost: a\r\n\r\n", "\"GET /docs/ HTTP/1.1\" 307 Temporary Redirect"),
        ("GET /%zz HTTP/1.0\r\n\r\n", "\"GET /%zz HTTP/1.0\" 404 Not Found"),
    ] {
        let mut client = server.connect();
        client.send(request.as_bytes());
        client.response();
        assert_eq!(server.next_line(), format!("INFO:     {} - {line}", client.address()));
    }
}

#[test]
fn pipelined_requests_get_a_line_each_in_their_order() {
    let server = TestServer::start_with(&["--port", "0"]);
    let mut client = server.connect();
    let requests = (0..50).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let requests: Vec<String> = requests.collect();
    client.send(requests.concat().as_bytes());
    for number in 0..50 {
        let line = format!("INFO:     {} - \"GET /{number} HTTP/1.1\" 404 Not Found", client.address());
        assert_eq!(server.next_line(), line);
    }
}

#[test]
fn a_refusal_gets_a_line_as_well() {
    let server = TestServer::start_with(&["--port", "0"]);
    let mut client = server.connect();
    client.send(b"GET /users/me HTTP/1.1\r\n\r\n");
    assert_eq!(client.response().status, 400);
    let client = client.address();
    let line =
        format!("WARNING:  {client} - refused with 400 Bad Request: An HTTP/1.1 request must have a Host.");
    assert_eq!(server.next_line(), line);
}

/// A line that a client could forge would be believed by the reader of the log.
#[test]
fn no_client_can_write_a_line_of_its_own_into_the_log() {
    let server = TestServer::start_with(&["--port", "0"]);
    let forged = "INFO:     192.0.2.1:1 - \"GET / HTTP/1.1\" 200 OK";
    for target in [
        "/%0A".to_owned() + &forged.replace([' ', '"'], "%20"),
        format!("/?\n{forged}"),
        format!("/?\r{forged}"),
        "/\u{1B}[2J\u{1B}[31m".into(),
        "/\u{8}\u{8}\u{8}".into(),
        "/\u{2028}\u{85}\u{9B}".into(),
        "/\" 200 OK".into(),
    ] {
        let mut client = server.connect();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nA: {forged}\r\n\r\n").as_bytes());
        client.response();
        let line = server.next_line();
        assert!(!line.contains(char::is_control) && line.is_ascii(), "{line:?}");
        assert!(line.contains(&client.address().to_string()), "{line:?}");
        assert!(!line.contains(forged), "{line:?}");
        assert_eq!(line.matches('"').count() % 2, 0, "{line:?}");
        assert_eq!(server.next_line_within(Duration::from_millis(30)), None, "one response, one line");
    }
}

#[test]
fn no_access_log_means_none() {
    let server = TestServer::start_with(&["--port", "0", "--no-access-log"]);
    for request in [ME, b"GET / HTTP/1.1\r\n\r\n"] {
        server.exchange(request);
    }
    assert_eq!(server.next_line_within(A_MOMENT), None);
}

// Nobody listens: `cargo run | head -1`, a full disk.

#[test]
fn a_server_whose_stdout_is_closed_after_the_banner_goes_on() {
    for flags in [&["--port", "0"][..], &["--port", "0", "--explain"], &["--port", "0", "--no-access-log"]] {
        let mut process = spawn(program(flags));
        let address = address_in(&first_line(&mut process));
        for _ in 0..5 {
            assert_answers(address);
            thread::sleep(Duration::from_millis(20)); // the log is written in between, and fails
        }
        assert_served_in_peace(process);
    }
}

/// The words for a server whose banner nobody can read, and where it will be.
fn words_for_a_free_port() -> ([String; 2], SocketAddr) {
    let port = free_port();
    (["--port".into(), port.to_string()], ([127, 0, 0, 1], port).into())
}

/// Starts a program whose stdout takes nothing, and waits until it serves.
fn assert_serves(command: Command, address: SocketAddr) {
    let process = spawn(command);
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "does not serve");
        thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..5 {
        assert_answers(address);
        thread::sleep(Duration::from_millis(20));
    }
    assert_served_in_peace(process);
}

fn assert_serves_with(stdout: impl Into<Stdio>) {
    let (words, address) = words_for_a_free_port();
    let mut command = program(&words);
    command.stdout(stdout);
    assert_serves(command, address);
}

/// A pipe that nobody reads from: what is left of the stdin of a program that has ended.
fn closed_pipe() -> ChildStdin {
    let reader = Command::new(env!("CARGO_BIN_EXE_simple-oauth2"))
        .arg("--version")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut reader = reader.expect("the built program starts");
    let writer = reader.stdin.take().expect("stdin is a pipe");
    reader.wait().expect("it ends");
    writer
}

#[test]
fn a_server_whose_stdout_nobody_ever_read_serves() {
    assert_serves_with(closed_pipe());
}

#[cfg(unix)]
#[test]
fn a_server_whose_stdout_was_never_open_serves() {
    let (words, address) = words_for_a_free_port();
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" >&-", env!("CARGO_BIN_EXE_simple-oauth2")]).args(words);
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    assert_serves(command, address);
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_whose_stdout_is_a_full_disk_serves() {
    assert_serves_with(full_disk());
}

#[cfg(target_os = "linux")]
fn full_disk() -> std::fs::File {
    std::fs::File::options().write(true).open("/dev/full").expect("Linux has /dev/full")
}

#[test]
fn a_text_that_nobody_reads_is_no_error() {
    for flag in ["--help", "--version"] {
        let mut command = program(&[flag]);
        command.stdout(closed_pipe());
        let output = outcome(command);
        assert_eq!(
            (output.status.code(), output.stderr.escape_ascii().to_string()),
            (Some(0), String::new())
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_text_that_cannot_be_written_is_no_panic() {
    for flag in ["--help", "--version"] {
        let mut command = program(&[flag]);
        command.stdout(full_disk());
        let output = outcome(command);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{flag}");
    }
}

/// With stderr closed too the exit status has to say it alone.
#[test]
fn a_complaint_that_nobody_reads_leaves_the_exit_status() {
    let mut command = program(&["--prot"]);
    command.stdout(closed_pipe()).stderr(closed_pipe());
    assert_eq!(outcome(command).status.code(), Some(2));
}
