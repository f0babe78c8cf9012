//! The explain mode: for each request a block in the terminal and a `server-timing` field in the
//! response, with the steps of the chapter and the lines of the source that took them; nothing that
//! is secret, and nothing that a client could forge.

mod support;

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::Duration;

use simple_oauth2::app::app;
use simple_oauth2::framework::explain;
use simple_oauth2::server::{self, Config, Limits, Log, Request};
use support::{Response, TestServer, get, post_form};

/// Long enough for a line to be written that should not be.
const A_MOMENT: Duration = Duration::from_millis(100);

// The responses that several requests get, as the block shows them.
const TOKEN: &str = r#"200  {"access_token":"johndoe","token_type":"bearer"}"#;
const INCORRECT: &str = r#"400  {"detail":"Incorrect username or password"}"#;
const INVALID: &str = r#"401  {"detail":"Invalid authentication credentials"}"#;
const NOT_FOUND: &str = r#"404  {"detail":"Not Found"}"#;
const TWO_MISSING: &str = r#"422  {"detail":[{"type":"missing","loc":["body","username"],"msg":"Field required","input":null},{"type":"missing","loc":["body","password"],"msg":"Field required","input":null}]}"#;

/// A step as it should be told: the section of the chapter, the place, and what was found.
type Step = (&'static str, String, String);

/// The place, as every system shows it, is the line of the file that takes a step of this section with
/// these words in it.
fn step(section: &'static str, file: &str, words: &str, finding: &str) -> Step {
    let source = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect(file);
    let call = format!("step(\"{section}\", ");
    let line = source.lines().position(|line| line.contains(&call) && line.contains(words));
    let number = 1 + line.unwrap_or_else(|| panic!("no {call} with {words:?} in {file}"));
    (section, format!("{file}:{number}"), finding.into())
}

fn read_the_body(finding: &str) -> Step {
    step("2", "src/framework/form.rs", "bytes of", finding)
}

/// The form of a login with this name and nothing else that is told.
fn read_the_form(name: &str) -> Step {
    let form = format!(
        "grant_type=None, username={name}, password=******, scopes=[], client_id=None, client_secret=None"
    );
    step("3.1", "src/framework/form.rs", "form.without_secrets()", &form)
}

fn found_johndoe() -> Step {
    step("3.2", "src/app.rs", "found", "found johndoe in FAKE_USERS_DB")
}

fn found_no_user(name: &str) -> Step {
    step("3.2", "src/app.rs", "is not", &format!("{name} is not in FAKE_USERS_DB"))
}

/// The steps of a login as `johndoe` after its form was read.
fn logged_in() -> [Step; 3] {
    [
        found_johndoe(),
        step("3.3", "src/app.rs", "equal", "the hashes are equal"),
        step("4", "src/app.rs", "username", "the token is the username: johndoe"),
    ]
}

fn took_the_token(token: &str) -> Step {
    step("5", "src/framework/bearer.rs", "the bearer token", &format!("the bearer token is {token}"))
}

fn the_token_names_no_user() -> Step {
    step("5", "src/app.rs", "names no user", "the token names no user")
}

fn the_user_is(finding: &str) -> Step {
    step("5", "src/app.rs", "the user is", finding)
}

fn found_two_errors() -> Step {
    step("3.1", "src/framework/form.rs", "errors", "errors in the form: 2")
}

// What is expected of them.

/// The lines of a block: an empty one, the heading, the steps, the response.
fn block(heading: &str, client: SocketAddr, steps: &[Step], response: &str) -> Vec<String> {
    let mut lines = vec![String::new(), format!("{heading:<50} {client}")];
    let line = |(section, place, finding): &Step| format!("  {section:<4} {place:<32} {finding}");
    lines.extend(steps.iter().map(line));
    lines.push(format!("  {response}"));
    lines
}

/// The field of the response: of visible ASCII and spaces alone, in quoted strings (RFC 9110 §5.6.4).
fn server_timing(steps: &[Step]) -> String {
    let metric = |((section, place, finding), number): (&Step, usize)| {
        let mut description = String::new();
        for character in format!("{section} {place} {finding}").chars() {
            match character {
                '"' | '\\' => description.extend(['\\', character]),
                ' '..='~' => description.push(character),
                _ => description += &format!("\\{}", character.escape_unicode()),
            }
        }
        format!(r#"step{number};desc="{description}""#)
    };
    steps.iter().zip(1..).map(metric).collect::<Vec<_>>().join(", ")
}

/// Fails with both texts, one under the other.
fn assert_next_lines(server: &TestServer, expected: &[String]) {
    let got: Vec<String> = expected.iter().map(|_| server.lines.next()).collect();
    assert!(got == expected, "expected:\n{}\n\nbut got:\n{}\n", expected.join("\n"), got.join("\n"));
}

/// Compares the whole field; there is none without steps.
fn assert_timing(response: &Response, steps: &[Step]) {
    let expected = (!steps.is_empty()).then(|| server_timing(steps));
    assert_eq!(response.header("server-timing"), expected.as_deref(), "the field of {response:?}");
}

/// Sends a request, and compares the whole block and the line of the access log that follows.
fn assert_block(server: &TestServer, request: &[u8], steps: &[Step], response: &str) -> Response {
    let mut client = server.connect();
    client.send(request);
    let (got, address) = (client.response(), client.address());
    assert_eq!(got.status.to_string(), response[..3], "the status of {got:?}");
    let request = String::from_utf8_lossy(request);
    let request_line = request.lines().next().unwrap_or_default();
    let heading = request_line.trim_end_matches(" HTTP/1.1").split('?').next().unwrap_or_default();
    let mut expected = block(heading, address, steps, response);
    expected.push(format!("INFO:     {address} - \"{request_line}\" {} {}", got.status, got.phrase()));
    assert_next_lines(server, &expected);
    got
}

/// The same, and the field of the response.
fn assert_explained(server: &TestServer, request: &str, steps: &[Step], response: &str) -> Response {
    let got = assert_block(server, request.as_bytes(), steps, response);
    assert_timing(&got, steps);
    got
}

fn explaining() -> TestServer {
    TestServer::start_with(&["--port", "0", "--explain"])
}

fn who_am_i(token: &str) -> String {
    get("/users/me", &format!("Authorization: Bearer {token}\r\n"))
}

// The chapter, step by step.

#[test]
fn a_login_is_told_from_the_form_to_the_token() {
    let server = explaining();
    let form = "grant_type=password&username=johndoe&password=secret&scope=users:read+users:write\
                &client_id=app&client_secret=hush";
    let as_read = "grant_type=Some(\"password\"), username=\"johndoe\", password=******, \
                   scopes=[\"users:read\", \"users:write\"], client_id=Some(\"app\"), client_secret=Some(\"******\")";
    let mut steps = vec![
        read_the_body("114 bytes of application/x-www-form-urlencoded"),
        step("3.1", "src/framework/form.rs", "form.without_secrets()", as_read),
    ];
    steps.extend(logged_in());
    assert_explained(&server, &post_form(form), &steps, TOKEN);
}

#[test]
fn a_login_that_fails_is_told_up_to_where_it_fails() {
    let server = explaining();
    let body = read_the_body("31 bytes of application/x-www-form-urlencoded");
    let differ = step("3.3", "src/app.rs", "differ", "the hashes differ");
    let steps = [body.clone(), read_the_form("\"johndoe\""), found_johndoe(), differ];
    assert_explained(&server, &post_form("username=johndoe&password=wrong"), &steps, INCORRECT);
    let steps = [body, read_the_form("\"nobody\""), found_no_user("\"nobody\"")];
    assert_explained(&server, &post_form("username=nobody&password=secret"), &steps, INCORRECT);
    let steps = [read_the_body("2 bytes of application/json"), found_two_errors()];
    let request = post_form("{}").replace("x-www-form-urlencoded", "json");
    assert_explained(&server, &request, &steps, TWO_MISSING);
}

#[test]
fn the_user_of_a_token_is_told_through_both_dependencies() {
    let server = explaining();
    let johndoe = r#"200  {"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"******"}"#;
    let steps = [took_the_token("\"johndoe\""), the_user_is("the user is johndoe, disabled: false")];
    let response = assert_explained(&server, &who_am_i("johndoe"), &steps, johndoe);
    assert!(response.text().contains("fakehashedsecret"), "not the chapter's response: {response:?}");
    let steps = [took_the_token("\"alice\""), the_user_is("the user is alice, disabled: true")];
    assert_explained(&server, &who_am_i("alice"), &steps, r#"400  {"detail":"Inactive user"}"#);
    let steps = [took_the_token("\"nobody\""), the_token_names_no_user()];
    assert_explained(&server, &who_am_i("nobody"), &steps, INVALID);
    let finding = "no bearer token in Authorization; POST /token gives one";
    let steps = [step("5", "src/framework/bearer.rs", "no bearer token", finding)];
    assert_explained(&server, &get("/users/me", ""), &steps, r#"401  {"detail":"Not authenticated"}"#);
}

#[test]
fn the_page_its_document_and_what_the_router_does_are_told_briefly() {
    let server = explaining();
    let finding = "the page reads openapi.json and does the rest in the browser";
    let steps = [step("6", "src/framework/docs.rs", "the page", finding)];
    let length = include_str!("../src/framework/docs.html").len();
    let page = format!("200  text/html; charset=utf-8, {length} bytes");
    assert_explained(&server, &get("/docs", ""), &steps, &page);
    let finding = "the document tells clients which operations there are";
    let steps = [step("6", "src/framework/docs.rs", "the document", finding)];
    let length = include_str!("../src/framework/openapi.json").len();
    let document = format!("200  application/json, {length} bytes");
    assert_explained(&server, &get("/openapi.json", ""), &steps, &document);
    assert_explained(&server, &get("/docs/", ""), &[], "307  no body");
    assert_explained(&server, &get("/nowhere", ""), &[], NOT_FOUND);
    assert_explained(&server, &get("/token", ""), &[], r#"405  {"detail":"Method Not Allowed"}"#);
}

// Beside the log.

/// A refusal is no matter of the application. The log's own line tells it in this mode too.
#[test]
fn a_refused_request_has_its_line_in_the_log_and_the_one_before_it_its_block() {
    let server = explaining();
    let mut client = server.connect();
    client.send((get("/nowhere", "") + "GET /users/me HTTP/1.1\r\n\r\n").as_bytes());
    assert_eq!(client.response().status, 404);
    let refused = client.response();
    assert_eq!((refused.status, refused.header("server-timing")), (400, None));
    let client = client.address();
    let mut expected = block("GET /nowhere", client, &[], NOT_FOUND);
    expected.push(format!("INFO:     {client} - \"GET /nowhere HTTP/1.1\" 404 Not Found"));
    let why = "refused with 400 Bad Request: An HTTP/1.1 request must have a Host.";
    expected.push(format!("WARNING:  {client} - {why}"));
    assert_next_lines(&server, &expected);
}

#[test]
fn no_access_log_leaves_the_blocks_alone() {
    let server = TestServer::start_with(&["--port", "0", "--explain", "--no-access-log"]);
    let mut client = server.connect();
    client.send(get("/nowhere", "").as_bytes());
    let expected = block("GET /nowhere", client.address(), &[], NOT_FOUND);
    assert_next_lines(&server, &expected);
    assert_eq!(server.lines.next_within(A_MOMENT), None);
}

#[test]
fn without_the_flag_nothing_is_told() {
    let server = TestServer::start();
    for request in
        [post_form("username=johndoe&password=secret"), who_am_i("johndoe"), get("/docs", ""), get("/", "")]
    {
        let response = server.exchange(request.as_bytes());
        assert_eq!(response.header("server-timing"), None, "{response:?}");
    }
    assert_eq!(server.lines.next_within(A_MOMENT), None);
}

// Several clients, and a handler that fails.

/// The environment variable that makes this program the server below.
const VARIABLE: &str = "SERVER_THAT_OBEYS";

/// Where two requests wait for each other in the middle of their steps.
static MEETING: Barrier = Barrier::new(2);

/// The chapter, and then what the query says.
fn application(request: &Request<'_>) -> server::Response {
    let response = app(request);
    match request.query {
        Some("panic") => panic!("on purpose"),
        Some("twice") => app(request), // all its steps again
        Some("meet") => {
            MEETING.wait();
            app(request)
        }
        _ => response,
    }
}

/// Not a test: where the variable is set, this process serves that application.
#[test]
fn server_that_obeys() {
    if env::var_os(VARIABLE).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("\nserving http://{},", listener.local_addr().expect("an address"));
    let log = Log::start(io::stdout()).expect("a thread for the log");
    explain::switch_on(log.clone());
    let application = |request: &Request<'_>| explain::explain(request, application);
    let config = Config { application, limits: Limits::DEFAULT, log, access_log: true };
    let _ = server::run(config, vec![listener]);
}

fn obeying() -> TestServer {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["--exact", "server_that_obeys", "--nocapture"]).env(VARIABLE, "");
    command.stderr(Stdio::null()); // the message of the panic
    TestServer::start_command(command)
}

/// Two requests that are in the middle of their steps at the same time.
#[test]
fn the_steps_of_two_clients_never_mix() {
    let server = obeying();
    let clients = ["johndoe", "alice"].map(|name| {
        let mut client = server.connect();
        client.send(who_am_i(name).replace("/users/me", "/users/me?meet").as_bytes());
        (name, client)
    });
    let blocks = clients.map(|(name, mut client)| {
        let user = the_user_is(&format!("the user is {name}, disabled: {}", name == "alice"));
        let once = [took_the_token(&format!("{name:?}")), user];
        let steps = [once.clone(), once].concat();
        let response = client.response();
        assert_timing(&response, &steps);
        let told = format!("{}  {}", response.status, response.text().replace("fakehashedsecret", "******"));
        block("GET /users/me", client.address(), &steps, &told).join("\n")
    });
    // Either of them may have been printed first, and the lines of the access log where they like.
    let lines = std::iter::from_fn(|| Some(server.lines.next())).filter(|line| !line.starts_with("INFO"));
    let told = lines.take(2 * blocks[0].lines().count()).collect::<Vec<_>>().join("\n");
    let [johndoe, alice] = &blocks;
    let orders = [format!("{johndoe}\n{alice}"), format!("{alice}\n{johndoe}")];
    assert!(orders.contains(&told), "expected, in any order:\n{}\n\nbut got:\n{told}", orders[0]);
}

/// The steps up to a panic are what a learner wants to see.
#[test]
fn a_handler_that_panics_keeps_its_steps_and_leaves_none_behind() {
    let server = obeying();
    let request = post_form("username=johndoe&password=secret");
    let mut steps =
        vec![read_the_body("32 bytes of application/x-www-form-urlencoded"), read_the_form("\"johndoe\"")];
    steps.extend(logged_in());
    let panics = request.replace("/token", "/token?panic");
    for _ in 0..2 {
        assert_block(&server, panics.as_bytes(), &steps, "500  the handler panicked");
        assert_explained(&server, &request, &steps, TOKEN);
    }
}

// Nothing secret, nothing forged, nothing without an end.

/// Everything that is told about a request: the field and the block, to the line of the access log.
fn told(server: &TestServer, request: &str) -> String {
    let response = server.exchange(request.as_bytes());
    let mut told = response.header("server-timing").unwrap_or_default().to_owned();
    loop {
        let line = server.lines.next();
        if line.starts_with("INFO:     127.0.0.1:") {
            return told;
        }
        told += &format!("\n{line}");
    }
}

#[test]
fn no_password_hash_or_client_secret_is_ever_told() {
    let server = explaining();
    let forms = [
        "username=johndoe&password=secret&client_secret=hush",
        "username=johndoe&password=s3same&client_secret=hush",
        "username=nobody&password=s3same&client_id=a&client_secret=hush",
        "username=alice&password=secret2&client_secret=hush",
        "password=s3same&client_secret=hush",
        "username=johndoe&password=s3same&grant_type=other&client_secret=hush",
        "client_secret=hush",
    ];
    let tokens = ["johndoe", "alice", "nobody"];
    for request in forms.map(post_form).into_iter().chain(tokens.map(who_am_i)) {
        let told = told(&server, &request);
        let without_names = told.replace("client_secret", "").to_lowercase();
        for secret in ["secret", "s3same", "hush", "fakehashed"] {
            assert!(!without_names.contains(secret), "{secret:?} is told: {told}");
        }
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

/// A login with this name, and what is told of its body.
fn login_as(name: &str) -> (String, Step) {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let form = format!("username={name}&password=a");
    let finding = format!("{} bytes of application/x-www-form-urlencoded", form.len());
    (post_form(&form), read_the_body(&finding))
}

#[test]
fn a_client_cannot_forge_a_line_a_header_or_a_metric() {
    let server = explaining();
    for (sent, shown) in HOSTILE {
        let name = format!("\"{shown}\"");
        let (request, body) = login_as(sent);
        assert_explained(&server, &request, &[body, read_the_form(&name), found_no_user(&name)], INCORRECT);
        // The response repeats what it does not expect; the terminal gets it escaped.
        let grant_type: String = form_urlencoded::byte_serialize(sent.as_bytes()).collect();
        let told = told(&server, &post_form(&format!("grant_type={grant_type}")));
        let is_harmless = |character| matches!(character, '\n' | ' '..='~' | '한');
        assert!(told.chars().all(is_harmless), "{told:?}");
        // A header field cannot hold the control characters of ASCII, and can hold all others.
        if !sent.contains(|character: char| character.is_ascii_control()) {
            let steps = [took_the_token(&name), the_token_names_no_user()];
            assert_explained(&server, &who_am_i(sent), &steps, INVALID);
            let shown = shown.replace(r#"\""#, "\"").replace(r"\\", r"\");
            let media_type = shown.split(';').next().unwrap_or_default();
            let steps = [read_the_body(&format!("0 bytes of x{media_type}")), found_two_errors()];
            let request = post_form("").replace("application/x-www-form-urlencoded", &format!("x{sent}"));
            assert_explained(&server, &request, &steps, TWO_MISSING);
        }
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_told_as_such() {
    let request = b"GET /users/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \x9B31m\r\n\r\n";
    let steps = [took_the_token("\"\u{fffd}31m\""), the_token_names_no_user()];
    assert_timing(&assert_block(&explaining(), request, &steps, INVALID), &steps);
}

#[test]
fn what_is_told_has_an_end_and_says_what_did_not_fit() {
    let server = obeying();
    for (letter, count) in [("x", 60_000), ("한", 6_600)] {
        let name = letter.repeat(count);
        let (request, body) = login_as(&name);
        let cut = |(section, place, finding): Step| {
            (section, place, finding.chars().take(200).chain("...".chars()).collect())
        };
        let name = format!("\"{name}\"");
        let once = [body, cut(read_the_form(&name)), cut(found_no_user(&name))];
        let steps = [once.clone(), once].concat();
        let request = request.replace("/token", "/token?twice");
        // In the terminal: each step, with three points for what was cut off.
        let response = assert_block(&server, request.as_bytes(), &steps, INCORRECT);
        // In the field: as many steps as fit into about 2 KiB, and how many did not.
        if letter == "x" {
            assert_timing(&response, &steps);
        } else {
            let field = server_timing(&steps[..2]) + ", cut;desc=\"4 more steps, see the terminal\"";
            assert_eq!(response.header("server-timing"), Some(field.as_str()));
            assert!(field.len() < 2048 + 100, "{} bytes: {field}", field.len());
        }
    }
}
