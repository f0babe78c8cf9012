//! The one error of the server floor: a request that HTTP does not allow, that is too much, or that
//! cannot be served now.
//!
//! Layer: uvicorn, which says `Invalid HTTP request received.` to all of these; here the
//! sentence says what was wrong, because a student wants the reason.

use super::response::{Response, reason_phrase};

/// Why a request gets no answer of the application. After most refusals no one knows where the next
/// request begins, so the connection ends too; a method that is not known is the exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code of the answer: 400, 408, 413, 414, 417, 431, 500, 501, 503 or 505.
    pub status: u16,
    /// One sentence for the reader of the answer. It never repeats bytes of the client.
    pub sentence: &'static str,
}

impl Refusal {
    /// A refusal with a status of its own.
    #[must_use]
    pub const fn new(status: u16, sentence: &'static str) -> Self {
        Self { status, sentence }
    }

    /// 400, what most refusals are (RFC 9110 §15.5.1).
    #[must_use]
    pub const fn bad_request(sentence: &'static str) -> Self {
        Self::new(400, sentence)
    }
}

impl From<Refusal> for Response {
    /// The one place where a refusal becomes an answer.
    fn from(refusal: Refusal) -> Self {
        let reason = reason_phrase(refusal.status);
        let line = format!("{} {reason}: {}\n", refusal.status, refusal.sentence);
        let mut response = Self::new(refusal.status, "text/plain; charset=utf-8", line);
        if refusal.status == 503 {
            response.headers.push(("retry-after", "1".into()));
        }
        response
    }
}
