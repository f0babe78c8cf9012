//! `OAuth2PasswordRequestForm`: the login form of RFC 6749 §4.3.2.
//!
//! Layer: FastAPI's class of that name and python-multipart. Tutorial sections 2, 2.1 and 3.1.

use std::borrow::Cow;

use super::exception::HTTPException;
use super::validation::ValidationError;
use crate::explain::step;
use crate::server::Request;

/// More fields than anyone has; Starlette counts to the same number.
const MOST_FIELDS: usize = 1000;

/// What a client sends to log in. A value is borrowed from the request where no escape had to be
/// decoded in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2PasswordRequestForm<'a> {
    /// `password`, by RFC 6749 required; FastAPI lets it be absent.
    pub grant_type: Option<Cow<'a, str>>,
    /// Called so and not `email` or `user-name`, because the RFC says so.
    pub username: Cow<'a, str>,
    /// The password, as the user typed it.
    pub password: Cow<'a, str>,
    /// The field `scope`, split at its blanks.
    pub scopes: Vec<String>,
    /// The application that logs in for its user; unused here.
    pub client_id: Option<Cow<'a, str>>,
    /// And its own password; unused here.
    pub client_secret: Option<Cow<'a, str>>,
}

impl<'a> OAuth2PasswordRequestForm<'a> {
    /// Reads the form of a request: what `= Depends()` with nothing in it does.
    ///
    /// # Errors
    ///
    /// 422 with everything that is wrong with the fields. A body that is not a form at all is an
    /// empty form, so a JSON login misses both its fields. 400 for more than 1000 fields.
    pub fn from_request(request: &Request<'a>) -> Result<Self, HTTPException> {
        let content_type = request.header("content-type").unwrap_or_default();
        let media_type = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        let is_form = media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
        let body = if is_form { request.body } else { b"" };
        let bytes = request.body.len();
        step("2", format_args!("{bytes} bytes of {:?}", String::from_utf8_lossy(media_type)));
        Fields::read(body)?.validate()
    }
}

/// The fields as they came. A repeated field: the last one stands; an empty one counts as absent.
#[derive(Default)]
struct Fields<'a> {
    grant_type: Option<Cow<'a, str>>,
    username: Option<Cow<'a, str>>,
    password: Option<Cow<'a, str>>,
    scope: Option<Cow<'a, str>>,
    client_id: Option<Cow<'a, str>>,
    client_secret: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    fn read(body: &'a [u8]) -> Result<Self, HTTPException> {
        let mut fields = Self::default();
        for (index, (name, value)) in form_urlencoded::parse(body).enumerate() {
            if index == MOST_FIELDS {
                return Err(HTTPException::new(400, "Too many fields. Maximum number of fields is 1000."));
            }
            let field = match &*name {
                "grant_type" => &mut fields.grant_type,
                "username" => &mut fields.username,
                "password" => &mut fields.password,
                "scope" => &mut fields.scope,
                "client_id" => &mut fields.client_id,
                "client_secret" => &mut fields.client_secret,
                _ => continue,
            };
            *field = Some(value).filter(|value| !value.is_empty());
        }
        Ok(fields)
    }

    /// Finds all that is wrong at once, so that the client can mend it at once.
    fn validate(self) -> Result<OAuth2PasswordRequestForm<'a>, HTTPException> {
        let mut errors = Vec::new();
        if let Some(input) = self.grant_type.as_deref().filter(|grant_type| *grant_type != "password") {
            let (pattern, input) = ("^password$", input.to_owned());
            errors.push(ValidationError::PatternMismatch { field: "grant_type", pattern, input });
        }
        for (field, value) in [("username", &self.username), ("password", &self.password)] {
            if value.is_none() {
                errors.push(ValidationError::Missing { field });
            }
        }
        let (Some(username), Some(password), true) = (self.username, self.password, errors.is_empty()) else {
            step("3.1", format_args!("faults of the form: {}", errors.len()));
            return Err(errors.into());
        };
        let scope = self.scope.unwrap_or_default();
        let scopes = scope.split_whitespace().map(str::to_owned).collect();
        step("3.1", format_args!("username={username:?}, password=******, scopes={scopes:?}"));
        let Self { grant_type, client_id, client_secret, .. } = self;
        Ok(OAuth2PasswordRequestForm { grant_type, username, password, scopes, client_id, client_secret })
    }
}
