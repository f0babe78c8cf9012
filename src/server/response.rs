//! An answer, and how it becomes bytes: status line, header lines, empty line, body.
//!
//! Layer: what Starlette calls `Response` and uvicorn writes.

use std::borrow::Cow;
use std::fmt::Write;

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
    /// The body, either part of the program or made for this answer. All answers here are text.
    pub body: Cow<'static, str>,
}

impl Response {
    /// An answer with a body.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        let (headers, body) = (Vec::new(), Cow::Owned(body.into()));
        Self { status, headers, content_type: Some(content_type), body }
    }

    /// An answer whose body is part of the program.
    #[must_use]
    pub fn page(content_type: &'static str, body: &'static str) -> Self {
        let (headers, body) = (Vec::new(), Cow::Borrowed(body));
        Self { status: 200, headers, content_type: Some(content_type), body }
    }

    /// An answer without a body and with one header line that says it all.
    #[must_use]
    pub fn empty(status: u16, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let headers = vec![(name, value.into())];
        Self { status, headers, content_type: None, body: "".into() }
    }

    /// Appends the answer to `output`, as HTTP/1.1 whatever the client speaks (RFC 9110 §6.2).
    ///
    /// An answer to HEAD has all header lines of GET, `content-length` too, and no body
    /// (RFC 9110 §9.3.2); 204 has neither (§8.6).
    pub(super) fn write_to(&self, output: &mut String, date: &str, persistence: Persistence, is_head: bool) {
        // Writing to a string cannot fail.
        let _ = write!(output, "HTTP/1.1 {} {}\r\n", self.status, reason_phrase(self.status));
        let mut line = |name: &str, value: &str| {
            for piece in [name, ": ", value, "\r\n"] {
                output.push_str(piece);
            }
        };
        line("date", date);
        for (name, value) in &self.headers {
            line(name, value);
        }
        if self.status != 204 {
            line("content-length", &self.body.len().to_string());
        }
        if let Some(content_type) = self.content_type {
            line("content-type", content_type);
        }
        output.push_str(match persistence {
            Persistence::KeepAlive => "\r\n",
            Persistence::KeepAliveSaid => "connection: keep-alive\r\n\r\n",
            Persistence::Close => "connection: close\r\n\r\n",
        });
        if !is_head {
            output.push_str(&self.body);
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
