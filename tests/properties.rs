//! What holds for inputs that nobody would think of.
//!
//! proptest makes the inputs up and, when one fails, looks for the smallest that does. The servers
//! run in this process; everything goes over real sockets. A server that panics fails the test: a
//! client that sees the end of a connection, or a 500, cannot tell why.

mod support;

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::ops::Range;
use std::panic;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use simple_oauth2::server::{Limits, Request};
use support::{Client, Response, serve, serve_with};

/// The chapter, with the limits of `cargo run`.
static CHAPTER: LazyLock<SocketAddr> = LazyLock::new(|| serve_with(Limits::DEFAULT));

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

/// Where bytes are cut; a failure prints the places themselves.
struct Cuts(Vec<Index>);

impl fmt::Debug for Cuts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of them", self.0.len())
    }
}

impl Cuts {
    fn places(&self, length: usize) -> Vec<usize> {
        let mut places: Vec<usize> = self.0.iter().map(|cut| cut.index(length + 1)).collect();
        places.sort_unstable();
        places
    }
}

fn cuts(count: Range<usize>) -> impl Strategy<Value = Cuts> {
    vec(any::<Index>(), count).prop_map(Cuts)
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
    let responses = std::iter::from_fn(|| client.response_unless_closed());
    let responses: Vec<Response> =
        responses.filter(|response| response.status >= 200).map(Response::without_date).collect();
    if let Some(message) = lock(&PANIC).take() {
        panic!("the server {message}");
    }
    assert!(responses.iter().all(|response| response.status != 500), "a 500: {responses:?}");
    responses
}

/// Fails if the responses depend on where the bytes are cut; returns them if not.
fn responses_however_cut(
    server: SocketAddr,
    bytes: &[u8],
    cuts: &[usize],
) -> Result<Vec<Response>, TestCaseError> {
    let (whole, cut) = (exchange(server, bytes, &[]), exchange(server, bytes, cuts));
    prop_assert!(
        whole == cut,
        "{} gets in one piece {whole:?}\nand cut at {cuts:?} {cut:?}",
        bytes.escape_ascii()
    );
    Ok(whole)
}

/// Each of these, of 50,000 that were tried, once got another message when it came in pieces.
#[test]
fn what_was_once_read_differently_is_read_the_same() {
    let start = "POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long_size = format!("{start}\0{}", "\r".repeat(100));
    for text in ["OPTIONS * HTTP/1.0GET /users/me HTTP/1.1\r\n", &long_size] {
        let every_byte: Vec<usize> = (1..text.len()).collect();
        match responses_however_cut(*ECHO, text.as_bytes(), &every_byte) {
            Ok(responses) => assert_eq!(responses.len(), 1, "{text:?} gets one response: {responses:?}"),
            Err(difference) => panic!("{difference}"),
        }
    }
}

