//! The exercises of the pages, made in a copy: what a page breaks goes red as it says, and what it
//! lets the reader build makes a waiting test pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, mem};

use crate::page::{Fence, Heading, Page};
use crate::programs::{BUILD_PATIENCE, run, shell};
use crate::quotes::lines_without;
use crate::refill::say;
use crate::transcripts::{Command, commands, fits_line};
use crate::tree::Tree;

#[derive(Default)]
struct Exercise {
    /// The line of its command's fence, or of its heading.
    line: usize,
    edits: Vec<Fence>,
    /// The first one goes from green to red or from red to green; the others are green after the edits.
    commands: Vec<String>,
    /// What the page shows of the output of a Break it; `None` for a Build it.
    shown: Option<Vec<String>>,
}

/// Whether a command succeeded, and what it printed.
pub type Outcome = (bool, String);

/// The exercises of a page: a Break it ends with a test that fails, a Build it is all below its heading.
fn of_page(page: &Page) -> Vec<Exercise> {
    let is_build = |heading: &Heading| heading.text.starts_with("Build it");
    let (mut exercises, mut open) = (Vec::new(), Exercise::default());
    for fence in page.fences.iter().filter(|it| !page.heading_above(it.line).is_some_and(is_build)) {
        if fence.language == "diff" {
            open.line = fence.line;
            open.edits.push(fence.clone());
        }
        for mut command in test_commands(page, fence).into_iter().filter(|it| !it.output.is_empty()) {
            command.output.retain(|line| !line.is_empty());
            let (commands, shown) = (vec![command.text], Some(command.output));
            exercises.push(Exercise { line: fence.line, commands, shown, ..mem::take(&mut open) });
        }
    }
    exercises.extend((!open.edits.is_empty()).then_some(open));
    exercises.extend(page.headings.iter().filter(|it| is_build(it)).map(|it| build(page, it.line)));
    exercises
}

fn test_commands(page: &Page, fence: &Fence) -> Vec<Command> {
    let is_run = fence.language == "console" && page.not_run(fence).is_none();
    let commands = if is_run { commands(fence) } else { Vec::new() };
    commands.into_iter().filter(|command| command.text.starts_with("cargo test")).collect()
}

fn build(page: &Page, heading: usize) -> Exercise {
    let is_here = |line| page.heading_above(line).is_some_and(|it| it.line == heading);
    let comments = page.comments.iter().filter(|(line, name, _)| name == "build" && is_here(*line));
    let mut commands: Vec<String> = comments.map(|(_, _, command)| command.clone()).collect();
    let fences = || page.fences.iter().filter(|fence| is_here(fence.line));
    commands.extend(fences().flat_map(|fence| test_commands(page, fence)).map(|command| command.text));
    let edits = fences().filter(|fence| fence.language == "diff").cloned().collect();
    Exercise { line: heading, edits, commands, shown: None }
}

/// What is wrong with the form of the exercises of English pages, which the Korean ones equal.
pub fn form_faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages_in("en") {
        for Exercise { line, edits, commands, .. } in of_page(&page) {
            let missing = edits.is_empty().then_some("no `diff` is the edit of this exercise");
            let untested = commands.is_empty().then_some("no command says which test this exercise turns");
            faults.extend(missing.or(untested).map(|what| page.at(line, what)));
        }
    }
    faults
}

/// Makes the exercises of the English pages, or of those with `PAGE` in their name, in a copy of the
/// repository with a folder of its own to build in, which stays for the next time.
pub fn faults(tree: &Tree) -> Vec<String> {
    let only = env::var("PAGE").unwrap_or_default();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exercises");
    for folder in ["src", "tests", "docs"] {
        let _ = fs::remove_dir_all(copy.join(folder)); // what is renamed must not stay
    }
    write(tree, &copy);
    let (mut before, mut faults) = (BTreeMap::new(), Vec::new());
    for page in tree.pages_in("en").iter().filter(|page| page.path.contains(&only)) {
        for exercise in of_page(page) {
            let Some(command) = exercise.commands.first() else { continue };
            let before = before.entry(command.clone()).or_insert_with(|| run_in(&copy, command));
            write(&edited(tree, &exercise), &copy);
            let fault = after_edits(&exercise, before, &copy).err();
            write(tree, &copy);
            say(&page.at(exercise.line, fault.as_ref().map_or("does what the page says", |_| "FAILED")));
            faults.extend(fault.map(|what| page.at(exercise.line, &format!("`{command}` {what}"))));
        }
    }
    faults
}

