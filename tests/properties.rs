//! What holds for inputs that nobody would think of.
//!
//! proptest makes the inputs up and, when one fails, looks for the smallest that does. The server
//! runs in this process; everything goes over real sockets.

// A text put together from pieces reads better than one written into.
#![allow(clippy::format_collect, clippy::format_push_string)]

mod support;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use simple_oauth2::server::Limits;
use support::{Answer, Client, serve_with};

/// One server for all cases. It gives up on half a request sooner than a test does.
static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let short = Duration::from_secs(2);
    let linger_time = Duration::from_millis(50);
    serve_with(Limits { idle: short, head_time: short, body_time: short, linger_time, ..Limits::DEFAULT })
});

/// Few enough to take seconds; a failure is printed and not kept in a file.
fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

/// Sends the bytes in the pieces between these cuts and reads what comes back, to the end of the
/// connection. The client is strict: it panics when an answer is not HTTP.
fn exchange(bytes: &[u8], cuts: &[Index]) -> Vec<Answer> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    let mut client = Client::connect(*SERVER);
    for piece in places.windows(2) {
        client.send(&bytes[piece[0]..piece[1]]);
    }
    client.finish_sending();
    std::iter::from_fn(|| client.answer_unless_closed()).map(Answer::without_date).collect()
}

fn post(form: &str) -> String {
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len())
}

/// A form whose field `grant_type` is this text, with everything escaped.
fn form_with(grant_type: &str) -> String {
    let escaped: String = grant_type.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("username=johndoe&password=secret&grant_type={escaped}")
}

/// Requests that are right, and pieces of them that are not.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just(b"GET /users/me HTTP/1.1\r\n".to_vec()),
        Just(b"POST /token HTTP/1.1\r\n".to_vec()),
        Just(b"OPTIONS * HTTP/1.".to_vec()),
        Just(b"Host: localhost\r\n".to_vec()),
        Just(b"Content-Length: 5\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"Expect: 100-continue\r\n".to_vec()),
        Just(b"Connection: close\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"5\r\nhello\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        Just(b"hello".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

/// A request that is right, of one of the kinds that clients send.
fn request() -> impl Strategy<Value = String> {
    let get = ("/[a-z%0-9/]{0,20}", "[!-~]{0,30}").prop_map(|(path, token)| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n")
    });
    let login = "[ -~]{0,40}".prop_map(|form| post(&form));
    prop_oneof![get, login]
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn any_bytes_get_answers_or_an_end(bytes in fragments(), cuts in proptest::collection::vec(any::<Index>(), 0..6)) {
        for answer in exchange(&bytes, &cuts) {
            prop_assert!((100..600).contains(&answer.status));
        }
    }

    #[test]
    fn cuts_make_no_difference(
        requests in proptest::collection::vec(request(), 1..4),
        cuts in proptest::collection::vec(any::<Index>(), 1..8),
    ) {
        let bytes = requests.concat();
        let (whole, cut) = (exchange(bytes.as_bytes(), &[]), exchange(bytes.as_bytes(), &cuts));
        prop_assert!(!whole.is_empty());
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn a_text_comes_back_in_the_error_as_it_was_sent(text in "\\PC{1,20}|[\\x00-\\x1f\"\\\\/]{1,20}") {
        prop_assume!(text != "password");
        let answers = exchange(post(&form_with(&text)).as_bytes(), &[]);
        let error: serde_json::Value = serde_json::from_str(answers[0].text()).expect("JSON");
        prop_assert_eq!(error["detail"][0]["input"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn a_body_in_chunks_is_the_body(
        text in "[a-zA-Z0-9 é한]{0,60}",
        sizes in proptest::collection::vec(1_usize..40, 1..6),
        cuts in proptest::collection::vec(any::<Index>(), 0..6),
    ) {
        let form = form_with(&text);
        let mut chunked = "POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
            Content-Type: application/x-www-form-urlencoded\r\n\r\n".to_owned();
        let (mut rest, mut sizes) = (form.as_str(), sizes.into_iter().cycle());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(sizes.next().map_or(1, |size| size.min(rest.len())));
            chunked.push_str(&format!("{:x};a=\"b\"\r\n{chunk}\r\n", chunk.len()));
            rest = after;
        }
        chunked.push_str("0\r\nTrailer: yes\r\n\r\n");
        prop_assert_eq!(exchange(chunked.as_bytes(), &cuts), exchange(post(&form).as_bytes(), &[]));
    }
}
