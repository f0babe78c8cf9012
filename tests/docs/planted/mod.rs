//! The checker, checked: a small tree of files in which nothing is wrong, and drifts that are
//! planted into it one by one. Each has to be found, and nothing else.

mod compared;
mod covered;
mod fenced;
mod linked;
mod named;
mod ordered;
mod quoted;
mod run;

use crate::curl::Way;
use crate::tree::{LANGUAGES, Tree};
use crate::{
    chapter, coverage, curl, differences, edits, fences, languages, links, names, quotes, repair,
    transcripts, wildcards,
};

/// Room 3 of the planted source; the others differ in the number.
const SOURCE: &str = "\
//! Room 3.

pub fn room() {
    step(\"3\", arguments());
}

#[cfg(test)]
mod tests {
    fn no_page_tells_this() {}
}
";

/// Page 3; the others differ in the number and in the sub-sections.
const PAGE: &str = r#"# 3. Title

The point, with `login` and [the line](../../src/room_3.rs#L4) [src/room_3.rs:4](../../src/room_3.rs#L4).
SUBSECTIONS
[src/room_3.rs:1-5](../../src/room_3.rs#L1-L5)

```rust
//! Room 3.

pub fn room() {
    step("3", arguments());
}
```

```console
$ curl -i http://127.0.0.1:8000/users/me
HTTP/1.1 401 Unauthorized
date: [..]
www-authenticate: Bearer
content-length: 30
content-type: application/json

{"detail":"Not authenticated"}
```

## Break it

[src/room_3.rs:4](../../src/room_3.rs#L4)
```diff
-    step("3", arguments());
+    step("3", other());
```

`tests/tutorial.rs::fastapi::no_token` goes red; back to [the point](#3-title).
"#;

const MAP: &str = "# Map

`fake_users_db` `fake_hash_password` `oauth2_scheme` `OAuth2PasswordBearer` `User` `UserInDB` `get_user`
`fake_decode_token` `get_current_user` `get_current_active_user` `HTTPException` `OAuth2PasswordRequestForm`
`Depends` `login` `read_users_me`
";

const TESTS: &str = "mod fastapi {\n    #[test]\n    fn no_token() {}\n\n    fn helper() {}\n}\n";

const SECTIONS: [(&str, &str); 6] = [
    ("1", ""),
    ("2", "\n## 2.1 One\n"),
    ("3", "\n## 3.1 One\n\n## 3.2 Two\n\n## 3.3 Three\n"),
    ("4", ""),
    ("5", ""),
    ("6", "\n## 6.1 One\n\n## 6.2 Two\n\n## 6.3 Three\n"),
];

/// The tree without a fault, in which these replacements are then made: file, old, new.
fn tree(drifts: &[(&str, &str, &str)]) -> Tree {
    let mut files = vec![("tests/tutorial.rs".to_owned(), TESTS.to_owned())];
    let mut map = MAP.to_owned();
    for (number, subsections) in SECTIONS {
        let room = |text: &str| {
            let text =
                text.replace("oom 3", &format!("oom {number}")).replace("room_3", &format!("room_{number}"));
            text.replace("step(\"3", &format!("step(\"{number}")).replace("# 3.", &format!("# {number}."))
        };
        files.push((format!("src/room_{number}.rs"), room(SOURCE)));
        for language in LANGUAGES {
            let page = room(PAGE).replace("#3-title", &format!("#{number}-title"));
            let page = page.replace("SUBSECTIONS", subsections);
            files.push((format!("docs/{language}/{number}-page.md"), page));
            map.extend(["[", language, "](", language, "/", number, "-page.md)\n"]);
        }
    }
    files.push(("docs/README.md".to_owned(), map));
    for (path, old, new) in drifts {
        let (_, text) = files.iter_mut().find(|(file, _)| file == path).expect("a planted file");
        assert!(text.contains(old), "{path} has no {old:?}");
        *text = text.replacen(old, new, 1);
    }
    Tree::of(files)
}

/// All that is found without a server.
fn faults(tree: &Tree) -> Vec<String> {
    let rules = [
        quotes::faults,
        coverage::faults,
        languages::faults,
        chapter::faults,
        fences::faults,
        links::faults,
        names::faults,
    ];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}

/// Plants the same drift into page 3 of both languages, and wants one fault in each, of this rule.
fn assert_caught(rule: fn(&Tree) -> Vec<String>, old: &str, new: &str, what: &str) {
    let tree = tree(&[("docs/en/3-page.md", old, new), ("docs/ko/3-page.md", old, new)]);
    let found = rule(&tree);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|fault| fault.contains(what)), "{found:#?}");
}

#[test]
fn a_sound_tree_has_no_faults() {
    let none: [&str; 0] = [];
    assert_eq!(faults(&tree(&[])), none);
    assert_eq!(transcripts::faults(&tree(&[]), Way::TestClient), none);
}
