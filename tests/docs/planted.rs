//! The rules, tried: a small tree in which nothing is wrong, and faults that are planted into it one
//! by one. Each has to be found.

use crate::exercises::{judge_break, judge_build};
use crate::refill::{changes, repaired};
use crate::transcripts::{fits, fits_line};
use crate::tree::{LANGUAGES, Tree};
use crate::{chapter, exercises, fences, korean, languages, links, named_tests, quotes, refill};

const SOURCE: &str = "\
//! The chapter.

pub fn login() {
    step(\"3.1\", arguments());
}

#[cfg(test)]
mod tests {
    fn no_page_tells_this() {}
}
";

const PAGE: &str = r#"# 3. Title

PROSE, with `login` and [a line](../../src/app.rs#L4), [src/app.rs:4](../../src/app.rs#L4).

[src/app.rs:1-5](../../src/app.rs#L1-L5)

```rust
//! The chapter.

pub fn login() {
    step("3.1", arguments());
}
```

| PROSE | `code` |
| --- | --- |
| PROSE | <!-- count: src lines -->10<!-- /count --> |

```console
$ curl -i http://127.0.0.1:8000/users/me
HTTP/1.1 401 Unauthorized
date: [..]
...
{"detail":"Not authenticated"}
```

## 3.1 One

## 3.2 Two, [up](#3-title)

## 3.3 Three

```mermaid
PROSE --> PROSE
```

## Predict

## Break it

[src/app.rs:4](../../src/app.rs#L4)

```diff
-    step("3.1", arguments());
+    step("3.1", other());
```

```console
$ cargo test --test tutorial no_token
test section_3::no_token ... FAILED
```

`tests/tutorial.rs::section_3::no_token` says so.

## Build it

```console
$ cargo test --test tutorial -- --ignored waits
```

<details>
<summary>One way</summary>

[src/app.rs:3](../../src/app.rs#L3)

```diff
-pub fn login() {
+pub fn login(scope: &str) {
```

</details>
"#;

const TESTS: &str = "\
mod section_3 {
    #[test]
    fn no_token() {}

    #[test]
    #[ignore = \"the reader builds it\"]
    fn it_waits() {}
}
";

/// The sections other than 3 have no pages here.
const LAGGING: &[&str] = &[
    "docs/en/1-",
    "docs/en/2-",
    "docs/en/4-",
    "docs/en/5-",
    "docs/en/6-",
    "docs/ko/1-",
    "docs/ko/2-",
    "docs/ko/4-",
    "docs/ko/5-",
    "docs/ko/6-",
];

/// The tree without a fault, in which this replacement is then made.
fn tree(path: &str, old: &str, new: &str) -> Tree {
    let mut tree = Tree { lagging: LAGGING, ..Tree::default() };
    for (language, prose) in LANGUAGES.into_iter().zip(["The point of this page", "이 페이지의 요점"])
    {
        tree.files.insert(format!("docs/{language}/3-page.md"), PAGE.replace("PROSE", prose));
    }
    tree.files.insert("src/app.rs".to_owned(), SOURCE.to_owned());
    tree.files.insert("tests/tutorial.rs".to_owned(), TESTS.to_owned());
    let text = tree.files.get_mut(path).expect("a planted file");
    assert!(text.contains(old), "{path} has no {old:?}");
    *text = text.replacen(old, new, 1);
    tree
}

fn assert_found(rule: fn(&Tree) -> Vec<String>, path: &str, old: &str, new: &str, expected: &str) {
    assert_eq!(rule(&tree("src/app.rs", "", "")), [""; 0], "the tree is sound");
    let found = rule(&tree(path, old, new));
    assert!(found.iter().any(|fault| fault.contains(expected)), "found only {found:#?}");
}

macro_rules! planted {
    ($($name:ident: $rule:path, $path:literal, $old:literal => $new:literal, $expected:literal;)*) => {
        $(#[test] fn $name() { assert_found($rule, $path, $old, $new, $expected); })*
    };
}

planted! {
    a_drifted_quote: refill::faults, "src/app.rs", "pub fn login" => "fn login", "found     pub fn login() {\n    expected  fn login() {";
    an_edit_of_lines_that_are_gone: refill::faults, "src/app.rs", "step(" => "take_step(", "src/app.rs:4 has not these lines";
    a_stale_count: refill::faults, "docs/en/3-page.md", "-->10<" => "-->9<", "-->10<";
    an_unknown_count: refill::faults, "docs/en/3-page.md", "src lines" => "lines", "no count `lines`";
    a_transcript_that_does_not_come_true: refill::faults, "docs/en/3-page.md", "401 Un" => "401 un", "HTTP/1.1 401 Unauthorized";
    a_command_that_is_not_installed: refill::faults, "docs/en/3-page.md", "curl -i" => "no-such-curl", "is not installed";
    an_output_of_cargo_that_nothing_runs: refill::faults, "docs/en/3-page.md", "$ curl -i" => "$ cargo test # ", "nothing runs this";
    a_command_that_runs_no_test: refill::faults, "docs/en/3-page.md", "-- --ignored waits" => "waits", "runs no test with `waits`";
    a_step_that_is_not_on_its_page: chapter::faults, "src/app.rs", "#[cfg(test)]" => "step(\"3.2\", x);", "src/app.rs:7 is a step of section 3.2";
    a_section_without_its_heading: chapter::faults, "docs/ko/3-page.md", "## 3.3" => "## 33", "no heading begins with 3.3";
    an_evening_page_without_an_exercise: chapter::faults, "docs/en/3-page.md", "## Predict" => "## Ask", "no heading begins with Predict";
    a_fence_that_nothing_checks: fences::faults, "docs/en/3-page.md", "```mermaid" => "```sh", "nothing checks such a `sh` fence";
    an_output_in_a_text_fence: fences::faults, "docs/en/3-page.md", "```mermaid" => "```text\nHTTP/1.1 200 OK", "output belongs";
    a_fence_that_html_swallows: fences::faults, "docs/en/3-page.md", "way</summary>\n\n[" => "way</summary>\n```x\n[", "a blank line before it";
    an_edit_without_a_command: exercises::form_faults, "docs/en/3-page.md", "test section_3::no_token ... FAILED\n" => "", "which test fails";
    a_feature_without_an_answer: exercises::form_faults, "docs/en/3-page.md", "<details>" => "", "no folded `diff`";
    a_korean_fence_that_differs: languages::faults, "docs/ko/3-page.md", "$ curl -i" => "$ curl -s", "is not the same in docs/ko/3-page.md";
    a_korean_heading_that_differs: languages::faults, "docs/ko/3-page.md", "## 3.2" => "### 3.2", "a heading of depth 2";
    a_korean_name_that_differs: languages::faults, "docs/ko/3-page.md", "`login`" => "`로그인`", "inline code `login` that docs/ko";
    a_korean_link_that_differs: languages::faults, "docs/ko/3-page.md", "(#3-title)" => "(#31-one)", "a link to 3-page.md#heading 1";
    a_forbidden_word: korean::faults, "docs/ko/3-page.md", "요점, " => "요점과 응답이 ", "docs/ko/3-page.md:3: not `응답` but response";
    a_particle_after_a_line_number: korean::faults, "docs/ko/3-page.md", "#L4)." => "#L4)을", "a particle directly follows";
    english_in_a_korean_cell: korean::faults, "docs/ko/3-page.md", "| 이 페이지의 요점 | `" => "| The point of this | `", "English in a cell";
    english_in_a_korean_picture: korean::faults, "docs/ko/3-page.md", "이 페이지의 요점 --> 이 페이지의 요점" => "one box --> another box", "a picture in English";
    a_link_to_no_file: links::faults, "docs/en/3-page.md", "(../../src/app.rs#L4)," => "(../../src/main.rs)", "there is no src/main.rs";
    a_link_to_no_line: links::faults, "docs/en/3-page.md", "(../../src/app.rs#L4)," => "(../../src/app.rs#L40)", "src/app.rs has 10 lines";
    a_link_to_no_heading: links::faults, "docs/en/3-page.md", "(#3-title)" => "(#4-title)", "no heading #4-title";
    a_label_that_names_other_lines: links::faults, "docs/en/3-page.md", "[src/app.rs:4](" => "[src/app.rs:3](", "the label says src/app.rs:3";
    a_test_that_does_not_exist: named_tests::faults, "docs/en/3-page.md", "rs::section_3::no_token" => "rs::no_such", "no test `tests/tutorial.rs::no_such`";
}

#[test]
fn a_verb_is_no_forbidden_noun() {
    let fine = tree("docs/ko/3-page.md", "요점, ", "요점에 응답하는 문서, ");
    assert_eq!(korean::faults(&fine), [""; 0]);
}

#[test]
fn a_line_that_no_page_shows() {
    let mut tree = tree("src/app.rs", "\n#[cfg(test)]", "fn two() {}\n\nfn three() {}\n\n#[cfg(test)]");
    tree.lagging = &[];
    let expected = LANGUAGES.map(|language| format!("src/app.rs:6-8 is quoted nowhere in docs/{language}"));
    assert_eq!(quotes::uncovered(&tree), expected);
}

#[test]
fn the_repair_follows_moved_lines_and_takes_changed_ones() {
    let text = "//! The chapter.\n//! It is short.\n\npub fn login() {\n    first();\n";
    let tree = tree("src/app.rs", "//! The chapter.\n\npub fn login() {\n", text);
    let repaired = repaired(&tree, &changes(&tree));
    let page = &repaired.files["docs/en/3-page.md"];
    assert!(page.contains(&format!("[src/app.rs:1-7](../../src/app.rs#L1-L7)\n\n```rust\n{text}")), "{page}");
    assert!(page.contains("[a line](../../src/app.rs#L6), [src/app.rs:6](../../src/app.rs#L6)."), "{page}");
    assert!(page.contains("[src/app.rs:6](../../src/app.rs#L6)\n\n```diff"), "{page}");
    assert!(page.contains("-->12<"), "{page}");
    assert_eq!(refill::faults(&repaired), [""; 0]);
}

#[test]
fn the_repair_writes_what_a_command_prints() {
    let tree = tree("docs/ko/3-page.md", "HTTP/1.1 401 Unauthorized\ndate: [..]\n...\n{", "{");
    let repaired = repaired(&tree, &changes(&tree));
    let expected = "users/me\nHTTP/1.1 401 Unauthorized\ndate: [..]\nwww-authenticate: Bearer\n";
    assert!(repaired.files["docs/ko/3-page.md"].contains(expected));
}

#[test]
fn an_exercise_that_does_not_do_what_its_page_says() {
    let green = (true, "test a ... ok\ntest result: ok. 1 passed; 0 failed".to_owned());
    let none = (true, "test result: ok. 0 passed; 0 failed".to_owned());
    let red =
        (false, "test a ... FAILED\n  left: 200\n right: 403\ntest result: FAILED. 0 passed".to_owned());
    let lines = |lines: [&str; 2]| lines.map(str::to_owned).to_vec();
    let shown = lines(["test a ... FAILED", "[..]right: 403"]);
    assert_eq!(judge_break(&green, &red, &shown), Ok(()));
    let fault = |before, after, shown| judge_break(before, after, shown).expect_err("a fault");
    assert!(fault(&green, &green, &shown).starts_with("stays green after the edit"));
    assert!(fault(&none, &red, &shown).starts_with("does not pass before the edit"));
    let other = lines([" right: 403", "test a ... FAILED"]);
    assert!(fault(&green, &red, &other).starts_with("does not print, or not in this order: test a"));
    assert_eq!(judge_build(&red, &green), Ok(()));
    assert!(judge_build(&green, &green).is_err() && judge_build(&red, &red).is_err());
    assert!(judge_build(&red, &none).is_err());
}

#[test]
fn wildcards_stand_for_parts_of_a_line_and_for_lines() {
    assert!(
        fits_line("a[..]b[..]c", "a 1 b 2 c") && fits_line("date: [..]", "date: ") && fits_line("a ", "a")
    );
    assert!(!fits_line("a[..]b[..]c", "a 1 c") && !fits_line("a[..]", "ba") && !fits_line("a[..]c", "a c b"));
    assert!(fits(&["a", "...", "d"], &["a", "b", "c", "d"]) && fits(&["..."], &[]));
    assert!(
        !fits(&["a", "...", "d"], &["a", "b"]) && !fits(&["a"], &["a", "b"]) && !fits(&["a", "b"], &["a"])
    );
}
