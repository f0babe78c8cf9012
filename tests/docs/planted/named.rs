//! Tests that are named and do not exist.

use super::*;

#[test]
fn a_test_that_does_not_exist_is_found() {
    assert_caught(names::faults, "fastapi::no_token", "fastapi::no_such", "no test of this name");
    assert_caught(names::faults, "fastapi::no_token", "section_5::no_token", "no test of this name");
    assert_caught(names::faults, "fastapi::no_token", "helper", "no test of this name");
    assert_caught(names::faults, "tests/tutorial.rs::", "tests/gone.rs::", "there is no tests/gone.rs");
}

#[test]
fn an_edit_that_names_no_test_is_found() {
    assert_caught(
        names::faults,
        "`tests/tutorial.rs::fastapi::no_token`",
        "Something",
        "which test goes red?",
    );
}

#[test]
fn an_edit_has_to_turn_the_test_red_that_it_names() {
    let printed = "running 2 tests\ntest fastapi::no_token ... ok\ntest fastapi::token ... FAILED\n";
    assert_eq!(edits::is_red(printed, "token"), Ok(()));
    assert_eq!(edits::is_red(printed, "fastapi::token"), Ok(()));
    assert_eq!(edits::is_red(printed, "no_token"), Err("stays green"));
    assert_eq!(edits::is_red(printed, "oken"), Err("does not run"));
    assert_eq!(edits::is_red("error: could not compile", "token"), Err("does not run"));
}

#[test]
fn a_section_of_the_specification_that_does_not_exist_is_found() {
    assert_caught(names::faults, "with `login`", "with `section_7`", "tests/tutorial.rs has no such module");
}
