//! The floor below the framework: what uvicorn does for a FastAPI application.
//!
//! Accept → a thread → read a head → read its body → ask the application → one write → the next
//! request. This floor has never heard of OAuth2, JSON or routes: it is given an [`Application`].

mod access_log;
mod body;
mod connection;
mod date;
mod framing;
mod limits;
mod refusal;
mod request;
mod response;
mod target;
mod turns;
mod wire;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;

pub use access_log::AccessLog;
pub use body::BodyReader;
pub use framing::{BodyLength, Framing, Persistence};
pub use limits::Limits;
pub use refusal::Refusal;
pub use request::{Request, mend_minor_version};
pub use response::Response;

use crate::explain;

/// What is served: two functions, and everything they need to know is in the request.
#[derive(Clone, Copy, Debug)]
pub struct Application {
    /// Whether the body of this request will be looked at; asked before a client that waits for
    /// `100 Continue` is told to send it.
    pub reads_body: fn(&Request<'_>) -> bool,
    /// The answer to a request. It cannot fail: what goes wrong above is an answer too.
    pub answer: fn(&Request<'_>) -> Response,
}

/// A listener, what it serves, and how much of itself it gives to one client.
#[derive(Debug)]
pub struct Server {
    /// Where clients connect. The caller binds it, and so knows its address.
    pub listener: TcpListener,
    /// What answers them.
    pub application: Application,
    /// What they may cost.
    pub limits: Limits,
    /// Where a line about each answer goes, if anywhere.
    pub access_log: Option<AccessLog>,
}

impl Server {
    /// Serves for as long as the process lives.
    ///
    /// # Errors
    ///
    /// The system's, if not even the first thread can be started.
    pub fn run(self) -> io::Result<Infallible> {
        turns::run(self)
    }

    /// Says what has been done, after it has been done.
    fn say(&self, lines: &str) {
        match &self.access_log {
            Some(access_log) => access_log.append(lines),
            None => explain::print(lines),
        }
    }
}
