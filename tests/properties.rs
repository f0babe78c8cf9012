//! What holds for inputs that nobody would think of.
//!
//! proptest makes the inputs up and, when one fails, looks for the smallest that does. The servers
//! run in this process; everything goes over real sockets. A server that panics fails the test: a
//! client that sees the end of a connection, or a 500, cannot tell why.

mod support;

use std::cell::Cell;
use std::fmt;
use std::net::SocketAddr;
use std::panic;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use simple_oauth2::app::app;
use simple_oauth2::server::{self, Limits, Request};
use support::{Client, Response, post_form, serve};

/// The chapter, with the limits of `cargo run`.
static CHAPTER: LazyLock<SocketAddr> = LazyLock::new(|| serve(Limits::DEFAULT, app));

/// A server that tells what it has read, with limits so small that a short input reaches them.
static ECHO: LazyLock<SocketAddr> = LazyLock::new(|| serve(SMALL, echo));

const SMALL: Limits =
    Limits { request_line: 100, head: 400, body: 200, chunk_overhead: 100, trailers: 100, ..Limits::DEFAULT };

/// What a thread of a server said when it panicked.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// One exchange at a time, so that a panic belongs to the exchange that finds it.
static ALONE: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this is the thread of a test. Its panics are failures that proptest deals with.
    static IS_TEST: Cell<bool> = const { Cell::new(false) };
}

static WATCH: LazyLock<()> = LazyLock::new(|| {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| match IS_TEST.try_with(Cell::get) {
        Ok(true) => before(info),
        _ => *lock(&PANIC) = Some(info.to_string()),
    }));
});

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that a failure prints as text.
struct Bytes(Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.escape_ascii())
    }
}

/// The places of these cuts in so many bytes, in their order.
fn places(cuts: &[Index], length: usize) -> Vec<usize> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).collect();
    places.sort_unstable();
    places
}

/// Few enough to take seconds; a failure is printed and not kept in a file.
fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

/// Sends the bytes in the pieces between these places and reads what comes back, to the end of the
/// connection. The client is strict: it panics when a response is not HTTP. A `100 Continue` is left
/// out, because it depends on the cuts: it is sent only to a client that holds its body back.
fn exchange(server: SocketAddr, bytes: &[u8], cuts: &[usize]) -> Vec<Response> {
    let _alone = lock(&ALONE);
    LazyLock::force(&WATCH);
    IS_TEST.set(true);
    let places = [&[0], cuts, &[bytes.len()]].concat();
    let mut client = Client::connect(server);
    for piece in places.windows(2) {
        client.send(&bytes[piece[0]..piece[1]]);
        thread::sleep(Duration::from_micros(50)); // mostly enough for the server to have read it
    }
    client.finish_sending();
    let responses = std::iter::from_fn(|| client.next_response(true));
    let responses: Vec<Response> =
        responses.filter(|response| response.status >= 200).map(Response::without_date).collect();
    if let Some(message) = lock(&PANIC).take() {
        panic!("the server {message}");
    }
    let is_expected = |response: &Response| response.status < 600 && response.status != 500;
    assert!(responses.iter().all(is_expected), "a status that no client should see: {responses:?}");
    responses
}

/// Fails if the responses depend on where the bytes are cut; returns them if not.
fn responses_however_cut(
    server: SocketAddr,
    bytes: &[u8],
    cuts: &[usize],
) -> Result<Vec<Response>, TestCaseError> {
    let (whole, cut) = (exchange(server, bytes, &[]), exchange(server, bytes, cuts));
    let sent = bytes.escape_ascii();
    prop_assert!(whole == cut, "{sent} gets in one piece {whole:?}\nand cut at {cuts:?} {cut:?}");
    Ok(whole)
}

/// Each of these, of 50,000 that were tried, once got another message when it came in pieces.
#[test]
fn what_was_once_read_differently_is_read_the_same() {
    let start = "POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long_size = format!("{start}\0{}", "\r".repeat(100));
    for text in ["OPTIONS * HTTP/1.0GET /users/me HTTP/1.1\r\n", &long_size] {
        let every_byte: Vec<usize> = (1..text.len()).collect();
        let responses = responses_however_cut(*ECHO, text.as_bytes(), &every_byte);
        let responses = responses.unwrap_or_else(|difference| panic!("{difference}"));
        assert_eq!(responses.len(), 1, "{text:?} gets one response: {responses:?}");
    }
}

