//! An answer, and how it becomes bytes: status line, header lines, empty line, body.
//!
//! Layer: what Starlette calls `Response` and uvicorn writes.

use std::borrow::Cow;
use std::io::Write;

use super::date::HttpDate;
use super::framing::Persistence;

/// What the application gives back for a request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// Header lines of the application's own; the server adds `date`, `content-length` and
    /// `connection` itself. Values come from this program and never hold a line end.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The media type of the body; an answer without a body may have none.
    pub content_type: Option<&'static str>,
    /// The body, either part of the program or made for this answer.
    pub body: Cow<'static, [u8]>,
}

impl Response {
    /// An answer with a body.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        let body = Cow::Owned(body.into().into_bytes());
        Self { status, headers: Vec::new(), content_type: Some(content_type), body }
    }

    /// An answer whose body is part of the program.
    #[must_use]
    pub fn page(content_type: &'static str, body: &'static str) -> Self {
        let body = Cow::Borrowed(body.as_bytes());
        Self { status: 200, headers: Vec::new(), content_type: Some(content_type), body }
    }

    /// An answer without a body and with one header line that says it all.
    #[must_use]
    pub fn empty(status: u16, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let headers = vec![(name, value.into())];
        Self { status, headers, content_type: None, body: Cow::Borrowed(b"") }
    }

    /// Appends the answer to `output`, as HTTP/1.1 whatever the client speaks (RFC 9110 §6.2).
    ///
    /// An answer to HEAD has all header lines of GET, `content-length` too, and no body
    /// (RFC 9110 §9.3.2); 204 has neither (§8.6).
    pub(super) fn write_to(&self, output: &mut Vec<u8>, persistence: Persistence, is_head: bool) {
        let mut line = |text: std::fmt::Arguments<'_>| {
            // Writing to a vector cannot fail.
            let _ = output.write_fmt(text);
        };
        let reason = reason_phrase(self.status);
        line(format_args!("HTTP/1.1 {} {reason}\r\ndate: {}\r\n", self.status, HttpDate::now()));
        for (name, value) in &self.headers {
            line(format_args!("{name}: {value}\r\n"));
        }
        if self.status != 204 {
            line(format_args!("content-length: {}\r\n", self.body.len()));
        }
        if let Some(content_type) = self.content_type {
            line(format_args!("content-type: {content_type}\r\n"));
        }
        output.extend_from_slice(match persistence {
            Persistence::KeepAlive => b"\r\n",
            Persistence::KeepAliveSaid => b"connection: keep-alive\r\n\r\n",
            Persistence::Close => b"connection: close\r\n\r\n",
        });
        if !is_head {
            output.extend_from_slice(&self.body);
        }
    }
}

/// The words behind a status code. They are for people: clients look at the number alone.
///
/// 422 is called "Unprocessable Content" since RFC 9110; these are the words that the chapter's
/// readers see from uvicorn.
#[must_use]
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        422 => "Unprocessable Entity",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
