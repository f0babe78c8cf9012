//! What the server promises about bytes on the wire: where a request begins and ends, in how many
//! pieces it may come, and what becomes of the connection.
//!
//! Each test is named for the fact that it proves and says where the fact is written down. What is
//! refused is in `refusals.rs`.

mod support;

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use simple_oauth2::server::{self, Limits};
use support::{Client, Response, TestServer, serve};

const ME: &str = "GET /users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer johndoe\r\n\r\n";
const FORM: &str = "username=johndoe&password=secret";
const TOKEN: &str = r#"{"access_token":"johndoe","token_type":"bearer"}"#;

/// Long enough for the server to have read what came before, on a busy machine as well.
const A_MOMENT: Duration = Duration::from_millis(30);

/// A login, with these header fields as well.
fn login(header_fields: &str) -> String {
    format!("{}{FORM}", login_head(&format!("Content-Length: {}\r\n{header_fields}", FORM.len())))
}

/// The head of a login with these header fields, of which one should say how long the form is.
fn login_head(header_fields: &str) -> String {
    format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n{header_fields}\r\n"
    )
}

/// A login whose form comes in chunks, written here as they are sent.
fn chunked_login(chunks: &str) -> String {
    login_head("Transfer-Encoding: chunked\r\n") + chunks
}

/// The responses that come before the server ends the connection.
fn responses_until_close(client: &mut Client) -> Vec<Response> {
    std::iter::from_fn(|| client.response_unless_closed()).collect()
}

fn statuses(responses: &[Response]) -> Vec<u16> {
    responses.iter().map(|response| response.status).collect()
}

/// Sends these bytes on a fresh connection and returns the statuses up to its end, after which the
/// connection is checked to have ended.
fn statuses_until_close(server: &TestServer, bytes: &str) -> Vec<u16> {
    let mut client = server.connect();
    client.send(bytes.as_bytes());
    statuses(&responses_until_close(&mut client))
}

/// Proves that the connection still is in step: a request gets its own response.
fn assert_goes_on(client: &mut Client) {
    client.send(ME.as_bytes());
    let response = client.response();
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().contains("John Doe"));
}

// Pieces: TCP is a stream, and knows no packets.

/// RFC 9112 §6.3: the body ends where Content-Length says, not where a packet does.
#[test]
fn a_post_that_arrives_in_two_packets_keeps_its_form() {
    let server = TestServer::start();
    let mut client = server.connect();
    let request = login("");
    let (head, form) = request.split_at(request.len() - FORM.len());
    client.send(head.as_bytes());
    thread::sleep(A_MOMENT);
    client.send(form.as_bytes());
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, TOKEN));
}

/// RFC 9112 §2.2: a message is read octet by octet, so there is no byte at which it must not be cut.
#[test]
fn every_request_cut_at_every_byte_gets_the_same_response() {
    let server = TestServer::start();
    for request in requests_to_cut() {
        let mut whole = server.connect();
        whole.send(request.as_bytes());
        let expected = all_responses(&mut whole, &request);
        let cuts: Vec<usize> = (1..request.len()).collect();
        // Many cuts at once, but no more than a small machine has descriptors for.
        for cuts in cuts.chunks(100) {
            assert_cuts_change_nothing(&server, &request, cuts, &expected);
        }
    }
}

/// For each cut a connection: the first pieces, a moment for the server to read them, the rest.
fn assert_cuts_change_nothing(server: &TestServer, request: &str, cuts: &[usize], expected: &[Response]) {
    let mut clients: Vec<Client> = cuts.iter().map(|_| server.connect()).collect();
    for (client, cut) in clients.iter_mut().zip(cuts) {
        client.send(&request.as_bytes()[..*cut]);
    }
    thread::sleep(A_MOMENT);
    for (client, cut) in clients.iter_mut().zip(cuts) {
        client.send(&request.as_bytes()[*cut..]);
    }
    for (client, cut) in clients.iter_mut().zip(cuts) {
        assert_eq!(all_responses(client, request), expected, "{request:?} cut at {cut}");
    }
}

