//! Differences between the languages.

use super::*;

/// Plants a drift into the Korean page 3 only.
fn assert_found(old: &str, new: &str, expected: &[&str]) {
    let found = languages::faults(&tree(&[("docs/ko/3-page.md", old, new)]));
    assert_eq!(found, expected);
}

#[test]
fn prose_may_differ() {
    assert_found("The point, with", "요점은 이렇다.", &[]);
}

#[test]
fn the_words_of_a_heading_may_differ_and_so_may_the_link_to_it() {
    let korean =
        [("docs/ko/3-page.md", "# 3. Title", "# 3. 제목"), ("docs/ko/3-page.md", "(#3-title)", "(#3-제목)")];
    let none: [&str; 0] = [];
    assert_eq!(faults(&tree(&korean)), none);
}

#[test]
fn the_depth_of_a_heading_may_not() {
    let found = languages::faults(&tree(&[("docs/ko/3-page.md", "## Break", "### Break")]));
    assert!(
        found[0].starts_with("the heading depths differ from number 5\n    docs/en/3-page.md:"),
        "{found:?}"
    );
}

#[test]
fn a_fence_may_not() {
    let found = languages::faults(&tree(&[("docs/ko/3-page.md", "401 Unauthorized", "401 unauthorized")]));
    assert!(found[0].starts_with("the fences differ from number 2\n"), "{found:?}");
    let found = languages::faults(&tree(&[("docs/ko/3-page.md", "```console", "```text\n```\n```console")]));
    assert!(found[0].starts_with("the fences differ from number 2\n"), "{found:?}");
}

#[test]
fn a_link_may_not() {
    assert_found(
        "src/room_3.rs#L4) [src",
        "src/room_3.rs#L5) [src",
        &[
            "docs/en/3-page.md: link to src/room_3.rs#L4 is in this language only",
            "docs/ko/3-page.md: link to src/room_3.rs#L5 is in this language only",
        ],
    );
}

#[test]
fn inline_code_may_not() {
    assert_found(
        "with `login`",
        "with `Login`",
        &[
            "docs/en/3-page.md: inline code `login` is in this language only",
            "docs/ko/3-page.md: inline code `Login` is in this language only",
        ],
    );
}

#[test]
fn a_page_without_its_twin_is_found() {
    let lone = Tree::of([("docs/en/9-lone.md".to_owned(), "# 9\n".to_owned())]);
    assert_eq!(languages::faults(&lone), ["docs/en/9-lone.md: there is no docs/ko/9-lone.md"]);
    let lone = Tree::of([("docs/ko/9-lone.md".to_owned(), "# 9\n".to_owned())]);
    assert_eq!(languages::faults(&lone), ["docs/ko/9-lone.md: there is no docs/en/9-lone.md"]);
}
