//! The rules, tried: a small tree in which nothing is wrong, and faults that are planted into it one
//! by one. Each has to be found.

use crate::exercises::judge;
use crate::refill::refilled;
use crate::tree::Tree;
use crate::{exercises, fences, korean, languages, links, quotes, refill};

const SOURCE: &str = "//! The chapter.\n\npub fn login() {\n    step(\"3.1\", arguments());\n}\n";

const PAGE: &str = r#"# Title

PROSE, with `tests/tutorial.rs::no_token`, [src/app.rs:3](../../src/app.rs#L3) and [above](#title).

[src/app.rs:1-5](../../src/app.rs#L1-L5)

```rust
//! The chapter.

pub fn login() {
    step("3.1", arguments());
}
```

| PROSE | <!-- count: src code lines -->3<!-- /count --> |
| --- | --- |

```console
$ curl -i http://127.0.0.1:8000/users/me
HTTP/1.1 401 Unauthorized
date: [..]
...
{"detail":"Not authenticated"}
```

[src/app.rs:4-5](../../src/app.rs#L4-L5)

```diff
-    step("3.1", arguments());
+    step("3.1", other());
 }
```

```console
$ cargo test --test tutorial no_token
test no_token ... FAILED
```
"#;

const EN: &str = "docs/en/3-page.md";
const KO: &str = "docs/ko/3-page.md";

/// The tree without a fault, in which this replacement is then made.
fn tree(path: &str, old: &str, new: &str) -> Tree {
    let mut tree = Tree::default();
    let mut insert = |path: &str, text: &str| tree.files.insert(path.to_owned(), text.to_owned());
    insert(EN, &PAGE.replace("PROSE", "The point of this page"));
    insert(KO, &PAGE.replace("PROSE", "이 페이지의 요점"));
    insert("src/app.rs", SOURCE);
    insert("tests/tutorial.rs", "#[test]\nfn no_token() {}\n");
    let text = tree.files.get_mut(path).expect("a planted file");
    assert!(text.contains(old), "{path} has no {old:?}");
    *text = text.replacen(old, new, 1);
    tree
}

type Rule = fn(&Tree) -> Vec<String>;

/// A rule, a file, what is replaced by what in it, and what the rule says then.
const FAULTS: [(Rule, &str, &str, &str, &str); 18] = [
    (refill::faults, "src/app.rs", "pub fn", "fn", "found     pub fn login() {"),
    (refill::faults, "src/app.rs", "step(", "take_step(", "src/app.rs:4-5 has not these lines"),
    (refill::faults, EN, "-->3<", "-->9<", "-->3<"),
    (refill::faults, EN, "401 Un", "401 un", "HTTP/1.1 401 Unauthorized"),
    (refill::faults, EN, "curl -i", "no-such-curl", "not installed"),
    (exercises::form_faults, EN, "$ curl -i", "$ cargo test # ", "no `diff` is the edit"),
    (links::test_faults, EN, "tutorial no_token", "tutorial no_such", "there is no test no_such"),
    (quotes::uncovered, "src/app.rs", "}\n", "}\nfn two() {}\n", "src/app.rs:6 is quoted nowhere"),
    (fences::faults, EN, "```console", "```sh", "`sh`: nothing checks"),
    (fences::faults, EN, "```console\n$ curl -i", "```text\n$ curl -i", "an output belongs"),
    (exercises::form_faults, EN, "test no_token ... FAILED\n", "", "which test this exercise turns"),
    (languages::faults, KO, "$ curl -i", "$ curl -s", "is not so in docs/ko/3-page.md"),
    (languages::faults, KO, "(#title)", "(../../src/app.rs)", "a link to , heading 1 that docs/ko"),
    (korean::faults, KO, "요점, ", "요점과 응답이 ", "docs/ko/3-page.md:3: not `응답` but response"),
    (korean::faults, KO, "| 이 페이지의 요점", "| The point of this", "this is English"),
    (links::faults, EN, "3](../../src/app.rs#L3)", "30](../../src/app.rs#L30)", "has not so many lines"),
    (links::faults, EN, "[src/app.rs:3]", "[src/app.rs:4]", "the label says src/app.rs:4"),
    (links::test_faults, EN, "rs::no_token", "rs::no_such", "there is no test no_such"),
];

#[test]
fn what_is_wrong_on_a_page_is_found() {
    for (rule, path, old, new, expected) in FAULTS {
        assert_eq!(rule(&tree(path, "", "")), [""; 0], "the tree is sound");
        let found = rule(&tree(path, old, new));
        assert!(found.iter().any(|it| it.contains(expected)), "{old:?} => {new:?}: found only {found:#?}");
    }
}

#[test]
fn the_repair_follows_moved_lines_and_takes_changed_ones() {
    let text = "//! The chapter.\n//! It is short.\n\npub fn login() {\n    first();\n";
    let mut tree = tree("src/app.rs", "//! The chapter.\n\npub fn login() {\n", text);
    tree.files.insert(KO.to_owned(), PAGE.replace("HTTP/1.1 401 Unauthorized\ndate: [..]\n...\n{", "{"));
    let tree = refilled(&tree).0;
    for (path, expected) in [
        (EN, &*format!("[src/app.rs:1-7](../../src/app.rs#L1-L7)\n\n```rust\n{text}")),
        (EN, "[src/app.rs:4](../../src/app.rs#L4) and"),
        (EN, "[src/app.rs:6-7](../../src/app.rs#L6-L7)\n\n```diff"),
        (EN, "-->4<"),
        (KO, "me\nHTTP/1.1 401 Unauthorized\ndate: [..]\nwww-authenticate: Bearer\n"),
    ] {
        assert!(tree.files[path].contains(expected), "{}", tree.files[path]);
    }
    assert_eq!(refill::faults(&tree), [""; 0]);
}

#[test]
fn an_exercise_that_does_not_do_what_its_page_says() {
    let green = &(true, "test a ... ok\ntest result: ok. 1 passed; 0 failed".to_owned());
    let none = &(true, "test result: ok. 0 passed; 0 failed".to_owned());
    let red = &(false, "test a ... FAILED\n  left: 2\n right: 4\ntest result: FAILED. 0 passed".to_owned());
    let shown = Some(vec!["test a ... FAILED".to_owned(), "[..]right: 4".to_owned()]);
    let turned = shown.clone().map(|lines| lines.into_iter().rev().collect());
    for (shown, before, after, expected) in [
        (&shown, green, red, ""),
        (&shown, green, green, "stays green after the edit"),
        (&shown, none, red, "does not pass before the edit"),
        (&turned, green, red, "does not print, or not in this order: test a"),
        (&None, red, green, ""),
        (&None, green, green, "does not run and fail before"),
        (&None, red, red, "does not pass after"),
        (&None, red, none, "does not pass after"),
    ] {
        let fault = judge(shown.as_deref(), before, after).err().unwrap_or_default();
        assert!(fault.starts_with(expected) && fault.is_empty() == expected.is_empty(), "{fault}");
    }
}
