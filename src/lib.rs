//! The FastAPI chapter "Simple OAuth2 with Password and Bearer" in three layers that can be read.
//!
//! - [`app`] is the chapter: users, passwords, tokens and two operations, in its order and under
//!   its names.
//! - [`framework`] is what FastAPI and Starlette do for it.
//! - [`server`] is what uvicorn does for them.
//!
//! A layer knows only what is below it. The read-along is in `docs/`.

#![forbid(unsafe_code)]

pub mod app;
pub mod framework;
pub mod server;
