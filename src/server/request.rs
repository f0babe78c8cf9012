//! The head of a request: httparse reads it, and what httparse leaves open is closed here.
//!
//! Layer: uvicorn and its parser httptools; the result is what Starlette calls `Request`.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};

use super::framing::Framing;
use super::limits::{HEADERS, Limits};
use super::refusal::Refusal;
use super::target;

/// A request. Everything in it is borrowed from the buffers of its connection: nothing is copied.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method, such as `GET`; case-sensitive, any token (RFC 9110 §9.1).
    pub method: &'a str,
    /// The path as it was sent, percent-encoded; `*` for `OPTIONS *`.
    pub path: &'a str,
    /// What follows the first `?` of the target, as it was sent.
    pub query: Option<&'a str>,
    /// The digit after `HTTP/1.`: 0 or 1.
    pub minor_version: u8,
    /// The header lines in their order. Values are bytes: nothing says that they are UTF-8.
    pub headers: Vec<Header<'a>>,
    /// The whole body, chunks put together. Empty until the head has been dealt with.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads a head from the bytes that have come so far. `None`: it is not complete yet.
    ///
    /// Called again after each read, from the first byte, so that a wrong byte is found when it
    /// comes and no state has to be kept between two reads.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where RFC 9112 forbids the head or a limit is passed.
    pub fn parse(input: &'a [u8], limits: &Limits) -> Result<Option<(Self, Framing)>, Refusal> {
        let start = empty_lines(input, limits.empty_lines)?;
        let (head, limit) = bounded(&input[start..], limits.head.saturating_sub(start), limits);
        let incomplete = limit.map_or(Ok(None), Err);
        // Slots on the stack, not yet filled with anything: most requests need ten of them.
        let mut slots = [const { MaybeUninit::uninit() }; HEADERS];
        let mut parsed = httparse::Request::new(&mut []);
        let length = match parsed.parse_with_uninit_headers(head, &mut slots) {
            Ok(Status::Complete(length)) => start + length,
            Ok(Status::Partial) => return incomplete,
            Err(Error::Version) if !head.contains(&b'\n') => return incomplete,
            Err(error) => return Err(refusal_of(error, head)),
        };
        let (Some(method), Some(target), Some(minor_version)) = (parsed.method, parsed.path, parsed.version)
        else {
            return incomplete;
        };
        let headers = parsed.headers.to_vec();
        if has_bare_line_feed(&input[..length]) {
            return Err(BARE_LINE_FEED);
        }
        let (path, query) = target::split(method, target)?;
        target::check_host(&headers, minor_version)?;
        let framing = Framing::new(length, &headers, minor_version, limits)?;
        let request = Self { method, path, query, minor_version, headers, body: b"" };
        Ok(Some((request, framing)))
    }

    /// The value of the first header line of this name, in any case, without white space round it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }
}

/// Makes a minor version of 2 to 9 a 1, which is how RFC 9110 §6.2 wants it read and the only way
/// httparse reads it. Looks at the request line alone, once it is complete.
pub fn mend_minor_version(input: &mut [u8]) {
    let Some(start) = input.iter().position(|byte| !matches!(byte, b'\r' | b'\n')) else { return };
    let Some(length) = input[start..].iter().position(|&byte| byte == b'\n') else { return };
    if let [.., b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'2'..=b'9', b'\r'] =
        &mut input[start..start + length]
    {
        *minor = b'1';
    }
}

/// How many bytes of empty lines stand before the request line (RFC 9112 §2.2).
fn empty_lines(input: &[u8], most: usize) -> Result<usize, Refusal> {
    let count = input.chunks_exact(2).take_while(|line| line == b"\r\n").count();
    if count > most {
        return Err(Refusal::bad_request("There are too many empty lines before the request line."));
    }
    if input.get(count * 2) == Some(&b'\n') {
        return Err(BARE_LINE_FEED); // httparse would skip this one too
    }
    Ok(count * 2)
}

/// The part of a head that may be looked at, and what to say if it is not a whole head: nothing while
/// more may come, and a refusal where a limit cuts it off. A wrong byte before the limit is found
/// first, in whatever pieces the bytes come.
///
/// 414 is for a line without end (RFC 9112 §3); without a space in it, it is no request line at all.
fn bounded<'a>(head: &'a [u8], most: usize, limits: &Limits) -> (&'a [u8], Option<Refusal>) {
    let line = &head[..head.len().min(limits.request_line + 1)];
    if line.len() > limits.request_line && !line.contains(&b'\n') {
        let is_request_line = line.contains(&b' ');
        return (line, Some(if is_request_line { LINE_TOO_LONG } else { NO_REQUEST_LINE }));
    }
    if head.len() < most { (head, None) } else { (&head[..most], Some(HEAD_TOO_LONG)) }
}

const BARE_LINE_FEED: Refusal = Refusal::bad_request("A line of the head ends in LF without CR.");
const NO_REQUEST_LINE: Refusal = Refusal::bad_request("This does not begin like an HTTP request.");
const LINE_TOO_LONG: Refusal = Refusal::new(414, "The request line is longer than this server takes.");
const HEAD_TOO_LONG: Refusal = Refusal::new(431, "The head of the request is longer than this server takes.");

/// Whether one of these whole lines ends in LF alone. httparse takes that for a line end; a stricter
/// reader in front of us would see one line where we see two (RFC 9112 §2.2).
pub(super) fn has_bare_line_feed(lines: &[u8]) -> bool {
    let mut lines = lines.split(|&byte| byte == b'\n').rev();
    lines.next(); // what follows the last line end
    lines.any(|line| !line.ends_with(b"\r"))
}

/// The answer to each way in which httparse can fail.
fn refusal_of(error: Error, head: &[u8]) -> Refusal {
    match error {
        Error::Version => {
            let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
            match line.rsplit(|&byte| byte == b' ').next() {
                Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
                    if major.is_ascii_digit() && minor.is_ascii_digit() && *major != b'1' =>
                {
                    Refusal::new(505, "This server speaks HTTP/1.1 and HTTP/1.0.")
                }
                _ => Refusal::bad_request("The request line does not end in an HTTP version."),
            }
        }
        Error::TooManyHeaders => {
            Refusal::new(431, "The request has more header lines than this server takes.")
        }
        Error::HeaderName => Refusal::bad_request("A header name is not a token followed by a colon."),
        Error::HeaderValue => Refusal::bad_request("A header value holds a control character."),
        Error::NewLine => Refusal::bad_request("A CR stands where no line ends."),
        Error::Token | Error::Status => Refusal::bad_request("This is not an HTTP request line."),
    }
}