/// All that is answered to one of [`requests_to_cut`], each of which lets the connection end.
fn all_responses(client: &mut Client, request: &str) -> Vec<Response> {
    if request.starts_with("HEAD") {
        let response = client.response_to_head();
        assert!(client.is_closed());
        return vec![response.without_date()];
    }
    responses_until_close(client).into_iter().map(Response::without_date).collect()
}

/// Requests of every shape. After the last of each the server has to end the connection.
fn requests_to_cut() -> Vec<String> {
    let closing = "Host: localhost\r\nConnection: close\r\n";
    vec![
        ME.replace("Host", "Connection: close\r\nHost"),
        format!("HEAD /users/me HTTP/1.1\r\n{closing}\r\n"),
        format!("\r\n\r\nGET /users/me?a=b HTTP/1.7\r\n{closing}\r\n"),
        "GET http://localhost/users/me HTTP/1.0\r\n\r\n".into(),
        login("Connection: close\r\n"),
        login_head("Transfer-Encoding: chunked\r\nConnection: close\r\n")
            + "5;a=\"b;c\"\r\nusern\r\n1B\r\name=johndoe&password=secret\r\n000\r\nA: b\r\n\r\n",
        // Two on one connection, with an empty line between them.
        login("") + "\r\n" + &format!("DELETE /nowhere HTTP/1.1\r\n{closing}Content-Length: 3\r\n\r\nabc"),
        // Refusals come as soon as the wrong byte does; what is cut off after it changes nothing.
        format!("GET /users/me HTTP/2.0\r\n{closing}\r\n"),
        format!("GET /users/me HTTP/1.1\r\n{closing}Host: localhost\r\n\r\n"),
        format!("GET /users/me HTTP/1.1\n{closing}\r\n"),
        chunked_login("5\r\nusern\r\nF;a=\"b\r\n"),
    ]
}

/// RFC 9112 §2.2, with a packet for each byte.
#[test]
fn a_login_that_arrives_byte_by_byte_is_a_login() {
    let server = TestServer::start();
    for request in [login(""), chunked_login(&one_byte_chunks())] {
        let mut client = server.connect();
        for byte in request.as_bytes() {
            client.send(&[*byte]);
            thread::sleep(Duration::from_micros(200));
        }
        assert_eq!(client.response().text(), TOKEN);
    }
}

// Pipelining: the next request may be sent before the response has come.

/// Fifty requests, each of which is answered with its own number.
fn numbered_requests() -> Vec<u8> {
    let requests = (0..50).map(|number| {
        let form = format!("grant_type=number-{number}");
        if number % 3 == 0 {
            chunked_login(&format!("{:x}\r\n{form}\r\n0\r\n\r\n", form.len()))
        } else {
            login_head(&format!("Content-Length: {}\r\n", form.len())) + &form
        }
    });
    requests.collect::<String>().into_bytes()
}

