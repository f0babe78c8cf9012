//! Links that lead nowhere.

use super::*;

#[test]
fn links_that_lead_nowhere_are_found() {
    for (target, what) in [
        ("../../src/room_9.rs#L4", "there is no src/room_9.rs"),
        ("../../src/room_3.rs#L99", "src/room_3.rs has 10 lines"),
        ("../../src/room_3.rs#L5-L6", "nothing is said there: \"}\\n\""),
        ("../../src/room_3.rs#4", "names no lines"),
        ("../../../elsewhere", "leaves the repository"),
        ("4-page.md#no-such-heading", "docs/en/4-page.md has no heading #no-such-heading"),
    ] {
        let found = links::faults(&tree(&[(
            "docs/en/3-page.md",
            "../../src/room_3.rs#L4) [",
            &format!("{target}) ["),
        )]));
        assert!(found.len() == 1 && found[0].contains(what), "{target}: {found:?}");
    }
}

#[test]
fn a_label_that_names_other_lines_than_the_link_is_found() {
    assert_caught(links::faults, "[src/room_3.rs:4]", "[src/room_3.rs:5]", "the label says src/room_3.rs:5");
}

#[test]
fn a_page_that_the_map_does_not_lead_to_is_found() {
    let found = links::faults(&tree(&[("docs/README.md", "[ko](ko/3-page.md)", "")]));
    assert_eq!(found, ["docs/README.md: there is no link to docs/ko/3-page.md"]);
}
