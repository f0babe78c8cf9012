//! A response, and how it becomes bytes: status line, header fields, empty line, body.
//!
//! Layer: server. Starlette calls this class `Response`; uvicorn writes it.

use std::borrow::Cow;
use std::fmt::Write;

use super::error::HttpError;

/// What the application returns for a request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// Header fields of the application. The server adds `date`, `content-length`,
    /// `content-type` and `connection`. A value must not hold a line end; no value here does,
    /// because each one is written in this program or escaped by it.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The media type of the body; a response without a body may have none.
    pub content_type: Option<&'static str>,
    /// The body: a text that is part of the program, or one made for this response.
    pub body: Cow<'static, str>,
}

/// What happens to the connection after a response (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// It stays open, which HTTP/1.1 expects when nothing is said.
    KeepAlive,
    /// It stays open for an HTTP/1.0 client, which asked for it and wants to be told.
    ExplicitKeepAlive,
    /// It ends.
    Close,
}

impl Response {
    /// A response with a body.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Cow<'static, str>>) -> Self {
        Self { status, headers: Vec::new(), content_type: Some(content_type), body: body.into() }
    }

    /// A response without a body, whose one header field says everything.
    #[must_use]
    pub fn empty(status: u16, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        Self { status, headers: vec![(name, value.into())], content_type: None, body: "".into() }
    }

    /// Appends the head to `output`: as HTTP/1.1, whatever version the client speaks
    /// (RFC 9110 §6.2). A 204 has no `content-length` (§8.6).
    pub(super) fn write_head(&self, output: &mut String, date: &str, persistence: Persistence) {
        output.push_str("HTTP/1.1 ");
        output.push_str(&status_text(self.status));
        output.push_str("\r\ndate: ");
        output.push_str(date);
        for (name, value) in &self.headers {
            write_field(output, name, value);
        }
        if self.status != 204 {
            // Writing to a string cannot fail.
            let _ = write!(output, "\r\ncontent-length: {}", self.body.len());
        }
        if let Some(content_type) = self.content_type {
            write_field(output, "content-type", content_type);
        }
        output.push_str(match persistence {
            Persistence::KeepAlive => "\r\n\r\n",
            Persistence::ExplicitKeepAlive => "\r\nconnection: keep-alive\r\n\r\n",
            Persistence::Close => "\r\nconnection: close\r\n\r\n",
        });
    }
}

/// Ends the line before, and begins this one.
fn write_field(output: &mut String, name: &str, value: &str) {
    for piece in ["\r\n", name, ": ", value] {
        output.push_str(piece);
    }
}

impl From<HttpError> for Response {
    /// The one place where an error of HTTP becomes a response.
    fn from(error: HttpError) -> Self {
        let body = format!("{}: {}\n", status_text(error.status), error.message);
        let mut response = Self::new(error.status, "text/plain; charset=utf-8", body);
        if error.status == 503 {
            response.headers.push(("retry-after", "1".into()));
        }
        response
    }
}

/// A status code with its reason phrase. The phrase is for people: programs read the number alone.
///
/// RFC 9110 and Python 3.13 call 422 "Unprocessable Content"; the chapter's readers on an older
/// Python see this phrase.
pub(super) fn status_text(status: u16) -> Cow<'static, str> {
    let known = match status {
        200 => "200 OK",
        201 => "201 Created",
        204 => "204 No Content",
        307 => "307 Temporary Redirect",
        400 => "400 Bad Request",
        401 => "401 Unauthorized",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Method Not Allowed",
        408 => "408 Request Timeout",
        413 => "413 Content Too Large",
        414 => "414 URI Too Long",
        417 => "417 Expectation Failed",
        422 => "422 Unprocessable Entity",
        429 => "429 Too Many Requests",
        431 => "431 Request Header Fields Too Large",
        500 => "500 Internal Server Error",
        501 => "501 Not Implemented",
        503 => "503 Service Unavailable",
        505 => "505 HTTP Version Not Supported",
        // The space belongs to the status line, also where no phrase follows it (RFC 9112 §4).
        _ => return Cow::Owned(format!("{status} ")),
    };
    Cow::Borrowed(known)
}
