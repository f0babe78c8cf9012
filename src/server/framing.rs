//! Where a body ends and whether the connection goes on: one meaning, or a refusal.
//!
//! Layer: uvicorn. Two readers of one stream that disagree about these lines see different
//! requests in it; that is request smuggling (RFC 9112 §11.2).

use httparse::Header;

use super::limits::Limits;
use super::refusal::Refusal;

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// After so many bytes; a request that says nothing has a body of zero bytes.
    Fixed(usize),
    /// After the chunk of size zero and the trailers behind it.
    Chunked,
}

/// What becomes of the connection after an answer (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// It stays open, as HTTP/1.1 expects without a word.
    KeepAlive,
    /// It stays open for an HTTP/1.0 client, which asked for it and wants to be told.
    KeepAliveSaid,
    /// It ends.
    Close,
}

/// What the head says about the bytes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Bytes of the head, from the first byte of the buffer to the end of the empty line.
    pub head_length: usize,
    /// How long the body is.
    pub body: BodyLength,
    /// Whether another request may follow.
    pub persistence: Persistence,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

impl Framing {
    /// Reads the framing out of the header lines.
    pub(super) fn new(
        head_length: usize,
        headers: &[Header<'_>],
        minor_version: u8,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let content_length = content_length(headers)?;
        let chunked = is_chunked(headers, minor_version)?;
        let expects_continue = expects_continue(headers, minor_version)?;
        let body = match (content_length, chunked) {
            (Some(_), true) => {
                return Err(Refusal::bad_request(
                    "Content-Length and Transfer-Encoding contradict each other.",
                ));
            }
            (None, true) => BodyLength::Chunked,
            (length, false) => BodyLength::Fixed(length.unwrap_or(0)),
        };
        if matches!(body, BodyLength::Fixed(length) if length > limits.body) {
            return Err(Refusal::new(413, "The body is longer than this server takes."));
        }
        let persistence = persistence(headers, minor_version);
        Ok(Self { head_length, body, persistence, expects_continue })
    }
}

/// The elements of a list that may be spread over several lines (RFC 9110 §5.6.1), each without
/// the white space round it.
fn list<'a>(headers: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    lines.flat_map(|header| header.value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii)
}

/// `Content-Length`: digits, once. `str::parse` alone would take `+5` as well.
fn content_length(headers: &[Header<'_>]) -> Result<Option<usize>, Refusal> {
    let mut lines = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-length"));
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Refusal::bad_request("A request has one Content-Length line."));
    }
    match str::from_utf8(line.value) {
        Ok(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // Digits that are no number here are a number too large for this machine.
            Ok(Some(digits.parse().unwrap_or(usize::MAX)))
        }
        _ => Err(Refusal::bad_request("Content-Length is one number in digits.")),
    }
}

/// `Transfer-Encoding`: `chunked`, once and last; nothing else is understood here (RFC 9112 §6.1).
fn is_chunked(headers: &[Header<'_>], minor_version: u8) -> Result<bool, Refusal> {
    let codings: Vec<&[u8]> = list(headers, "transfer-encoding").collect();
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let Some((last, before)) = codings.split_last() else { return Ok(false) };
    if minor_version == 0 {
        return Err(Refusal::bad_request("HTTP/1.0 has no Transfer-Encoding."));
    }
    if !is_chunked(last) || codings.contains(&&b""[..]) {
        return Err(Refusal::bad_request(
            "The last Transfer-Encoding must be chunked, or the body has no end.",
        ));
    }
    if before.iter().any(|coding| is_chunked(coding.split(|&byte| byte == b';').next().unwrap_or_default())) {
        return Err(Refusal::bad_request("A body is chunked once."));
    }
    if !before.is_empty() {
        return Err(Refusal::new(501, "The only Transfer-Encoding known here is chunked."));
    }
    Ok(true)
}

/// `Expect` (RFC 9110 §10.1.1): `100-continue` is the only expectation there is; HTTP/1.0 has none.
fn expects_continue(headers: &[Header<'_>], minor_version: u8) -> Result<bool, Refusal> {
    let mut expected = false;
    if minor_version == 0 {
        return Ok(false);
    }
    for expectation in list(headers, "expect").filter(|expectation| !expectation.is_empty()) {
        if !expectation.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::new(417, "The only expectation known here is 100-continue."));
        }
        expected = true;
    }
    Ok(expected)
}

/// `Connection`: HTTP/1.1 stays unless told to close, HTTP/1.0 closes unless told to stay, and
/// `close` wins over `keep-alive`.
fn persistence(headers: &[Header<'_>], minor_version: u8) -> Persistence {
    let mut answer = if minor_version == 0 { Persistence::Close } else { Persistence::KeepAlive };
    for option in list(headers, "connection") {
        if option.eq_ignore_ascii_case(b"close") {
            return Persistence::Close;
        }
        if option.eq_ignore_ascii_case(b"keep-alive") && minor_version == 0 {
            answer = Persistence::KeepAliveSaid;
        }
    }
    answer
}
