//! Pages that leave the chapter.

use super::*;

#[test]
fn a_section_without_a_page_is_found() {
    let found = chapter::faults(&Tree::of([("docs/README.md".to_owned(), MAP.to_owned())]));
    let expected: Vec<String> = LANGUAGES
        .iter()
        .flat_map(|language| {
            (1..=6).map(move |n| format!("docs/{language}: no page for section {n}, {n}-….md"))
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_page_without_quote_transcript_edit_or_sub_section_is_found() {
    assert_caught(chapter::faults, "## 3.2 Two", "## Two", "no heading that begins with 3.2");
    assert_caught(chapter::faults, "```console", "```text", "no transcript");
    assert_caught(chapter::faults, "```diff", "```text", "no edit to try");
}

#[test]
fn a_step_on_another_page_is_found() {
    let found = chapter::faults(&tree(&[("src/room_3.rs", "step(\"3\"", "step(\n        \"4\"")]));
    assert_eq!(
        found,
        [
            "src/room_3.rs:4 is a step of section 4: not on page 4 of docs/en",
            "src/room_3.rs:4 is a step of section 4: not on page 4 of docs/ko"
        ]
    );
}

#[test]
fn a_step_of_a_section_that_does_not_exist_is_found() {
    let found = chapter::faults(&tree(&[("src/room_3.rs", "step(\"3\"", "step(\"3.4\"")]));
    assert_eq!(found[0], "src/room_3.rs:4: the chapter has no section 3.4");
}

#[test]
fn a_name_that_the_map_leaves_out_is_found() {
    let found = chapter::faults(&tree(&[("docs/README.md", "`get_user`", "get_user")]));
    assert_eq!(found, ["docs/README.md: the chapter's `get_user` is not in the map"]);
}

#[test]
fn a_line_of_the_map_that_is_not_about_its_name_is_found() {
    let new = "`login`\n\n| `login` | [src/room_3.rs:3](../src/room_3.rs#L3) |\n\n";
    let found = chapter::faults(&tree(&[("docs/README.md", "`login`", new)]));
    assert_eq!(found, ["docs/README.md:7: src/room_3.rs:3 does not have `login`: pub fn room() {"]);
}

#[test]
fn a_difference_that_the_page_leaves_out_is_found() {
    let page = |language: &str, text: &str| (format!("docs/{language}/13-differences.md"), text.to_owned());
    let list =
        ("tests/fastapi/differences.txt".to_owned(), "head: HEAD works\nno-store: cached\n".to_owned());
    let told = Tree::of([page("en", "`head` and `no-store`\n"), page("ko", "`head`\n"), list]);
    assert_eq!(
        differences::faults(&told),
        ["docs/ko/13-differences.md: `no-store` of tests/fastapi/differences.txt is missing"]
    );
}
