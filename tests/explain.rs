//! The explain mode: for each request a block in the terminal and a `server-timing` field in the
//! response, with the steps of the chapter and the lines of the source that took them; nothing that
//! is secret, and nothing that a client could forge.

mod support;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Barrier, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use simple_oauth2::app::app;
use simple_oauth2::framework::explain;
use simple_oauth2::server::{self, Config, Limits, Log, Request};
use support::{Client, PATIENCE, Response, TestServer, address_in};

/// Long enough for a line to be written that should not be.
const A_MOMENT: Duration = Duration::from_millis(100);

/// A step as it should be told: the section of the chapter, the place, and what was found.
type Step = (&'static str, String, String);

fn step(section: &'static str, place: String, finding: &str) -> Step {
    (section, place, finding.into())
}

/// The place of a call of `step`, as every system shows it: the one line of the file that has this.
fn place(file: &str, call: &str) -> String {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines: Vec<usize> =
        (1..).zip(source.lines()).filter(|(_, line)| line.contains(call)).map(|(number, _)| number).collect();
    let [number] = lines[..] else { panic!("{file} has {call:?} in the lines {lines:?}, not in one") };
    format!("{file}:{number}")
}

// The steps of the chapter, each with its place.

fn read_the_body(finding: &str) -> Step {
    step("2", place("src/framework/form.rs", r#"step("2", "#), finding)
}

fn read_the_form(finding: &str) -> Step {
    step("3.1", place("src/framework/form.rs", r#"step("3.1", || form.without_secrets())"#), finding)
}

fn found_errors(count: usize) -> Step {
    let place = place("src/framework/form.rs", r#"step("3.1", || format!("errors"#);
    step("3.1", place, &format!("errors in the form: {count}"))
}

fn found_the_user(name: &str) -> Step {
    let place = place("src/app.rs", r#"step("3.2", || format!("found"#);
    step("3.2", place, &format!("found {name} in FAKE_USERS_DB"))
}

fn found_no_user(name: &str) -> Step {
    let place = place("src/app.rs", r#"step("3.2", || format!("{:?} is not"#);
    step("3.2", place, &format!("{name} is not in FAKE_USERS_DB"))
}

fn compared_the_hashes(are_equal: bool) -> Step {
    let finding = if are_equal { "the hashes are equal" } else { "the hashes differ" };
    step("3.3", place("src/app.rs", &format!(r#"step("3.3", || "{finding}""#)), finding)
}

fn made_the_token(name: &str) -> Step {
    let place = place("src/app.rs", r#"step("4", "#);
    step("4", place, &format!("the token is the username: {name}"))
}

fn took_the_token(token: &str) -> Step {
    let place = place("src/framework/bearer.rs", r#"step("5", || format!("the bearer token"#);
    step("5", place, &format!("the bearer token is {token}"))
}

fn took_no_token() -> Step {
    let place = place("src/framework/bearer.rs", r#"step("5", || format!("no bearer token"#);
    step("5", place, "no bearer token in Authorization; POST /token gives one")
}

fn the_token_names_no_user() -> Step {
    step("5", place("src/app.rs", r#"step("5", || "the token names no user""#), "the token names no user")
}

fn the_user_is(name: &str, disabled: bool) -> Step {
    let place = place("src/app.rs", r#"step("5", || format!("the user is"#);
    step("5", place, &format!("the user is {name}, disabled: {disabled}"))
}

// What is expected of them.

/// The lines of a block: an empty one, the heading, the steps, the response.
fn block(heading: &str, client: SocketAddr, steps: &[Step], response: &str) -> Vec<String> {
    let mut lines = vec![String::new(), format!("{heading:<50} {client}")];
    lines.extend(
        steps.iter().map(|(section, place, finding)| format!("  {section:<4} {place:<32} {finding}")),
    );
    lines.push(format!("  {response}"));
    lines
}

/// The field of the response; `None` without steps.
fn server_timing(steps: &[Step]) -> Option<String> {
    let metrics = steps.iter().zip(1..).map(|((section, place, finding), number)| {
        let description = format!("{section} {place} {finding}").replace('\\', r"\\").replace('"', r#"\""#);
        format!(r#"step{number};desc="{description}""#)
    });
    (!steps.is_empty()).then(|| metrics.collect::<Vec<_>>().join(", "))
}

/// The metrics of a `server-timing` field: names and descriptions, read by the grammar of W3C Server
/// Timing and the quoted strings of RFC 9110 §5.6.4 alone.
fn metrics(field: &str) -> Vec<(String, String)> {
    assert!(field.bytes().all(|byte| matches!(byte, b' '..=b'~')), "visible ASCII and spaces only: {field}");
    let (mut metrics, mut rest) = (Vec::new(), field);
    loop {
        let (name, after) = rest.split_once(";desc=\"").unwrap_or_else(|| panic!("no metric: {rest}"));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "not a name: {name}");
        let (mut description, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next().unwrap_or_else(|| panic!("a quoted string without an end: {after}")) {
                (end, '"') => break end,
                (_, '\\') => description.extend(characters.next().map(|(_, escaped)| escaped)),
                (_, character) => description.push(character),
            }
        };
        metrics.push((name.to_owned(), description));
        match &after[end + 1..] {
            "" => return metrics,
            more => rest = more.strip_prefix(", ").unwrap_or_else(|| panic!("not a list: {more}")),
        }
    }
}

/// Fails with both texts, one under the other.
fn assert_same_text(got: &[String], expected: &[String]) {
    assert!(got == expected, "expected:\n{}\n\nbut got:\n{}\n", expected.join("\n"), got.join("\n"));
}

/// A request in the explain mode: sends it, and compares the whole field of its response, the whole
/// block, and the line of the access log that follows.
fn assert_explained(server: &TestServer, request: &str, steps: &[Step], response: &str) -> Response {
    let mut client = server.connect();
    client.send(request.as_bytes());
    let got = client.response();
    assert_timing(&got, steps);
    let request_line = request.lines().next().unwrap_or_default();
    let heading = request_line.trim_end_matches(" HTTP/1.1");
    let mut expected = block(heading, client.address(), steps, response);
    expected.push(format!(
        "INFO:     {} - \"{request_line}\" {} {}",
        client.address(),
        got.status,
        got.phrase()
    ));
    assert_same_text(&next_lines(server, expected.len()), &expected);
    got
}

fn assert_timing(response: &Response, steps: &[Step]) {
    // A metric a line, for the reader of a failure.
    let lines = |field: &str| field.split_inclusive("\", ").map(str::to_owned).collect::<Vec<_>>();
    let got = response.header("server-timing").map(lines).unwrap_or_default();
    assert_same_text(&got, &server_timing(steps).as_deref().map(lines).unwrap_or_default());
}

fn next_lines(server: &TestServer, count: usize) -> Vec<String> {
    (0..count).map(|_| server.next_line()).collect()
}

fn explaining() -> TestServer {
    TestServer::start_with(&["--port", "0", "--explain"])
}

fn login(form: &str) -> String {
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len())
}

fn who_am_i(token: &str) -> String {
    format!("GET /users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

// The chapter, step by step.

#[test]
fn a_login_is_told_from_the_form_to_the_token() {
    let server = explaining();
    let form = "grant_type=password&username=johndoe&password=secret&scope=users:read+users:write\
                &client_id=app&client_secret=hush";
    let steps = [
        read_the_body("114 bytes of application/x-www-form-urlencoded"),
        read_the_form(
            "grant_type=Some(\"password\"), username=\"johndoe\", password=******, \
             scopes=[\"users:read\", \"users:write\"], client_id=Some(\"app\"), client_secret=Some(\"******\")",
        ),
        found_the_user("johndoe"),
        compared_the_hashes(true),
        made_the_token("johndoe"),
    ];
    let token = r#"200  {"access_token":"johndoe","token_type":"bearer"}"#;
    assert_explained(&server, &login(form), &steps, token);
}

/// The form of a login with this name and nothing else that is told.
fn simple_form(name: &str) -> Step {
    read_the_form(&format!(
        "grant_type=None, username={name}, password=******, scopes=[], client_id=None, client_secret=None"
    ))
}

#[test]
fn a_login_that_fails_is_told_up_to_where_it_fails() {
    let server = explaining();
    let incorrect = r#"400  {"detail":"Incorrect username or password"}"#;
    let body = read_the_body("31 bytes of application/x-www-form-urlencoded");
    let steps =
        [body.clone(), simple_form("\"johndoe\""), found_the_user("johndoe"), compared_the_hashes(false)];
    assert_explained(&server, &login("username=johndoe&password=wrong"), &steps, incorrect);
    let steps = [body, simple_form("\"nobody\""), found_no_user("\"nobody\"")];
    assert_explained(&server, &login("username=nobody&password=secret"), &steps, incorrect);
    let steps = [read_the_body("2 bytes of application/json"), found_errors(2)];
    let request = login("{}").replace("x-www-form-urlencoded", "json");
    let missing = [r#"{"type":"missing","loc":["body","#, r#""],"msg":"Field required","input":null}"#];
    let missing = |field: &str| missing.join(&format!("\"{field}"));
    let response = format!("422  {{\"detail\":[{},{}]}}", missing("username"), missing("password"));
    assert_explained(&server, &request, &steps, &response);
}

#[test]
fn the_user_of_a_token_is_told_through_both_dependencies() {
    let server = explaining();
    let johndoe = r#"200  {"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"******"}"#;
    let steps = [took_the_token("\"johndoe\""), the_user_is("johndoe", false)];
    let response = assert_explained(&server, &who_am_i("johndoe"), &steps, johndoe);
    assert!(
        response.text().contains("fakehashedsecret"),
        "the chapter's response is as it was: {response:?}"
    );
    let steps = [took_the_token("\"alice\""), the_user_is("alice", true)];
    assert_explained(&server, &who_am_i("alice"), &steps, r#"400  {"detail":"Inactive user"}"#);
    let steps = [took_the_token("\"nobody\""), the_token_names_no_user()];
    let invalid = r#"401  {"detail":"Invalid authentication credentials"}"#;
    assert_explained(&server, &who_am_i("nobody"), &steps, invalid);
    let not_authenticated = r#"401  {"detail":"Not authenticated"}"#;
    assert_explained(&server, &get("/users/me"), &[took_no_token()], not_authenticated);
}

#[test]
fn the_page_its_document_and_what_the_router_does_are_told_briefly() {
    let server = explaining();
    let finding = "the page reads openapi.json and does the rest in the browser";
    let steps = [step("6", place("src/framework/docs.rs", r#"step("6", || "the page"#), finding)];
    let length = include_str!("../src/framework/docs.html").len();
    let page = format!("200  text/html; charset=utf-8, {length} bytes");
    assert_explained(&server, &get("/docs"), &steps, &page);
    let finding = "the document tells clients which operations there are";
    let steps = [step("6", place("src/framework/docs.rs", r#"step("6", || "the document"#), finding)];
    let length = include_str!("../src/framework/openapi.json").len();
    let document = format!("200  application/json, {length} bytes");
    assert_explained(&server, &get("/openapi.json"), &steps, &document);
    assert_explained(&server, &get("/docs/"), &[], "307  no body");
    assert_explained(&server, &get("/nowhere"), &[], r#"404  {"detail":"Not Found"}"#);
    assert_explained(&server, &get("/token"), &[], r#"405  {"detail":"Method Not Allowed"}"#);
}

// Beside the log.

/// A refusal is no matter of the application. The log's own line tells it in this mode too.
#[test]
fn a_refused_request_has_its_line_in_the_log_and_the_one_before_it_its_block() {
    let server = explaining();
    let mut client = server.connect();
    client.send((get("/nowhere") + "GET /users/me HTTP/1.1\r\n\r\n").as_bytes());
    assert_eq!(client.response().status, 404);
    let refused = client.response();
    assert_eq!((refused.status, refused.header("server-timing")), (400, None));
    let mut expected = block("GET /nowhere", client.address(), &[], r#"404  {"detail":"Not Found"}"#);
    expected.push(format!("INFO:     {} - \"GET /nowhere HTTP/1.1\" 404 Not Found", client.address()));
    expected.push(format!(
        "WARNING:  {} - refused with 400 Bad Request: An HTTP/1.1 request must have a Host.",
        client.address()
    ));
    assert_same_text(&next_lines(&server, expected.len()), &expected);
}

#[test]
fn no_access_log_leaves_the_blocks_alone() {
    let server = TestServer::start_with(&["--port", "0", "--explain", "--no-access-log"]);
    for _ in 0..2 {
        let mut client = server.connect();
        client.send(get("/nowhere").as_bytes());
        client.response();
        let expected = block("GET /nowhere", client.address(), &[], r#"404  {"detail":"Not Found"}"#);
        assert_same_text(&next_lines(&server, expected.len()), &expected);
    }
    assert_eq!(server.next_line_within(A_MOMENT), None);
}

#[test]
fn without_the_flag_nothing_is_told() {
    let server = TestServer::start();
    for request in [login("username=johndoe&password=secret"), who_am_i("johndoe"), get("/docs"), get("/")] {
        let response = server.exchange(request.as_bytes());
        assert_eq!(response.header("server-timing"), None, "{response:?}");
    }
    assert_eq!(server.next_line_within(A_MOMENT), None);
}

// Several clients, and a handler that fails.

/// A server inside this process, whose application can be made to wait or to panic, and what it
/// prints. The mode is on for a whole process, so the tests take turns.
struct InProcess {
    address: SocketAddr,
    lines: Receiver<String>,
}

static IN_PROCESS: LazyLock<Mutex<InProcess>> = LazyLock::new(|| Mutex::new(InProcess::start()));

/// Where two requests wait for each other in the middle of their steps.
static MEETING: Barrier = Barrier::new(2);

fn in_process() -> MutexGuard<'static, InProcess> {
    IN_PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The chapter, and then what the query says.
fn application(request: &Request<'_>) -> server::Response {
    let response = app(request);
    match request.query {
        Some("panic") => panic!("on purpose"),
        Some("meet") => {
            MEETING.wait();
            app(request) // all its steps again
        }
        _ => response,
    }
}

impl InProcess {
    fn start() -> Self {
        let default_hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // The panic on purpose is no news for the output of the tests.
            if thread::current().name() != Some("connection") {
                default_hook(info);
            }
        }));
        let (sender, lines) = mpsc::channel();
        let log = Log::start(Lines { sender, unfinished: Vec::new() }).expect("a thread for the log");
        explain::switch_on(log.clone());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let application = |request: &Request<'_>| explain::explain(request, application);
        let config = Config { application, limits: Limits::DEFAULT, log, access_log: false };
        thread::spawn(move || server::run(config, vec![listener]).map(|_| ()));
        Self { address, lines }
    }

    fn next_lines(&self, count: usize) -> Vec<String> {
        (0..count)
            .map(|_| self.lines.recv_timeout(PATIENCE).expect("the server should print one line more"))
            .collect()
    }
}

/// What is written, line by line.
struct Lines {
    sender: Sender<String>,
    unfinished: Vec<u8>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unfinished.extend_from_slice(bytes);
        while let Some(end) = self.unfinished.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.unfinished.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            self.sender.send(line).map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Two requests that are in the middle of their steps at the same time.
#[test]
fn the_steps_of_two_clients_never_mix() {
    let server = in_process();
    let clients = ["johndoe", "alice"].map(|name| {
        let mut client = Client::connect(server.address);
        client.send(who_am_i(name).replace("/users/me", "/users/me?meet").as_bytes());
        (name, client)
    });
    let mut expected = Vec::new();
    for (name, mut client) in clients {
        let disabled = name == "alice";
        let once = [took_the_token(&format!("{name:?}")), the_user_is(name, disabled)];
        let steps = [once.clone(), once].concat();
        let response = client.response();
        assert_timing(&response, &steps);
        let status = if disabled { "400" } else { "200" };
        let body = response.text().replace("fakehashedsecret", "******");
        expected.push(block("GET /users/me", client.address(), &steps, &format!("{status}  {body}")));
    }
    let length = expected[0].len();
    let mut got: Vec<Vec<String>> =
        server.next_lines(2 * length).chunks(length).map(<[String]>::to_vec).collect();
    // Either of them may have been printed first.
    got.sort_by_key(|block| block[1] != expected[0][1]);
    assert_same_text(&got.concat(), &expected.concat());
}

/// The steps up to a panic are what a learner wants to see.
#[test]
fn a_handler_that_panics_keeps_its_steps_and_leaves_none_behind() {
    let server = in_process();
    let (request, form) = (login("username=johndoe&password=secret"), "\"johndoe\"");
    let steps = [
        read_the_body("32 bytes of application/x-www-form-urlencoded"),
        simple_form(form),
        found_the_user("johndoe"),
        compared_the_hashes(true),
        made_the_token("johndoe"),
    ];
    for (query, status) in [("?panic", 500), ("", 200), ("?panic", 500), ("", 200)] {
        let mut client = Client::connect(server.address);
        client.send(request.replace("/token", &format!("/token{query}")).as_bytes());
        let response = client.response();
        assert_eq!(response.status, status, "{response:?}");
        let told = if status == 500 {
            "500  the handler panicked".into()
        } else {
            format!("200  {}", response.text())
        };
        let expected = block("POST /token", client.address(), &steps, &told);
        assert_same_text(&server.next_lines(expected.len()), &expected);
    }
}

// Nothing secret, nothing forged, nothing without an end.

/// Everything that is told about a request: the field and the block, to the line of the access log.
fn told(server: &TestServer, request: &[u8]) -> (String, Vec<String>) {
    let response = server.exchange(request);
    let field = response.header("server-timing").unwrap_or_default().to_owned();
    let mut block = Vec::new();
    loop {
        let line = server.next_line();
        if line.starts_with("INFO:     127.0.0.1:") {
            return (field, block);
        }
        block.push(line);
    }
}

#[test]
fn no_password_hash_or_client_secret_is_ever_told() {
    let server = explaining();
    for form in [
        "username=johndoe&password=secret&client_secret=hush",
        "username=johndoe&password=s3same&client_secret=hush",
        "username=nobody&password=s3same&client_id=a&client_secret=hush",
        "username=alice&password=secret2&client_secret=hush",
        "password=s3same&client_secret=hush",
        "username=johndoe&password=s3same&grant_type=other&client_secret=hush",
        "client_secret=hush",
    ] {
        let (field, block) = told(&server, login(form).as_bytes());
        for told in [field, block.join("\n")] {
            let without_names = told.replace("client_secret", "").to_lowercase();
            for secret in ["secret", "s3same", "hush", "fakehashed"] {
                assert!(!without_names.contains(secret), "{secret:?} is told: {told}");
            }
        }
    }
    for token in ["johndoe", "alice", "nobody"] {
        let (field, block) = told(&server, who_am_i(token).as_bytes());
        assert!(!(field + &block.join("\n")).contains("fakehashed"), "a hash is told: {block:?}");
    }
}

/// What a client may send, and how it is told: characters that move a cursor, change a colour, end a
/// line or turn the direction of writing, and those that end a quoted string or a metric.
const HOSTILE: [(&str, &str); 5] = [
    ("\0\u{7}\u{8}\t\n\r\u{1b}[2J\u{7f}", r"\0\u{7}\u{8}\t\n\r\u{1b}[2J\u{7f}"),
    ("\u{80}\u{85}\u{9b}31m", r"\u{80}\u{85}\u{9b}31m"),
    (
        "\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}",
        r"\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}",
    ),
    (
        "\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{e0041}",
        r"\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{e0041}",
    ),
    ("\", forged;desc=\"\\\\\", ,;'한", r#"\", forged;desc=\"\\\\\", ,;'한"#),
];

/// Percent-encodes every byte.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        encoded += &format!("%{byte:02X}");
    }
    encoded
}

/// The finding of a step as it is cut.
fn cut((section, place, finding): Step) -> Step {
    match finding.char_indices().nth(200) {
        Some((end, _)) => (section, place, format!("{}...", &finding[..end])),
        None => (section, place, finding),
    }
}

/// Whether a terminal only prints this: visible ASCII, spaces and Hangul.
fn is_harmless(text: &str) -> bool {
    text.chars().all(|character| matches!(character, ' '..='~' | '한'))
}

/// Compares all that is told of a hostile request. In the field Hangul is escaped as well.
fn assert_told(server: &TestServer, request: &str, steps: &[Step]) {
    let (field, block) = told(server, request.as_bytes());
    let metric = |((section, place, finding), number): (&Step, usize)| {
        (format!("step{number}"), format!("{section} {place} {}", finding.replace('한', r"\u{d55c}")))
    };
    let expected: Vec<(String, String)> = steps.iter().zip(1..).map(metric).collect();
    assert_eq!(metrics(&field), expected, "for {}", request.escape_debug());
    let line = |(section, place, finding): &Step| format!("  {section:<4} {place:<32} {finding}");
    let lines: Vec<String> = steps.iter().map(line).collect();
    assert_same_text(&block[2..block.len() - 1], &lines);
    assert!(block.iter().all(|line| is_harmless(line)), "{block:?}");
}

#[test]
fn a_client_cannot_forge_a_line_a_header_or_a_metric() {
    let server = explaining();
    for (sent, shown) in HOSTILE {
        let form = format!("username={}&password=a", encoded(sent));
        let body = read_the_body(&format!("{} bytes of application/x-www-form-urlencoded", form.len()));
        let name = format!("\"{shown}\"");
        assert_told(&server, &login(&form), &[body, simple_form(&name), found_no_user(&name)]);
        // The response repeats what it does not expect; the terminal gets it escaped.
        let (_, block) = told(&server, login(&format!("grant_type={}", encoded(sent))).as_bytes());
        assert!(block.iter().all(|line| is_harmless(line)), "{block:?}");
        // A header field cannot hold the control characters of ASCII, and can hold all others.
        if !sent.contains(|character: char| character.is_ascii_control()) {
            let steps = [took_the_token(&name), the_token_names_no_user()];
            assert_told(&server, &who_am_i(sent), &steps);
            let shown = shown.replace(r#"\""#, "\"").replace(r"\\", r"\");
            let steps = [
                read_the_body(&format!("0 bytes of x{}", shown.split(';').next().unwrap_or_default())),
                found_errors(2),
            ];
            assert_told(
                &server,
                &login("").replace("application/x-www-form-urlencoded", &format!("x{sent}")),
                &steps,
            );
        }
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_told_as_such() {
    let server = explaining();
    let (field, block) =
        told(&server, b"GET /users/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \x9B31m\r\n\r\n");
    let (section, place, _) = took_the_token("");
    assert_eq!(metrics(&field)[0].1, format!(r#"{section} {place} the bearer token is "\u{{fffd}}31m""#));
    assert!(block[2].ends_with("the bearer token is \"\u{fffd}31m\""), "{block:?}");
}

#[test]
fn what_is_told_has_an_end_and_says_what_did_not_fit() {
    let server = explaining();
    for (letter, count) in [("x", 60_000), ("%ED%95%9C", 6_600)] {
        let form = format!("username={}&password=a", letter.repeat(count));
        let name = format!("\"{}\"", letter.replace("%ED%95%9C", "한").repeat(count));
        let body = read_the_body(&format!("{} bytes of application/x-www-form-urlencoded", form.len()));
        let steps = [body, cut(simple_form(&name)), cut(found_no_user(&name))];
        let (field, block) = told(&server, login(&form).as_bytes());
        // In the terminal: each step, with three points for what was cut off.
        let line = |(section, place, finding): &Step| format!("  {section:<4} {place:<32} {finding}");
        assert_same_text(&block[2..5], &steps.each_ref().map(line));
        // In the field: as many steps as fit into about 2 KiB, and how many did not.
        assert!(field.len() < 2048 + 100, "{} bytes: {field}", field.len());
        let metrics = metrics(&field);
        let names: Vec<&str> = metrics.iter().map(|(name, _)| name.as_str()).collect();
        if letter == "x" {
            assert_eq!(names, ["step1", "step2", "step3"]);
        } else {
            assert_eq!(names, ["step1", "step2", "cut"]);
            assert_eq!(metrics[2].1, "1 more steps, see the terminal");
        }
    }
}

// Nobody reads.

/// The program with a stdout that is read only when a test wants it.
struct Unread {
    process: Child,
    address: SocketAddr,
}

impl Unread {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_simple-oauth2"))
            .args(["--port", "0", "--explain"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the built program starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let (sender, banner) = mpsc::channel();
        // A thread of its own, because a pipe has no read timeout.
        thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send((line, stdout.into_inner()));
        });
        let Ok((banner, stdout)) = banner.recv_timeout(PATIENCE) else {
            let _ = process.kill();
            panic!("no banner");
        };
        process.stdout = Some(stdout);
        Self { process, address: address_in(&banner) }
    }

    /// Reads stdout from now on.
    fn lines(&mut self) -> Receiver<String> {
        let stdout = BufReader::new(self.process.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        lines
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A terminal stopped with Ctrl+S, or a selection in a console of Windows.
#[test]
fn a_terminal_that_is_held_stalls_no_response_and_is_told_what_it_missed() {
    let mut server = Unread::start();
    // A block and its line have more than 300 bytes; the pipe holds 64 KiB, the log a mebibyte more.
    let request = who_am_i("johndoe");
    let mut client = Client::connect(server.address);
    for _ in 0..60 {
        client.send(request.repeat(100).as_bytes());
        for _ in 0..100 {
            let response = client.response();
            assert_eq!(response.status, 200, "{response:?}");
            assert!(response.header("server-timing").is_some_and(|field| field.contains("johndoe")));
        }
    }
    let lines = server.lines();
    let mut next_line = || lines.recv_timeout(PATIENCE).expect("the server should print one line more");
    let warning = std::iter::repeat_with(&mut next_line).find(|line| line.starts_with("WARNING:"));
    let warning = warning.unwrap_or_default();
    let lost = warning.strip_prefix("WARNING:  nobody read this log for a while: ");
    let lost = lost.and_then(|rest| rest.strip_suffix(" lines were lost")?.parse::<usize>().ok());
    assert!(lost.is_some_and(|lost| lost > 0), "{warning}");
    // And from here on nothing is missing.
    let mut client = Client::connect(server.address);
    client.send(request.as_bytes());
    assert_eq!(client.response().status, 200);
    let heading = format!("{:<50} {}", "GET /users/me", client.address());
    assert!(std::iter::repeat_with(next_line).any(|line| line == heading), "no block after the loss");
}
