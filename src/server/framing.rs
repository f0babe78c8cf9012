//! Where a request ends and whether the connection goes on: one meaning, or an error.
//!
//! Layer: server. Two programs that read the same stream and disagree about these header fields see
//! different requests in it; that is request smuggling (RFC 9112 §11.2).

use httparse::Header;

use super::error::HttpError;
use super::limits::Limits;
use super::response::Persistence;

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLength {
    /// After so many bytes. A request that says nothing has a body of zero bytes.
    Fixed(usize),
    /// After the chunk of size zero and the trailers that follow it.
    Chunked,
}

/// What the head says about the bytes that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Framing {
    /// Bytes of the head, with the empty lines before it and the one at its end.
    pub(super) head_length: usize,
    /// How long the body is.
    pub(super) body: BodyLength,
    /// Whether another request may follow.
    pub(super) persistence: Persistence,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub(super) expects_continue: bool,
}

/// A header field that a request may have once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Single<'a> {
    #[default]
    Absent,
    Once(&'a [u8]),
    Repeated,
}

impl<'a> Single<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }
}

/// The header fields that the server itself acts on, picked out in one pass. Those that are lists
/// may be spread over several lines (RFC 9110 §5.3).
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) host: Single<'a>,
    content_length: Single<'a>,
    transfer_encoding: Vec<&'a [u8]>,
    connection: Vec<&'a [u8]>,
    expect: Vec<&'a [u8]>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(headers: &[Header<'a>]) -> Self {
        let mut fields = Self::default();
        for Header { name, value } in headers {
            if name.eq_ignore_ascii_case("host") {
                fields.host.add(value);
            } else if name.eq_ignore_ascii_case("content-length") {
                fields.content_length.add(value);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                fields.transfer_encoding.push(value);
            } else if name.eq_ignore_ascii_case("connection") {
                fields.connection.push(value);
            } else if name.eq_ignore_ascii_case("expect") {
                fields.expect.push(value);
            }
        }
        fields
    }
}

impl Framing {
    /// Reads the framing out of the header fields.
    pub(super) fn new(
        head_length: usize,
        fields: &Fields<'_>,
        minor_version: u8,
        limits: &Limits,
    ) -> Result<Self, HttpError> {
        let content_length = content_length(fields.content_length)?;
        let is_chunked = is_chunked(&fields.transfer_encoding, minor_version)?;
        let expects_continue = expects_continue(&fields.expect, minor_version)?;
        let body = match (content_length, is_chunked) {
            (Some(_), true) => {
                return Err(HttpError::bad_request(
                    "A request must not have both Content-Length and Transfer-Encoding.",
                ));
            }
            (None, true) => BodyLength::Chunked,
            (Some(length), false) if length > limits.body => return Err(BODY_TOO_LONG),
            (Some(length), false) => BodyLength::Fixed(length),
            (None, false) => BodyLength::Fixed(0),
        };
        let persistence = persistence(&fields.connection, minor_version);
        Ok(Self { head_length, body, persistence, expects_continue })
    }

    /// The body, if all of it is at the front of the bytes that came after the head.
    pub(super) fn whole_body<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        match self.body {
            BodyLength::Fixed(length) => rest.get(..length),
            BodyLength::Chunked => None,
        }
    }
}

/// 413, found in the head or while the chunks come.
pub(super) const BODY_TOO_LONG: HttpError = HttpError::new(413, "The body is longer than this server takes.");

/// The elements of a list, without the white space round them. Empty elements mean nothing
/// (RFC 9110 §5.6.1.2).
fn elements<'a>(lines: &[&'a [u8]]) -> impl Iterator<Item = &'a [u8]> {
    let elements = lines.iter().flat_map(|line| line.split(|&byte| byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// `Content-Length`: digits, once. `str::parse` alone would take `+5` as well.
fn content_length(field: Single<'_>) -> Result<Option<usize>, HttpError> {
    let value = match field {
        Single::Absent => return Ok(None),
        Single::Repeated => {
            return Err(HttpError::bad_request("A request must not have more than one Content-Length."));
        }
        Single::Once(value) => value,
    };
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(HttpError::bad_request("Content-Length must be a number in the digits 0 to 9."));
    }
    // Digits that are not a number here are a number that is too large, so it passes every limit.
    let digits = std::str::from_utf8(value).unwrap_or_default();
    Ok(Some(digits.parse().unwrap_or(usize::MAX)))
}

/// `Transfer-Encoding`: `chunked`, once and last; this server knows no other coding
/// (RFC 9112 §6.1).
fn is_chunked(lines: &[&[u8]], minor_version: u8) -> Result<bool, HttpError> {
    if lines.is_empty() {
        return Ok(false);
    }
    if minor_version == 0 {
        return Err(HttpError::bad_request("HTTP/1.0 has no Transfer-Encoding."));
    }
    let names_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let codings: Vec<&[u8]> = elements(lines).collect();
    match codings.as_slice() {
        [only] if names_chunked(only) => Ok(true),
        [before @ .., last] if names_chunked(last) && before.iter().any(|coding| names_chunked(coding)) => {
            Err(HttpError::bad_request("Transfer-Encoding must not name chunked twice."))
        }
        [.., last] if names_chunked(last) => {
            Err(HttpError::new(501, "The only Transfer-Encoding that this server knows is chunked."))
        }
        _ => Err(NOT_CHUNKED),
    }
}

const NOT_CHUNKED: HttpError = HttpError::bad_request(
    "The last Transfer-Encoding must be chunked, without parameters; with another one the body has no end.",
);

/// `Expect` (RFC 9110 §10.1.1): `100-continue` is the only expectation there is, and HTTP/1.0 has
/// none.
fn expects_continue(lines: &[&[u8]], minor_version: u8) -> Result<bool, HttpError> {
    if minor_version == 0 {
        return Ok(false);
    }
    let mut expected = false;
    for expectation in elements(lines) {
        if !expectation.eq_ignore_ascii_case(b"100-continue") {
            return Err(HttpError::new(417, "The only expectation that this server knows is 100-continue."));
        }
        expected = true;
    }
    Ok(expected)
}

/// `Connection`: HTTP/1.1 stays open unless told to close, HTTP/1.0 closes unless told to stay open,
/// and `close` wins over `keep-alive` (RFC 9112 §9.3).
fn persistence(lines: &[&[u8]], minor_version: u8) -> Persistence {
    let has = |wanted: &[u8]| elements(lines).any(|option| option.eq_ignore_ascii_case(wanted));
    match minor_version {
        _ if has(b"close") => Persistence::Close,
        0 if has(b"keep-alive") => Persistence::ExplicitKeepAlive,
        0 => Persistence::Close,
        _ => Persistence::KeepAlive,
    }
}
