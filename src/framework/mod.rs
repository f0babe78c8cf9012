//! The layer between: what FastAPI and Starlette do for the chapter's code.
//!
//! It takes HTTP requests from the layer below and gives them a meaning: forms, bearer tokens, JSON,
//! exceptions, routes. It knows no user and no route of the application above; only `openapi.json`, a
//! file here, names its routes, because FastAPI would make it of them.

mod bearer;
mod docs;
mod exception;
pub mod explain;
mod form;
mod json;
mod routing;

pub(crate) use bearer::OAuth2PasswordBearer;
pub(crate) use docs::{docs, openapi};
pub(crate) use exception::HTTPException;
pub(crate) use form::OAuth2PasswordRequestForm;
pub(crate) use json::Json;
pub(crate) use routing::{Route, dispatch};
