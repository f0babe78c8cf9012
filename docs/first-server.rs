//! A first server: the chapter in one file. `docs/en/0-first-server.md` explains it line by line,
//! and then lists what is wrong with it.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

struct User {
    username: &'static str,
    email: &'static str,
    full_name: &'static str,
    disabled: bool,
    hashed_password: &'static str,
}

#[rustfmt::skip] // one user in two lines instead of seven
static FAKE_USERS_DB: [User; 2] = [
    User { username: "johndoe", email: "johndoe@example.com", full_name: "John Doe",
           disabled: false, hashed_password: "fakehashedsecret" },
    User { username: "alice", email: "alice@example.com", full_name: "Alice Wonderson",
           disabled: true, hashed_password: "fakehashedsecret2" },
];

/// A status, and the text that its JSON body has under `detail`.
type HTTPException = (&'static str, &'static str);

fn main() -> io::Result<()> {
    let port = env::args().nth(1).unwrap_or("8000".to_string());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        // A thread for each connection, so that a slow client delays nobody else.
        thread::spawn(|| serve(stream));
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    // What one read returns is taken for a whole request.
    let length = stream.read(&mut buffer)?;
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let head_length = request.parse(&buffer[..length]).unwrap().unwrap();
    let result = match (request.method.unwrap(), request.path.unwrap()) {
        ("POST", "/token") => login(&buffer[head_length..length]),
        ("GET", "/users/me") => read_users_me(request.headers),
        _ => Err(("404 Not Found", "Not Found")),
    };
    let (status, body) = match result {
        Ok(body) => ("200 OK", body),
        Err((status, detail)) => (status, format!(r#"{{"detail":"{detail}"}}"#)),
    };
    let fields = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    write!(stream, "HTTP/1.1 {status}\r\n{fields}connection: close\r\n\r\n{body}")
}

fn login(body: &[u8]) -> Result<String, HTTPException> {
    let form_data: HashMap<_, _> = form_urlencoded::parse(body).collect();
    let (Some(username), Some(password)) = (form_data.get("username"), form_data.get("password")) else {
        return Err(("422 Unprocessable Entity", "username and password are required"));
    };
    let user = get_user(username).ok_or(("400 Bad Request", "Incorrect username or password"))?;
    if format!("fakehashed{password}") != user.hashed_password {
        return Err(("400 Bad Request", "Incorrect username or password"));
    }
    Ok(format!(r#"{{"access_token":"{}","token_type":"bearer"}}"#, user.username))
}

fn read_users_me(headers: &[httparse::Header]) -> Result<String, HTTPException> {
    let authorization = headers.iter().find(|header| header.name == "Authorization");
    let Some(token) = authorization.and_then(|header| header.value.strip_prefix(b"Bearer ")) else {
        return Err(("401 Unauthorized", "Not authenticated"));
    };
    let user = get_user(std::str::from_utf8(token).unwrap());
    let user = user.ok_or(("401 Unauthorized", "Invalid authentication credentials"))?;
    if user.disabled {
        return Err(("400 Bad Request", "Inactive user"));
    }
    Ok(format!(
        r#"{{"username":"{}","email":"{}","full_name":"{}","disabled":{},"hashed_password":"{}"}}"#,
        user.username, user.email, user.full_name, user.disabled, user.hashed_password
    ))
}

fn get_user(username: &str) -> Option<&'static User> {
    FAKE_USERS_DB.iter().find(|user| user.username == username)
}
