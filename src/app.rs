//! Your app: the chapter's `main.py`, in its order and under its names.
//!
//! Layer: your app. Everything that FastAPI is imported for there is in [`crate::framework`] here.

use crate::explain::step;
use crate::framework::{
    HTTPException, Json, OAuth2PasswordBearer, OAuth2PasswordRequestForm, Route, dispatch, docs, reads_body,
};
use crate::server::{Application, Request, Response};

/// A user as the database has it: the chapter's `User` and `UserInDB` in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserInDB {
    /// The name to log in with; here it is the token as well.
    pub username: &'static str,
    /// An address that is not used.
    pub email: &'static str,
    /// The name for people.
    pub full_name: &'static str,
    /// Whether the user is locked out.
    pub disabled: bool,
    /// What [`fake_hash_password`] made of the password.
    pub hashed_password: &'static str,
}

/// The database: two users need no map and nothing to initialise.
pub static FAKE_USERS_DB: [UserInDB; 2] = [
    UserInDB {
        username: "johndoe",
        email: "johndoe@example.com",
        full_name: "John Doe",
        disabled: false,
        hashed_password: "fakehashedsecret",
    },
    UserInDB {
        username: "alice",
        email: "alice@example.com",
        full_name: "Alice Wonderson",
        disabled: true,
        hashed_password: "fakehashedsecret2",
    },
];

/// Hides nothing from anyone: it stands for a real hash, which cannot be undone.
#[must_use]
pub fn fake_hash_password(password: &str) -> String {
    format!("fakehashed{password}")
}

/// The scheme of every operation that wants a token, and where a token comes from.
pub static OAUTH2_SCHEME: OAuth2PasswordBearer = OAuth2PasswordBearer { token_url: "token" };

/// Looks a user up by name.
#[must_use]
pub fn get_user(db: &'static [UserInDB], username: &str) -> Option<&'static UserInDB> {
    db.iter().find(|user| user.username == username)
}

/// Whose token this is. There is no security in it at all: whoever knows a name has the token.
#[must_use]
pub fn fake_decode_token(token: &str) -> Option<&'static UserInDB> {
    get_user(&FAKE_USERS_DB, token)
}

/// Section 5, the first dependency: the user of the token.
///
/// # Errors
///
/// 401, with a challenge, for a request without a token and for a token that is nobody's.
pub fn get_current_user(request: &Request<'_>) -> Result<&'static UserInDB, HTTPException> {
    let token = OAUTH2_SCHEME.token(request)?;
    let Some(user) = fake_decode_token(&token) else {
        step("5", format_args!("the token names no user"));
        return Err(HTTPException::new(401, "Invalid authentication credentials")
            .with_header("www-authenticate", "Bearer"));
    };
    Ok(user)
}

/// Section 5, the second dependency, which begins with the first: the user, if active.
///
/// # Errors
///
/// 400 for a user who is disabled, and whatever [`get_current_user`] finds.
pub fn get_current_active_user(request: &Request<'_>) -> Result<&'static UserInDB, HTTPException> {
    let current_user = get_current_user(request)?;
    step("5", format_args!("the user is {}, disabled: {}", current_user.username, current_user.disabled));
    if current_user.disabled {
        return Err(HTTPException::new(400, "Inactive user"));
    }
    Ok(current_user)
}

/// `POST /token`, sections 3 and 4: a form goes in and a token comes out.
///
/// # Errors
///
/// 422 for a form with fields missing; 400 for an unknown user and, in the same words, for a
/// wrong password: nobody learns here which names exist.
pub fn login(request: &Request<'_>) -> Result<Response, HTTPException> {
    let form_data = OAuth2PasswordRequestForm::from_request(request)?;
    let Some(user) = get_user(&FAKE_USERS_DB, &form_data.username) else {
        step("3.2", format_args!("{:?} is not in FAKE_USERS_DB", form_data.username));
        return Err(HTTPException::new(400, "Incorrect username or password"));
    };
    step("3.2", format_args!("found {} in FAKE_USERS_DB", user.username));
    let hashed_password = fake_hash_password(&form_data.password);
    if hashed_password != user.hashed_password {
        step("3.3", format_args!("the hashes differ"));
        return Err(HTTPException::new(400, "Incorrect username or password"));
    }
    step("3.3", format_args!("the hashes agree"));
    step("4", format_args!("the token is the username: {}", user.username));
    let token = [("access_token", Json::Text(user.username)), ("token_type", Json::Text("bearer"))];
    Ok(Json::Object(&token).response(200))
}

/// `GET /users/me`, sections 5 and 6.2: the whole record, its hash included, as the chapter has it.
///
/// # Errors
///
/// Those of [`get_current_active_user`].
pub fn read_users_me(request: &Request<'_>) -> Result<Response, HTTPException> {
    let current_user = get_current_active_user(request)?;
    let user = [
        ("username", Json::Text(current_user.username)),
        ("email", Json::Text(current_user.email)),
        ("full_name", Json::Text(current_user.full_name)),
        ("disabled", Json::Bool(current_user.disabled)),
        ("hashed_password", Json::Text(current_user.hashed_password)),
    ];
    Ok(Json::Object(&user).response(200))
}

/// `GET /openapi.json`: FastAPI makes this document of the code above; here it is a file.
///
/// # Errors
///
/// None.
pub fn openapi(_: &Request<'_>) -> Result<Response, HTTPException> {
    Ok(Response::page("application/json", include_str!("openapi.json")))
}

/// What `@app.post("/token")` and its like add up to. An answer with a token, or about one, must
/// not stay in a cache (RFC 6749 §5.1).
pub static ROUTES: [Route; 4] = [
    Route { method: "POST", path: "/token", endpoint: login, headers: &[("cache-control", "no-store")] },
    Route { method: "GET", path: "/users/me", endpoint: read_users_me, headers: &[] },
    Route { method: "GET", path: "/openapi.json", endpoint: openapi, headers: &[] },
    Route { method: "GET", path: "/docs", endpoint: docs, headers: &[] },
];

/// The application, as the server wants it.
pub const APPLICATION: Application = Application {
    reads_body: |request| reads_body(&ROUTES, request),
    answer: |request| dispatch(&ROUTES, request),
};
