//! What can be wrong with a form field, in the words of FastAPI 0.165.
//!
//! Layer: FastAPI and Pydantic. Clients read these objects, so their names matter.

use super::json::Json;
use crate::server::Response;

/// One thing that is wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationError {
    /// A required field is not there, or empty.
    Missing {
        /// The name of the field.
        field: &'static str,
    },
    /// A field is there and is not what it must be.
    PatternMismatch {
        /// The name of the field.
        field: &'static str,
        /// The regular expression that FastAPI would have tried.
        pattern: &'static str,
        /// What the client sent instead.
        input: String,
    },
}

impl ValidationError {
    /// An answer that lists these errors.
    pub(super) fn response(errors: &[Self], status: u16) -> Response {
        let mut text = String::from("{\"detail\":[");
        for (index, error) in errors.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            error.write_to(&mut text);
        }
        text.push_str("]}");
        Response::new(status, "application/json", text)
    }

    fn write_to(&self, text: &mut String) {
        match self {
            Self::Missing { field } => Json::Object(&[
                ("type", Json::Text("missing")),
                ("loc", Json::List(&[Json::Text("body"), Json::Text(field)])),
                ("msg", Json::Text("Field required")),
                ("input", Json::Null),
            ])
            .write_to(text),
            Self::PatternMismatch { field, pattern, input } => Json::Object(&[
                ("type", Json::Text("string_pattern_mismatch")),
                ("loc", Json::List(&[Json::Text("body"), Json::Text(field)])),
                ("msg", Json::Text(&format!("String should match pattern '{pattern}'"))),
                ("input", Json::Text(input)),
                ("ctx", Json::Object(&[("pattern", Json::Text(pattern))])),
            ])
            .write_to(text),
        }
    }
}
