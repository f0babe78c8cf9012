//! Lines of the source that are told nowhere, or twice.

use super::*;

#[test]
fn a_new_line_that_no_page_tells_is_found_in_each_language() {
    let found = coverage::faults(&tree(&[("src/room_3.rs", "}\n\n#[cfg", "}\n\nfn new() {\n\n}\n\n#[cfg")]));
    assert_eq!(
        found,
        ["src/room_3.rs:7-9 is quoted nowhere in docs/en", "src/room_3.rs:7-9 is quoted nowhere in docs/ko"]
    );
}

#[test]
fn a_test_module_ends_a_range() {
    let new = "}\n\nfn new() {}\n\n#[cfg(test)]\nmod other {\n}\n\nfn newer() {}\n\n#[cfg";
    let found = coverage::faults(&tree(&[("src/room_3.rs", "}\n\n#[cfg", new)]));
    assert_eq!(
        found[..2],
        ["src/room_3.rs:7 is quoted nowhere in docs/en", "src/room_3.rs:13 is quoted nowhere in docs/en"]
    );
}

#[test]
fn a_line_that_is_told_twice_is_found_with_both_places() {
    let quote = "[src/room_4.rs:3](../../src/room_4.rs#L3)\n\n```rust\npub fn room() {\n```\n\n```console";
    let found = coverage::faults(&tree(&[("docs/ko/3-page.md", "```console", quote)]));
    assert_eq!(found, ["src/room_4.rs:3 is quoted 2 times: docs/ko/3-page.md:21, docs/ko/4-page.md:5"]);
}

#[test]
fn a_quote_in_the_map_or_in_an_edit_does_not_count() {
    let quote = "# Map\n\n[src/room_4.rs:3](../src/room_4.rs#L3)\n\n```rust\npub fn room() {\n```\n";
    let none: [&str; 0] = [];
    assert_eq!(faults(&tree(&[("docs/README.md", "# Map\n", quote)])), none);
}

#[test]
fn a_range_ends_with_its_file() {
    let quote = |n| format!("[src/room_{n}.rs:1-5](../../src/room_{n}.rs#L1-L5)\n\n```rust\n");
    let (third, fourth) = (quote(3), quote(4));
    let tree =
        tree(&[("docs/en/3-page.md", &third, "```python\n"), ("docs/en/4-page.md", &fourth, "```python\n")]);
    assert_eq!(
        coverage::faults(&tree),
        ["src/room_3.rs:1-5 is quoted nowhere in docs/en", "src/room_4.rs:1-5 is quoted nowhere in docs/en"]
    );
}
