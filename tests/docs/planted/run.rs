//! Transcripts, true ones and false ones, run in both ways.

use super::*;

/// What a page comes to that has this transcript and nothing else.
fn outcome(transcript: &str, way: Way) -> Vec<String> {
    let page = ("docs/en/3-page.md".to_owned(), format!("```console\n{transcript}\n```\n"));
    transcripts::faults(&Tree::of([page, ("tests/tutorial.rs".to_owned(), TESTS.to_owned())]), way)
}

/// Runs it in both ways, as far as there is a curl.
fn assert_true(transcript: &str) {
    let none: [&str; 0] = [];
    assert_eq!(outcome(transcript, Way::TestClient), none);
    if curl::is_installed() {
        assert_eq!(outcome(transcript, Way::Curl), none);
    }
}

fn assert_false(transcript: &str, what: &str) {
    let found = outcome(transcript, Way::TestClient);
    assert!(found.len() == 1 && found[0].contains(what), "{found:?}");
    if curl::is_installed() {
        assert_eq!(outcome(transcript, Way::Curl), found);
    }
}

#[test]
fn commands_come_back_as_the_page_says() {
    assert_true(
        "$ curl -d 'username=johndoe&password=secret' \\\n    http://127.0.0.1:8000/token\n{\"access_token\":\"johndoe\",\"token_type\":\"bearer\"}\n\
         $ curl --data-urlencode 'username=jöhn doe' -d password=secret http://127.0.0.1:8000/token\n{\"detail\":\"Incorrect username or password\"}",
    );
    assert_true(
        "$ curl -s -H 'authorization: bearer alice' \"http://127.0.0.1:8000/users/me?x=1\"\n{\"detail\":\"Inactive user\"}",
    );
    assert_true(
        "$ curl -u johndoe:secret http://127.0.0.1:8000/users/me\n{\"detail\":\"Not authenticated\"}",
    );
}

#[test]
fn a_head_and_an_interim_answer_come_back_as_the_page_says() {
    assert_true(
        "$ curl -I http://127.0.0.1:8000/users/me/\nHTTP/1.1 307 Temporary Redirect\ndate: [..]\nlocation: /users/me\ncontent-length: 0",
    );
    assert_true(
        "$ curl -i -H 'Expect: 100-continue' -H 'Transfer-Encoding: chunked' -d 'username=johndoe' -d 'password=secret' http://127.0.0.1:8000/token\n\
         HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\ndate: [..]\ncache-control: no-store\ncontent-length: 48\ncontent-type: application/json\n\n\
         {\"access_token\":\"johndoe\",\"token_type\":\"bearer\"}",
    );
}

#[test]
fn one_byte_too_many_or_another_date_is_found() {
    assert_false(
        "$ curl http://127.0.0.1:8000/nowhere\n{\"detail\":\"Not Found\"} ",
        "{\"detail\":\"Not Found\"}\n---",
    );
    assert_false("$ curl http://127.0.0.1:8000/nowhere", "{\"detail\":\"Not Found\"}");
    assert_false(
        "$ curl -I http://127.0.0.1:8000/users/me/\nHTTP/1.1 307 Temporary Redirect\ndate: Thu, 01 Jan 1970 00:00:00 GMT\nlocation: /users/me\ncontent-length: 0",
        "what comes back \nHTTP/1.1 307 Temporary Redirect\ndate: [..]",
    );
}

#[test]
fn raw_bytes_come_back_as_the_page_says() {
    assert_true(
        "$ printf 'GET /nowhere HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' | nc 127.0.0.1 8000\n\
         HTTP/1.1 404 Not Found\ndate: [..]\ncontent-length: 22\ncontent-type: application/json\nconnection: close\n\n{\"detail\":\"Not Found\"}",
    );
}