/// Tells what was read: two requests that are told alike were read alike.
fn echo(request: &Request<'_>) -> simple_oauth2::server::Response {
    check(request);
    let Request { method, path, query, minor_version, headers, body, .. } = request;
    let mut text = format!("{method} {path} {query:?} 1.{minor_version}\n");
    for header in headers {
        writeln!(text, "{}: {}", header.name, header.value.escape_ascii())
            .expect("a string can be written to");
    }
    write!(text, "{}", body.escape_ascii()).expect("a string can be written to");
    simple_oauth2::server::Response {
        status: 200,
        headers: Vec::new(),
        content_type: Some("text/plain"),
        body: text.into(),
    }
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
    assert!(
        target.into_iter().all(|byte| (0x21..0x7F).contains(&byte) && byte != b'#'),
        "a byte of the target"
    );
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

fn post(form: &str) -> String {
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len())
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
    let login = "[ -~]{0,40}".prop_map(|form| post(&form));
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

/// Pieces of requests, in any order.
const PIECES: [&str; 17] = [
    "GET /users/me HTTP/1.1\r\n",
    "POST /token HTTP/1.1\r\n",
    "OPTIONS * HTTP/1.",
    "Host: localhost\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "Connection: close\r\n",
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
        4 => select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..12),
    ];
    let pieces = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let edited = (vec(select(&SHAPES[..]), 1..4), vec(edit(), 0..4)).prop_map(|(shapes, edits)| {
        let mut bytes = shapes.concat().into_bytes();
        for edit in edits {
            edit.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![1 => pieces, 2 => edited].prop_map(Bytes)
}

/// Bytes that are put in, at any place or at the start of a line, and how many are taken out there.
#[derive(Clone, Debug)]
struct Edit {
    added: Vec<u8>,
    at_line: bool,
    removed: usize,
    place: Index,
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let is_place = |place: &usize| !self.at_line || *place == 0 || bytes[place - 1] == b'\n';
        let places: Vec<usize> = (0..=bytes.len()).filter(is_place).collect();
        let start = *self.place.get(&places);
        bytes.splice(start..bytes.len().min(start + self.removed), self.added.iter().copied());
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![select(&b"\r\n\t\0 :;,%#\"0x"[..]), any::<u8>()].prop_map(|byte| vec![byte]);
    let many = (select(&b"a0\r\n;:"[..]), 1_usize..200).prop_map(|(byte, count)| vec![byte; count]);
    let line = select(&LINES[..]).prop_map(|line| line.as_bytes().to_vec());
    let added = prop_oneof![
        2 => byte.prop_map(|added| (added, false)),
        1 => many.prop_map(|added| (added, false)),
        2 => line.prop_map(|added| (added, true)),
        1 => Just((Vec::new(), false)),
    ];
    (added, 0_usize..3, any::<Index>()).prop_map(|((added, at_line), removed, place)| Edit {
        added,
        at_line,
        removed: if at_line { 0 } else { removed },
        place,
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(
        bytes in nearly_requests(),
        cuts in cuts(1..8),
    ) {
        responses_however_cut(*ECHO, &bytes.0, &cuts.places(bytes.0.len()))?;
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn any_bytes_get_responses_or_an_end(bytes in nearly_requests(), cuts in cuts(0..6)) {
        for response in exchange(*CHAPTER, &bytes.0, &cuts.places(bytes.0.len())) {
            prop_assert!((200..600).contains(&response.status), "{response:?}");
        }
    }

    #[test]
    fn cuts_make_no_difference(requests in vec(request(), 1..4), cuts in cuts(1..8)) {
        let bytes = requests.concat();
        let responses = responses_however_cut(*CHAPTER, bytes.as_bytes(), &cuts.places(bytes.len()))?;
        prop_assert_eq!(responses.len(), requests.len(), "each request has a response");
    }

    #[test]
    fn a_text_comes_back_in_the_error_as_it_was_sent(text in "\\PC{1,20}|[\\x00-\\x1f\"\\\\/]{1,20}") {
        prop_assume!(text != "password");
        let responses = exchange(*CHAPTER, post(&form_with(&text)).as_bytes(), &[]);
        let error: serde_json::Value = serde_json::from_str(responses[0].text()).expect("JSON");
        prop_assert_eq!(error["detail"][0]["input"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn a_body_in_chunks_is_the_body(
        text in "[a-zA-Z0-9 é한]{0,60}",
        sizes in vec(1_usize..40, 1..6),
        cuts in cuts(0..6),
    ) {
        let form = form_with(&text);
        let mut chunked = "POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
            Content-Type: application/x-www-form-urlencoded\r\n\r\n".to_owned();
        let (mut rest, mut sizes) = (form.as_str(), sizes.into_iter().cycle());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(sizes.next().map_or(1, |size| size.min(rest.len())));
            write!(chunked, "{:x};a=\"b\"\r\n{chunk}\r\n", chunk.len()).expect("a string can be written to");
            rest = after;
        }
        chunked += "0\r\nTrailer: yes\r\n\r\n";
        let in_chunks = exchange(*CHAPTER, chunked.as_bytes(), &cuts.places(chunked.len()));
        let in_one = exchange(*CHAPTER, post(&form).as_bytes(), &[]);
        prop_assert!(in_chunks == in_one, "in chunks: {in_chunks:?}\nin one piece: {in_one:?}");
    }
}
