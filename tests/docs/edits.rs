//! The edits that readers are to try, tried: each is made in a copy of the repository, and the
//! tests that are named behind it must go red there.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::markdown::Fence;
use crate::tree::Tree;
use crate::{names, quotes};

/// Edits behind which a test is named that stays green, or that do not even compile. Korean pages
/// have the same ones as English pages.
pub fn faults(tree: &Tree) -> Vec<String> {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("edits");
    tree.write_to(&copy);
    let mut faults = Vec::new();
    for page in tree.pages_in("en") {
        for edit in page.fences.iter().filter(|fence| fence.language == "diff") {
            let Some((path, edited)) = edited(tree, edit) else {
                faults.push(format!("{}:{}: the edit does not fit", page.path, edit.line));
                continue;
            };
            fs::write(copy.join(&path), edited).expect("the copy can be written");
            for (file, name) in names::named_behind(&page, edit) {
                if let Err(reason) = goes_red(&copy, file, name) {
                    faults.push(format!("{}:{}: {file}::{name} {reason}", page.path, edit.line));
                }
            }
            fs::write(copy.join(&path), tree.text(&path).unwrap_or_default())
                .expect("the copy can be written");
        }
    }
    faults
}

/// The file that an edit changes, and its text afterwards.
fn edited(tree: &Tree, edit: &Fence) -> Option<(String, String)> {
    let place = &edit.quote.as_ref()?.place;
    if !quotes::is_right(tree, edit) {
        return None;
    }
    let lines = tree.lines(&place.path)?;
    let kept = edit.lines.iter().filter(|line| !line.starts_with('-'));
    let after = kept.map(|line| line.strip_prefix(['+', ' ']).unwrap_or(line));
    let (before, behind) = (&lines[..place.first - 1], &lines[place.last..]);
    let text: Vec<&str> = before.iter().copied().chain(after).chain(behind.iter().copied()).collect();
    Some((place.path.clone(), text.join("\n") + "\n"))
}

/// Runs a test in the copy, and wants it to fail rather than not to compile or not to run.
fn goes_red(copy: &Path, file: &str, name: &str) -> Result<(), String> {
    let output = cargo_test(copy, file, name);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    is_red(&text(&output.stdout), name).map_err(|what| format!("{what}\n{}", text(&output.stderr)))
}

/// Reads what the test harness printed.
pub fn is_red(printed: &str, name: &str) -> Result<(), &'static str> {
    let has = |ending: &str| {
        let mut tests = printed.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(ending));
        tests.any(|test| names::is_suffix(test.trim_end_matches(" - should panic"), name))
    };
    match (has(" ... FAILED"), has(" ... ok")) {
        (true, _) => Ok(()),
        (false, true) => Err("stays green"),
        (false, false) => Err("does not run"),
    }
}

fn cargo_test(copy: &Path, file: &str, name: &str) -> Output {
    // `tests/wire.rs` and `tests/docs/quotes.rs` are targets of their own; `src/` is the library.
    let target = file.strip_prefix("tests/").map(|file| file.trim_end_matches(".rs"));
    let target = target.and_then(|file| file.split('/').next());
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--locked", "--offline", "--color", "never"]);
    match target {
        Some(target) => command.args(["--test", target]),
        None => command.arg("--lib"),
    };
    command.args(["--", name, "--format", "pretty"]).current_dir(copy);
    // The copy has a folder of its own to build in, which stays for the next time.
    command.env("CARGO_TARGET_DIR", copy.join("target")).output().expect("cargo can be started")
}
