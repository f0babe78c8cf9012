//! The explain mode: for each request one block, with the steps of the chapter, the places that
//! took them, and nothing that is secret or forged.

mod support;

use std::time::Duration;

use support::{Answer, TestServer};

fn login(server: &TestServer, form: &str) -> Answer {
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    server.exchange(format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len()).as_bytes())
}

fn who_am_i(server: &TestServer, token: &str) -> Answer {
    let head = "GET /users/me HTTP/1.1\r\nHost: localhost";
    server.exchange(format!("{head}\r\nAuthorization: Bearer {token}\r\n\r\n").as_bytes())
}

/// The next block. The client's port is cut off, and so is the number of each line of the source,
/// once it is clear that a step of this section is noted there.
fn block(server: &TestServer) -> Vec<String> {
    let heading = server.next_line();
    let (request, peer) = heading.rsplit_once(' ').expect("a request and its client");
    assert!(peer.starts_with("127.0.0.1:"), "{heading}");
    let mut lines = vec![request.trim_end().to_owned()];
    loop {
        let line = server.next_line();
        if line.is_empty() {
            return lines;
        }
        lines.push(without_number(&line));
    }
}

fn without_number(line: &str) -> String {
    let mut words = line.split_whitespace();
    let (section, place) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let Some((file, number)) = place.split_once(".rs:") else { return line.trim().to_owned() };
    let path = format!("{}/{file}.rs", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let number: usize = number.parse().expect("the number of a line");
    let called = source.lines().nth(number - 1).unwrap_or_default().trim();
    assert!(called.starts_with(&format!("step(\"{section}\", ")), "{place} holds {called:?}");
    let finding = line.split_once(place).expect("the place").1.trim();
    format!("{section} {file}.rs {finding}")
}

fn explaining() -> TestServer {
    TestServer::start_with(&["--port", "0", "--explain"])
}

#[test]
fn a_login_is_told_from_the_form_to_the_token() {
    let server = explaining();
    login(&server, "username=johndoe&password=secret&scope=users:read+users:write");
    assert_eq!(
        block(&server),
        [
            "POST /token",
            r#"2 src/framework/form.rs 61 bytes of "application/x-www-form-urlencoded""#,
            r#"3.1 src/framework/form.rs username="johndoe", password=******, scopes=["users:read", "users:write"]"#,
            "3.2 src/app.rs found johndoe in FAKE_USERS_DB",
            "3.3 src/app.rs the hashes agree",
            "4 src/app.rs the token is the username: johndoe",
            r#"200  {"access_token":"johndoe","token_type":"bearer"}"#,
        ]
    );
}

#[test]
fn a_login_that_fails_is_told_up_to_where_it_fails() {
    let server = explaining();
    login(&server, "username=johndoe&password=wrong");
    assert_eq!(
        block(&server)[3..],
        [
            "3.2 src/app.rs found johndoe in FAKE_USERS_DB",
            "3.3 src/app.rs the hashes differ",
            r#"400  {"detail":"Incorrect username or password"}"#,
        ]
    );
    login(&server, "username=nobody&password=secret");
    assert_eq!(
        block(&server)[3..],
        [
            r#"3.2 src/app.rs "nobody" is not in FAKE_USERS_DB"#,
            r#"400  {"detail":"Incorrect username or password"}"#,
        ]
    );
    login(&server, "username=johndoe");
    assert_eq!(block(&server)[2], "3.1 src/framework/form.rs faults of the form: 1");
}

#[test]
fn the_user_of_a_token_is_told_through_both_dependencies() {
    let server = explaining();
    who_am_i(&server, "johndoe");
    assert_eq!(
        block(&server),
        [
            "GET /users/me",
            r#"5 src/framework/bearer.rs OAuth2PasswordBearer: the token is "johndoe""#,
            "5 src/app.rs the user is johndoe, disabled: false",
            r#"200  {"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"******"}"#,
        ]
    );
    who_am_i(&server, "alice");
    assert_eq!(
        block(&server)[2..],
        ["5 src/app.rs the user is alice, disabled: true", r#"400  {"detail":"Inactive user"}"#,]
    );
    who_am_i(&server, "nobody");
    assert_eq!(block(&server)[2], "5 src/app.rs the token names no user");
}

#[test]
fn the_page_and_a_redirect_are_told_in_a_line_each() {
    let server = explaining();
    server.exchange(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let page = block(&server);
    assert!(page[1].starts_with("6 src/framework/pages.rs "), "{page:?}");
    assert!(page[2].starts_with("200  text/html; charset=utf-8, "), "{page:?}");
    server.exchange(b"GET /docs/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(block(&server), ["GET /docs/", "307  no body"]);
}

#[test]
fn no_password_hash_or_client_secret_is_ever_printed() {
    let server = explaining();
    for form in [
        "username=johndoe&password=s3same&client_secret=hush",
        "username=nobody&password=s3same&client_secret=hush",
        "password=s3same&client_secret=hush",
        "username=johndoe&password=secret&client_secret=hush",
    ] {
        login(&server, form);
        let text = block(&server).join("\n");
        assert!(!text.contains("s3same") && !text.contains("hush"), "{text}");
    }
    who_am_i(&server, "johndoe");
    let text = block(&server).join("\n");
    assert!(!text.contains("fakehashed"), "{text}");
}

#[test]
fn a_client_cannot_forge_a_line_or_draw_on_the_terminal() {
    let server = explaining();
    login(&server, "username=%0A++200++forged%1B[2J&password=a&grant_type=%C2%9Bx%7F%0A");
    let text = block(&server).join("\n");
    assert!(text.contains(r"\u{9b}x\u{7f}\n"), "{text}");
    login(&server, "username=%0A++200++forged%1B[2J&password=a");
    let lines = block(&server);
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[2].contains(r#"username="\n  200  forged\u{1b}[2J""#), "{lines:?}");
    who_am_i(&server, "\u{9b}31m");
    let text = block(&server).join("\n");
    assert!(text.contains(r"\u{9b}31m"), "{text}");
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text}");
}

#[test]
fn without_the_flag_nothing_is_told() {
    let server = TestServer::start();
    login(&server, "username=johndoe&password=secret");
    assert_eq!(server.next_line_within(Duration::from_millis(300)), None);
}
