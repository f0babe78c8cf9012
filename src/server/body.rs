//! The bytes behind the head: taken from the stream until the body is whole, chunks put together.
//!
//! Layer: uvicorn, which hands them to the application as they come. A login form is small, so
//! here the application gets it whole or not at all.

use httparse::{EMPTY_HEADER, Status};

use super::framing::BodyLength;
use super::limits::{HEADERS, Limits};
use super::refusal::Refusal;
use super::request::has_bare_line_feed;

/// How far the reading of one body has come.
#[derive(Debug)]
pub struct BodyReader {
    step: Step,
    /// Bytes of chunk-size lines so far.
    overhead: usize,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many bytes of data are missing; for a chunked body, of this chunk.
    Data { missing: usize, chunked: bool },
    /// CR LF behind the data of a chunk.
    DataEnd,
    /// A chunk-size line.
    Size,
    /// Header lines behind the last chunk, and the empty line that ends everything.
    Trailers,
    /// Nothing is missing.
    Whole,
}

impl BodyReader {
    /// At the first byte of a body of this length.
    #[must_use]
    pub fn new(length: BodyLength) -> Self {
        let step = match length {
            BodyLength::Fixed(missing) => Step::Data { missing, chunked: false },
            BodyLength::Chunked => Step::Size,
        };
        Self { step, overhead: 0 }
    }

    /// Moves what belongs to the body from the front of `stream` to `body`; `true` when the body
    /// is whole. What stays in `stream` then is the next request.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where the chunks are not what RFC 9112 §7.1 says, or a limit is passed.
    pub fn take(
        &mut self,
        stream: &mut Vec<u8>,
        body: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<bool, Refusal> {
        let mut taken = 0;
        while let Some((length, next)) = self.advance(&stream[taken..], body, limits)? {
            taken += length;
            self.step = next;
        }
        stream.drain(..taken);
        Ok(matches!(self.step, Step::Whole))
    }

    /// One step over the front of `stream`: how many bytes it took and what comes next. `None`
    /// when the step needs bytes that have not come.
    fn advance(
        &mut self,
        stream: &[u8],
        body: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<Option<(usize, Step)>, Refusal> {
        Ok(match self.step {
            Step::Whole => None,
            Step::Data { missing: 0, chunked: false } => Some((0, Step::Whole)),
            Step::Data { missing: 0, chunked: true } => Some((0, Step::DataEnd)),
            Step::Data { .. } if stream.is_empty() => None,
            Step::Data { missing, chunked } => {
                let length = missing.min(stream.len());
                body.extend_from_slice(&stream[..length]);
                Some((length, Step::Data { missing: missing - length, chunked }))
            }
            Step::DataEnd if b"\r\n".starts_with(stream) => None,
            Step::DataEnd if stream.starts_with(b"\r\n") => Some((2, Step::Size)),
            Step::DataEnd => {
                return Err(Refusal::bad_request("The data of a chunk does not end where its size says."));
            }
            Step::Size => self.read_size(stream, body.len(), limits)?,
            Step::Trailers => read_trailers(stream, limits)?.map(|length| (length, Step::Whole)),
        })
    }

    /// A chunk-size line: hexadecimal digits, extensions that are checked and ignored, CR LF.
    fn read_size(
        &mut self,
        stream: &[u8],
        so_far: usize,
        limits: &Limits,
    ) -> Result<Option<(usize, Step)>, Refusal> {
        const REFUSAL: Refusal = Refusal::bad_request("A chunk does not begin with a valid size line.");
        let end = stream.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(stream.len(), |end| end + 1);
        let needed = length + usize::from(end.is_none()); // an open line has one more byte at least
        if self.overhead + needed > limits.chunk_overhead {
            return Err(Refusal::bad_request("The chunk-size lines are longer than this server takes."));
        }
        let line = &stream[..length];
        if line.iter().any(|&byte| byte.is_ascii_control() && !b"\t\r\n".contains(&byte)) {
            return Err(REFUSAL);
        }
        if end.is_none() {
            return Ok(None);
        }
        self.overhead += length;
        let text = line.strip_suffix(b"\r\n").ok_or(REFUSAL)?;
        let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 || !are_extensions(&text[digits..]) {
            return Err(REFUSAL);
        }
        let Ok(Status::Complete((_, size))) = httparse::parse_chunk_size(line) else {
            return Err(REFUSAL);
        };
        match usize::try_from(size) {
            Ok(0) => Ok(Some((length, Step::Trailers))),
            Ok(missing) if missing <= limits.body - so_far => {
                Ok(Some((length, Step::Data { missing, chunked: true })))
            }
            _ => Err(Refusal::new(413, "The body is longer than this server takes.")),
        }
    }
}

/// The end of the trailer section. Trailers are checked like a head and dropped: merged into the
/// headers they would let a client set lines after the checks (RFC 9110 §6.5.1).
fn read_trailers(stream: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
    let too_long = Refusal::new(431, "The trailers are longer than this server takes.");
    let stream = &stream[..stream.len().min(limits.trailers)];
    let mut slots = [EMPTY_HEADER; HEADERS];
    match httparse::parse_headers(stream, &mut slots) {
        Ok(Status::Complete((length, _))) if has_bare_line_feed(&stream[..length]) => {
            Err(Refusal::bad_request("A line of the trailers ends in LF without CR."))
        }
        Ok(Status::Complete((length, _))) => Ok(Some(length)),
        Ok(Status::Partial) if stream.len() < limits.trailers => Ok(None),
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => Err(too_long),
        Err(_) => Err(Refusal::bad_request("A trailer is not a valid header line.")),
    }
}

/// Whether this is any number of `; name`, `; name=token` and `; name="quoted"` (RFC 9112 §7.1.1).
/// httparse skips whatever stands here; text that two readers could end at different places is
/// refused.
fn are_extensions(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let Some(after) = text.trim_ascii_start().strip_prefix(b";") else { return false };
        let Some(after) = skip_token(after.trim_ascii_start()) else { return false };
        text = match after.trim_ascii_start().strip_prefix(b"=") {
            None => after,
            Some(value) => match skip_value(value.trim_ascii_start()) {
                Some(after) => after,
                None => return false,
            },
        };
    }
    true
}

/// What follows a token of at least one character.
fn skip_token(text: &[u8]) -> Option<&[u8]> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = text.iter().take_while(|byte| is_token(byte)).count();
    (length > 0).then(|| &text[length..])
}

/// What follows a token or a quoted string, in which a backslash hides the character behind it.
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
