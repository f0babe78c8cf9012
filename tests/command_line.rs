//! What the program promises to the person who starts it: its flags, its exit statuses, what it
//! prints, and that nothing that happens to stdout can stop it.

mod support;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{Client, PATIENCE, TestServer, address_in};

const ME: &[u8] = b"GET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Long enough for a line to be written that should not be.
const A_MOMENT: Duration = Duration::from_millis(100);

/// Starts the program with these words and this stdout.
fn spawn(words: &[impl AsRef<OsStr>], stdout: impl Into<Stdio>) -> Child {
    Command::new(env!("CARGO_BIN_EXE_simple-oauth2"))
        .args(words)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts")
}

/// Waits for the program to end by itself.
fn outcome(mut process: Child) -> Output {
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

fn run(words: &[impl AsRef<OsStr>]) -> Output {
    outcome(spawn(words, Stdio::piped()))
}

/// What the program says when it does not start: one line on stderr, nothing on stdout.
fn complaint(words: &[impl AsRef<OsStr>], status: i32) -> String {
    let shown: Vec<_> = words.iter().map(AsRef::as_ref).collect();
    let output = run(words);
    let complaint = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    assert_eq!(output.status.code(), Some(status), "{shown:?}: {complaint}");
    assert!(output.stdout.is_empty(), "{shown:?}: {:?}", output.stdout.escape_ascii().to_string());
    let line = complaint.strip_suffix('\n').expect("a whole line");
    assert!(!line.contains(char::is_control), "{shown:?}: more than a line, or worse: {complaint:?}");
    let reason = line.strip_prefix("simple-oauth2: ");
    reason.unwrap_or_else(|| panic!("{shown:?}: who says {line:?}?")).to_owned()
}

/// Ends a server that was started here, and proves that it has said nothing on stderr.
fn assert_served_in_peace(mut process: Child) {
    process.kill().expect("it was still running");
    let output = process.wait_with_output().expect("what it said can be read");
    assert_eq!(output.stderr.escape_ascii().to_string(), "");
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

fn assert_answers(address: SocketAddr) {
    let mut client = Client::connect(address);
    client.send(ME);
    assert_eq!(client.answer().status, 401);
}

// Texts.

#[test]
fn help_names_every_flag_and_its_default() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    for part in [
        "--host",
        "127.0.0.1",
        "--port",
        "8000",
        "--no-access-log",
        "--explain",
        "--version",
        "--help",
        "Usage",
    ] {
        assert!(help.contains(part), "{part} is missing in {help}");
    }
}

#[test]
fn version_is_the_version_of_the_package() {
    let output = run(&["--version"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("simple-oauth2 {}\n", env!("CARGO_PKG_VERSION"))
    );
}

// Wrong flags and values: exit status 2, as with every Unix program.

#[test]
fn a_wrong_flag_is_one_line_and_exit_status_2() {
    for word in ["--prot", "-p", "--", "-", "", "serve", "8000", "--Port", "--help=yes", "--no-access-log=1"]
    {
        let complaint = complaint(&[word], 2);
        assert!(complaint.contains(word) && complaint.contains("--help"), "{complaint}");
    }
}

#[test]
fn a_wrong_port_is_one_line_and_exit_status_2() {
    for port in ["x", "", "-1", "+80", "65536", "99999999999999999999", "0x50", "80.0", " 80", "８０"] {
        for words in [vec!["--port".to_owned(), port.to_owned()], vec![format!("--port={port}")]] {
            let complaint = complaint(&words, 2);
            assert!(complaint.contains("--port") && complaint.contains("65535"), "{complaint}");
        }
    }
}

#[test]
fn a_missing_value_is_one_line_and_exit_status_2() {
    for flag in ["--host", "--port"] {
        let complaint = complaint(&[flag], 2);
        assert!(complaint.contains(flag) && complaint.contains("value"), "{complaint}");
    }
}

#[test]
fn a_host_that_is_none_is_one_line_and_exit_status_2() {
    let too_long = "x".repeat(300);
    for host in ["", too_long.as_str()] {
        let complaint = complaint(&["--port", "0", "--host", host], 2);
        assert!(complaint.contains("--host"), "{complaint}");
    }
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
    use std::os::unix::ffi::OsStringExt;

    complaint(&[OsString::from_vec(b"--h\xFFst".to_vec())], 2);
    complaint(&[OsString::from("--port"), OsString::from_vec(b"80\xFF".to_vec())], 2);
}

// An address that cannot be had: exit status 1, and what to try.

#[test]
fn a_port_that_is_taken_is_one_line_that_says_what_to_try_and_exit_status_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("a bound listener has an address").port().to_string();
    let complaint = complaint(&["--port", &port], 1);
    assert!(complaint.contains(&format!("port {port}")), "{complaint}");
    assert!(complaint.contains("taken") && complaint.contains("try --port"), "{complaint}");
}

#[test]
fn an_address_of_another_machine_is_one_line_that_says_what_to_try_and_exit_status_1() {
    // RFC 5737: an address that no machine has.
    let complaint = complaint(&["--host", "192.0.2.1", "--port", "0"], 1);
    assert!(complaint.contains("192.0.2.1") && complaint.contains("try --host"), "{complaint}");
}

// The banner.

#[test]
fn the_banner_is_one_line_with_the_real_port_and_the_page() {
    let server = TestServer::start();
    let address = server.address();
    assert_ne!(address.port(), 0);
    assert_eq!(
        server.banner(),
        format!(
            "INFO:     simple-oauth2 running on http://{address}, docs at http://{address}/docs (press CTRL+C to quit)"
        )
    );
    assert_eq!(server.next_line_within(A_MOMENT), None);
    assert_answers(address);
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
    let mut process = spawn(&["--no-access-log"], Stdio::piped());
    let mut first_line = String::new();
    let stdout = process.stdout.take().expect("stdout is a pipe");
    BufReader::new(stdout).read_line(&mut first_line).expect("UTF-8");
    let _ = process.kill();
    let output = process.wait_with_output().expect("what it said can be read");
    // Somebody may be serving there already; then the complaint names it.
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        first_line.contains("http://127.0.0.1:8000,")
            || complaint.contains("port 8000 of 127.0.0.1 is taken"),
        "{first_line:?} {complaint:?}"
    );
}

