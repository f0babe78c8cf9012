//! The head of a request: httparse reads it, and what httparse leaves open is decided here.
//!
//! Layer: server. uvicorn leaves this to its parser httptools; Starlette calls the result `Request`.

use std::net::SocketAddr;

use httparse::{EMPTY_HEADER, Error, Header, Status};

use super::error::HttpError;
use super::framing::{Fields, Framing};
use super::limits::{Limits, MAX_HEADERS};
use super::target;

/// A request. Its texts are borrowed from the buffers of its connection.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method, such as `GET`; case-sensitive (RFC 9110 §9.1).
    pub method: &'a str,
    /// The path as it was sent, percent-encoded; `*` for `OPTIONS *`.
    pub path: &'a str,
    /// What follows the first `?` of the target, as it was sent.
    pub query: Option<&'a str>,
    /// The digit after `HTTP/1.`: 0 or 1.
    pub minor_version: u8,
    /// The header fields in their order. Values are bytes: nothing says that they are UTF-8.
    pub headers: Vec<Header<'a>>,
    /// The whole body, with its chunks put together.
    pub body: &'a [u8],
    /// The other end of the connection, as in Starlette's `request.client`.
    pub client: SocketAddr,
}

/// The methods of RFC 9110 §9 and PATCH (RFC 5789), without CONNECT: it asks for a tunnel, and
/// most servers do not implement it (RFC 9110 §9.3.6).
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"];

/// Most requests have fewer header fields than this; the others are parsed again with more room.
const USUAL_HEADERS: usize = 16;

impl<'a> Request<'a> {
    /// Reads a head from the bytes that have come so far. `None`: it is not complete yet. The body of
    /// the request is not read here: at first it is all that came after the head.
    ///
    /// It is called again after each read and starts at the first byte: so a byte that httparse
    /// refuses is found when it comes, and nothing has to be remembered between two reads.
    pub(super) fn parse(
        input: &'a mut [u8],
        client: SocketAddr,
        limits: &Limits,
    ) -> Result<Option<(Self, Framing)>, HttpError> {
        let start = empty_lines(input, limits.empty_lines)?;
        let line_end = normalise_minor_version(&mut input[start..]);
        let (bytes, too_long) = bounded(&input[start..], line_end, start, limits);
        let mut result = read_head(bytes, client, USUAL_HEADERS);
        if matches!(result, Err(Error::TooManyHeaders)) {
            result = read_head(bytes, client, MAX_HEADERS);
        }
        let Some((length, mut request)) = result.map_err(|error| error_of(error, bytes))? else {
            return match too_long {
                Some(error) => Err(error),
                None => Ok(None),
            };
        };
        if has_bare_line_feed(&bytes[..length]) {
            return Err(BARE_LINE_FEED);
        }
        (request.path, request.query) = target::split(request.method, request.path)?;
        let fields = Fields::new(&request.headers);
        target::check_host(fields.host, request.minor_version)?;
        let framing = Framing::new(start + length, &fields, request.minor_version, limits)?;
        if !METHODS.contains(&request.method) {
            return Err(HttpError::new(501, "This server does not know the method of the request."));
        }
        request.body = &input[framing.head_length..];
        Ok(Some((request, framing)))
    }

    /// The value of the first header field of this name, in any case, without white space round it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }
}

/// Whether these are the first bytes of a HEAD request, whose response must not have a body.
pub(super) fn is_head_request(input: &[u8], limits: &Limits) -> bool {
    empty_lines(input, limits.empty_lines).is_ok_and(|start| input[start..].starts_with(b"HEAD "))
}

/// Has httparse read a head, with room for so many header fields: its length, and the request, whose
/// path is still the whole target. `None`: it is not complete yet.
fn read_head(
    bytes: &[u8],
    client: SocketAddr,
    max_headers: usize,
) -> Result<Option<(usize, Request<'_>)>, Error> {
    let mut headers = vec![EMPTY_HEADER; max_headers];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        // It complains about a version before the line is complete; the rest may say which version.
        Err(Error::Version) if !bytes.contains(&b'\n') => return Ok(None),
        Err(error) => return Err(error),
    };
    let method = parsed.method.unwrap_or_default();
    let path = parsed.path.unwrap_or_default();
    let minor_version = parsed.version.unwrap_or_default();
    let count = parsed.headers.len();
    headers.truncate(count);
    Ok(Some((length, Request { method, path, query: None, minor_version, headers, body: b"", client })))
}

