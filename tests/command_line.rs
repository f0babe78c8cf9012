//! What the program promises to the person who starts it: its flags, its exit statuses, what it
//! prints, and that nothing that happens to stdout can stop it.

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::process::{ChildStdin, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::Limits;
use support::{Client, PATIENCE, Process, TestServer};

const PROGRAM: &str = env!("CARGO_BIN_EXE_simple-oauth2");
const ME: &[u8] = b"GET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n";
const IPV4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const IPV6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Long enough for a line to be written that should not be.
const A_MOMENT: Duration = Duration::from_millis(100);

fn command(program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The program with these words.
fn program(words: &[&str]) -> Command {
    command(PROGRAM, words)
}

/// Waits for the program to end by itself.
fn outcome(mut command: Command) -> Output {
    let mut process = command.spawn().expect("the built program starts");
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

/// What the program says when it does not start: one line on stderr, nothing on stdout.
fn complaint(command: Command, status: i32) -> String {
    let shown = format!("{command:?}");
    let output = outcome(command);
    let complaint = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    assert_eq!(output.status.code(), Some(status), "exit status of {shown}, which says {complaint:?}");
    assert!(output.stdout.is_empty(), "stdout of {shown}: {}", output.stdout.escape_ascii());
    let reason = complaint.strip_prefix("simple-oauth2: ").and_then(|rest| rest.strip_suffix('\n'));
    let reason = reason.unwrap_or_else(|| panic!("{shown}: not a line of the program: {complaint:?}"));
    assert!(!reason.contains(char::is_control), "{shown}: more than a line, or worse: {complaint:?}");
    reason.to_owned()
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
    let _ = writeln!(io::stderr(), "not tried here: {what}");
}

/// What only Linux has is passed over elsewhere, but not in silence.
#[cfg(not(target_os = "linux"))]
#[test]
fn what_needs_linux() {
    not_tried("tests/resources.rs; a port that the system keeps; a name with two addresses");
}

// Texts.

/// What the program prints with this flag, and nothing else.
fn text(flag: &str) -> String {
    let output = outcome(program(&[flag]));
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn help_names_every_flag_and_its_default() {
    let help = text("--help");
    let connections = format!("[default: {}]", Limits::DEFAULT.max_connections);
    let seconds = format!("[default: {}]", Limits::DEFAULT.idle_timeout.as_secs());
    for (flag, end) in [
        ("Usage: simple-oauth2 [OPTIONS]", ""),
        ("--host HOST", "[default: 127.0.0.1]"),
        ("--port PORT", "[default: 8000]"),
        ("--no-access-log", ""),
        ("--explain", ""),
        ("--limit-concurrency N", &connections),
        ("--timeout-keep-alive SECONDS", &seconds),
        ("-h, --help", ""),
        ("-V, --version", ""),
    ] {
        let line = help.lines().find(|line| line.trim_start().starts_with(flag));
        let line = line.unwrap_or_else(|| panic!("{flag} is missing in\n{help}"));
        assert!(line.ends_with(end), "{line} does not end in {end}");
    }
    assert_eq!(text("-h"), help);
}

#[test]
fn version_is_the_version_of_the_package() {
    for flag in ["--version", "-V"] {
        assert_eq!(text(flag), format!("simple-oauth2 {}\n", env!("CARGO_PKG_VERSION")));
    }
}

// Wrong flags and values: exit status 2, as with every Unix program.

#[test]
fn a_wrong_flag_is_one_line_and_exit_status_2_whatever_is_in_it() {
    let wrong = ["--prot", "-p", "--", "-", "", "serve", "8000", "--Port", "--help=yes", "-hV", "-v"];
    let hostile = ["--line\nINFO:     all is well", "--\u{1B}[31mred", "--carriage\rreturn", "--é"];
    // A word with a value is named without it where flags have values.
    for word in wrong.iter().chain(&["--no-access-log=1"]).chain(&hostile) {
        assert_eq!(complaint(program(&[word]), 2), format!("{word:?} is not a flag; try --help"));
    }
}

/// As the next word, and after an equals sign.
#[test]
fn a_wrong_number_is_one_line_and_exit_status_2() {
    let wrong = ["x", "", "-1", "+2", "1.5", "1e3", "0x50", " 80", "８０", "99999999999999999999"];
    for (flag, range, out_of_range) in [
        ("--port", "0 to 65535", &["65536"][..]),
        ("--limit-concurrency", "1 to 1000000", &["0", "1000001"]),
        ("--timeout-keep-alive", "1 to 86400", &["0", "86401"]),
    ] {
        for value in wrong.iter().chain(out_of_range) {
            let expected = format!("{flag} {value:?} is not a number from {range}");
            assert_eq!(complaint(program(&[flag, value]), 2), expected);
            assert_eq!(complaint(program(&[&format!("{flag}={value}")]), 2), expected);
        }
    }
}

#[test]
fn a_missing_value_is_one_line_and_exit_status_2() {
    for flag in ["--host", "--port", "--limit-concurrency", "--timeout-keep-alive"] {
        assert_eq!(complaint(program(&[flag]), 2), format!("{flag} needs a value; try --help"));
    }
    for words in [&["--host", ""][..], &["--host="], &["--host", "[]"], &["--host=[]"]] {
        assert_eq!(complaint(program(words), 2), "--host needs a name or an address");
    }
}

#[cfg(unix)]
#[test]
fn a_flag_that_is_not_utf_8_is_one_line_and_exit_status_2() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for word in [&b"--h\xFFst"[..], b"--port=80\xFF"] {
        let mut command = program(&[]);
        command.arg(OsStr::from_bytes(word));
        complaint(command, 2);
    }
}

// An address that cannot be had: exit status 2 or 1, and what to try.

/// The complaint about a port that is taken, with the next port to try.
fn taken(host: &str, port: u16, next: u16) -> String {
    format!(
        "port {port} of {host} is taken by another program; end it, or try --port {next} or --port 0 (any free one)"
    )
}

/// Takes this port. Where another program has it and keeps it, that will do.
fn take(port: u16) -> Option<TcpListener> {
    (0..50).find_map(|_| {
        thread::sleep(Duration::from_millis(20));
        TcpListener::bind((IPV4, port)).ok()
    })
}

#[test]
fn without_a_port_it_is_8000_of_127_0_0_1_and_one_that_is_taken_is_told_with_the_next() {
    let _ours = take(8000);
    assert_eq!(complaint(program(&[]), 1), taken("127.0.0.1", 8000, 8001));
}

#[test]
fn the_last_port_there_is_can_be_had_and_nothing_comes_after_it() {
    let ours = take(65535);
    assert_eq!(complaint(program(&["--port", "65535"]), 1), taken("127.0.0.1", 65535, 8000));
    if ours.is_none() {
        return not_tried("--port 65535, which another program has");
    }
    drop(ours);
    let _server = TestServer::start_with(&["--port", "65535", "--no-access-log"]);
    assert_answers(SocketAddr::new(IPV4, 65535));
}

#[test]
fn a_host_that_cannot_be_listened_on_is_one_line() {
    let on = |host| program(&["--port", "0", "--host", host]);
    // RFC 5737: an address that no machine has.
    let expected = "192.0.2.1 is not an address of this machine; try --host 127.0.0.1";
    assert_eq!(complaint(on("192.0.2.1"), 1), expected);
    let too_long = "x".repeat(300); // so long that nobody is asked for its address
    let complained = complaint(on(&too_long), 2);
    assert!(complained.starts_with(&format!("--host {too_long:?} is not ")), "{complained}");
    if cfg!(unix) {
        let complained = complaint(on("ff02::1"), 1); // the system's own words for a group of machines
        assert!(complained.starts_with("cannot listen on port 0 of ff02::1: "), "{complained}");
    }
}

/// In a network of its own, where the ports up to 1023 are for privileged programs alone.
#[cfg(target_os = "linux")]
#[test]
fn a_port_that_the_system_keeps_is_one_line() {
    let confined = |words: &[&str]| command("unshare", &[&["--user", "--net", PROGRAM], words].concat());
    if !outcome(confined(&["--version"])).status.success() {
        return not_tried("a port that the system keeps: that needs a network namespace (unshare)");
    }
    let expected = "the system keeps port 80 for itself; try --port 0 (any free one)";
    assert_eq!(complaint(confined(&["--host", "0.0.0.0", "--port", "80"]), 1), expected);
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
    let address = SocketAddr::new(IPV4, server.address().port());
    assert_eq!(server.banner(), banner(address));
    assert_eq!(server.lines.next_within(A_MOMENT), None);
    assert_answers(address);
}

/// `http://0.0.0.0:8000` and `http://[::]:8000` open nothing on Windows.
#[test]
fn the_banner_of_any_address_is_a_link_that_opens_and_a_second_line_says_if_more_is_listened_on() {
    for (host, open, is_all) in
        [("0.0.0.0", IPV4, true), ("::", IPV6, true), ("::1", IPV6, false), ("[::1]", IPV6, false)]
    {
        if !is_here(open) {
            not_tried(&format!("--host {host}: this machine has no {open}"));
            continue;
        }
        let server = TestServer::start_with(&["--host", host, "--port", "0"]);
        let address = server.address();
        assert_eq!((address.ip(), server.banner()), (open, banner(address).as_str()));
        if is_all {
            let listening = SocketAddr::new(host.parse().expect("an address"), address.port());
            assert_eq!(server.lines.next(), format!("INFO:     listening on {listening}"));
        }
        let mut client = server.connect();
        client.send(ME);
        let line = format!("INFO:     {} - \"GET /users/me HTTP/1.1\" 401 Unauthorized", client.address());
        assert_eq!(server.lines.next(), line);
    }
}

#[test]
fn a_value_may_come_after_an_equals_sign_and_of_a_repeated_flag_the_last_one_counts() {
    for flags in [
        &["--host=127.0.0.1", "--port=0", "--no-access-log"][..],
        &["--port", "1", "--host=192.0.2.1", "--port", "0", "--host", "127.0.0.1", "--explain", "--explain"],
    ] {
        assert_answers(TestServer::start_with(flags).address());
    }
}

/// uvicorn does so too. Browsers and curl try one address of `localhost` and then the other; other
/// programs know only one.
#[test]
fn a_host_may_be_a_name() {
    let addresses = ("localhost", 0).to_socket_addrs().expect("every machine knows localhost");
    let here = addresses.map(|address| address.ip()).filter(|ip| is_here(*ip)).collect();
    assert_serves_the_name(program, "localhost", here);
}

/// The same for a name that surely has two addresses, one of them twice, and a third that is not of
/// this machine.
#[cfg(target_os = "linux")]
#[test]
fn a_name_with_two_addresses_is_served_on_both() {
    if !is_here(IPV6) || !outcome(with_hosts(&["--version"])).status.success() {
        return not_tried("a name with two addresses: that needs IPv6 and a mount namespace (unshare)");
    }
    assert_serves_the_name(with_hosts, "two.test", BTreeSet::from([IPV4, IPV6]));
}

/// The program where the file /etc/hosts has such a name, and nobody else sees it.
#[cfg(target_os = "linux")]
fn with_hosts(words: &[&str]) -> Command {
    let hosts = concat!(env!("CARGO_TARGET_TMPDIR"), "/hosts");
    let names = "::1 two.test\n127.0.0.1 two.test\n127.0.0.1 two.test\n192.0.2.1 two.test\n";
    std::fs::write(hosts, names).expect("a file is written");
    let mount = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let unshare = ["--user", "--map-root-user", "--mount", "sh", "-c", mount, hosts, PROGRAM];
    command("unshare", &[&unshare, words].concat())
}

/// A server for this name is reached by each of these addresses on one port, says so, and keeps a
/// second one away.
fn assert_serves_the_name(command: fn(&[&str]) -> Command, name: &str, ips: BTreeSet<IpAddr>) {
    let server = TestServer::start_command(command(&["--host", name, "--port", "0", "--no-access-log"]));
    assert_eq!(server.banner(), banner(server.address()));
    let port = server.address().port();
    let addresses: BTreeSet<SocketAddr> = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    assert!(addresses.contains(&server.address()), "{}", server.banner());
    if addresses.len() > 1 {
        let line = server.lines.next();
        let told = line.strip_prefix("INFO:     listening on ").unwrap_or_else(|| panic!("{line}"));
        let told = told.split(" and ").map(|address| address.parse().expect("an address"));
        assert_eq!(told.collect::<BTreeSet<SocketAddr>>(), addresses);
    }
    assert_eq!(server.lines.next_within(A_MOMENT), None);
    addresses.into_iter().for_each(assert_answers);
    let second = command(&["--host", name, "--port", &port.to_string()]);
    assert_eq!(complaint(second, 1), taken(name, port, port + 1));
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
    let response = server.connect().response();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    let why = "503 Service Unavailable: This server has as many connections as it takes.\n";
    assert_eq!(response.text(), why);
    let line =
        "WARNING:  a client was rejected: the limit of 2 open connections is reached (1 in the last second)";
    assert_eq!(server.lines.next(), line);
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
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 32\r\n\r\n\
                username=johndoe&password=secret";
    let requests = [
        ("POST /token HTTP/1.1", form, "200 OK"),
        ("GET /users/me?a=b&c HTTP/1.1", "\r\n", "401 Unauthorized"),
        ("GET /users/me? HTTP/1.1", "\r\n", "401 Unauthorized"),
        ("POST /token HTTP/1.1", "\r\n", "422 Unprocessable Entity"),
        ("GET /token HTTP/1.1", "\r\n", "405 Method Not Allowed"),
        ("GET /docs/ HTTP/1.1", "\r\n", "307 Temporary Redirect"),
        ("GET /%zz HTTP/1.0", "\r\n", "404 Not Found"),
    ];
    let server = TestServer::start_with(&["--port", "0"]);
    let mut client = server.connect();
    // All at once: the lines come in the order of the requests.
    let bytes = requests.map(|(request_line, rest, _)| format!("{request_line}\r\nHost: a\r\n{rest}"));
    client.send(bytes.concat().as_bytes());
    for (request_line, _, status) in requests {
        let line = format!("INFO:     {} - \"{request_line}\" {status}", client.address());
        assert_eq!(server.lines.next(), line);
    }
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
        let line = server.lines.next();
        assert!(!line.contains(char::is_control) && line.is_ascii(), "{line:?}");
        assert!(line.contains(&client.address().to_string()), "{line:?}");
        assert!(!line.contains(forged), "{line:?}");
        assert_eq!(line.matches('"').count() % 2, 0, "{line:?}");
        assert_eq!(server.lines.next_within(Duration::from_millis(30)), None, "one response, one line");
    }
}

#[test]
fn no_access_log_means_no_line_but_for_what_is_refused() {
    let server = TestServer::start();
    server.exchange(ME);
    assert_eq!(server.lines.next_within(A_MOMENT), None);
    server.exchange(b"GET / HTTP/1.1\r\n\r\n");
    let line = server.lines.next();
    assert!(line.starts_with("WARNING:  127.0.0.1:"), "{line}");
}

// Nobody listens: `cargo run | head -1`, a full disk.

/// A port that is free now, and none of those that the system gives to whoever asks for any.
fn free_port() -> u16 {
    let any = || TcpListener::bind((IPV4, 0))?.local_addr();
    let mut ports = (0..100).map(|_| 20_000 + any().expect("a free port").port() % 10_000);
    ports.find(|port| TcpListener::bind((IPV4, *port)).is_ok()).expect("a free port")
}

/// Starts the program, waits until it serves, closes its stdout if that is a pipe, and proves that it
/// goes on and has said nothing on stderr.
fn assert_serves(mut command: Command) {
    let (address, deadline) = (SocketAddr::new(IPV4, free_port()), Instant::now() + PATIENCE);
    let child = command.arg(format!("--port={}", address.port())).spawn().expect("the program starts");
    let mut server = Process { child, banner: String::new(), address };
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "does not serve");
        thread::sleep(Duration::from_millis(5));
    }
    assert_answers(address); // its banner is written
    drop(server.child.stdout.take());
    for _ in 0..5 {
        assert_answers(address);
        thread::sleep(Duration::from_millis(20)); // the log is written in between, and fails
    }
    let ended = server.child.try_wait().expect("a child can be waited for");
    let stderr = server.child.stderr.take().expect("stderr is a pipe");
    drop(server); // which ends it
    let said = io::read_to_string(stderr).expect("stderr is UTF-8");
    assert_eq!((ended, said.as_str()), (None, ""), "it ended, or complained");
}