#[test]
fn a_value_may_stand_behind_an_equals_sign() {
    let server = TestServer::start_with(&["--host=127.0.0.1", "--port=0", "--no-access-log"]);
    assert_answers(server.address());
}

#[test]
fn a_host_may_be_a_name() {
    let server = TestServer::start_with(&["--host", "localhost", "--port", "0"]);
    assert!(server.address().ip().is_loopback());
    assert_answers(server.address());
}

#[test]
fn a_host_may_be_an_ipv6_address_which_the_banner_puts_in_brackets() {
    let flags = ["--host", "::1", "--port", "0"];
    if TcpListener::bind("[::1]:0").is_err() {
        complaint(&flags, 1); // a machine without IPv6
        return;
    }
    let server = TestServer::start_with(&flags);
    assert!(server.banner().contains("http://[::1]:"), "{}", server.banner());
    assert_answers(server.address());
    assert!(server.next_line().starts_with("INFO:     [::1]:"));
}

// The access log.

#[test]
fn each_answer_gets_a_line_as_uvicorn_writes_it() {
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
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "\"BREW / HTTP/1.1\" 501 Not Implemented"),
    ] {
        let mut client = server.connect();
        client.send(request.as_bytes());
        client.answer();
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
    assert_eq!(client.answer().status, 400);
    let line = server.next_line();
    assert!(line.contains(&client.address().to_string()) && line.contains("400 Bad Request"), "{line}");
}

/// A line that a client could forge would be believed by whoever reads the log.
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
        client.answer();
        let line = server.next_line();
        assert!(!line.contains(char::is_control) && line.is_ascii(), "{line:?}");
        assert!(line.contains(&client.address().to_string()), "{line:?}");
        assert!(!line.contains(forged), "{line:?}");
        assert_eq!(line.matches('"').count() % 2, 0, "{line:?}");
        assert_eq!(server.next_line_within(Duration::from_millis(30)), None, "one answer, one line");
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
        let mut process = spawn(flags, Stdio::piped());
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let mut banner = String::new();
        stdout.read_line(&mut banner).expect("a line");
        drop(stdout);
        let address = address_in(&banner);
        for _ in 0..5 {
            assert_answers(address);
            thread::sleep(Duration::from_millis(20)); // the log is written in between, and fails
        }
        assert_served_in_peace(process);
    }
}

/// Starts the program with a stdout that takes nothing, and waits until it serves.
fn assert_serves_with(stdout: impl Into<Stdio>) {
    let port = free_port();
    let process = spawn(&["--port", &port.to_string()], stdout);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
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

/// A pipe that nobody reads from.
fn closed_pipe() -> io::PipeWriter {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer
}

#[test]
fn a_server_whose_stdout_was_never_open_serves() {
    assert_serves_with(closed_pipe());
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
        let output = outcome(spawn(&[flag], closed_pipe()));
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
        let output = outcome(spawn(&[flag], full_disk()));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{flag}");
    }
}

/// With stderr closed too the exit status has to say it alone.
#[test]
fn a_complaint_that_nobody_reads_leaves_the_exit_status() {
    let process = Command::new(env!("CARGO_BIN_EXE_simple-oauth2"))
        .arg("--prot")
        .stdout(closed_pipe())
        .stderr(closed_pipe())
        .stdin(Stdio::null())
        .spawn()
        .expect("the built program starts");
    assert_eq!(outcome(process).status.code(), Some(2));
}