#[test]
fn what_the_server_says_about_the_requests_before_comes_back() {
    let requests = "$ curl http://127.0.0.1:8000/a\n{\"detail\":\"Not Found\"}\n$ curl http://127.0.0.1:8000/b\n{\"detail\":\"Not Found\"}";
    let banner = "INFO:     simple-oauth2 running on http://127.0.0.1:8000, docs at http://127.0.0.1:8000/docs (press CTRL+C to quit)";
    let line = |path: &str| format!("INFO:     127.0.0.1:[..] - \"GET {path} HTTP/1.1\" 404 Not Found");
    let (a, b) = (line("/a"), line("/b"));
    assert_true(&format!("{requests}\n```\n\n```console\n$ cargo run\n{banner}\n{a}\n{b}"));
    assert_true(&format!("{requests}\n```\n\n```console\n$ cargo run\n{a}\n{b}"));
    assert_true(&format!("$ cargo run -- --explain\n{banner}"));
    assert_true("$ cargo run");
    assert_false(&format!("{requests}\n```\n\n```console\n$ cargo run\n{a}"), &b);
    assert_false(&format!("$ cargo run\n{a}"), "no `console` fence with requests comes before it");
}

#[test]
fn a_start_that_fails_comes_back_as_the_page_says() {
    assert_true(
        "$ cargo run\nsimple-oauth2: port 8000 of 127.0.0.1 is taken by another program; end it, or try --port 8001 or --port 0 (any free one)",
    );
    assert_true(concat!("$ cargo run -- --version\nsimple-oauth2 ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_block_of_the_explain_mode_comes_back_whole() {
    let request = "$ curl http://127.0.0.1:8000/nowhere\n{\"detail\":\"Not Found\"}\n```\n\n```console\n";
    let block = format!("{:<50} 127.0.0.1:[..]\n  404  {{\"detail\":\"Not Found\"}}", "GET /nowhere");
    assert_true(&format!("{request}$ cargo run -- --explain\n{block}"));
    assert_false(&format!("{request}$ cargo run -- --explain\n{}", block.replace("404  ", "404 ")), "404  {");
}

#[test]
fn a_test_that_the_reader_shall_run_exists() {
    assert_true("$ cargo test\n$ cargo test --test tutorial\n$ cargo test --test tutorial fastapi::no_token");
    assert_false("$ cargo test --test gone", "there is no tests/gone.rs");
    assert_false("$ cargo test --test tutorial no_such", "no test in tests/tutorial.rs has this in its name");
    assert_false("$ cargo test --test tutorial\nok", "---");
}

#[test]
fn commands_that_a_shell_or_curl_would_read_otherwise_are_refused() {
    for (command, what) in [
        ("$ curl http://127.0.0.1:8000/docs?x=1", "`?` means something to a shell"),
        ("$ curl -d username=a&password=b http://127.0.0.1:8000/token", "`&` means something to a shell"),
        ("$ curl -H 'Host: x http://127.0.0.1:8000/", "a `'` that is not closed"),
        ("$ curl -v http://127.0.0.1:8000/", "`-v` is not among the known options"),
        ("$ curl http://localhost:8000/", "does not begin with http://127.0.0.1:8000"),
        ("$ curl http://127.0.0.1:8000/a/../b", "write `--path-as-is`"),
        ("$ curl -X HEAD http://127.0.0.1:8000/", "write `-I`"),
        ("$ wget http://127.0.0.1:8000/", "not a command that is known here"),
        ("HTTP/1.1 200 OK", "a transcript begins with `$ `"),
        ("$ cargo run\n$ curl http://127.0.0.1:8000/", "`cargo run` stands alone in its fence"),
    ] {
        assert_false(command, what);
    }
}

#[test]
fn only_the_line_numbers_of_a_block_can_be_repaired() {
    let block = "  5    src/app.rs:99                    the user is johndoe";
    let masked = wildcards::without_line_numbers(block);
    let moved = "  5    src/app.rs:100                   the user is johndoe";
    assert_eq!(wildcards::without_line_numbers(moved), masked);
    for other in
        [block.replace("app", "apt"), block.replace("johndoe", "alice"), block.replace("  5 ", "  4 ")]
    {
        assert_ne!(wildcards::without_line_numbers(&other), masked, "{other}");
    }
}