fn assert_fifty_responses_in_order(client: &mut Client) {
    for number in 0..50 {
        let response = client.response();
        assert_eq!(response.status, 422);
        assert!(response.text().contains(&format!(r#""input":"number-{number}""#)), "{}", response.text());
    }
    assert!(client.is_silent_for(A_MOMENT), "no fifty-first response");
}

/// RFC 9112 §9.3.2: answered in order, each once.
#[test]
fn fifty_pipelined_requests_get_fifty_responses_in_order() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.send(&numbered_requests());
    assert_fifty_responses_in_order(&mut client);
    assert_goes_on(&mut client);
}

/// RFC 9112 §9.3.2, with cuts that fall anywhere in the requests.
#[test]
fn pipelined_requests_in_packets_of_any_size_get_the_same_responses() {
    let server = TestServer::start();
    for size in [7, 100, 1000] {
        let mut client = server.connect();
        for packet in numbered_requests().chunks(size) {
            client.send(packet);
            thread::sleep(Duration::from_micros(100));
        }
        assert_fifty_responses_in_order(&mut client);
    }
}

/// RFC 9112 §9.3.2: a client may wait for a response in the middle of its next request.
#[test]
fn a_request_is_answered_although_half_of_the_next_one_is_there() {
    let server = TestServer::start();
    let mut client = server.connect();
    let (first_half, second_half) = ME.split_at(20);
    client.send(format!("{ME}{first_half}").as_bytes());
    assert_eq!(client.response().status, 200);
    client.send(second_half.as_bytes());
    assert_eq!(client.response().status, 200);
}

// Empty lines.

/// RFC 9112 §2.2.
#[test]
fn up_to_four_empty_lines_before_a_request_line_are_skipped() {
    let server = TestServer::start();
    let mut client = server.connect();
    for count in 0..=4 {
        client.send("\r\n".repeat(count).as_bytes());
        assert_goes_on(&mut client);
    }
}

/// RFC 9112 §2.2: old clients send one more line end after a form.
#[test]
fn a_line_end_after_a_form_belongs_to_nobody() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.send((login("") + "\r\n").as_bytes());
    assert_eq!(client.response().text(), TOKEN);
    assert_goes_on(&mut client);
}

// Bodies.

/// RFC 9112 §7.1: the same form, however it is chunked.
#[test]
fn a_login_in_chunks_is_a_login() {
    let server = TestServer::start();
    let mut client = server.connect();
    for chunks in [
        format!("20\r\n{FORM}\r\n0\r\n\r\n"),
        format!("00000000020\r\n{FORM}\r\n0000\r\n\r\n"),
        "f\r\nusername=johndo\r\n11\r\ne&password=secret\r\n0\r\n\r\n".into(),
        "F\r\nusername=johndo\r\n11\r\ne&password=secret\r\n0\r\n\r\n".into(),
        one_byte_chunks(),
    ] {
        client.send(chunked_login(&chunks).as_bytes());
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, TOKEN), "{chunks:?}");
    }
    assert_goes_on(&mut client);
}

fn one_byte_chunks() -> String {
    let bytes = FORM.split_inclusive(|_: char| true);
    bytes.flat_map(|byte| ["1\r\n", byte, "\r\n"]).chain(["0\r\n\r\n"]).collect()
}

/// RFC 9112 §7.1.1: a recipient must ignore extensions that it does not know; white space in them
/// is bad and tolerated.
#[test]
fn chunk_extensions_are_ignored() {
    let server = TestServer::start();
    let mut client = server.connect();
    for extension in [
        ";name",
        ";name=value",
        ";a=b;c=d",
        r#";name="quoted; with \" and = and spaces""#,
        r#";name="""#,
        " ; name = value ; other",
        "\t;\tname\t=\t\"value\"",
        ";!#$%&'*+-.^_`|~09azAZ",
    ] {
        client.send(chunked_login(&format!("20{extension}\r\n{FORM}\r\n0{extension}\r\n\r\n")).as_bytes());
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, TOKEN), "{extension:?}");
    }
    assert_goes_on(&mut client);
}

