//! The first server, `docs/first-server.rs`: the chapter works on it, and each weakness that its page
//! lists is really there (`row_07` is number 7 of `docs/en/0-first-server.md`), while the real server
//! holds on the same bytes.

mod support;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use support::{PATIENCE, TestServer, address_in};

const FORM: &str = "username=johndoe&password=secret";
const FORM_TYPE: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const JOHNDOE: &str = "Authorization: Bearer johndoe\r\n";
const BOB: &str = "Authorization: Bearer bob\r\n";
const CHALLENGE: &str = "\r\nwww-authenticate: Bearer\r\n";

/// A server in a process of its own, until this is dropped.
struct Process {
    child: Child,
    address: SocketAddr,
    stderr: Receiver<String>,
}

impl Process {
    fn first() -> Self {
        Self::start(Command::new(first_server()).arg("0"))
    }

    /// A program with its arguments, to which the shell allows 24 open files.
    fn with_24_files(program: &Path, arguments: &[&str]) -> Self {
        let script = "ulimit -n 24 && exec \"$0\" \"$@\"";
        Self::start(Command::new("sh").args(["-c", script]).arg(program).args(arguments))
    }

    fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.env("RUST_BACKTRACE", "0").spawn().expect("the server starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let errors = child.stderr.take().expect("stderr is a pipe");
        // Threads of their own, because a pipe has no read timeout.
        let (sender, first_line) = mpsc::channel();
        thread::spawn(move || sender.send(stdout.lines().next()));
        let (sender, stderr) = mpsc::channel();
        thread::spawn(move || sender.send(io::read_to_string(errors).expect("stderr is UTF-8")));
        let line = first_line.recv_timeout(PATIENCE).expect("the server prints its address");
        Self { child, address: address_in(&line.expect("a line").expect("UTF-8")), stderr }
    }

    /// Waits until the process has ended, and returns what it has written to stderr.
    fn stderr(&self) -> String {
        self.stderr.recv_timeout(PATIENCE).expect("the server ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the first server, and says where it is. `cargo test --test first_server` builds no example;
/// where there is nothing to build, cargo takes no time.
fn first_server() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()));
        cargo.args(["build", "--example", "first-server", "--message-format", "json"]);
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo can be started");
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages =
            messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let program =
            messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
        program.unwrap_or_else(|| panic!("no first server: {}", String::from_utf8_lossy(&output.stderr)))
    })
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
    stream
}

/// Everything that comes back for these pieces, up to the end of the connection. A piece is sent when
/// the one before it has been answered, or has not been answered for a second.
fn exchange(address: SocketAddr, pieces: &[impl AsRef<[u8]>]) -> String {
    let mut stream = connect(address);
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a read timeout");
            let _ = stream.peek(&mut [0]);
            stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        }
        let _ = stream.write_all(piece.as_ref()); // the server may have gone: what comes back says so
    }
    let _ = stream.shutdown(Shutdown::Write);
    let mut received = Vec::new();
    if let Err(error) = stream.read_to_end(&mut received) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "cannot read: {error}");
    }
    String::from_utf8_lossy(&received).into_owned()
}

/// The status codes of all responses in a text.
fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ").skip(1).filter_map(|response| response.get(..3)?.parse().ok()).collect()
}

/// What the first server sends for these pieces.
fn first(pieces: &[impl AsRef<[u8]>]) -> String {
    exchange(Process::first().address, pieces)
}

/// What the real server sends for these pieces.
fn real(pieces: &[impl AsRef<[u8]>]) -> String {
    exchange(TestServer::start().address(), pieces)
}

/// Sends the same bytes to both servers, and compares the status codes that come back. No code at all
/// means that the connection has ended without a word.
#[track_caller]
fn compare(pieces: &[impl AsRef<[u8]>], on_the_first: &[u16], on_the_real_one: &[u16]) {
    let (first, real) = (first(pieces), real(pieces));
    assert_eq!(statuses(&first), on_the_first, "the first server sends {first:?}");
    assert_eq!(statuses(&real), on_the_real_one, "the real server sends {real:?}");
}

