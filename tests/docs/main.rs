//! Holds the pages to the program: what `README.md` and `docs/` show is what stands in the source
//! and what the server answers. For whoever writes pages, these are the rules.
//!
//! **A quote** is a line that is nothing but a link, and the fence below it (one blank line may
//! stand between), with exactly these lines of the file, indentation and all:
//!
//! ````text
//! [src/app.rs:71-78](../../src/app.rs#L71-L78)
//!
//! ```rust
//! ````
//!
//! One line is `[src/app.rs:71](../../src/app.rs#L71)`. A fence of `rust`, `toml` or `html` is
//! always a quote. In `docs/en` and in `docs/ko`, each on its own, the quotes hold every line of
//! `src/**/*.rs` exactly once, blank lines and `#[cfg(test)]` modules apart; to point at a line a
//! second time, write the link into the prose. When the source has moved,
//! `REPAIR=1 cargo test --test docs` rewrites the line numbers of all pages, and nothing else.
//!
//! **An edit** for the reader to try ("Break it") is a quote in a `diff` fence: the lines with
//! ` ` and `-` before them are the lines of the file, those with `+` are the reader's. Behind it,
//! before the next edit or heading, stands what goes red, in inline code: `tests/FILE.rs::NAME`,
//! with as many modules before the name as one likes. The edit compiles, and each test named there
//! does go red: `cargo test --test docs -- --ignored` makes the edits of the English pages in a
//! copy and looks.
//!
//! **A transcript** is a `console` fence: lines that begin with `$ `, and under each what comes
//! back, to the byte. A line that ends in `\` goes on in the next one. The server is always
//! `127.0.0.1:8000`. What can be run:
//!
//! - `$ curl …`, with one URL and the options that `tests/docs/curl.rs` lists. Its output ends
//!   with its line, whether a line end follows or not. The line `date: [..]` stands for any date.
//! - `$ printf '…' | nc 127.0.0.1 8000`, for requests that curl would not send. The server must
//!   be the one to end the connection. The test sends the bytes itself.
//! - `$ cargo run`, alone in its fence, with flags behind `--`: the banner, and then the lines of
//!   the log or the blocks of `--explain` for the curl commands of the `console` fence before it
//!   on the page. The banner may be left out when something follows. The client's port is `[..]`.
//!   A start that fails (port 8000 is taken) and `--help` are shown in the same way.
//! - `$ cargo test …`, with nothing under it: the file and the name in it must exist.
//!
//! **Other fences** are `text` and `mermaid` for pictures, and `python` for at most six lines of
//! the chapter. A fence begins in the first column, and there is no code block without a fence.
//!
//! **The chapter**: sections 1 to 6 have a page each, `1-….md` to `6-….md`, which has a quote of
//! `src`, a transcript and an edit. A line that calls `step("3.1", …)` is quoted on page 3. There
//! are headings that begin with 2.1, 3.1, 3.2, 3.3, 6.1, 6.2 and 6.3. `docs/README.md` has each
//! Python name of the chapter in inline code and a link to each page; a line of the source that is
//! linked beside such a name has the name in it. `section_5` is a module of `tests/tutorial.rs`.
//!
//! **The differences from FastAPI**: `N-differences.md` has the name of each row of
//! `tests/fastapi/differences.txt` in inline code.
//!
//! **The two languages** have the same pages, and each page the same depths of headings, the same
//! fences in the same order, the same link targets in any order (`en` and `ko` apart) and the
//! same set of inline code. Only the prose differs.
//!
//! **Links** lead to files, lines and headings that exist.

mod cargo;
mod chapter;
mod coverage;
mod curl;
mod differences;
mod edits;
mod fences;
mod inline;
mod languages;
mod links;
mod markdown;
mod names;
mod planted;
mod quotes;
mod repair;
mod sending;
mod shell;
#[path = "../support/mod.rs"]
mod support;
mod transcripts;
mod tree;
mod wildcards;

use tree::Tree;

/// Fails with all of what was found, not only with the first.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{} found:\n\n{}\n", faults.len(), faults.join("\n"));
}

#[test]
fn every_quote_equals_its_lines() {
    assert_none(&quotes::faults(Tree::of_the_repository()));
}

#[test]
fn every_line_of_the_source_is_quoted_once_in_each_language() {
    assert_none(&coverage::faults(Tree::of_the_repository()));
}

#[test]
fn korean_equals_english_but_for_the_prose() {
    assert_none(&languages::faults(Tree::of_the_repository()));
}

#[test]
fn every_section_of_the_chapter_has_its_page_and_every_step_is_on_it() {
    assert_none(&chapter::faults(Tree::of_the_repository()));
}

#[test]
fn every_fence_is_of_a_kind_that_is_checked() {
    assert_none(&fences::faults(Tree::of_the_repository()));
}

#[test]
fn every_link_leads_somewhere() {
    assert_none(&links::faults(Tree::of_the_repository()));
}

#[test]
fn every_difference_from_fastapi_is_told() {
    assert_none(&differences::faults(Tree::of_the_repository()));
}

#[test]
fn every_test_that_is_named_exists() {
    assert_none(&names::faults(Tree::of_the_repository()));
}

#[test]
fn every_transcript_comes_true_through_the_test_client() {
    assert_none(&transcripts::faults(Tree::of_the_repository(), curl::Way::TestClient));
}

#[test]
fn every_transcript_comes_true_through_curl() {
    if curl::is_installed() {
        let faults = transcripts::faults(Tree::of_the_repository(), curl::Way::Curl);
        assert_none(&faults);
    } else {
        assert!(std::env::var("CI").is_err(), "curl is not installed, and CI must run it");
        repair::say("curl is not installed: the transcripts ran through the test client alone");
    }
}

#[test]
#[ignore = "compiles the program once for each edit"]
fn every_edit_turns_the_tests_red_that_are_named_behind_it() {
    assert_none(&edits::faults(Tree::of_the_repository()));
}