/// RFC 9110 §6.5.1: what comes after the checks of the head must not join it.
#[test]
fn trailers_are_read_and_dropped() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.send(
        b"GET /users/me HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\
          0\r\nAuthorization: Bearer johndoe\r\nContent-Length: 5\r\n\r\n",
    );
    let response = client.response();
    assert_eq!((response.status, response.text()), (401, r#"{"detail":"Not authenticated"}"#));
    client.send(chunked_login(&format!("20\r\n{FORM}\r\n0\r\nConnection: close\r\n\r\n")).as_bytes());
    let response = client.response();
    assert_eq!((response.status, response.header("connection")), (200, None));
    assert_goes_on(&mut client);
}

/// RFC 9112 §7: names of codings are compared without regard to case.
#[test]
fn chunked_may_be_written_in_any_letter_case() {
    let server = TestServer::start();
    let mut client = server.connect();
    for line in
        ["transfer-encoding: Chunked", "TRANSFER-ENCODING: CHUNKED", "Transfer-Encoding:\t chunked \t"]
    {
        client.send((login_head(&format!("{line}\r\n")) + &format!("20\r\n{FORM}\r\n0\r\n\r\n")).as_bytes());
        assert_eq!(client.response().text(), TOKEN, "{line}");
    }
    assert_goes_on(&mut client);
}

/// RFC 9112 §6.3: with neither field there is no body, in a POST as well.
#[test]
fn a_post_that_says_nothing_about_a_body_has_none() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.send((login_head("") + ME).as_bytes());
    let response = client.response();
    assert_eq!(response.status, 422);
    assert!(response.text().contains("username") && response.text().contains("password"));
    assert!(client.response().text().contains("John Doe"));
}

/// RFC 9112 §6.3: a body is on the wire whether anybody wants it or not. Its bytes look like a
/// request here; were it left unread, they would be answered.
#[test]
fn a_body_that_nobody_wants_is_read_and_the_next_request_is_found() {
    let server = TestServer::start();
    let mut client = server.connect();
    let body = "DELETE /docs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (request_line, status) in [
        ("POST /nowhere", 404),
        ("POST /users/me", 405),
        ("DELETE /token", 405),
        ("GET /users/me", 401),
        ("GET /docs", 200),
        ("OPTIONS *", 204),
        ("PUT /token/", 307),
    ] {
        let start = format!("{request_line} HTTP/1.1\r\nHost: localhost\r\n");
        let length = body.len();
        client.send(format!("{start}Content-Length: {length}\r\n\r\n{body}").as_bytes());
        assert_eq!(client.response().status, status, "{request_line}");
        client.send(
            format!("{start}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n").as_bytes(),
        );
        assert_eq!(client.response().status, status, "{request_line}, chunked");
        assert_goes_on(&mut client);
    }
}

/// RFC 9110 §15.5.14 leaves the limit to the server; this one takes 65,536 bytes.
#[test]
fn a_body_of_exactly_the_limit_is_read() {
    let server = TestServer::start();
    let mut client = server.connect();
    let form = format!("{FORM}&filler={}", "x".repeat(65_536 - FORM.len() - "&filler=".len()));
    client.send((login_head("Content-Length: 65536\r\n") + &form).as_bytes());
    assert_eq!(client.response().text(), TOKEN);
    client.send(chunked_login(&format!("10000\r\n{form}\r\n0\r\n\r\n")).as_bytes());
    assert_eq!(client.response().text(), TOKEN);
    assert_goes_on(&mut client);
}

// The end of a connection, and its going on.

/// RFC 9112 §9.3: HTTP/1.1 persists without a word.
#[test]
fn http_1_1_stays_open() {
    let server = TestServer::start();
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(ME.as_bytes());
        let response = client.response();
        assert_eq!((response.status, response.header("connection")), (200, None));
    }
    assert!(client.is_silent_for(A_MOMENT));
}

/// RFC 9112 §9.6: who closes says so, and nothing after the last request is answered.
#[test]
fn nothing_after_connection_close_is_answered() {
    let server = TestServer::start();
    for line in [
        "Connection: close",
        "connection:CLOSE",
        "Connection: Keep-Alive, close",
        "Connection: close, keep-alive",
        "Connection: keep-alive\r\nConnection: x , Close",
        "Connection: , close ,",
    ] {
        for request in [ME.replace("Host", &format!("{line}\r\nHost")), login(&format!("{line}\r\n"))] {
            let mut client = server.connect();
            client.send((request + ME).as_bytes());
            let response = client.response();
            assert_eq!((response.status, response.header("connection")), (200, Some("close")), "{line}");
            assert!(client.is_closed(), "{line}");
        }
    }
}