#[test]
fn a_server_whose_stdout_is_closed_after_the_banner_goes_on() {
    for flags in [&[][..], &["--explain"], &["--no-access-log"]] {
        assert_serves(program(flags));
    }
}

/// A pipe that nobody reads from: what is left of the stdin of a program that has ended.
fn closed_pipe() -> ChildStdin {
    let mut reader = program(&["--version"]).stdin(Stdio::piped()).spawn().expect("the built program starts");
    let writer = reader.stdin.take().expect("stdin is a pipe");
    reader.wait().expect("it ends");
    writer
}

/// The program once for each stdout that takes nothing: a closed pipe and, on Linux, a full disk.
fn programs_that_cannot_print(words: &[&str]) -> Vec<Command> {
    let (mut one, mut other) = (program(words), program(words));
    one.stdout(closed_pipe());
    if !cfg!(target_os = "linux") {
        return vec![one];
    }
    other.stdout(File::options().write(true).open("/dev/full").expect("Linux has /dev/full"));
    vec![one, other]
}

#[test]
fn a_server_whose_stdout_takes_nothing_serves() {
    programs_that_cannot_print(&[]).into_iter().for_each(assert_serves);
}

#[cfg(unix)]
#[test]
fn a_server_whose_stdout_was_never_open_serves() {
    assert_serves(command("sh", &["-c", "exec \"$0\" \"$@\" >&-", PROGRAM]));
}

#[test]
fn a_text_that_nobody_reads_is_no_error() {
    for command in ["--help", "--version"].iter().flat_map(|flag| programs_that_cannot_print(&[flag])) {
        let output = outcome(command);
        let said = output.stderr.escape_ascii().to_string();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    }
}

/// With stderr closed too the exit status has to say it alone.
#[test]
fn a_complaint_that_nobody_reads_leaves_the_exit_status() {
    let mut command = program(&["--prot"]);
    command.stdout(closed_pipe()).stderr(closed_pipe());
    assert_eq!(outcome(command).status.code(), Some(2));
}
