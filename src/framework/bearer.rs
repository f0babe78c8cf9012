//! `OAuth2PasswordBearer`: takes the token out of a request. It does not look at the token.
//!
//! Layer: FastAPI's class of that name. Tutorial section 5; RFC 6750 §2.1.

use std::borrow::Cow;

use super::exception::HTTPException;
use crate::explain::step;
use crate::server::Request;

/// A bearer scheme: "who bears this token may pass".
#[derive(Clone, Copy, Debug)]
pub struct OAuth2PasswordBearer {
    /// Where a client gets a token. The server does not need it: it stands in `/openapi.json`, for
    /// clients, and is relative, so that it is right under any host, port and scheme.
    pub token_url: &'static str,
}

impl OAuth2PasswordBearer {
    /// The token of a request: FastAPI's `__call__`.
    ///
    /// # Errors
    ///
    /// 401 without an `Authorization` header, or with one of another scheme. A 401 must carry a
    /// challenge that says what would help (RFC 9110 §15.5.2).
    pub fn token<'a>(&self, request: &Request<'a>) -> Result<Cow<'a, str>, HTTPException> {
        let authorization = request.header("authorization").unwrap_or_default();
        let mut words = authorization.splitn(2, |&byte| byte == b' ');
        let scheme = words.next().unwrap_or_default();
        let token = words.next().unwrap_or_default().trim_ascii();
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            step("5", format_args!("OAuth2PasswordBearer: no Authorization header with a bearer token"));
            return Err(
                HTTPException::new(401, "Not authenticated").with_header("www-authenticate", "Bearer")
            );
        }
        let token = String::from_utf8_lossy(token);
        step("5", format_args!("OAuth2PasswordBearer: the token is {token:?}"));
        Ok(token)
    }
}