/// Tells what was read: two requests that are told alike were read alike.
fn echo(request: &Request<'_>) -> server::Response {
    check(request);
    let Request { method, path, query, minor_version, headers, body, .. } = request;
    let mut text = format!("{method} {path} {query:?} 1.{minor_version}\n");
    for header in headers {
        text += &format!("{}: {}\n", header.name, header.value.escape_ascii());
    }
    text += &body.escape_ascii().to_string();
    server::Response::new(200, "text/plain", text)
}

/// What RFC 9112 demands of a request that reaches the application.
fn check(request: &Request<'_>) {
    let values = |name: &str| -> Vec<&[u8]> {
        let of_this_name = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        of_this_name.map(|header| header.value).collect()
    };
    let is_old = request.minor_version == 0;
    assert!(request.minor_version <= 1, "HTTP/1.{} is not read as 1.1", request.minor_version);
    let hosts = values("host").len();
    assert!(hosts == 1 || (hosts == 0 && is_old), "{hosts} Host fields");
    let is_asterisk = request.path == "*" && request.method == "OPTIONS";
    assert!(request.path.starts_with('/') || is_asterisk, "the path {:?}", request.path);
    let target = request.path.bytes().chain(request.query.unwrap_or_default().bytes());
    let is_allowed = |byte| (0x21..0x7F).contains(&byte) && byte != b'#';
    assert!(target.into_iter().all(is_allowed), "a byte of the target");
    for header in &request.headers {
        let is_clean = header.value.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t');
        assert!(!header.name.is_empty() && is_clean, "{header:?}");
    }
    assert!(request.body.len() <= SMALL.body, "a body of {} bytes", request.body.len());
    match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => assert!(request.body.is_empty(), "a body of no length"),
        ([length], []) => {
            let length = std::str::from_utf8(length).ok().and_then(|digits| digits.parse().ok());
            assert_eq!(length, Some(request.body.len()), "the length of the body");
        }
        ([], _) => assert!(!is_old, "Transfer-Encoding in HTTP/1.0"),
        _ => panic!("two lengths of one body"),
    }
}

/// A form whose field `grant_type` is this text, with everything escaped.
fn form_with(grant_type: &str) -> String {
    let escaped = grant_type.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
    format!("username=johndoe&password=secret&grant_type={escaped}")
}

/// A request that is right, of one of the kinds that clients send.
fn request() -> impl Strategy<Value = String> {
    let get = ("/[a-z%0-9/]{0,20}", "[!-~]{0,30}").prop_map(|(path, token)| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n")
    });
    let login = "[ -~]{0,40}".prop_map(|form| post_form(&form));
    prop_oneof![get, login]
}

/// Requests of every shape, small enough for the small limits.
const SHAPES: [&str; 6] = [
    "GET /users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer johndoe\r\n\r\n",
    "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 32\r\n\r\nusername=johndoe&password=secret",
    "POST /token?a=b HTTP/1.1\r\nhost: [::1]:80\r\ntransfer-encoding: Chunked\r\n\r\n\
     5;a=\"b\\\"\"\r\nhello\r\n00\r\nT: 1\r\n\r\n",
    "GET http://a:1/?q HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "\r\nOPTIONS * HTTP/1.7\r\nHost: a%20b:\r\nExpect: 100-continue\r\nConnection: a, close\r\n\r\n",
    "PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
];

/// Pieces of requests, beside the lines below.
const PIECES: [&str; 13] = [
    "GET /users/me HTTP/1.1\r\n",
    "POST /token HTTP/1.1\r\n",
    "OPTIONS * HTTP/1.",
    "Host: localhost\r\n",
    "\r\n",
    "\n",
    " ",
    "5\r\nhello\r\n",
    "5;a=\"b\"\r\nhello\r\n",
    "C9\r\n",
    "0\r\n\r\n",
    "0\r\nA: b\r\n\r\n",
    "hello",
];

