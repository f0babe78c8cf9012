//! The FastAPI chapter "Simple OAuth2 with Password and Bearer" on floors that can be read.
//!
//! - [`app`] is the chapter: users, passwords, tokens and two operations, in its order and under
//!   its names.
//! - [`framework`] is what FastAPI and Starlette do for it.
//! - [`server`] is what uvicorn does for them.
//! - [`explain`] tells what happens while it happens.
//!
//! A floor knows only what is below it; `explain` stands beside them. The read-along is in `docs/`.

pub mod app;
pub mod explain;
pub mod framework;
pub mod server;
