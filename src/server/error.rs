//! `HttpError`: why a request gets no response of the application.
//!
//! Layer: server. Where uvicorn cannot parse a request, it says `Invalid HTTP request received.`; here
//! the message says what was wrong, because a student wants the reason.

/// What is wrong with a request, with its connection, or with the server itself.
///
/// The connection ends with the response (RFC 9112 §9.6): after most of these errors nobody can be
/// sure where the next request begins, and one rule for all of them is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HttpError {
    /// The status code of the response: 400, 408, 413, 414, 417, 431, 500, 501, 503 or 505.
    pub(super) status: u16,
    /// One sentence for people. It never repeats bytes that a client sent.
    pub(super) message: &'static str,
}

impl HttpError {
    /// An error with a status of its own.
    pub(super) const fn new(status: u16, message: &'static str) -> Self {
        Self { status, message }
    }

    /// 400, which most of these errors are (RFC 9110 §15.5.1).
    pub(super) const fn bad_request(message: &'static str) -> Self {
        Self::new(400, message)
    }
}