/// Lines that change what a head means, or where its body ends.
const LINES: [&str; 8] = [
    "Host: b\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 32\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip,\r\n",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    " A: b\r\n",
];

/// Bytes that nearly are requests: pieces in any order, or requests with a few edits.
fn nearly_requests() -> impl Strategy<Value = Bytes> {
    let piece = prop_oneof![
        4 => select([&PIECES[..], &LINES].concat()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..12),
    ];
    let pieces = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let edited = (vec(select(&SHAPES[..]), 1..4), vec(edit(), 0..4)).prop_map(|(shapes, edits)| {
        let mut bytes = shapes.concat().into_bytes();
        for edit in edits {
            apply(edit, &mut bytes);
        }
        bytes
    });
    prop_oneof![1 => pieces, 2 => edited].prop_map(Bytes)
}

/// Bytes that are put in, how many are taken out there, and where that is. A line is put in at the
/// start of a line, and nothing is taken out.
type Edit = (Vec<u8>, usize, Index);

fn apply((added, removed, place): Edit, bytes: &mut Vec<u8>) {
    let is_line = added.ends_with(b"\r\n");
    let is_place = |place: &usize| !is_line || *place == 0 || bytes[place - 1] == b'\n';
    let places: Vec<usize> = (0..=bytes.len()).filter(is_place).collect();
    let start = *place.get(&places);
    let end = if is_line { start } else { bytes.len().min(start + removed) };
    bytes.splice(start..end, added);
}

fn edit() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![select(&b"\r\n\t\0 :;,%#\"0x"[..]), any::<u8>()].prop_map(|byte| vec![byte]);
    let many = (select(&b"a0\r\n;:"[..]), 1_usize..200).prop_map(|(byte, count)| vec![byte; count]);
    let line = select(&LINES[..]).prop_map(|line| line.as_bytes().to_vec());
    let added = prop_oneof![2 => byte, 1 => many, 2 => line, 1 => Just(Vec::new())];
    (added, 0_usize..3, any::<Index>())
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(
        bytes in nearly_requests(),
        cuts in vec(any::<Index>(), 1..8),
    ) {
        let cuts = places(&cuts, bytes.0.len());
        responses_however_cut(*ECHO, &bytes.0, &cuts)?;
        exchange(*CHAPTER, &bytes.0, &cuts);
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn cuts_make_no_difference(requests in vec(request(), 1..4), cuts in vec(any::<Index>(), 1..8)) {
        let bytes = requests.concat();
        let responses = responses_however_cut(*CHAPTER, bytes.as_bytes(), &places(&cuts, bytes.len()))?;
        prop_assert_eq!(responses.len(), requests.len(), "each request has a response");
    }

    #[test]
    fn a_text_comes_back_in_the_error_as_it_was_sent(text in "\\PC{1,20}|[\\x00-\\x1f\"\\\\/]{1,20}") {
        prop_assume!(text != "password");
        let responses = exchange(*CHAPTER, post_form(&form_with(&text)).as_bytes(), &[]);
        let error: serde_json::Value = serde_json::from_str(responses[0].text()).expect("JSON");
        prop_assert_eq!(error["detail"][0]["input"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn a_body_in_chunks_is_the_body(
        text in "[a-zA-Z0-9 é한]{0,60}",
        sizes in vec(1_usize..40, 1..6),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let form = form_with(&text);
        let mut chunked = post_form("").replace("Content-Length: 0", "Transfer-Encoding: chunked");
        let (mut rest, mut sizes) = (form.as_str(), sizes.into_iter().cycle());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(sizes.next().map_or(1, |size| size.min(rest.len())));
            chunked += &format!("{:x};a=\"b\"\r\n{chunk}\r\n", chunk.len());
            rest = after;
        }
        chunked += "0\r\nTrailer: yes\r\n\r\n";
        let in_chunks = exchange(*CHAPTER, chunked.as_bytes(), &places(&cuts, chunked.len()));
        let in_one = exchange(*CHAPTER, post_form(&form).as_bytes(), &[]);
        prop_assert!(in_chunks == in_one, "in chunks: {in_chunks:?}\nin one piece: {in_one:?}");
    }
}
