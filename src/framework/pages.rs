//! The page at `/docs`, on which the chapter's section 6 is clicked through.
//!
//! Layer: FastAPI, which serves Swagger UI there, loaded from somebody else's server.

use super::exception::HTTPException;
use crate::explain::step;
use crate::server::{Request, Response};

/// Markup, style and script in one file.
const PAGE: &str = include_str!("docs.html");

/// What the page may do: run this script and this style, known by their hashes, and talk to this
/// server. Nothing else that ever gets into the page will run.
const POLICY: &str = include_str!("docs_policy.txt");

/// `GET /docs`.
///
/// # Errors
///
/// None; it is an operation like any other, so it could.
pub fn docs(_: &Request<'_>) -> Result<Response, HTTPException> {
    step("6", format_args!("the page reads /openapi.json and does the rest in the browser"));
    let mut response = Response::page("text/html; charset=utf-8", PAGE);
    response.headers.push(("content-security-policy", POLICY.into()));
    response.headers.push(("x-content-type-options", "nosniff".into()));
    Ok(response)
}