/// `POST /token` with these header fields and this body.
fn login(fields: &str, body: &str) -> String {
    format!("POST /token HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

/// `GET /users/me` with these header fields.
fn users_me(fields: &str) -> String {
    format!("GET /users/me HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// The whole response of the first server, as it is on the wire.
fn on_the_wire(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

#[test]
fn scene_1_a_login_returns_a_token() {
    let token = r#"{"access_token":"johndoe","token_type":"bearer"}"#;
    assert_eq!(first(&[login(FORM_TYPE, FORM)]), on_the_wire("200 OK", token));
    let wrong = on_the_wire("400 Bad Request", r#"{"detail":"Incorrect username or password"}"#);
    assert_eq!(first(&[login(FORM_TYPE, "username=johndoe&password=secret2")]), wrong);
    assert_eq!(first(&[login(FORM_TYPE, "username=bob&password=secret")]), wrong);
    assert_eq!(statuses(&first(&[login(FORM_TYPE, "")])), [422]);
}

#[test]
fn scene_2_a_token_returns_its_user() {
    let user = r#"{"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"fakehashedsecret"}"#;
    assert_eq!(first(&[users_me(JOHNDOE)]), on_the_wire("200 OK", user));
}

#[test]
fn scene_3_without_a_good_token_it_is_401() {
    for (fields, detail) in [("", "Not authenticated"), (BOB, "Invalid authentication credentials")] {
        let response = first(&[users_me(fields)]);
        assert_eq!(statuses(&response), [401]);
        assert!(response.ends_with(&format!(r#"{{"detail":"{detail}"}}"#)), "{response:?}");
    }
}

#[test]
fn scene_4_an_inactive_user_is_400() {
    let token = r#"{"access_token":"alice","token_type":"bearer"}"#;
    assert_eq!(first(&[login(FORM_TYPE, "username=alice&password=secret2")]), on_the_wire("200 OK", token));
    let inactive = on_the_wire("400 Bad Request", r#"{"detail":"Inactive user"}"#);
    assert_eq!(first(&[users_me("Authorization: Bearer alice\r\n")]), inactive);
}

#[test]
fn row_01_a_login_in_two_packets() {
    let fields = format!("Content-Length: {}\r\n{FORM_TYPE}", FORM.len());
    compare(&[&login(&fields, "")[..], FORM], &[422], &[200]);
    // curl sends this field by itself before a large body, and then waits.
    compare(&[&login(&format!("{fields}Expect: 100-continue\r\n"), "")[..], FORM], &[422], &[100, 200]);
}

#[test]
fn row_02_a_head_in_two_packets() {
    compare(&["GET /users/me HTTP/1.1\r\n", "Host: a\r\nAuthorization: Bearer johndoe\r\n\r\n"], &[], &[200]);
}

#[test]
fn row_03_more_than_the_buffer_holds() {
    let field = format!("{JOHNDOE}X-Numbers: {}\r\n", "1".repeat(5000));
    compare(&[users_me(&field)], &[], &[200]);
    let fields: Vec<String> = (1..=40).map(|number| format!("X-{number}: 1\r\n")).collect();
    compare(&[users_me(&(JOHNDOE.to_owned() + &fields.concat()))], &[], &[200]);
    let form = format!("scope={}&{FORM}", "1+".repeat(5000));
    let request = login(&format!("Content-Length: {}\r\n{FORM_TYPE}", form.len()), &form);
    // What the first server has not read resets the connection, which may destroy its 422.
    let response = first(&[&request]);
    assert!(response.is_empty() || statuses(&response) == [422], "{response:?}");
    assert_eq!(statuses(&real(&[request])), [200]);
}

#[test]
fn row_04_a_chunked_body() {
    let fields = format!("Transfer-Encoding: chunked\r\n{FORM_TYPE}");
    compare(&[login(&fields, &format!("20\r\n{FORM}\r\n0\r\n\r\n"))], &[422], &[200]);
}

#[test]
fn row_05_a_length_that_is_not_true() {
    compare(&[login(&format!("Content-Length: 0\r\n{FORM_TYPE}"), FORM)], &[200], &[422, 400]);
    let both = format!("Content-Length: 32\r\nTransfer-Encoding: chunked\r\n{FORM_TYPE}");
    compare(&[login(&both, FORM)], &[200], &[400]);
}

#[test]
fn row_06_lines_that_end_in_lf_alone() {
    compare(&[users_me(JOHNDOE).replace("\r\n", "\n")], &[200], &[400]);
}

#[test]
fn row_07_two_requests_in_one_packet() {
    compare(&[users_me(JOHNDOE) + &users_me("")], &[200], &[200, 401]);
}

#[test]
fn row_08_no_host() {
    compare(&[users_me(JOHNDOE).replace("Host: a\r\n", "")], &[200], &[400]);
}

#[test]
fn row_09_a_query() {
    compare(&[users_me(JOHNDOE).replace("/me ", "/me?a=1 ")], &[404], &[200]);
}

#[test]
fn row_10_names_in_lower_case() {
    compare(&[users_me("authorization: Bearer johndoe\r\n")], &[401], &[200]);
    compare(&[users_me("Authorization: bearer johndoe\r\n")], &[401], &[200]);
}

#[test]
fn row_11_a_form_that_is_called_plain_text() {
    compare(&[login("Content-Length: 32\r\nContent-Type: text/plain\r\n", FORM)], &[200], &[422]);
}

#[test]
fn row_12_other_methods() {
    let head = [users_me(JOHNDOE).replace("GET", "HEAD")];
    compare(&head, &[404], &[200]);
    assert!(
        first(&head).ends_with('}') && real(&head).ends_with("\r\n\r\n"),
        "a response to HEAD has no body"
    );
    compare(&[users_me(JOHNDOE).replace("GET", "DELETE")], &[404], &[405]);
}

#[test]
fn row_13_header_fields_that_are_missing() {
    let request = [login(&format!("Content-Length: 32\r\n{FORM_TYPE}"), FORM)];
    let (on_the_first, on_the_real_one) = (first(&request), real(&request));
    for field in ["\r\ndate: ", "\r\ncache-control: no-store\r\n"] {
        assert!(!on_the_first.contains(field), "{field:?} in {on_the_first:?}");
        assert!(on_the_real_one.contains(field), "no {field:?} in {on_the_real_one:?}");
    }
    // That the first server has no challenge is what `build_it_the_challenge` fails for.
    assert!(real(&[users_me("")]).contains(CHALLENGE), "a 401 has a challenge");
}

#[test]
fn row_14_a_value_that_is_not_utf_8() {
    let request = b"GET /users/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\r\n\r\n";
    compare(&[request], &[], &[401]);
    let mut process = Process::first();
    exchange(process.address, &[request]);
    // The panic ends one thread, so the next client is served.
    assert_eq!(statuses(&exchange(process.address, &[users_me(JOHNDOE)])), [200]);
    process.child.kill().expect("a child can be ended");
    let stderr = process.stderr();
    assert!(stderr.contains("panicked at docs"), "{stderr:?}");
}

#[test]
fn row_15_a_client_that_sends_nothing() {
    let first = Process::first();
    let real = TestServer::start_with(&["--port", "0", "--timeout-keep-alive", "1"]);
    let (mut on_the_first, mut on_the_real_one) = (connect(first.address), connect(real.address()));
    assert_eq!(on_the_real_one.read(&mut [0]).expect("an end, not silence"), 0);
    on_the_first.set_read_timeout(Some(Duration::from_secs(1))).expect("a read timeout");
    assert!(on_the_first.read(&mut [0]).is_err(), "the first server has ended a silent connection");
}

#[test]
fn row_16_more_connections_than_open_files() {
    if !cfg!(unix) {
        return println!("skipped: `ulimit` is a command of Unix shells");
    }
    let first = Process::with_24_files(first_server(), &["0"]);
    let real = Process::with_24_files(
        env!("CARGO_BIN_EXE_simple-oauth2").as_ref(),
        &["--port", "0", "--no-access-log"],
    );
    let forty_connections = |address| (0..40).map(|_| TcpStream::connect(address)).collect::<Vec<_>>();
    let held = forty_connections(first.address);
    let stderr = first.stderr();
    assert!(stderr.contains("Too many open files"), "{stderr:?}");
    drop(held);
    drop(forty_connections(real.address));
    assert_eq!(statuses(&exchange(real.address, &[users_me(JOHNDOE)])), [200]);
}

#[test]
#[ignore = "page 0, Build it"]
fn build_it_the_challenge() {
    for fields in ["", BOB] {
        let response = first(&[users_me(fields)]);
        assert_eq!(statuses(&response), [401]);
        assert!(response.contains(CHALLENGE), "no challenge in {response:?}");
    }
    let response = first(&[users_me(JOHNDOE)]);
    assert!(!response.contains(CHALLENGE), "a challenge in {response:?}");
}
