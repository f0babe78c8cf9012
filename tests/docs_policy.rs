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

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..=chunk.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
        text.push_str(&"="[..].repeat(3 - chunk.len()));
    }
    text
}

/// How a policy names a script or a style (CSP Level 3).
fn hash(content: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(content)))
}

#[test]
fn the_policy_names_this_script_and_this_style() {
    let answer = page();
    let expected = format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        hash(content(answer.text(), "script")),
        hash(content(answer.text(), "style")),
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
    for word in
        ["style=", "onclick=\"", "http://", "https://", "src=", "@import", "url(", "innerHTML", "eval("]
    {
        let found = answer.text().lines().find(|line| line.contains(word));
        assert_eq!(found, None, "{word}");
    }
    let icon = r#"<link rel="icon" href="data:,">"#;
    assert!(answer.text().contains(icon), "without it, a browser with a window asks for /favicon.ico");
    for word in ["localStorage", "sessionStorage", "document.cookie", "indexedDB"] {
        assert!(!answer.text().contains(word), "a token is kept in memory only, and not in {word}");
    }
}

#[test]
fn base64_is_that_of_the_rfc() {
    // RFC 4648 §10.
    let vectors = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
    ];
    for (bytes, text) in vectors {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
}