/// RFC 9112 §9.3: HTTP/1.0 closes without a word; the status line says HTTP/1.1 all the same
/// (RFC 9110 §6.2), and no Host is needed.
#[test]
fn http_1_0_is_closed() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.send(ME.replace("1.1", "1.0").replace("Host: localhost\r\n", "").as_bytes());
    client.send(ME.as_bytes());
    let response = client.response();
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert!(response.head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(client.is_closed());
}

/// RFC 9112 §9.3: HTTP/1.0 stays open when asked, and the client has to be told.
#[test]
fn http_1_0_with_keep_alive_stays_open_and_is_told_so() {
    let server = TestServer::start();
    let mut client = server.connect();
    for option in ["keep-alive", "Keep-Alive", "x, KEEP-ALIVE"] {
        client.send(format!("GET /users/me HTTP/1.0\r\nConnection: {option}\r\n\r\n").as_bytes());
        let response = client.response();
        assert_eq!((response.status, response.header("connection")), (401, Some("keep-alive")), "{option}");
    }
}

/// RFC 9112 §9.3: `close` wins over `keep-alive`, whichever comes first.
#[test]
fn http_1_0_that_asks_for_both_is_closed() {
    let server = TestServer::start();
    for options in ["keep-alive, close", "close, keep-alive"] {
        let mut client = server.connect();
        client.send(format!("GET /users/me HTTP/1.0\r\nConnection: {options}\r\n\r\n").as_bytes());
        assert_eq!(client.response().header("connection"), Some("close"), "{options}");
        assert!(client.is_closed(), "{options}");
    }
}

/// RFC 9112 §9.6: a client that has said all it has to say can still listen.
#[test]
fn a_client_that_half_closes_after_its_requests_is_answered() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.send((login("") + ME + &login("")).as_bytes());
    client.finish_sending();
    assert_eq!(statuses(&responses_until_close(&mut client)), [200, 200, 200]);
}

/// RFC 9112 §8: a body cut short must not be taken as whole.
#[test]
fn a_form_that_ends_before_its_length_is_never_a_login() {
    let server = TestServer::start();
    for request in [login("").replace(": 32", ": 33"), chunked_login(&format!("20\r\n{FORM}\r\n"))] {
        let mut client = server.connect();
        client.send(request.as_bytes());
        client.finish_sending();
        assert_eq!(statuses(&responses_until_close(&mut client)), [400], "{request:?}");
    }
}

/// RFC 9112 §9.3: no request, no response.
#[test]
fn a_client_that_leaves_without_a_request_gets_no_response() {
    let server = TestServer::start();
    for bytes in ["", "\r\n", "\r\n\r\n"] {
        let mut client = server.connect();
        client.send(bytes.as_bytes());
        client.finish_sending();
        assert!(client.is_closed(), "{bytes:?}");
    }
}

// Methods and targets.

/// RFC 9110 §9.3.2: the header fields of GET, `content-length` too, and no body after them.
#[test]
fn the_response_to_head_is_the_response_to_get_without_its_body() {
    let server = TestServer::start();
    let mut client = server.connect();
    for target in ["/users/me", "/docs", "/openapi.json", "/nowhere", "/token", "/users/me/"] {
        for authorization in ["", "Authorization: Bearer johndoe\r\n", "Authorization: Bearer alice\r\n"] {
            let rest = format!("{target} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n");
            client.send(format!("GET {rest}").as_bytes());
            let get = client.response().without_date();
            client.send(format!("HEAD {rest}").as_bytes());
            let head = client.response_to_head().without_date();
            assert_eq!(head.head, get.head, "{rest}");
        }
    }
    assert_goes_on(&mut client);
}

