//! The first server, `docs/first-server.rs`: the chapter works on it, and each weakness that its page
//! lists is really there (`row_07` is number 7 of `docs/en/0-first-server.md`), while the real server
//! holds on the same bytes.

mod support;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use support::{Client, Process, TestServer, get, post_form, program, under};

const FORM: &str = "username=johndoe&password=secret";
const JOHNDOE: &str = "Authorization: Bearer johndoe\r\n";
const BOB: &str = "Authorization: Bearer bob\r\n";
const CHALLENGE: &str = "\r\nwww-authenticate: Bearer\r\n";

/// Builds the first server, and says where it is. `cargo test --test first_server` builds no example;
/// where there is nothing to build, cargo takes no time.
fn first_server() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()));
        cargo.args(["build", "--example", "first-server", "--message-format", "json"]);
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo can be started");
        let messages = String::from_utf8_lossy(&output.stdout);
        let executable =
            |line| Some(serde_json::from_str::<Value>(line).ok()?["executable"].as_str()?.into());
        let program = messages.lines().filter_map(executable).next_back();
        program.unwrap_or_else(|| panic!("no first server: {}", String::from_utf8_lossy(&output.stderr)))
    })
}

fn start(command: &mut Command) -> Process {
    Process::start(command.env("RUST_BACKTRACE", "0").stderr(Stdio::piped())).0
}

fn start_first() -> Process {
    start(Command::new(first_server()).arg("0"))
}

/// What a server that has ended has written to stderr.
fn stderr(mut process: Process) -> String {
    io::read_to_string(process.child.stderr.take().expect("stderr is a pipe")).expect("stderr is UTF-8")
}

/// Everything that comes back for these pieces, up to the end of the connection. A piece is sent when
/// the one before it has been answered, or has not been answered for a second.
fn exchange(address: SocketAddr, pieces: &[impl AsRef<[u8]>]) -> String {
    let mut client = Client::connect(address);
    for (index, piece) in pieces.iter().enumerate() {
        let _ = index > 0 && client.is_silent_for(Duration::from_secs(1));
        client.send(piece.as_ref());
    }
    client.finish_sending();
    client.everything().expect("the server ends the connection")
}

/// The status codes of all responses in a text.
fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ").skip(1).filter_map(|response| response.get(..3)?.parse().ok()).collect()
}

