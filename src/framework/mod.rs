//! The floor between: what FastAPI and Starlette do for the chapter's code.
//!
//! It knows HTTP requests from below and gives them a meaning: forms, bearer tokens, JSON,
//! exceptions, routes. It knows no user and no route of the application above.

mod bearer;
mod exception;
mod form;
mod json;
mod pages;
mod routing;
mod validation;

pub use bearer::OAuth2PasswordBearer;
pub use exception::{Detail, HTTPException};
pub use form::OAuth2PasswordRequestForm;
pub use json::Json;
pub use pages::docs;
pub use routing::{Route, dispatch, reads_body};
pub use validation::ValidationError;
