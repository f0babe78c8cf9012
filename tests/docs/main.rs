//! Holds the pages (`README.md` and `docs/**/*.md`) to the program. This is the manual for page writers.
//!
//! - `cargo test --test docs` compares. `REPAIR=1 cargo test --test docs` refills quotes, line numbers,
//!   outputs and counts, and prints what it changed: read that, and look at `git diff`.
//! - `cargo test --test docs -- --ignored exercises` makes all exercises of the English pages in a copy;
//!   `PAGE=3-code` before it only those of one page.
//!
//! **A quote** is a line that is nothing but a link, and the fence below it with exactly these lines:
//!
//! ````text
//! [src/app.rs:71-78](../../src/app.rs#L71-L78)
//!
//! ```rust
//! ````
//!
//! One line is `[src/app.rs:71](../../src/app.rs#L71)`. `rust`, `toml` and `html` are always quotes;
//! `python` is one too (`tests/fastapi/main.py`), or at most six lines without a link. Leave the fence empty
//! and the repair fills it. When the source has moved, the repair finds the lines again by their text (or
//! by the first and the last of them, where they have changed) and writes the new numbers, also in links of
//! the prose. To quote other lines than before, write the new link and empty the fence.
//! In each language the quotes hold every line of `src/**/*.rs` and `docs/first-server.rs` at least once,
//! blank lines and `#[cfg(test)]` modules apart. A page may show a function whole and again in pieces.
//!
//! **A transcript** is a `console` fence: `$ ` and a command, and under it all that it prints. The commands
//! run in `sh` (so no `$'…'`, and no `\x41` in `printf`) at the root of the repository, each by itself, ten
//! seconds at most, with the real curl (as if with `-sS`), `nc`, `python3`. A line that ends in `\` goes on
//! in the next one. In a line, `[..]` stands for anything (`date: [..]`, `thread '<unnamed>' [..]panicked at`);
//! a line `...` for any number of lines. The server is `127.0.0.1:8000` on the page, and one on a free
//! port in the test. A request through `nc` asks for `Connection: close`. Comments, each on its own line:
//!
//! - `<!-- server: first-server -->`: from here on, the transcripts of this page talk to
//!   `docs/first-server.rs`; `<!-- server: --explain -->`: to the program with these flags;
//!   `<!-- server: -->`: to the program without any, as at the start of each page.
//! - `<!-- not run: needs root -->`: the fence below is not run, and each run of the tests prints so. Use
//!   it for other systems, for minutes of waiting, for what an edited server says.
//!
//! `$ cargo run` (with flags after `--`, or `--example first-server`) is alone in its fence. Without an
//! output it only asks the reader to start the server. With one, a fresh server is sent the commands of the
//! `console` fence before, and the output is what it prints: the banner, if the page shows it, and log
//! lines or blocks of `--explain`; or, for `--help` and a start that fails, all of it.
//! `$ cargo test --test FILE NAME` without an output is not run; the file and the name must exist.
//!
//! **Break it**: one or more quotes in `diff` fences (` ` and `-` before the lines of the file, `+` before the
//! reader's), and after them a `console` fence with the exact command and the few lines of the failure that
//! matter, in their order; other lines may be between them:
//!
//! ````text
//! ```console
//! $ cargo test --test tutorial section_3_3
//! test section_3_3::a_stolen_hash_is_no_password ... FAILED
//! ```
//! ````
//!
//! The command passes before the edits, and after them it fails and prints these lines.
//!
//! **Build it**: below a heading that begins with these words, a `console` fence with the command that
//! waits (`$ cargo test --test build_it -- --ignored NAME`, without an output), or a comment
//! `<!-- build: cargo test … -->`. Between `<details>` and `</details>` (a blank line after `<summary>`), the
//! answer: quotes in `diff` fences. Further `$ cargo test …` commands below still pass with it. The test is
//! in the repository, ignored; it fails before the answer is applied and passes after.
//!
//! **Counts**: `<!-- count: src lines -->1,234<!-- /count -->`; `tests/docs/counts.rs` has the names.
//!
//! **Other fences** are `text` and `mermaid`, for pictures. Nothing that a program prints is in them; a
//! picture of bytes shows the `\r\n`.
//!
//! **The chapter**: sections 1 to 6 have a page each, with headings that begin with 2.1, 3.1, 3.2, 3.3, 6.1,
//! 6.2, 6.3; a line of the source that calls `step("3.1", …)` is quoted on page 3. Pages 0 to 6 have headings
//! that begin with Predict, Break it and Build it. `docs/README.md` links every page and has each Python name
//! of the chapter in inline code, and lines linked in its row have the name in them. The page
//! `N-differences.md` has each name of `tests/fastapi/differences.txt` in inline code.
//!
//! **Names and links**: `tests/FILE.rs::NAME` in inline code is a test that exists. Links lead to files, lines
//! and headings that exist.
//!
//! **Korean** equals English in pages, depths of headings, fences (`text` and `mermaid` have Korean words in
//! them), comments, link targets in any order, and the set of inline code. `tests/docs/korean.txt` has
//! words that are not to be used. No particle directly follows a link to lines; no cell of a table and no
//! picture is English prose (`<!-- picture: the same -->` above a picture that must be).

mod chapter;
mod counts;
mod exercises;
mod fences;
mod korean;
mod languages;
mod links;
mod named_tests;
mod page;
mod planted;
mod programs;
mod quotes;
mod refill;
mod transcripts;
mod tree;

use std::env;
use std::sync::OnceLock;

use tree::Tree;

/// Beginnings of the paths of pages that are not checked at all until they are rewritten: take yours from
/// the list. When the last page of a language is gone from it, the language must show every line of the source.
const NOT_YET_REWRITTEN: &[&str] = &[];

/// The files of the repository, repaired first where that is wanted.
fn repository() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(|| {
        let mut tree = Tree { lagging: NOT_YET_REWRITTEN, ..Tree::default() };
        tree.read_folder(&tree::root(), "");
        if env::var_os("REPAIR").is_some() {
            refill::repair(&mut tree);
        }
        tree
    })
}

/// A test for each rule, which fails with all that the rule finds.
macro_rules! rules {
    ($($(#[$attribute:meta])* $name:ident: $rule:path;)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                let faults = $rule(repository());
                assert!(faults.is_empty(), "\n\n{}\n\n{} found\n", faults.join("\n"), faults.len());
            }
        )*
    };
}

rules! {
    quotes_and_counts_and_transcripts_are_true: refill::faults;
    every_line_of_the_source_is_quoted_in_each_language: quotes::uncovered;
    every_fence_is_of_a_kind_that_is_checked: fences::faults;
    every_edit_has_its_command: exercises::form_faults;
    #[ignore = "compiles the program once for each exercise"]
    exercises_do_what_the_pages_say: exercises::faults;
    korean_equals_english_but_for_the_prose: languages::faults;
    korean_is_korean: korean::faults;
    the_pages_follow_the_chapter: chapter::faults;
    every_link_leads_somewhere: links::faults;
    every_test_that_is_named_exists: named_tests::faults;
}
