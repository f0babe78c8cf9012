//! `HTTPException`: the error that is an answer.
//!
//! Layer: FastAPI. There it is raised and caught far above; here it is returned, and `?` hands it
//! on, until [`HTTPException::response`] makes the answer of it.

use super::json::Json;
use super::validation::ValidationError;
use crate::server::Response;

/// What is wrong: the `detail` of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A sentence.
    Text(&'static str),
    /// Everything that is wrong with the fields of a form.
    Errors(Vec<ValidationError>),
}

/// A request that is understood and not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HTTPException {
    /// The status code of the answer.
    pub status_code: u16,
    /// Its body, as `{"detail": …}`.
    pub detail: Detail,
    /// Header lines that belong to it, such as the challenge of a 401.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl HTTPException {
    /// An exception with a sentence and no headers.
    #[must_use]
    pub const fn new(status_code: u16, detail: &'static str) -> Self {
        Self { status_code, detail: Detail::Text(detail), headers: Vec::new() }
    }

    /// The same with one header line.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The one place where an exception becomes an answer.
    #[must_use]
    pub fn response(&self) -> Response {
        let mut response = match &self.detail {
            Detail::Text(sentence) => {
                Json::Object(&[("detail", Json::Text(sentence))]).response(self.status_code)
            }
            Detail::Errors(errors) => ValidationError::response(errors, self.status_code),
        };
        for (name, value) in &self.headers {
            response.headers.push((name, (*value).into()));
        }
        response
    }
}

impl From<Vec<ValidationError>> for HTTPException {
    /// FastAPI's `RequestValidationError`: 422 and all that was found.
    fn from(errors: Vec<ValidationError>) -> Self {
        Self { status_code: 422, detail: Detail::Errors(errors), headers: Vec::new() }
    }
}
