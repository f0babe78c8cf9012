//! Holds the pages (`README.md` and `docs/**/*.md`) to the program. `cargo test --test docs` compares,
//! `REPAIR=1 cargo test --test docs` refills, and `cargo test --test docs -- --ignored exercises` makes the
//! exercises in a copy. How to write what they understand is in `tests/docs/README.md`.

mod chapter;
mod counts;
mod exercises;
mod fences;
mod korean;
mod languages;
mod links;
mod page;
mod planted;
mod programs;
mod quotes;
mod refill;
mod transcripts;
mod tree;

use std::env;
use std::sync::LazyLock;

use tree::Tree;

/// The files of the repository, repaired first where that is wanted.
static REPOSITORY: LazyLock<Tree> = LazyLock::new(|| {
    let mut tree = Tree::default();
    tree.read_folder(tree::ROOT.as_ref(), "");
    if env::var_os("REPAIR").is_some() {
        refill::repair(&mut tree);
    }
    tree
});

/// A test for each rule, which fails with all that the rule finds.
macro_rules! rules {
    ($($(#[$attribute:meta])* $name:ident: $rule:path;)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                let faults = $rule(&REPOSITORY);
                assert!(faults.is_empty(), "\n\n{}\n\n{} found\n", faults.join("\n"), faults.len());
            }
        )*
    };
}

rules! {
    quotes_and_counts_and_transcripts_are_true: refill::faults;
    every_line_of_the_source_is_quoted: quotes::uncovered;
    every_fence_is_of_a_kind_that_is_checked: fences::faults;
    every_edit_has_its_command: exercises::form_faults;
    #[ignore = "compiles the program once for each exercise"]
    exercises_do_what_the_pages_say: exercises::faults;
    korean_equals_english_but_for_the_prose: languages::faults;
    korean_is_korean: korean::faults;
    the_pages_follow_the_chapter: chapter::faults;
    every_link_leads_somewhere: links::faults;
    every_test_that_is_named_exists: links::test_faults;
}
