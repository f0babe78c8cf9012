//! What the server promises about bytes on the wire: where a request begins and ends, in how many
//! pieces it may come, and what becomes of the connection.
//!
//! Each test is named for the fact that it proves and says where the fact is written down. What is
//! refused, and what is nearly refused, is in `refusals.rs`; what FastAPI does too, in `parity.rs`.

mod support;

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use simple_oauth2::server::{self, Limits};
use support::{Client, TestServer, get, post_form, serve};

const ME: &str = "GET /users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer johndoe\r\n\r\n";
const FORM: &str = "username=johndoe&password=secret";
const TOKEN: &str = r#"{"access_token":"johndoe","token_type":"bearer"}"#;

/// Long enough for the server to have read what came before, on a busy machine as well.
const A_MOMENT: Duration = Duration::from_millis(30);

/// This request with these header fields as well.
fn with(header_fields: &str, request: &str) -> String {
    request.replace("Host:", &format!("{header_fields}Host:"))
}

/// A login whose form comes in chunks, written here as they are sent.
fn chunked_login(chunks: &str) -> String {
    post_form("").replace("Content-Length: 0", "Transfer-Encoding: chunked") + chunks
}

/// Proves that the connection still is in step: a request gets its own response.
fn assert_goes_on(client: &mut Client) {
    client.send(ME.as_bytes());
    let response = client.response();
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().contains("John Doe"));
}

// Pieces: TCP is a stream, and knows no packets.

/// RFC 9112 §2.2: a message is read octet by octet, so there is no byte at which it must not be cut.
#[test]
fn every_request_cut_at_every_byte_gets_the_same_response() {
    let server = TestServer::start();
    for request in requests_to_cut() {
        let mut whole = server.connect();
        whole.send(request.as_bytes());
        let expected = whole.everything_dated_now(&request);
        assert!(expected.starts_with("HTTP/1.1 "), "{request:?} gets {expected:?}");
        let cuts: Vec<usize> = (1..request.len()).collect();
        // Many cuts at once, but no more than a small machine has descriptors for.
        for cuts in cuts.chunks(100) {
            assert_cuts_change_nothing(&server, &request, cuts, &expected);
        }
    }
}

/// For each cut a connection: the first pieces, a moment for the server to read them, the rest.
fn assert_cuts_change_nothing(server: &TestServer, request: &str, cuts: &[usize], expected: &str) {
    let mut clients: Vec<Client> = cuts.iter().map(|_| server.connect()).collect();
    for (client, cut) in clients.iter_mut().zip(cuts) {
        client.send(&request.as_bytes()[..*cut]);
    }
    thread::sleep(A_MOMENT);
    for (client, cut) in clients.iter_mut().zip(cuts) {
        client.send(&request.as_bytes()[*cut..]);
    }
    for (client, cut) in clients.iter_mut().zip(cuts) {
        assert_eq!(client.everything_dated_now(request), expected, "{request:?} cut at {cut}");
    }
}

/// Requests of every shape. After the last of each the server has to end the connection.
fn requests_to_cut() -> Vec<String> {
    let closing = "Host: localhost\r\nConnection: close\r\n";
    vec![
        with("Connection: close\r\n", ME),
        format!("HEAD /users/me HTTP/1.1\r\n{closing}\r\n"),
        format!("\r\n\r\nGET /users/me?a=b HTTP/1.7\r\n{closing}\r\n"),
        "GET http://localhost/users/me HTTP/1.0\r\n\r\n".into(),
        with("Connection: close\r\n", &post_form(FORM)),
        with("Connection: close\r\n", &chunked_login("5;a=\"b;c\"\r\nusern\r\n1B\r\n"))
            + "ame=johndoe&password=secret\r\n000\r\nA: b\r\n\r\n",
        // Two on one connection, with an empty line between them.
        post_form(FORM)
            + "\r\n"
            + &format!("DELETE /nowhere HTTP/1.1\r\n{closing}Content-Length: 3\r\n\r\nabc"),
        // Refusals come as soon as the wrong byte does; what is cut off after it changes nothing.
        format!("GET /users/me HTTP/2.0\r\n{closing}\r\n"),
        format!("GET /users/me HTTP/1.1\r\n{closing}Host: localhost\r\n\r\n"),
        format!("GET /users/me HTTP/1.1\n{closing}\r\n"),
        chunked_login("5\r\nusern\r\nF;a=\"b\r\n"),
    ]
}

