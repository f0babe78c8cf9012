//! The page at `/docs` and its policy: the header names the one script and the one style by their
//! hashes, so each change of the page changes the header. This test says what it has to be.

mod support;

use sha2::{Digest, Sha256};
use support::{Response, TestServer};

fn page() -> Response {
    TestServer::start().exchange(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// What stands between `<name>` and `</name>`, of which there is one.
fn content<'a>(page: &'a str, name: &str) -> &'a str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    assert_eq!(page.matches(&format!("<{name}")).count(), 1, "one {open}, without attributes");
    let (_, rest) = page.split_once(&open).unwrap_or_else(|| panic!("no {open}"));
    rest.split_once(&close).unwrap_or_else(|| panic!("no {close}")).0
}

/// RFC 4648 §4, of the 32 bytes of a hash: six bits are a letter, and the last four get two more.
fn base64(hash: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = hash.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let letter = |bits: &[u8]| (0..6).fold(0, |number, at| number * 2 + bits.get(at).unwrap_or(&0));
    bits.chunks(6).map(|bits| char::from(LETTERS[usize::from(letter(bits))])).collect::<String>() + "="
}

#[test]
fn the_policy_names_this_script_and_this_style() {
    let answer = page();
    // How a policy names a script or a style (CSP Level 3).
    let hash = |name| format!("'sha256-{}'", base64(&Sha256::digest(content(answer.text(), name))));
    let expected = format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        hash("script"),
        hash("style"),
    );
    let served = answer.header("content-security-policy");
    assert_eq!(served, Some(expected.as_str()), "\nsrc/framework/docs_policy.txt has to be:\n{expected}\n");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
}

/// What the policy would stop is not there in the first place, and the page needs no network.
#[test]
fn the_page_stands_on_its_own() {
    let answer = page();
    let forbidden =
        ["style=", "onclick=\"", "http://", "https://", "src=", "@import", "url(", "innerHTML", "eval("];
    // A token is kept in memory only.
    let storage = ["localStorage", "sessionStorage", "document.cookie", "indexedDB"];
    for word in forbidden.iter().chain(&storage) {
        let found = answer.text().lines().find(|line| line.contains(word));
        assert_eq!(found, None, "{word}");
    }
    let icon = r#"<link rel="icon" href="data:,">"#;
    assert!(answer.text().contains(icon), "without it, a browser with a window asks for /favicon.ico");
}
