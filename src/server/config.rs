//! What a server needs to know before it runs.
//!
//! Layer: server. uvicorn has a class of this name.

use super::limits::Limits;
use super::log::Log;
use super::request::Request;
use super::response::Response;

/// What is served: one function. It cannot fail, because what goes wrong in it is a response too.
pub type Application = fn(&Request<'_>) -> Response;

/// What is served, within which bounds, and where it is told.
#[derive(Debug)]
pub struct Config {
    /// What responds to a request.
    pub application: Application,
    /// What one client may use.
    pub limits: Limits,
    /// Where lines about requests and about trouble go.
    pub log: Log,
    /// Whether each response gets a line in the log.
    pub access_log: bool,
}
