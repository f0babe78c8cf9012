//! Throws bytes at the request reader and checks what must hold for all of them.
//!
//!     cargo install cargo-fuzz
//!     cargo +nightly fuzz run --fuzz-dir tests/fuzz request_reader tests/fuzz/corpus tests/fuzz/seeds
//!
//! (`RUSTC_BOOTSTRAP=1 cargo fuzz run …` where only a stable toolchain is there.) The first byte of
//! an input says where the rest is cut in two.

#![no_main]

use libfuzzer_sys::fuzz_target;
use simple_oauth2::server::{BodyLength, BodyReader, Framing, Limits, Refusal, Request, mend_minor_version};

/// Small, so that a short input reaches them.
const LIMITS: Limits = Limits {
    request_line: 100,
    head: 400,
    body: 200,
    chunk_overhead: 100,
    trailers: 100,
    ..Limits::DEFAULT
};

/// What is left of a request when it has been read: its parts, its body, and what is behind it.
type Whole = (String, String, Option<String>, Vec<(String, Vec<u8>)>, Vec<u8>, Vec<u8>);

/// Reads one request from these pieces, as a connection does. `None`: it is not complete.
fn read(pieces: &[&[u8]]) -> Result<Option<Whole>, Refusal> {
    let mut pieces = pieces.iter();
    let mut head = Vec::new();
    let framing: Framing = loop {
        mend_minor_version(&mut head);
        match Request::parse(&head, &LIMITS)? {
            Some((_, framing)) => break framing,
            None => match pieces.next() {
                Some(piece) => head.extend_from_slice(piece),
                None => return Ok(None),
            },
        }
    };
    let mut rest = head.split_off(framing.head_length);
    let (mut reader, mut body) = (BodyReader::new(framing.body), Vec::new());
    while !reader.take(&mut rest, &mut body, &LIMITS)? {
        match pieces.next() {
            Some(piece) => rest.extend_from_slice(piece),
            None => return Ok(None),
        }
    }
    pieces.for_each(|piece| rest.extend_from_slice(piece));
    let (request, _) = Request::parse(&head, &LIMITS)?.expect("a head that was complete still is");
    check(&request, &head, &framing, &body);
    let headers = request.headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec()));
    let query = request.query.map(str::to_owned);
    Ok(Some((request.method.to_owned(), request.path.to_owned(), query, headers.collect(), body, rest)))
}

/// What RFC 9112 demands of a request that is let through.
fn check(request: &Request<'_>, head: &[u8], framing: &Framing, body: &[u8]) {
    let count = |name: &str| request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).count();
    assert!(head.len() <= LIMITS.head && body.len() <= LIMITS.body);
    assert!(head.ends_with(b"\r\n\r\n"));
    let ends = head.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    assert!(ends.into_iter().all(|(place, _)| place > 0 && head[place - 1] == b'\r'), "LF without CR");
    assert!(!head.contains(&0), "NUL");
    assert!(request.minor_version <= 1);
    assert!(count("host") == 1 || (count("host") == 0 && request.minor_version == 0), "Host");
    assert!(count("content-length") <= 1, "two lengths");
    assert!(request.path.starts_with('/') || (request.path == "*" && request.method == "OPTIONS"));
    assert!(request.path.bytes().all(|byte| (0x21..0x7F).contains(&byte) && byte != b'#'));
    match framing.body {
        BodyLength::Fixed(length) => {
            assert_eq!(length, body.len());
            assert_eq!(count("transfer-encoding"), 0);
        }
        BodyLength::Chunked => {
            assert_eq!(count("content-length"), 0, "two meanings");
            assert_eq!(request.minor_version, 1);
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let (front, back) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let whole = read(&[bytes]);
    let each_byte: Vec<&[u8]> = bytes.chunks(1).collect();
    for cut in [read(&[front, back]), read(&each_byte)] {
        match (&whole, cut) {
            (Ok(whole), Ok(cut)) => assert_eq!(*whole, cut, "the cut makes a difference"),
            (Err(whole), Err(cut)) => assert_eq!(whole.status, cut.status, "the cut makes a difference"),
            (whole, cut) => panic!("{whole:?} became {cut:?} by a cut"),
        }
    }
});
