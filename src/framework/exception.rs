//! `HTTPException`: an error that becomes a response.
//!
//! Layer: framework; FastAPI's class of that name. There it is raised, and caught far above. Here it
//! is returned, and `?` hands it on, until [`HTTPException::response`] makes a response of it.

use super::json::Json;
use crate::server::Response;

/// Why a request is understood and yet does not get what it asks for.
#[derive(Debug)]
pub(crate) struct HTTPException {
    status_code: u16,
    /// The `detail` of the response, as JSON text.
    detail: String,
    headers: Vec<(&'static str, &'static str)>,
}

impl HTTPException {
    /// An exception whose detail is one sentence.
    pub(crate) fn new(status_code: u16, detail: &str) -> Self {
        Self { status_code, detail: Json::Text(detail).text(), headers: Vec::new() }
    }

    /// FastAPI's `RequestValidationError`: 422, with all errors that were found, each as JSON text.
    pub(crate) fn validation_error(errors: &[String]) -> Self {
        Self { status_code: 422, detail: format!("[{}]", errors.join(",")), headers: Vec::new() }
    }

    /// The same exception with one more header field, such as the challenge of a 401.
    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The one place where an exception becomes a response.
    pub(super) fn response(&self) -> Response {
        let body = format!("{{\"detail\":{}}}", self.detail);
        let mut response = Response::new(self.status_code, "application/json", body);
        for (name, value) in &self.headers {
            response.headers.push((name, (*value).into()));
        }
        response
    }
}