/// Writes the files that are others there, so that cargo compiles no more than that.
fn write(tree: &Tree, copy: &Path) {
    for (path, text) in &tree.files {
        let to = copy.join(path);
        if fs::read(&to).ok().as_deref() != Some(text.as_bytes()) {
            fs::create_dir_all(to.parent().expect("a folder above")).expect("a folder can be made");
            fs::write(to, text).expect("a file can be written");
        }
    }
}

fn run_in(copy: &Path, command: &str) -> Outcome {
    let mut process = shell(command);
    process.current_dir(copy).env("CARGO_TARGET_DIR", copy.join("target"));
    process.env("CARGO_TERM_COLOR", "never").env("CARGO_NET_OFFLINE", "true");
    process.env("CARGO_PROFILE_DEV_DEBUG", "0"); // it is built often and never debugged
    run(&mut process, BUILD_PATIENCE).unwrap_or_else(|reason| (false, reason))
}

/// Makes the edits from the last one to the first, because each knows its lines in the old text.
fn edited(tree: &Tree, exercise: &Exercise) -> Tree {
    let mut tree = tree.clone();
    let edits = exercise.edits.iter().filter_map(|edit| Some((edit.quote.as_ref()?, edit)));
    let mut edits: Vec<_> = edits.collect();
    edits.sort_by_key(|(place, _)| place.first);
    for (place, edit) in edits.into_iter().rev() {
        let mut lines = tree.lines(&place.path);
        lines.splice(place.first - 1..place.last, lines_without(edit, '-'));
        let text = lines.join("\n") + "\n";
        tree.files.insert(place.path.clone(), text);
    }
    tree
}

fn after_edits(exercise: &Exercise, before: &Outcome, copy: &Path) -> Result<(), String> {
    judge(exercise.shown.as_deref(), before, &run_in(copy, &exercise.commands[0]))?;
    let mut others = exercise.commands[1..].iter().map(|command| (command, run_in(copy, command)));
    let failed = others.find(|(_, outcome)| !passes(outcome));
    failed.map_or(Ok(()), |(command, outcome)| Err(format!("passes, but not `{command}`:\n{}", outcome.1)))
}

/// Whether a command passed and ran a test.
fn passes((success, output): &Outcome) -> bool {
    let mut results = output.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    *success && results.any(|result| !result.starts_with("0 passed"))
}

/// Whether a command went from green to red and printed what the page shows; or, where it shows
/// nothing, whether a test went from red to green.
pub fn judge(shown: Option<&[String]>, before: &Outcome, after: &Outcome) -> Result<(), String> {
    let mut printed = after.1.lines();
    let missing = shown.unwrap_or_default().iter().find(|line| !printed.any(|found| fits_line(line, found)));
    let ran_red = !before.0 && before.1.contains("test result: FAILED");
    let (what, outcome) = match (shown, missing) {
        (Some(_), _) if !passes(before) => ("does not pass before the edit", before),
        (Some(_), _) if after.0 => ("stays green after the edit", after),
        (_, Some(line)) => (&*format!("does not print, or not in this order: {line}"), after),
        (None, _) if !ran_red => ("does not run and fail before the answer is applied", before),
        (None, _) if !passes(after) => ("does not pass after the answer is applied", after),
        _ => return Ok(()),
    };
    Err(format!("{what}:\n{}", outcome.1))
}