/// RFC 9110 §15.5.6: what would be allowed is said; the connection goes on.
#[test]
fn a_known_method_on_the_wrong_path_is_405_with_allow() {
    let server = TestServer::start();
    let mut client = server.connect();
    for (path, allow) in [
        ("/token", "POST"),
        ("/users/me", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
    ] {
        for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
            client.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
            let response = client.response();
            assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{method} {path}");
            assert_eq!(response.text(), r#"{"detail":"Method Not Allowed"}"#);
        }
    }
    assert_goes_on(&mut client);
}

/// RFC 9110 §9.1: methods are case-sensitive, and one that the server does not know is 501. The
/// connection ends: a program in front of this server may have another idea of where the body of
/// such a request ends.
#[test]
fn an_unknown_method_is_501_and_the_connection_ends() {
    let server = TestServer::start();
    for method in ["BREW", "get", "Post", "PROPFIND", "M-SEARCH", "GETT", "!#$%&'*+-.^_`|~"] {
        for path in ["/users/me", "/nowhere"] {
            let mut client = server.connect();
            client.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n{ME}").as_bytes());
            let response = client.response();
            assert_eq!(
                (response.status, response.header("connection")),
                (501, Some("close")),
                "{method} {path}"
            );
            assert!(client.is_closed(), "{method} {path}");
        }
    }
}

/// RFC 9110 §9.3.7 and §8.6: a question to the server as a whole; 204 has no `content-length`.
#[test]
fn options_asterisk_is_204_with_allow_and_without_content_length() {
    let server = TestServer::start();
    let mut client = server.connect();
    for target in ["*", "http://localhost", "http://localhost:8000"] {
        client.send(format!("OPTIONS {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        let response = client.response();
        assert_eq!((response.status, response.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
        for absent in ["content-length", "transfer-encoding", "content-type"] {
            assert_eq!(response.header(absent), None, "{target}");
        }
    }
    assert_goes_on(&mut client);
}

/// RFC 9112 §3.2.2: every server must take it; its host replaces the Host line, whose presence is
/// required all the same.
#[test]
fn a_target_in_absolute_form_is_read_as_its_path() {
    let server = TestServer::start();
    let mut client = server.connect();
    for (target, status) in [
        ("http://localhost/users/me", 200),
        ("http://example.com:8080/users/me?a=b", 200),
        ("HTTP://EXAMPLE.com/users/me", 200),
        ("http://[::1]:8000/users/me", 200),
        ("http://localhost:/users/me", 200),
        ("http://localhost", 404),
        ("http://localhost?/users/me", 404),
        ("http://localhost//users/me", 404),
    ] {
        client.send(ME.replace("/users/me", target).as_bytes());
        assert_eq!(client.response().status, status, "{target}");
    }
    assert_goes_on(&mut client);
}

/// RFC 9110 §6.2: a minor version that is not known is read as the highest that is.
#[test]
fn http_1_2_to_1_9_are_read_as_1_1() {
    let server = TestServer::start();
    let mut client = server.connect();
    for minor in 1..=9 {
        client.send(ME.replace("1.1", &format!("1.{minor}")).as_bytes());
        let response = client.response();
        assert_eq!((response.status, response.header("connection")), (200, None), "HTTP/1.{minor}");
    }
    // Not as 1.0, which knows no chunks.
    client.send(chunked_login(&one_byte_chunks()).replace("HTTP/1.1", "HTTP/1.5").as_bytes());
    assert_eq!(client.response().text(), TOKEN);
}

/// RFC 9110 §7.8 and §14.2: offers and wishes that a server may ignore, ignored.
#[test]
fn upgrade_and_range_are_ignored() {
    let server = TestServer::start();
    let mut client = server.connect();
    for lines in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Range: bytes=0-4\r\n",
        "TE: trailers\r\n",
    ] {
        client.send(ME.replace("Host", &format!("{lines}Host")).as_bytes());
        let response = client.response();
        assert_eq!(response.status, 200, "{lines}");
        assert!(response.text().ends_with('}'), "{lines}");
    }
    assert_goes_on(&mut client);
}

// `Expect: 100-continue`: a client that asks before it sends a body.

/// RFC 9110 §10.1.1.
#[test]
fn a_client_that_waits_is_told_once_to_continue() {
    let server = TestServer::start();
    let mut client = server.connect();
    for (length, body) in [
        ("Content-Length: 32", FORM.to_owned()),
        ("Transfer-Encoding: chunked", format!("20\r\n{FORM}\r\n0\r\n\r\n")),
    ] {
        for expectation in ["100-continue", "100-Continue"] {
            client.send(login_head(&format!("{length}\r\nExpect: {expectation}\r\n")).as_bytes());
            assert_eq!(client.response().head, "HTTP/1.1 100 Continue\r\n\r\n");
            let (first, rest) = body.split_at(5);
            client.send(first.as_bytes());
            assert!(client.is_silent_for(A_MOMENT), "once is enough");
            client.send(rest.as_bytes());
            assert_eq!(client.response().text(), TOKEN);
        }
    }
    assert_goes_on(&mut client);
}

/// RFC 9110 §10.1.1: who does not wait need not be told.
#[test]
fn a_body_that_is_already_there_needs_no_continue() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.send(login("Expect: 100-continue\r\n").as_bytes());
    assert_eq!(client.response().text(), TOKEN);
    // A part of it is enough.
    let request = login("Expect: 100-continue\r\n");
    let (most, rest) = request.split_at(request.len() - 3);
    client.send(most.as_bytes());
    assert!(client.is_silent_for(A_MOMENT));
    client.send(rest.as_bytes());
    assert_eq!(client.response().text(), TOKEN);
    // And there is nothing to wait for where there is no body.
    client.send(login_head("Content-Length: 0\r\nExpect: 100-continue\r\n").as_bytes());
    assert_eq!(client.response().status, 422);
    assert_goes_on(&mut client);
}

/// RFC 9110 §10.1.1: HTTP/1.0 clients take a 100 for the response.
#[test]
fn http_1_0_is_never_told_to_continue() {
    let server = TestServer::start();
    for expectation in ["100-continue", "something-else"] {
        let mut client = server.connect();
        let request = login(&format!("Expect: {expectation}\r\n")).replace("HTTP/1.1", "HTTP/1.0");
        let (head, form) = request.split_at(request.len() - FORM.len());
        client.send(head.as_bytes());
        assert!(client.is_silent_for(A_MOMENT), "{expectation}");
        client.send(form.as_bytes());
        assert_eq!(client.response().text(), TOKEN, "{expectation}");
    }
}

/// RFC 9110 §10.1.1: who asks is told to go on, also where the body will not be used. The request
/// has been read whole then, so the connection goes on.
#[test]
fn a_client_that_waits_is_told_to_continue_wherever_its_body_goes() {
    let server = TestServer::start();
    for (request_line, status) in
        [("POST /nowhere", 404), ("PUT /token", 405), ("GET /users/me", 401), ("POST /token/", 307)]
    {
        let mut client = server.connect();
        let start = format!("{request_line} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue");
        client.send(format!("{start}\r\nContent-Length: 5\r\n\r\n").as_bytes());
        assert_eq!(client.response().status, 100, "{request_line}");
        client.send(b"hello");
        assert_eq!(client.response().status, status, "{request_line}");
        assert_goes_on(&mut client);
    }
}

/// RFC 9110 §10.1.1: whatever the method, the application gets the body that the client held back.
#[test]
fn the_body_of_a_put_that_waits_reaches_the_application() {
    let address = serve(Limits::DEFAULT, |request| {
        let body = String::from_utf8_lossy(request.body).into_owned();
        server::Response::new(200, "text/plain", format!("{} {body}", request.method))
    });
    for method in ["PUT", "PATCH", "DELETE", "POST", "GET"] {
        for (length, body) in
            [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
        {
            let mut client = Client::connect(address);
            let start = format!("{method} / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue");
            client.send(format!("{start}\r\n{length}\r\n\r\n").as_bytes());
            assert_eq!(client.response().head, "HTTP/1.1 100 Continue\r\n\r\n", "{method}, {length}");
            client.send(body.as_bytes());
            assert_eq!(client.response().text(), format!("{method} hello"), "{length}");
        }
    }
}

/// RFC 9110 §15.5.14: a body that is too long is refused before the client sends it.
#[test]
fn a_client_that_waits_with_a_long_body_is_not_told_to_continue() {
    let server = TestServer::start();
    let head = login_head("Expect: 100-continue\r\nContent-Length: 65537\r\n");
    assert_eq!(statuses_until_close(&server, &head), [413]);
}

/// RFC 9110 §10.1.1: the only expectation that is defined.
#[test]
fn another_expectation_is_417() {
    let server = TestServer::start();
    assert_eq!(statuses_until_close(&server, &login("Expect: 200-ok\r\n")), [417]);
}

// What every response has.

/// RFC 9110 §6.6.1 and §5.6.7: always there, in the one form that is not obsolete, and right.
#[test]
fn every_response_has_a_date_and_it_is_now() {
    let server = TestServer::start();
    for (request, status) in [
        (ME.to_owned(), 200),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 204),
        ("GET /users/me/ HTTP/1.1\r\nHost: a\r\n\r\n".into(), 307),
        ("GET /users/me HTTP/1.1\r\nHost: a\r\n\r\n".into(), 401),
        ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".into(), 404),
        ("GET /token HTTP/1.1\r\nHost: a\r\n\r\n".into(), 405),
        (login_head(""), 422),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n".into(), 501),
        // Those that no application sees.
        ("GET / HTTP/1.1\r\n\r\n".into(), 400),
        (login("Expect: x\r\n"), 417),
        ("GET / HTTP/3.0\r\n\r\n".into(), 505),
    ] {
        let response = server.exchange(request.as_bytes());
        assert_eq!(response.status, status, "{request}");
        let date = response.header("date").unwrap_or_else(|| panic!("no date: {}", response.head));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
        let said = seconds_of(date).unwrap_or_else(|| panic!("not an IMF-fixdate: {date}"));
        assert!(now.abs_diff(said) <= 10, "{date} is not now");
    }
}

/// The seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`; `None` for any other form.
fn seconds_of(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (weekday, rest) = date.strip_suffix(" GMT")?.split_once(", ")?;
    let [day, month, year, time] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let number = |text: &str, digits: usize| text.parse::<u64>().ok().filter(|_| text.len() == digits);
    let (year, month) = (number(year, 4)?, MONTHS.iter().position(|name| *name == month)?);
    let february = if is_leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_before_year: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let days = days_before_year + lengths[..month].iter().sum::<u64>() + number(day, 2)? - 1;
    let weekday_of_day = WEEKDAYS[usize::try_from(days % 7).ok()?];
    let seconds = (days * 24 + number(hour, 2)?) * 3600 + number(minute, 2)? * 60 + number(second, 2)?;
    (weekday_of_day == weekday).then_some(seconds)
}

/// The proof of the proof: a date that is checked wrongly would prove nothing.
#[test]
fn the_date_reader_of_these_tests_reads_dates() {
    assert_eq!(seconds_of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    for wrong in [
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(seconds_of(wrong), None, "{wrong}");
    }
}

/// RFC 9110 §10.2.4 leaves it to the server; there is nothing to announce.
#[test]
fn no_response_says_what_software_this_is() {
    let server = TestServer::start();
    for request in [ME, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n"] {
        assert_eq!(server.exchange(request.as_bytes()).header("server"), None, "{request}");
    }
}
