//! The features that the pages ask their reader to build, each as a test that waits for it.
//!
//! They are ignored, because they fail until the reader has built what they want: the command is on
//! the page, and its answer is folded there. Page 0 has its test in `tests/first_server.rs`.

mod support;

use std::thread;
use std::time::Duration;

use simple_oauth2::app::app;
use simple_oauth2::server::Limits;

use support::{Client, Response, TestServer, get, post_form, serve};

/// Posts this form to `/token` of a fresh server.
fn log_in(form: &str) -> Response {
    TestServer::start().exchange(post_form(form).as_bytes())
}

/// Asks a fresh server for this path, with these header fields as well.
fn ask(path: &str, header_fields: &str) -> Response {
    TestServer::start().exchange(get(path, header_fields).as_bytes())
}

/// Asks a fresh server for this path, with this token.
fn ask_with(token: &str, path: &str) -> Response {
    ask(path, &format!("Authorization: Bearer {token}\r\n"))
}

#[test]
#[ignore = "page 1, Build it"]
fn the_root_leads_to_the_page() {
    let response = ask("/", "");
    assert_eq!(response.status, 307, "{}", response.text());
    assert_eq!(response.header("location"), Some("/docs"), "{}", response.head);
}

#[test]
#[ignore = "page 2, Build it"]
fn a_field_that_is_sent_twice_is_refused() {
    for (form, status) in [
        ("username=alice&username=johndoe&password=secret", 400),
        ("username=johndoe&password=secret&scope=a&scope=b", 400),
        ("username=johndoe&password=secret&unknown=&unknown=", 400),
        ("username=johndoe&password=secret&scope=a", 200),
    ] {
        let response = log_in(form);
        assert_eq!(response.status, status, "{form}: {}", response.text());
    }
}

#[test]
#[ignore = "page 3, Build it"]
fn an_email_address_logs_in_and_is_not_a_token() {
    for name in ["johndoe", "johndoe@example.com"] {
        let response = log_in(&format!("username={name}&password=secret"));
        let token = r#"{"access_token":"johndoe","token_type":"bearer"}"#;
        assert_eq!((response.status, response.text()), (200, token), "{name}");
        let response = log_in(&format!("username={name}&password=secret2"));
        assert_eq!(response.status, 400, "{name} with the password of alice");
    }
    let response = ask_with("johndoe@example.com", "/users/me");
    assert_eq!(response.status, 401, "an e-mail address as a token: {}", response.text());
}

#[test]
#[ignore = "page 4, Build it"]
fn a_token_says_how_many_seconds_it_lives() {
    let expected = r#"{"access_token":"johndoe","token_type":"bearer","expires_in":3600}"#;
    let response = log_in("username=johndoe&password=secret");
    assert_eq!(response.text(), expected, "the number has no quotation marks");
}

#[test]
#[ignore = "page 5, Build it"]
fn a_disabled_user_is_forbidden_and_a_bad_token_is_told_so() {
    let alice = ask_with("alice", "/users/me");
    assert_eq!(alice.status, 403, "alice is known, and not allowed: {}", alice.text());
    assert_eq!(alice.text(), r#"{"detail":"Inactive user"}"#);
    assert_eq!(alice.header("www-authenticate"), None, "no other token would help alice");

    let nobody = ask_with("nobody", "/users/me");
    assert_eq!(nobody.status, 401, "a token that names no user: {}", nobody.text());
    assert_eq!(nobody.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));

    let stranger = ask("/users/me", "");
    assert_eq!(stranger.header("www-authenticate"), Some("Bearer"), "no token, so none is bad");
    assert_eq!(ask_with("johndoe", "/users/me").status, 200, "johndoe is let in as before");
}

