//! The page at `/docs`, on which section 6 of the chapter is clicked through, and the document that
//! it reads.
//!
//! Layer: framework. FastAPI makes the document of the code, and serves Swagger UI at `/docs`, which
//! browsers load from somebody else's server.

use super::exception::HTTPException;
use super::explain::step;
use crate::server::{Request, Response};

/// Markup, style and script in one file.
const PAGE: &str = include_str!("docs.html");

/// What the page may do: run this one script and this one style, known by their hashes, and talk to
/// this server. Nothing else that ever gets into the page will run.
const POLICY: &str = include_str!("docs_policy.txt");

/// `GET /openapi.json`: what FastAPI makes of the chapter's code, here as a file.
pub(crate) fn openapi(_: &Request<'_>) -> Result<Response, HTTPException> {
    step("6", || "the document tells clients which operations there are".into());
    Ok(Response::new(200, "application/json", include_str!("openapi.json")))
}

/// `GET /docs`.
pub(crate) fn docs(_: &Request<'_>) -> Result<Response, HTTPException> {
    step("6", || "the page reads openapi.json and does the rest in the browser".into());
    let mut response = Response::new(200, "text/html; charset=utf-8", PAGE);
    response.headers.push(("content-security-policy", POLICY.into()));
    response.headers.push(("x-content-type-options", "nosniff".into()));
    Ok(response)
}