/// What the first server sends for these pieces.
fn first(pieces: &[impl AsRef<[u8]>]) -> String {
    exchange(start_first().address, pieces)
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

/// The whole response of the first server, as it is on the wire.
fn on_the_wire(status: &str, body: &str) -> String {
    let start = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: ");
    format!("{start}{}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[test]
fn scene_1_a_login_returns_a_token() {
    let token = r#"{"access_token":"johndoe","token_type":"bearer"}"#;
    assert_eq!(first(&[post_form(FORM)]), on_the_wire("200 OK", token));
    let wrong = on_the_wire("400 Bad Request", r#"{"detail":"Incorrect username or password"}"#);
    assert_eq!(first(&[post_form("username=johndoe&password=secret2")]), wrong);
    assert_eq!(first(&[post_form("username=bob&password=secret")]), wrong);
    assert_eq!(statuses(&first(&[post_form("")])), [422]);
}

#[test]
fn scene_2_a_token_returns_its_user() {
    let user = r#"{"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"fakehashedsecret"}"#;
    assert_eq!(first(&[get("/users/me", JOHNDOE)]), on_the_wire("200 OK", user));
}

#[test]
fn scene_3_without_a_good_token_it_is_401() {
    for (fields, detail) in [("", "Not authenticated"), (BOB, "Invalid authentication credentials")] {
        let response = first(&[get("/users/me", fields)]);
        assert_eq!(statuses(&response), [401]);
        assert!(response.ends_with(&format!(r#"{{"detail":"{detail}"}}"#)), "{response:?}");
    }
}

#[test]
fn scene_4_an_inactive_user_is_400() {
    let token = r#"{"access_token":"alice","token_type":"bearer"}"#;
    assert_eq!(first(&[post_form("username=alice&password=secret2")]), on_the_wire("200 OK", token));
    let inactive = on_the_wire("400 Bad Request", r#"{"detail":"Inactive user"}"#);
    assert_eq!(first(&[get("/users/me", "Authorization: Bearer alice\r\n")]), inactive);
}

#[test]
fn row_01_a_login_in_two_packets() {
    let login = post_form(FORM);
    let (head, form) = login.split_at(login.len() - FORM.len());
    compare(&[head, form], &[422], &[200]);
    // curl sends this field by itself before a large body, and then waits.
    let head = head.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    compare(&[head.as_str(), form], &[422], &[100, 200]);
}

#[test]
fn row_02_a_head_in_two_packets() {
    compare(&["GET /users/me HTTP/1.1\r\n", "Host: a\r\nAuthorization: Bearer johndoe\r\n\r\n"], &[], &[200]);
}

#[test]
fn row_03_more_than_the_buffer_holds() {
    let field = format!("{JOHNDOE}X-Numbers: {}\r\n", "1".repeat(5000));
    compare(&[get("/users/me", &field)], &[], &[200]);
    let fields: Vec<String> = (1..=40).map(|number| format!("X-{number}: 1\r\n")).collect();
    compare(&[get("/users/me", &(JOHNDOE.to_owned() + &fields.concat()))], &[], &[200]);
    let request = post_form(&format!("scope={}&{FORM}", "1+".repeat(5000)));
    // What the first server has not read resets the connection, which may destroy its 422.
    let response = first(&[&request]);
    assert!(response.is_empty() || statuses(&response) == [422], "{response:?}");
    assert_eq!(statuses(&real(&[request])), [200]);
}

#[test]
fn row_04_a_chunked_body() {
    let login = post_form(FORM).replace("Content-Length: 32", "Transfer-Encoding: chunked");
    compare(&[login.replace(FORM, &format!("20\r\n{FORM}\r\n0\r\n\r\n"))], &[422], &[200]);
}

#[test]
fn row_05_a_length_that_is_not_true() {
    compare(&[post_form(FORM).replace("Length: 32", "Length: 0")], &[200], &[422, 400]);
    let both = post_form(FORM).replace("Length: 32", "Length: 32\r\nTransfer-Encoding: chunked");
    compare(&[both], &[200], &[400]);
}

#[test]
fn row_06_lines_that_end_in_lf_alone() {
    compare(&[get("/users/me", JOHNDOE).replace("\r\n", "\n")], &[200], &[400]);
}

#[test]
fn row_07_two_requests_in_one_packet() {
    compare(&[get("/users/me", JOHNDOE) + &get("/users/me", "")], &[200], &[200, 401]);
}

#[test]
fn row_08_no_host() {
    compare(&[get("/users/me", JOHNDOE).replace("Host: localhost\r\n", "")], &[200], &[400]);
}

#[test]
fn row_09_a_query() {
    compare(&[get("/users/me?a=1", JOHNDOE)], &[404], &[200]);
}

#[test]
fn row_10_names_in_lower_case() {
    compare(&[get("/users/me", "authorization: Bearer johndoe\r\n")], &[401], &[200]);
    compare(&[get("/users/me", "Authorization: bearer johndoe\r\n")], &[401], &[200]);
}

#[test]
fn row_11_a_form_that_is_called_plain_text() {
    let login = post_form(FORM).replace("application/x-www-form-urlencoded", "text/plain");
    compare(&[login], &[200], &[422]);
}

#[test]
fn row_12_other_methods() {
    let head = [get("/users/me", JOHNDOE).replace("GET", "HEAD")];
    compare(&head, &[404], &[200]);
    assert!(first(&head).ends_with('}'), "the first server sends a body after all");
    assert!(real(&head).ends_with("\r\n\r\n"), "a response to HEAD has no body");
    compare(&[get("/users/me", JOHNDOE).replace("GET", "DELETE")], &[404], &[405]);
}

#[test]
fn row_13_header_fields_that_are_missing() {
    let request = [post_form(FORM)];
    let (on_the_first, on_the_real_one) = (first(&request), real(&request));
    for field in ["\r\ndate: ", "\r\ncache-control: no-store\r\n"] {
        assert!(!on_the_first.contains(field), "{field:?} in {on_the_first:?}");
        assert!(on_the_real_one.contains(field), "no {field:?} in {on_the_real_one:?}");
    }
    // That the first server has no challenge is what `build_it_the_challenge` fails for.
    assert!(real(&[get("/users/me", "")]).contains(CHALLENGE), "a 401 has a challenge");
}

#[test]
fn row_14_a_value_that_is_not_utf_8() {
    let request = b"GET /users/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\r\n\r\n";
    compare(&[request], &[], &[401]);
    let mut server = start_first();
    exchange(server.address, &[request]);
    // The panic ends one thread, so the next client is served.
    assert_eq!(statuses(&exchange(server.address, &[get("/users/me", JOHNDOE)])), [200]);
    server.child.kill().expect("a child can be ended");
    let stderr = stderr(server);
    assert!(stderr.contains("panicked at docs"), "{stderr:?}");
}

#[test]
fn row_15_a_client_that_sends_nothing() {
    let first = start_first();
    let real = TestServer::start_with(&["--port", "0", "--timeout-keep-alive", "1"]);
    let (mut on_the_first, mut on_the_real_one) = (Client::connect(first.address), real.connect());
    assert!(on_the_real_one.is_closed(), "the real server does not end a silent connection");
    let a_second = Duration::from_secs(1);
    assert!(on_the_first.is_silent_for(a_second), "the first server has ended a silent connection");
}

#[test]
fn row_16_more_connections_than_open_files() {
    if !cfg!(unix) {
        return println!("skipped: `ulimit` is a command of Unix shells");
    }
    let forty_connections = |address| (0..40).map(|_| TcpStream::connect(address)).collect::<Vec<_>>();
    let first = start(&mut under(["-n", "24"], Command::new(first_server()).arg("0")));
    let mut client = Client::connect(first.address);
    let _held = forty_connections(first.address);
    assert!(client.is_closed(), "the first server goes on");
    let stderr = stderr(first);
    assert!(stderr.contains("Too many open files"), "{stderr:?}");
    let real = start(&mut under(["-n", "24"], &program(&["--port", "0", "--no-access-log"])));
    drop(forty_connections(real.address));
    assert_eq!(statuses(&exchange(real.address, &[get("/users/me", JOHNDOE)])), [200]);
}

#[test]
#[ignore = "page 0, Build it"]
fn build_it_the_challenge() {
    for fields in ["", BOB] {
        let response = first(&[get("/users/me", fields)]);
        assert_eq!(statuses(&response), [401]);
        assert!(response.contains(CHALLENGE), "no challenge in {response:?}");
    }
    let response = first(&[get("/users/me", JOHNDOE)]);
    assert!(!response.contains(CHALLENGE), "a challenge in {response:?}");
}