/// Makes a minor version of 2 to 9 a 1, which is how RFC 9110 §6.2 wants it to be read and the only
/// way in which httparse reads it. Returns where the request line ends, if it has come whole.
fn normalise_minor_version(input: &mut [u8]) -> Option<usize> {
    let line_end = input.iter().position(|&byte| byte == b'\n')?;
    if let [.., b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'2'..=b'9', b'\r'] =
        &mut input[..line_end]
    {
        *minor = b'1';
    }
    Some(line_end)
}

/// How many bytes of empty lines come before the request line (RFC 9112 §2.2).
fn empty_lines(input: &[u8], limit: usize) -> Result<usize, HttpError> {
    let count = input.chunks_exact(2).take_while(|line| line == b"\r\n").count();
    if count > limit {
        return Err(HttpError::bad_request("There are too many empty lines before the request line."));
    }
    if input.get(count * 2) == Some(&b'\n') {
        return Err(BARE_LINE_FEED); // httparse would skip this one too
    }
    Ok(count * 2)
}

/// The part of the input that may be parsed, and the error that it is when this part is not a whole
/// head: none while more may come, and one where a limit cuts the input off. A wrong byte before the
/// limit is found first, however the bytes were cut into packets.
///
/// 414 is for a line without an end (RFC 9112 §3); without a space it is not a request line at all.
fn bounded<'a>(
    input: &'a [u8],
    line_end: Option<usize>,
    start: usize,
    limits: &Limits,
) -> (&'a [u8], Option<HttpError>) {
    let line_length = line_end.unwrap_or(input.len());
    if line_length > limits.request_line {
        let line = &input[..=limits.request_line];
        let has_space = line.contains(&b' ');
        return (line, Some(if has_space { LINE_TOO_LONG } else { NO_REQUEST_LINE }));
    }
    let limit = limits.head.saturating_sub(start);
    if input.len() < limit { (input, None) } else { (&input[..limit], Some(HEAD_TOO_LONG)) }
}

const BARE_LINE_FEED: HttpError = HttpError::bad_request("A line ends in LF without CR.");
const NO_REQUEST_LINE: HttpError = HttpError::bad_request("The first word is too long to be a method.");
const LINE_TOO_LONG: HttpError = HttpError::new(414, "The request line is longer than this server takes.");
const HEAD_TOO_LONG: HttpError = HttpError::new(431, "The head is longer than this server takes.");
const BAD_REQUEST_LINE: HttpError = HttpError::bad_request(
    "The request line must be a method (a token), a space, a target (visible ASCII characters), a space, HTTP/1.1 or HTTP/1.0, and CR LF.",
);

/// Whether one of these whole lines ends in LF alone. httparse takes that for a line end; a stricter
/// program in front of this server would see one line where we see two (RFC 9112 §2.2).
///
/// `any` and `&&` would end early; without them the compiler can compare many bytes at once.
pub(super) fn has_bare_line_feed(lines: &[u8]) -> bool {
    let is_bare = |pair: &[u8]| (pair[0] != b'\r') & (pair[1] == b'\n');
    lines.windows(2).fold(lines.starts_with(b"\n"), |found, pair| found | is_bare(pair))
}

/// The error for each way in which httparse can fail.
fn error_of(error: Error, bytes: &[u8]) -> HttpError {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let version = line.splitn(3, |&byte| byte == b' ').nth(2).unwrap_or_default();
    match error {
        Error::Version => match version {
            [b'H', b'T', b'T', b'P', b'/', b'0' | b'2'..=b'9', b'.', b'0'..=b'9', b'\r'] => {
                HttpError::new(505, "This server speaks HTTP/1.1 and HTTP/1.0.")
            }
            _ => BAD_REQUEST_LINE,
        },
        Error::NewLine if matches!(version, b"HTTP/1.1\r" | b"HTTP/1.0\r") || line.starts_with(b"\r") => {
            HttpError::bad_request("A CR is not followed by LF.")
        }
        Error::NewLine | Error::Token | Error::Status => BAD_REQUEST_LINE,
        Error::TooManyHeaders => {
            HttpError::new(431, "The request has more header fields than this server takes.")
        }
        Error::HeaderName => HttpError::bad_request(
            "A header line does not begin with a name (a token) and a colon directly after it.",
        ),
        Error::HeaderValue => HttpError::bad_request("A header value holds a control character."),
    }
}
