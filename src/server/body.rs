//! The body of a request: taken from the input until it is whole, with its chunks put together.
//!
//! Layer: server. uvicorn hands a body to the application as it comes. A login form is small, so here
//! the application gets it whole or not at all.

use httparse::{EMPTY_HEADER, Status};

use super::error::HttpError;
use super::framing::{BODY_TOO_LONG, BodyLength};
use super::limits::{Limits, MAX_HEADERS};
use super::request::has_bare_line_feed;

/// How far the reading of one body has come.
#[derive(Debug)]
pub(super) struct BodyReader {
    state: State,
    /// Bytes of chunk-size lines so far.
    overhead: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// So many bytes of data are missing; in a chunked body, of this chunk.
    Data { missing: usize, chunked: bool },
    /// CR LF after the data of a chunk.
    DataEnd,
    /// A chunk-size line.
    Size,
    /// Header fields after the last chunk, and the empty line that ends everything.
    Trailers,
    /// Nothing is missing.
    Whole,
}

impl BodyReader {
    /// At the first byte of a body of this length.
    pub(super) fn new(length: BodyLength) -> Self {
        let state = match length {
            BodyLength::Fixed(missing) => State::Data { missing, chunked: false },
            BodyLength::Chunked => State::Size,
        };
        Self { state, overhead: 0 }
    }

    /// Moves what belongs to the body from the front of `input` to `body`. `true`: the body is whole,
    /// and what is left in `input` is the next request.
    pub(super) fn take(
        &mut self,
        input: &mut Vec<u8>,
        body: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<bool, HttpError> {
        let mut taken = 0;
        while let Some((length, next)) = self.next_state(&input[taken..], body, limits)? {
            taken += length;
            self.state = next;
        }
        input.drain(..taken);
        Ok(matches!(self.state, State::Whole))
    }

    /// What the front of `input` leads to: how many bytes are used, and the next state. `None`: the
    /// bytes that this state needs have not come.
    fn next_state(
        &mut self,
        input: &[u8],
        body: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<Option<(usize, State)>, HttpError> {
        Ok(match self.state {
            State::Whole => None,
            State::Data { missing: 0, chunked } => {
                Some((0, if chunked { State::DataEnd } else { State::Whole }))
            }
            State::Data { .. } if input.is_empty() => None,
            State::Data { missing, chunked } => {
                let length = missing.min(input.len());
                body.extend_from_slice(&input[..length]);
                Some((length, State::Data { missing: missing - length, chunked }))
            }
            State::DataEnd if b"\r\n".starts_with(input) => None,
            State::DataEnd if input.starts_with(b"\r\n") => Some((2, State::Size)),
            State::DataEnd => {
                return Err(HttpError::bad_request("A chunk does not end in CR LF where its size says."));
            }
            State::Size => self.read_size(input, body.len(), limits)?,
            State::Trailers => read_trailers(input, limits)?.map(|length| (length, State::Whole)),
        })
    }

    /// A chunk-size line: hexadecimal digits, extensions that are checked and ignored, CR LF.
    fn read_size(
        &mut self,
        input: &[u8],
        so_far: usize,
        limits: &Limits,
    ) -> Result<Option<(usize, State)>, HttpError> {
        // However the bytes were cut, a wrong one before the limit is found first; a CR when its LF is there.
        let room = limits.chunk_overhead - self.overhead;
        let input = &input[..input.len().min(room)];
        let end = input.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(input.len(), |end| end + 1);
        let line = &input[..length];
        if line.iter().any(|&byte| byte.is_ascii_control() && !b"\t\r\n".contains(&byte)) {
            return Err(BAD_SIZE);
        }
        if end.is_none() {
            return if length < room { Ok(None) } else { Err(SIZES_TOO_LONG) };
        }
        self.overhead += length;
        let text = line.strip_suffix(b"\r\n").ok_or(BAD_SIZE)?;
        let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 || check_extensions(&text[digits..]).is_none() {
            return Err(BAD_SIZE);
        }
        let Ok(Status::Complete((_, size))) = httparse::parse_chunk_size(line) else {
            return Err(BAD_SIZE);
        };
        match usize::try_from(size) {
            Ok(0) => Ok(Some((length, State::Trailers))),
            Ok(missing) if missing <= limits.body - so_far => {
                Ok(Some((length, State::Data { missing, chunked: true })))
            }
            _ => Err(BODY_TOO_LONG),
        }
    }
}

const BAD_SIZE: HttpError = HttpError::bad_request(
    "A chunk must begin with a line of 1 to 16 hexadecimal digits, valid extensions if any, and CR LF.",
);
const SIZES_TOO_LONG: HttpError =
    HttpError::bad_request("The chunk-size lines together are longer than this server takes.");

/// The end of the trailer section. Trailers are checked like a head and dropped: merged into the
/// header fields, they would come after all checks of these (RFC 9110 §6.5.1).
fn read_trailers(input: &[u8], limits: &Limits) -> Result<Option<usize>, HttpError> {
    let too_long = HttpError::new(431, "There are more or longer trailers than this server takes.");
    let input = &input[..input.len().min(limits.trailers)];
    let mut slots = [EMPTY_HEADER; MAX_HEADERS];
    match httparse::parse_headers(input, &mut slots) {
        Ok(Status::Complete((length, _))) if has_bare_line_feed(&input[..length]) => {
            Err(HttpError::bad_request("A line of the trailers ends in LF without CR."))
        }
        Ok(Status::Complete((length, _))) => Ok(Some(length)),
        Ok(Status::Partial) if input.len() < limits.trailers => Ok(None),
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => Err(too_long),
        Err(_) => Err(HttpError::bad_request("A trailer is not a valid header field.")),
    }
}

/// `Some` if this is any number of `; name`, `; name=token` and `; name="quoted"` (RFC 9112 §7.1.1).
/// httparse skips whatever comes here. Text that two programs could end at different places is
/// refused.
fn check_extensions(mut text: &[u8]) -> Option<()> {
    while !text.is_empty() {
        let name = text.trim_ascii_start().strip_prefix(b";")?.trim_ascii_start();
        let after = skip_token(name)?;
        text = match after.trim_ascii_start().strip_prefix(b"=") {
            Some(value) => skip_value(value.trim_ascii_start())?,
            None => after,
        };
    }
    Some(())
}

/// What follows a token of at least one character.
fn skip_token(text: &[u8]) -> Option<&[u8]> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = text.iter().take_while(|byte| is_token(byte)).count();
    (length > 0).then(|| &text[length..])
}

/// What follows a token or a quoted string, in which a backslash escapes the character after it.
fn skip_value(text: &[u8]) -> Option<&[u8]> {
    let Some(mut quoted) = text.strip_prefix(b"\"") else { return skip_token(text) };
    loop {
        quoted = match quoted {
            [b'"', after @ ..] => return Some(after),
            [b'\\', _, after @ ..] | [_, after @ ..] => after,
            [] => return None,
        };
    }
}
