//! The features that the pages ask their reader to build, each as a test that waits for it.
//!
//! They are ignored, because they fail until the reader has built what they want: the command is on
//! the page, and its answer is folded there. Page 0 has its test in `tests/first_server.rs`.

mod support;

use support::{Response, TestServer};

/// Posts this form to `/token` of a fresh server.
fn log_in(form: &str) -> Response {
    let length = form.len();
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    TestServer::start().exchange(format!("{head}\r\nContent-Length: {length}\r\n\r\n{form}").as_bytes())
}

mod page_1 {
    use super::TestServer;

    #[test]
    #[ignore = "page 1, Build it"]
    fn the_root_leads_to_the_page() {
        let response = TestServer::start().exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(response.status, 307, "{}", response.text());
        assert_eq!(response.header("location"), Some("/docs"), "{}", response.head);
    }
}

mod page_2 {
    use super::log_in;

    #[test]
    #[ignore = "page 2, Build it"]
    fn a_field_that_is_sent_twice_is_refused() {
        for form in [
            "username=alice&username=johndoe&password=secret",
            "username=johndoe&password=secret&scope=a&scope=b",
            "username=johndoe&password=secret&unknown=&unknown=",
        ] {
            let response = log_in(form);
            assert_eq!(response.status, 400, "{form}: {}", response.text());
        }
        let response = log_in("username=johndoe&password=secret&scope=a");
        assert_eq!(response.status, 200, "each field once: {}", response.text());
    }
}

mod page_3 {
    use super::{TestServer, log_in};

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
        let request =
            b"GET /users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer johndoe@example.com\r\n\r\n";
        let response = TestServer::start().exchange(request);
        assert_eq!(response.status, 401, "an e-mail address as a token: {}", response.text());
    }
}

mod page_4 {
    use super::support::TestServer;

    #[test]
    #[ignore = "page 4, Build it"]
    fn a_token_says_how_many_seconds_it_lives() {
        let form = "username=johndoe&password=secret";
        let head =
            "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
        let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len());
        let response = TestServer::start().exchange(request.as_bytes());
        assert_eq!(
            response.text(),
            r#"{"access_token":"johndoe","token_type":"bearer","expires_in":3600}"#,
            "the number has no quotation marks"
        );
    }
}

mod page_5 {
    use super::support::{Response, TestServer};

    fn users_me(token: &str) -> Response {
        let head = "GET /users/me HTTP/1.1\r\nHost: localhost";
        let request = format!("{head}\r\nAuthorization: Bearer {token}\r\n\r\n");
        TestServer::start().exchange(request.as_bytes())
    }

    #[test]
    #[ignore = "page 5, Build it"]
    fn a_disabled_user_is_forbidden_and_a_bad_token_is_told_so() {
        let alice = users_me("alice");
        assert_eq!(alice.status, 403, "alice is known, and not allowed: {}", alice.text());
        assert_eq!(alice.text(), r#"{"detail":"Inactive user"}"#);
        assert_eq!(alice.header("www-authenticate"), None, "no other token would help alice");

        let nobody = users_me("nobody");
        assert_eq!(nobody.status, 401, "a token that names no user: {}", nobody.text());
        assert_eq!(nobody.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));

        let request = b"GET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let stranger = TestServer::start().exchange(request);
        assert_eq!(stranger.header("www-authenticate"), Some("Bearer"), "no token, so none is bad");
        assert_eq!(users_me("johndoe").status, 200, "johndoe is let in as before");
    }
}

mod page_6 {
    use super::support::{Response, TestServer};

    /// Sends this to `/users/me/items`, with these header fields as well.
    fn own_items(method: &str, header_fields: &str) -> Response {
        let request = format!("{method} /users/me/items HTTP/1.1\r\nHost: localhost\r\n{header_fields}\r\n");
        TestServer::start().exchange(request.as_bytes())
    }

