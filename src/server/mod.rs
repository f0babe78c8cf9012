//! The lowest layer: what uvicorn does for a FastAPI application.
//!
//! accept → read → parse → respond → write, and again. This layer has never heard of OAuth2, JSON
//! or routes: it is given an [`Application`], which is one function.
//!
//! - `accept.rs` accepts connections, and has a thread for each.
//! - `connection.rs` is the loop that a connection lives in.
//! - `socket.rs` reads and writes bytes, with deadlines.
//! - `request.rs`, `target.rs`, `framing.rs` and `body.rs` make a [`Request`] of the bytes.
//! - `response.rs` and `date.rs` make bytes of a [`Response`].
//! - `config.rs`, `limits.rs`, `error.rs` and `log.rs` serve all of them.

mod accept;
mod body;
mod config;
mod connection;
mod date;
mod error;
mod framing;
mod limits;
mod log;
mod request;
mod response;
mod socket;
mod target;

pub use accept::run;
pub use config::{Application, Config};
pub use limits::Limits;
pub use log::Log;
pub use request::Request;
pub use response::Response;
