//! Drifts between a quote and its lines, and the repair.

use super::*;

#[test]
fn a_changed_line_is_shown_in_both_texts() {
    let tree = tree(&[("src/room_3.rs", "pub fn room", "fn room")]);
    let found = quotes::faults(&tree);
    assert_eq!(
        found[0],
        "docs/en/3-page.md:11: src/room_3.rs:3 differs\n    the source: fn room() {\n    the page:   pub fn room() {"
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn a_change_of_indentation_is_a_change() {
    assert_caught(
        quotes::faults,
        "    step(\"3\", arguments());\n}",
        "  step(\"3\", arguments());\n}",
        "differs",
    );
}

#[test]
fn text_that_has_moved_is_found_where_it_is_now() {
    let found = quotes::faults(&tree(&[("src/room_3.rs", "//! Room", "//! New.\n//! Room")]));
    assert!(found[0].contains("the text of src/room_3.rs:1-5 has moved to src/room_3.rs:2-6. (`REPAIR=1"));
    assert!(found[1].contains("the text of src/room_3.rs:4 has moved to src/room_3.rs:5."));
    assert_eq!(found.len(), 4);
}

#[test]
fn text_that_has_moved_to_another_file_is_found_there() {
    let old = "//! Room 3.\n\npub fn room() {\n    step(\"3\", arguments());\n}\n";
    let tree = tree(&[("src/room_3.rs", old, ""), ("src/room_4.rs", "//! Room 4.\n", old)]);
    assert!(quotes::faults(&tree)[0].contains("src/room_3.rs:1-5 has moved to src/room_4.rs:1-5"));
}

#[test]
fn the_lines_that_an_edit_removes_are_those_of_the_source() {
    assert_caught(
        quotes::faults,
        "-    step(\"3\", arguments",
        "-    step(\"3\", gone",
        "src/room_3.rs:4 differs",
    );
}

#[test]
fn a_label_with_the_wrong_number_of_lines_is_found() {
    assert_caught(
        quotes::faults,
        "[src/room_3.rs:1-5](../../src/room_3.rs#L1-L5)\n\n```rust\n//! Room 3.\n",
        "[src/room_3.rs:1-5](../../src/room_3.rs#L1-L5)\n\n```rust\n//! Room 3.\n//! Room 3.\n",
        "is not 6 lines long",
    );
}

#[test]
fn the_repair_rewrites_line_numbers_and_nothing_else() {
    let moved = tree(&[("src/room_3.rs", "//! Room", "//! New.\n//! Room")]);
    let repaired = repair::repaired(&moved);
    assert_eq!(repaired.len(), 2);
    for (path, text) in repaired {
        let expected = moved.text(&path).unwrap();
        let expected = expected
            .replace("src/room_3.rs:4](../../src/room_3.rs#L4)", "src/room_3.rs:5](../../src/room_3.rs#L5)");
        let expected =
            expected.replace(":1-5](../../src/room_3.rs#L1-L5)", ":2-6](../../src/room_3.rs#L2-L6)");
        assert_eq!(text, expected);
    }
    assert_eq!(repair::repaired(&tree(&[])), []);
}

#[test]
fn the_repair_follows_each_quote_to_its_own_place() {
    // The first three lines stay where they are, and the rest moves by one.
    let split = |language: &'static str| {
        let page = if language == "en" { "docs/en/3-page.md" } else { "docs/ko/3-page.md" };
        (
            page,
            "[src/room_3.rs:1-5](../../src/room_3.rs#L1-L5)\n\n```rust\n//! Room 3.\n\npub fn room() {\n",
            "[src/room_3.rs:1-3](../../src/room_3.rs#L1-L3)\n\n```rust\n//! Room 3.\n\npub fn room() {\n```\n\n[src/room_3.rs:4-5](../../src/room_3.rs#L4-L5)\n\n```rust\n",
        )
    };
    let moved = tree(&[split("en"), split("ko"), ("src/room_3.rs", "{\n", "{\n    first();\n")]);
    let (_, text) = &repair::repaired(&moved)[0];
    assert!(text.contains("[src/room_3.rs:1-3](../../src/room_3.rs#L1-L3)"), "{text}");
    assert!(text.contains("[src/room_3.rs:5-6](../../src/room_3.rs#L5-L6)"), "{text}");
}
