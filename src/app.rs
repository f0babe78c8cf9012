//! The chapter's `main.py`, in its order and under its names.
//!
//! Layer: your app. What the chapter imports from FastAPI is in [`crate::framework`] here.

use crate::framework::explain::step;
use crate::framework::{
    HTTPException, Json, OAuth2PasswordBearer, OAuth2PasswordRequestForm, Route, dispatch, docs, openapi,
};
use crate::server::{Request, Response};

/// The database. Two users need no map.
static FAKE_USERS_DB: [UserInDB; 2] = [
    UserInDB {
        username: "johndoe",
        full_name: "John Doe",
        email: "johndoe@example.com",
        hashed_password: "fakehashedsecret",
        disabled: false,
    },
    UserInDB {
        username: "alice",
        full_name: "Alice Wonderson",
        email: "alice@example.com",
        hashed_password: "fakehashedsecret2",
        disabled: true,
    },
];

/// In place of a real hash. A real one cannot be undone; this one hides nothing.
fn fake_hash_password(password: &str) -> String {
    format!("fakehashed{password}")
}

/// What an operation calls when it wants a token.
static OAUTH2_SCHEME: OAuth2PasswordBearer = OAuth2PasswordBearer { token_url: "token" };

/// A user in the database: the chapter's `User` and `UserInDB` in one.
struct UserInDB {
    username: &'static str,
    email: &'static str,
    full_name: &'static str,
    disabled: bool,
    hashed_password: &'static str,
}

/// Looks a user up by name.
fn get_user(db: &'static [UserInDB], username: &str) -> Option<&'static UserInDB> {
    db.iter().find(|user| user.username == username)
}

/// Whose token this is. It gives no security at all: a name is a token.
fn fake_decode_token(token: &str) -> Option<&'static UserInDB> {
    get_user(&FAKE_USERS_DB, token)
}

/// Section 5, the first dependency: the user of the token, or 401.
fn get_current_user(request: &Request<'_>) -> Result<&'static UserInDB, HTTPException> {
    let token = OAUTH2_SCHEME.token(request)?;
    let Some(user) = fake_decode_token(&token) else {
        step("5", || "the token names no user".into());
        return Err(HTTPException::new(401, "Invalid authentication credentials")
            .with_header("www-authenticate", "Bearer"));
    };
    Ok(user)
}

/// Section 5, the second dependency, which calls the first: the user, if active, or 400.
fn get_current_active_user(request: &Request<'_>) -> Result<&'static UserInDB, HTTPException> {
    let current_user = get_current_user(request)?;
    step("5", || format!("the user is {}, disabled: {}", current_user.username, current_user.disabled));
    if current_user.disabled {
        return Err(HTTPException::new(400, "Inactive user"));
    }
    Ok(current_user)
}

/// `POST /token`, sections 3 and 4: a form goes in, a token comes out. An unknown user and a wrong
/// password get the same 400, so the login does not tell which names exist.
fn login(request: &Request<'_>) -> Result<Response, HTTPException> {
    let form_data = OAuth2PasswordRequestForm::from_request(request)?;
    let Some(user) = get_user(&FAKE_USERS_DB, &form_data.username) else {
        step("3.2", || format!("{:?} is not in FAKE_USERS_DB", form_data.username));
        return Err(HTTPException::new(400, "Incorrect username or password"));
    };
    step("3.2", || format!("found {} in FAKE_USERS_DB", user.username));
    let hashed_password = fake_hash_password(&form_data.password);
    if hashed_password != user.hashed_password {
        step("3.3", || "the hashes differ".into());
        return Err(HTTPException::new(400, "Incorrect username or password"));
    }
    step("3.3", || "the hashes are equal".into());
    step("4", || format!("the token is the username: {}", user.username));
    let token = [("access_token", Json::Text(user.username)), ("token_type", Json::Text("bearer"))];
    Ok(Json::Object(&token).response(200))
}

/// `GET /users/me`, sections 5 and 6.2: the whole record, with its hash, as in the chapter.
fn read_users_me(request: &Request<'_>) -> Result<Response, HTTPException> {
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

/// What `@app.post("/token")` and `@app.get("/users/me")` add up to; FastAPI adds the last two by
/// itself. A response with a token must not stay in a cache (RFC 6749 §5.1).
static ROUTES: [Route; 4] = [
    Route { method: "POST", path: "/token", endpoint: login, headers: &[("cache-control", "no-store")] },
    Route { method: "GET", path: "/users/me", endpoint: read_users_me, headers: &[] },
    Route { method: "GET", path: "/openapi.json", endpoint: openapi, headers: &[] },
    Route { method: "GET", path: "/docs", endpoint: docs, headers: &[] },
];

/// `app = FastAPI()`: the function that the server calls for each request.
#[must_use]
pub fn app(request: &Request<'_>) -> Response {
    dispatch(&ROUTES, request)
}