#[test]
#[ignore = "page 6, Build it"]
fn users_me_items_is_for_active_users_only() {
    let path = "/users/me/items";
    for (response, status, body) in [
        (ask_with("johndoe", path), 200, r#"[{"item_id":"Foo","owner":"johndoe"}]"#),
        (ask_with("alice", path), 400, r#"{"detail":"Inactive user"}"#),
        (ask(path, ""), 401, r#"{"detail":"Not authenticated"}"#),
    ] {
        assert_eq!((response.status, response.text()), (status, body));
    }
    let post = b"POST /users/me/items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(TestServer::start().exchange(post).header("allow"), Some("GET, HEAD"));
}

#[test]
#[ignore = "page 8, Build it"]
fn a_404_names_the_path_as_it_was_sent() {
    for (path, detail) in [("/user/me", "/user/me"), ("/%75sers/%zz", "/%75sers/%zz"), (r"/a\b", r"/a\\b")] {
        let response = ask(path, "");
        let expected = format!(r#"{{"detail":"Not Found: {detail}"}}"#);
        assert_eq!((response.status, response.text()), (404, expected.as_str()));
    }
}

#[test]
#[ignore = "page 9, Build it"]
fn a_flag_limits_the_life_of_a_connection() {
    let server = TestServer::start_with(&["--port", "0", "--no-access-log", "--limit-lifetime", "1"]);
    let mut client = server.connect();
    thread::sleep(Duration::from_millis(1200));
    client.send(get("/users/me", "").as_bytes());
    let response = client.response();
    assert_eq!(response.header("connection"), Some("close"), "{}", response.head);
    client.finish_sending();
    assert!(client.is_closed());
}

#[test]
#[ignore = "page 10, Build it"]
fn a_broken_escape_in_a_path_is_400() {
    for (target, status) in [
        ("/%zz", 400),
        ("/users/me%", 400),
        ("/users/me%7", 400),
        ("/users/me%7?a=1", 400),
        ("/%75sers/me", 401),
        ("/users/me?discount=100%", 401),
    ] {
        let response = ask(target, "");
        assert_eq!(response.status, status, "{target}: {}", response.text());
    }
}

#[test]
#[ignore = "page 11, Build it"]
fn dropped_trailer_fields_are_counted_in_the_log() {
    const LOGIN: &str = "POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\
                         20\r\nusername=johndoe&password=secret\r\n0\r\n";
    let server = TestServer::start_with(&["--port", "0"]);
    server.exchange(format!("{LOGIN}\r\n").as_bytes());
    let line = server.lines.next();
    assert!(line.contains("\"POST /token HTTP/1.1\""), "without trailers, the first line is: {line}");
    server.exchange(format!("{LOGIN}Digest: abc\r\nX-Note: hi\r\n\r\n").as_bytes());
    let line = server.lines.next();
    assert!(line.ends_with(" - 2 trailer fields dropped"), "with two trailers, the next line is: {line}");
}

#[test]
#[ignore = "page 12, Build it"]
fn the_hundredth_response_is_the_last_one_of_its_connection() {
    let mut client = Client::connect(serve(Limits::DEFAULT, app));
    client.send(get("/users/me", "").repeat(101).as_bytes());
    for number in 1..=100 {
        let expected = if number < 100 { None } else { Some("close") };
        assert_eq!(client.response().header("connection"), expected, "of response number {number}");
    }
    assert!(client.is_closed(), "something follows response number 100");
}

#[test]
#[ignore = "page 13, Build it"]
fn a_response_says_how_long_its_connection_may_be_idle() {
    let limits = Limits { idle_timeout: Duration::from_secs(7), ..Limits::DEFAULT };
    let mut client = Client::connect(serve(limits, app));
    for (field, connection, keep_alive) in
        [("", "keep-alive", Some("timeout=7")), ("Connection: close\r\n", "close", None)]
    {
        client.send(get("/users/me", field).as_bytes());
        let response = client.response();
        assert_eq!(response.header("keep-alive"), keep_alive, "of {response:?}");
        assert_eq!(response.header("connection"), Some(connection), "of {response:?}");
    }
}
