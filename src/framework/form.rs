//! `OAuth2PasswordRequestForm`: the login form of RFC 6749 §4.3.2.
//!
//! Layer: framework; FastAPI's class of that name, with python-multipart and Pydantic. Tutorial
//! sections 2, 2.1 and 3.1.

use std::borrow::Cow;

use super::exception::HTTPException;
use super::explain::step;
use super::json::Json;
use crate::server::Request;

/// Starlette has the same limit.
const MAX_FIELDS: usize = 1000;

/// What a client sends to log in. A value is borrowed from the request if nothing in it had to be
/// decoded.
pub(crate) struct OAuth2PasswordRequestForm<'a> {
    /// `password`. RFC 6749 requires this field; FastAPI lets it be absent.
    pub(crate) grant_type: Option<Cow<'a, str>>,
    /// The RFC names this field: `email` or `user-name` would be another field.
    pub(crate) username: Cow<'a, str>,
    /// The password, as the user typed it.
    pub(crate) password: Cow<'a, str>,
    /// The field `scope`, split at its white space.
    pub(crate) scopes: Vec<String>,
    /// The application that logs in for its user. Nothing here uses it.
    pub(crate) client_id: Option<Cow<'a, str>>,
    /// The password of that application. Nothing here uses it.
    pub(crate) client_secret: Option<Cow<'a, str>>,
}

/// The fields of a form in their order: names and values.
type Fields<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl<'a> OAuth2PasswordRequestForm<'a> {
    /// Reads the form of a request: what `= Depends()` with nothing in its parentheses does.
    ///
    /// 422 with everything that is wrong with the fields. A body that is not a form counts as an empty
    /// form, so a login in JSON lacks both its fields.
    pub(crate) fn from_request(request: &Request<'a>) -> Result<Self, HTTPException> {
        let content_type = request.header("content-type").unwrap_or_default();
        let media_type = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        let is_form = media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
        step("2", || format!("{} bytes of {}", request.body.len(), String::from_utf8_lossy(media_type)));
        let fields = if is_form { read_fields(request.body)? } else { Vec::new() };
        Self::validate(&fields)
    }

    /// Finds everything that is wrong at once, so that the client can correct it at once.
    fn validate(fields: &Fields<'a>) -> Result<Self, HTTPException> {
        let grant_type = field(fields, "grant_type");
        let username = field(fields, "username");
        let password = field(fields, "password");
        let mut errors = Vec::new();
        if let Some(input) = grant_type.as_deref() {
            if input != "password" {
                errors.push(pattern_mismatch("grant_type", "^password$", input));
            }
        }
        for (name, value) in [("username", &username), ("password", &password)] {
            if value.is_none() {
                errors.push(missing(name));
            }
        }
        match (username, password) {
            (Some(username), Some(password)) if errors.is_empty() => {
                let scope = field(fields, "scope").unwrap_or_default();
                let scopes = scope.split_whitespace().map(str::to_owned).collect();
                let client_id = field(fields, "client_id");
                let client_secret = field(fields, "client_secret");
                let form = Self { grant_type, username, password, scopes, client_id, client_secret };
                step("3.1", || form.without_secrets());
                Ok(form)
            }
            _ => {
                step("3.1", || format!("errors in the form: {}", errors.len()));
                Err(HTTPException::validation_error(&errors))
            }
        }
    }

    /// The form as it may be shown: stars, whatever the length of a password.
    fn without_secrets(&self) -> String {
        let Self { grant_type, username, scopes, client_id, .. } = self;
        let client_secret = self.client_secret.as_ref().map(|_| "******");
        format!(
            "grant_type={grant_type:?}, username={username:?}, password=******, scopes={scopes:?}, \
             client_id={client_id:?}, client_secret={client_secret:?}"
        )
    }
}

/// The fields, decoded: `+` is a space, `%6a` is `j`.
fn read_fields(body: &[u8]) -> Result<Fields<'_>, HTTPException> {
    let fields: Fields<'_> = form_urlencoded::parse(body).take(MAX_FIELDS + 1).collect();
    if fields.len() > MAX_FIELDS {
        return Err(HTTPException::new(400, "Too many fields. Maximum number of fields is 1000."));
    }
    Ok(fields)
}

/// The value of a field. The last one counts if it is repeated; an empty one counts as absent.
fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = fields.iter().rev().find(|(other, _)| other == name)?;
    if value.is_empty() { None } else { Some(value.clone()) }
}

/// The error for a required field that is absent, in the words of Pydantic. Clients read them.
fn missing(field: &str) -> String {
    Json::Object(&[
        ("type", Json::Text("missing")),
        ("loc", Json::List(&[Json::Text("body"), Json::Text(field)])),
        ("msg", Json::Text("Field required")),
        ("input", Json::Null),
    ])
    .text()
}

/// The error for a field whose value is not one of those that are allowed.
fn pattern_mismatch(field: &str, pattern: &str, input: &str) -> String {
    Json::Object(&[
        ("type", Json::Text("string_pattern_mismatch")),
        ("loc", Json::List(&[Json::Text("body"), Json::Text(field)])),
        ("msg", Json::Text(&format!("String should match pattern '{pattern}'"))),
        ("input", Json::Text(input)),
        ("ctx", Json::Object(&[("pattern", Json::Text(pattern))])),
    ])
    .text()
}