    #[test]
    #[ignore = "page 6, Build it"]
    fn users_me_items_is_for_active_users_only() {
        let johndoe = own_items("GET", "Authorization: Bearer johndoe\r\n");
        assert_eq!(johndoe.text(), r#"[{"item_id":"Foo","owner":"johndoe"}]"#);
        assert_eq!(johndoe.status, 200);
        let alice = own_items("GET", "Authorization: Bearer alice\r\n");
        assert_eq!((alice.status, alice.text()), (400, r#"{"detail":"Inactive user"}"#));
        let stranger = own_items("GET", "");
        assert_eq!((stranger.status, stranger.text()), (401, r#"{"detail":"Not authenticated"}"#));
        assert_eq!(own_items("POST", "Content-Length: 0\r\n").header("allow"), Some("GET, HEAD"));
    }
}

mod page_8 {
    use crate::support::TestServer;

    #[test]
    #[ignore = "page 8, Build it"]
    fn a_404_names_the_path_as_it_was_sent() {
        let server = TestServer::start();
        for (path, detail) in
            [("/user/me", "/user/me"), ("/%75sers/%zz", "/%75sers/%zz"), (r"/a\b", r"/a\\b")]
        {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let response = server.exchange(request.as_bytes());
            let body = String::from_utf8_lossy(&response.body).into_owned();
            let expected = format!(r#"{{"detail":"Not Found: {detail}"}}"#);
            assert_eq!((response.status, body), (404, expected));
        }
    }
}

mod page_9 {
    use std::thread;
    use std::time::Duration;

    use crate::support::TestServer;

    #[test]
    #[ignore = "page 9, Build it"]
    fn a_flag_limits_the_life_of_a_connection() {
        let server = TestServer::start_with(&["--port", "0", "--no-access-log", "--limit-lifetime", "1"]);
        let mut client = server.connect();
        thread::sleep(Duration::from_millis(1200));
        client.send(b"GET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = client.response();
        assert_eq!(response.header("connection"), Some("close"), "{}", response.head);
        client.finish_sending();
        assert!(client.is_closed());
    }
}

mod page_10 {
    use crate::support::TestServer;

    #[test]
    #[ignore = "page 10, Build it"]
    fn a_broken_escape_in_a_path_is_400() {
        let server = TestServer::start();
        for (target, status) in [
            ("/%zz", 400),
            ("/users/me%", 400),
            ("/users/me%7", 400),
            ("/users/me%7?a=1", 400),
            ("/%75sers/me", 401),
            ("/users/me?discount=100%", 401),
        ] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let response = server.exchange(request.as_bytes());
            assert_eq!(response.status, status, "{target}: {}", response.text());
        }
    }
}

mod page_11 {
    use crate::support::TestServer;

    const LOGIN: &str = "POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\
                         20\r\nusername=johndoe&password=secret\r\n0\r\n";

    #[test]
    #[ignore = "page 11, Build it"]
    fn dropped_trailer_fields_are_counted_in_the_log() {
        let server = TestServer::start_with(&["--port", "0"]);
        server.exchange(format!("{LOGIN}\r\n").as_bytes());
        let line = server.next_line();
        assert!(line.contains("\"POST /token HTTP/1.1\""), "without trailers, the first line is: {line}");
        server.exchange(format!("{LOGIN}Digest: abc\r\nX-Note: hi\r\n\r\n").as_bytes());
        let line = server.next_line();
        assert!(line.ends_with(" - 2 trailer fields dropped"), "with two trailers, the next line is: {line}");
    }
}

mod page_12 {
    use simple_oauth2::server::Limits;

    use crate::support::{Client, serve_with};

    #[test]
    #[ignore = "page 12, Build it"]
    fn the_hundredth_response_is_the_last_one_of_its_connection() {
        let mut client = Client::connect(serve_with(Limits::DEFAULT));
        client.send("GET /users/me HTTP/1.1\r\nHost: a\r\n\r\n".repeat(101).as_bytes());
        for number in 1..100 {
            assert_eq!(client.response().header("connection"), None, "of response number {number}");
        }
        assert_eq!(client.response().header("connection"), Some("close"), "of response number 100");
        assert!(client.is_closed(), "something follows response number 100");
    }
}

mod page_13 {
    use std::time::Duration;

    use simple_oauth2::server::Limits;

    use crate::support::{Client, serve_with};

    #[test]
    #[ignore = "page 13, Build it"]
    fn a_response_says_how_long_its_connection_may_be_idle() {
        let limits = Limits { idle_timeout: Duration::from_secs(7), ..Limits::DEFAULT };
        let mut client = Client::connect(serve_with(limits));
        client.send(b"GET /users/me HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = client.response();
        assert_eq!(response.header("keep-alive"), Some("timeout=7"), "of {response:?}");
        assert_eq!(response.header("connection"), Some("keep-alive"), "of {response:?}");
        client.send(b"GET /users/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let response = client.response();
        assert_eq!(response.header("keep-alive"), None, "of {response:?}");
        assert_eq!(response.header("connection"), Some("close"), "of {response:?}");
    }
}
