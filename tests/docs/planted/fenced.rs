//! Fences that nothing checks.

use super::*;

#[test]
fn fences_that_nothing_checks_are_found() {
    let before = |fence: &str| format!("{fence}\n```console");
    for (fence, what) in [
        ("```\n```\n", "a fence without a language"),
        ("```json\n{}\n```\n", "a `json` fence, which nothing checks"),
        ("```rust\nlet x = 1;\n```\n", "a `rust` fence without a link line above it"),
        ("```diff\n-let x = 1;\n```\n", "a `diff` fence without a link line above it"),
        ("```python\n1\n2\n3\n4\n5\n6\n7\n```\n", "7 lines of Python"),
        ("```text\nHTTP/1.1 200 OK\n```\n", "output belongs into a `console` fence"),
        ("```text\n$ curl\n```\n", "output belongs into a `console` fence"),
        ("- item\n  ```rust\n  let x = 1;\n", "a fence begins in the first column"),
        ("~~~rust\nlet x = 1;\n~~~\n", "a fence begins in the first column"),
        ("    let x = 1;\n", "four spaces"),
        ("<pre>HTTP/1.1 200 OK</pre>\n", "not in HTML"),
    ] {
        let page = ("docs/en/3-page.md", "```console", before(fence));
        let found = fences::faults(&tree(&[(page.0, page.1, &page.2)]));
        assert!(found.iter().any(|fault| fault.contains(what)), "{fence}: {found:?}");
    }
}

#[test]
fn an_edit_that_changes_nothing_or_is_no_diff_is_found() {
    assert_caught(
        fences::faults,
        "-    step(\"3\", arguments());\n+   ",
        "     step(\"3\", arguments());\n    ",
        "changes nothing",
    );
    assert_caught(
        fences::faults,
        "+    step(\"3\", other",
        "step(\"3\", other",
        "a line of a diff begins with",
    );
}

#[test]
fn a_fence_that_does_not_end_is_found() {
    assert_caught(
        fences::faults,
        "`tests/tutorial.rs::fastapi::no_token` goes",
        "```text\n",
        "this fence has no end",
    );
}
