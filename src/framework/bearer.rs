//! `OAuth2PasswordBearer`: takes the token out of a request. It does not check the token.
//!
//! Layer: framework; FastAPI's class of that name. Tutorial section 5; RFC 6750 §2.1.

use std::borrow::Cow;

use super::exception::HTTPException;
use super::explain::step;
use crate::server::Request;

/// A bearer scheme: a client that sends the token may pass.
pub(crate) struct OAuth2PasswordBearer {
    /// Where a client gets a token: a relative URL, so that it is right under any host and scheme.
    /// `openapi.json` has it too, for clients.
    pub(crate) token_url: &'static str,
}

impl OAuth2PasswordBearer {
    /// The token of a request; FastAPI calls this `__call__`.
    ///
    /// 401 without an `Authorization` header, or with another scheme. A 401 must carry a challenge
    /// that says what would help (RFC 9110 §15.5.2).
    pub(crate) fn token<'a>(&self, request: &Request<'a>) -> Result<Cow<'a, str>, HTTPException> {
        let authorization = request.header("authorization").unwrap_or_default();
        let mut words = authorization.splitn(2, |&byte| byte == b' ');
        let scheme = words.next().unwrap_or_default();
        let token = words.next().unwrap_or_default().trim_ascii();
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            step("5", || format!("no bearer token in Authorization; POST /{} gives one", self.token_url));
            return Err(
                HTTPException::new(401, "Not authenticated").with_header("www-authenticate", "Bearer")
            );
        }
        let token = String::from_utf8_lossy(token);
        step("5", || format!("the bearer token is {token:?}"));
        Ok(token)
    }
}