// Pipelining: the next request may be sent before the response has come.

/// So many requests, each of which is answered with its own number.
fn numbered_requests(count: usize) -> Vec<u8> {
    let requests = (0..count).map(|number| {
        let form = format!("grant_type=number-{number}");
        if number % 3 == 0 {
            chunked_login(&format!("{:x}\r\n{form}\r\n0\r\n\r\n", form.len()))
        } else {
            post_form(&form)
        }
    });
    requests.collect::<String>().into_bytes()
}

/// RFC 9112 §9.3.2: answered in order, each once; also where each byte is a packet.
#[test]
fn pipelined_requests_in_packets_of_any_size_get_their_responses_in_order() {
    let server = TestServer::start();
    for (count, size) in [(50, usize::MAX), (50, 1000), (50, 100), (50, 7), (4, 1)] {
        let mut client = server.connect();
        for packet in numbered_requests(count).chunks(size) {
            client.send(packet);
            thread::sleep(Duration::from_micros(100)); // mostly enough for the server to have read it
        }
        for number in 0..count {
            let response = client.response();
            let input = format!(r#""input":"number-{number}""#);
            assert!(response.status == 422 && response.text().contains(&input), "{number}: {response:?}");
        }
        assert!(client.is_silent_for(A_MOMENT), "a response more than there are requests");
        assert_goes_on(&mut client);
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

// Bodies.

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
        let (start, length) = (format!("{request_line} HTTP/1.1\r\nHost: localhost"), body.len());
        let in_chunks = format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n");
        for rest in [format!("Content-Length: {length}\r\n\r\n{body}"), in_chunks] {
            client.send(format!("{start}\r\n{rest}").as_bytes());
            assert_eq!(client.response().status, status, "{request_line}, {rest}");
            assert_goes_on(&mut client);
        }
    }
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

/// RFC 9112 §9.3 and §9.6: HTTP/1.0 closes where HTTP/1.1 stays open, and `close` wins over
/// `keep-alive`. Who closes says so and answers nothing after; HTTP/1.0 is told that it stays open.
#[test]
fn the_connection_field_decides_whether_the_next_request_is_answered() {
    let server = TestServer::start();
    for (version, fields, said) in [
        ("HTTP/1.1", "connection:CLOSE", "close"),
        ("HTTP/1.1", "Connection: Keep-Alive, close", "close"),
        ("HTTP/1.1", "Connection: close, keep-alive", "close"),
        ("HTTP/1.1", "Connection: keep-alive\r\nConnection: x , Close", "close"),
        ("HTTP/1.1", "Connection: , close ,", "close"),
        ("HTTP/1.0", "A: b", "close"),
        ("HTTP/1.0", "Connection: keep-alive, close", "close"),
        ("HTTP/1.0", "Connection: close, keep-alive", "close"),
        ("HTTP/1.0", "Connection: x, KEEP-ALIVE", "keep-alive"),
    ] {
        for request in [ME, &post_form(FORM)] {
            let request = with(&format!("{fields}\r\n"), request);
            let mut client = server.connect();
            client.send((request.replace("HTTP/1.1", version) + ME).as_bytes());
            let response = client.response();
            assert_eq!((response.status, response.header("connection")), (200, Some(said)), "{request}");
            let next = client.next_response(true);
            assert_eq!(next.is_some(), said == "keep-alive", "after {request}");
        }
    }
}

// `Expect: 100-continue`: a client that asks before it sends a body.

/// RFC 9110 §10.1.1: once, whatever the method; then the application gets what was held back.
#[test]
fn a_client_that_waits_is_told_once_to_continue_and_its_body_arrives() {
    let address = serve(Limits::DEFAULT, |request| {
        let body = String::from_utf8_lossy(request.body);
        server::Response::new(200, "text/plain", format!("{} {body}", request.method))
    });
    let mut client = Client::connect(address);
    for method in ["PUT", "PATCH", "DELETE", "POST", "GET"] {
        for (length, body) in
            [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
        {
            let start = format!("{method} / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue");
            client.send(format!("{start}\r\n{length}\r\n\r\n").as_bytes());
            assert_eq!(client.response().head, "HTTP/1.1 100 Continue\r\n\r\n", "{method}, {length}");
            let (first, rest) = body.split_at(4);
            client.send(first.as_bytes());
            assert!(client.is_silent_for(A_MOMENT), "once is enough");
            client.send(rest.as_bytes());
            assert_eq!(client.response().text(), format!("{method} hello"), "{length}");
        }
    }
}

/// RFC 9110 §10.1.1: who has sent a part of the body does not wait, and an HTTP/1.0 client takes a
/// 100 for the response.
#[test]
fn a_client_that_does_not_wait_is_not_told_to_continue() {
    let server = TestServer::start();
    for (version, expectation, held_back) in [
        ("HTTP/1.1", "100-continue", 3),
        ("HTTP/1.0", "100-continue", FORM.len()),
        ("HTTP/1.0", "something-else", FORM.len()),
    ] {
        let request = with(&format!("Expect: {expectation}\r\n"), &post_form(FORM));
        let request = request.replace("HTTP/1.1", version);
        let (start, rest) = request.split_at(request.len() - held_back);
        let mut client = server.connect();
        client.send(start.as_bytes());
        assert!(client.is_silent_for(A_MOMENT), "{version}, {expectation}");
        client.send(rest.as_bytes());
        assert_eq!(client.response().text(), TOKEN, "{version}, {expectation}");
    }
}

// What a response has.

/// RFC 9110 §9.3.2: the header fields of GET, `content-length` too, and no body after them.
#[test]
fn the_response_to_head_is_the_response_to_get_without_its_body() {
    let server = TestServer::start();
    let mut client = server.connect();
    for target in ["/users/me", "/docs", "/openapi.json", "/nowhere", "/token", "/users/me/"] {
        for authorization in ["", "Authorization: Bearer johndoe\r\n", "Authorization: Bearer alice\r\n"] {
            let request = get(target, authorization);
            client.send(request.as_bytes());
            let expected = client.response().without_date();
            client.send(request.replace("GET", "HEAD").as_bytes());
            let head = client.next_response(false).expect("a response").without_date().head;
            assert_eq!(head, expected.head, "{request}");
        }
    }
    assert_goes_on(&mut client);
}

/// RFC 9110 §6.6.1. That each response has a date is proved in `parity.rs` and `refusals.rs`.
#[test]
fn the_date_of_a_response_is_now_also_a_second_later_on_the_same_connection() {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let server = TestServer::start();
    let mut client = server.connect();
    let [first, second] = [0, 1100].map(|pause| {
        thread::sleep(Duration::from_millis(pause));
        client.send(ME.as_bytes());
        let date = client.response().header("date").expect("a date").to_owned();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let now = usize::try_from(since_1970.as_secs()).expect("a number of seconds");
        let is_date_of = |second: usize| {
            let (hour, minute, weekday) = (second / 3600 % 24, second / 60 % 60, second / 86_400 % 7);
            let time = format!(" {hour:02}:{minute:02}:{:02} GMT", second % 60);
            date.starts_with(WEEKDAYS[weekday]) && date.ends_with(&time)
        };
        assert!((now - 10..=now + 10).any(is_date_of), "{date} is not now");
        date
    });
    assert_ne!(first, second);
}

/// RFC 9110 §15.3.5: a 204 ends with its head. More would be read as the next response.
#[test]
fn a_204_has_no_body_whatever_the_application_says() {
    let server = serve(Limits::DEFAULT, |_| server::Response::new(204, "text/plain", "more"));
    let mut client = Client::connect(server);
    client.send(ME.as_bytes());
    assert_eq!(client.response().status, 204);
    assert!(client.is_silent_for(A_MOMENT));
}
