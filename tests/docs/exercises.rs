//! The exercises of the pages, made in a copy: what a page breaks goes red as it says, and what it
//! lets the reader build makes a waiting test pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, mem};

use crate::page::{Fence, Page};
use crate::programs::{BUILD_PATIENCE, run, shell};
use crate::quotes::edited_lines;
use crate::refill::say;
use crate::transcripts::{Command, commands, fits_line};
use crate::tree::{Tree, root};

/// How long an exercise may take, with its compilation.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Exercise {
    /// The line of its command's fence, or of its heading.
    pub at_fence: usize,
    edits: Vec<Fence>,
    command: String,
    task: Task,
}

enum Task {
    /// The command passes before the edits; after them it fails and prints these lines.
    Break(Vec<String>),
    /// The command fails before the edits and passes after them, and so do these others.
    Build(Vec<String>),
}

/// Whether a command succeeded, and what it printed.
pub type Outcome = (bool, String);

/// The exercises of a page, and what is wrong with their form.
pub fn of_page(page: &Page) -> (Vec<Exercise>, Vec<String>) {
    let (mut exercises, mut open, mut lost) = (Vec::new(), Vec::<Fence>::new(), Vec::new());
    let section = |fence: &Fence| page.heading_above(fence.line);
    for fence in page.fences.iter().filter(|fence| !section(fence).1.starts_with("Build it")) {
        if open.first().is_some_and(|edit| section(edit) != section(fence)) {
            lost.append(&mut open);
        }
        match test_commands(fence).into_iter().find(|command| !command.output.is_empty()) {
            _ if fence.language == "diff" => open.push(fence.clone()),
            _ if fence.marked("not run").is_some() => open.clear(),
            Some(Command { text: command, output, .. }) if !open.is_empty() => {
                let shown = output.into_iter().filter(|line| !line.trim().is_empty()).collect();
                let (edits, task) = (mem::take(&mut open), Task::Break(shown));
                exercises.push(Exercise { at_fence: fence.line, edits, command, task });
            }
            _ => {}
        }
    }
    let what = "no `console` fence after this edit says which test fails, and how";
    let mut faults: Vec<String> = lost.iter().chain(&open).map(|edit| page.at(edit.line, what)).collect();
    for heading in page.headings.iter().filter(|heading| heading.text.starts_with("Build it")) {
        match build(page, heading.line) {
            Ok(exercise) => exercises.push(exercise),
            Err(fault) => faults.push(page.at(heading.line, fault)),
        }
    }
    (exercises, faults)
}

fn test_commands(fence: &Fence) -> Vec<Command> {
    let is_run = fence.language == "console" && fence.marked("not run").is_none();
    let commands = if is_run { commands(fence) } else { Vec::new() };
    commands.into_iter().filter(|command| command.text.contains("cargo test")).collect()
}

fn build(page: &Page, heading: usize) -> Result<Exercise, &'static str> {
    let is_here = |line| page.heading_above(line).0 == heading;
    let fences: Vec<&Fence> = page.fences.iter().filter(|fence| is_here(fence.line)).collect();
    let comments = page.comments.iter().filter(|(line, name, _)| name == "build" && is_here(*line));
    let mut commands: Vec<String> = comments.map(|(_, _, command)| command.clone()).collect();
    commands.extend(fences.iter().flat_map(|fence| test_commands(fence)).map(|command| command.text));
    let answer = fences.into_iter().filter(|fence| fence.language == "diff" && fence.folded);
    let edits: Vec<Fence> = answer.cloned().collect();
    if commands.is_empty() {
        return Err("no command runs the test that waits");
    } else if edits.is_empty() {
        return Err("no folded `diff` answers this");
    }
    let command = commands.remove(0);
    Ok(Exercise { at_fence: heading, edits, command, task: Task::Build(commands) })
}

/// What is wrong with the form of the exercises of English pages, which the Korean ones equal.
pub fn form_faults(tree: &Tree) -> Vec<String> {
    tree.pages_in("en").iter().flat_map(|page| of_page(page).1).collect()
}

/// Makes the exercises of the English pages, or of those with `PAGE` in their name.
pub fn faults(tree: &Tree) -> Vec<String> {
    let only = env::var("PAGE").unwrap_or_default();
    let pages: Vec<Page> = tree.pages_in("en").into_iter().filter(|page| page.path.contains(&only)).collect();
    let of_page = |page| of_page(page).0.into_iter().map(move |exercise| (page, exercise));
    let exercises: Vec<(&Page, Exercise)> = pages.iter().flat_map(of_page).collect();
    let copy = Copy::of(tree);
    say(&format!("{} exercises; first, each command without its edits", exercises.len()));
    let mut before = BTreeMap::new();
    for (_, Exercise { command, .. }) in &exercises {
        before.entry(command).or_insert_with(|| copy.run(command, BUILD_PATIENCE));
    }
    let mut faults = Vec::new();
    for (page, exercise) in &exercises {
        let (start, command) = (Instant::now(), &exercise.command);
        let result = copy.try_out(tree, exercise, &before[command]);
        let verdict = if result.is_ok() { "as the page says" } else { "NOT as the page says" };
        say(&page.at(exercise.at_fence, &format!("{command}: {verdict} ({:.1?})", start.elapsed())));
        faults
            .extend(result.err().map(|reason| page.at(exercise.at_fence, &format!("`{command}` {reason}"))));
    }
    faults
}

/// Whether a command passed and ran a test.
fn passes((success, output): &Outcome) -> bool {
    let mut results = output.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    *success && results.any(|result| !result.starts_with("0 passed"))
}

/// What is wrong, with the end of an output.
fn wrong(what: &str, (_, output): &Outcome) -> Result<(), String> {
    let lines: Vec<&str> = output.lines().collect();
    Err(format!("{what}\n    {}", lines[lines.len().saturating_sub(25)..].join("\n    ")))
}

/// Whether a command went from green to red, and printed what the page shows.
pub fn judge_break(before: &Outcome, after: &Outcome, lines: &[String]) -> Result<(), String> {
    let mut printed = after.1.lines();
    let missing = lines.iter().find(|line| !printed.any(|found| fits_line(line, found)));
    match missing {
        _ if !passes(before) => wrong("does not pass before the edit", before),
        _ if after.0 => wrong("stays green after the edit", after),
        Some(line) => wrong(&format!("does not print, or not in this order: {line}"), after),
        None => Ok(()),
    }
}

/// Whether a waiting test went from red to green.
pub fn judge_build(before: &Outcome, after: &Outcome) -> Result<(), String> {
    if before.0 || !before.1.contains("test result: FAILED") {
        wrong("does not run and fail before the answer is applied", before)
    } else if !passes(after) {
        wrong("does not pass after the answer is applied", after)
    } else {
        Ok(())
    }
}

/// A copy of the repository, with a folder of its own to build in, which stays for the next time.
struct Copy(PathBuf);

impl Copy {
    fn of(tree: &Tree) -> Self {
        let copy = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join("exercises"));
        for folder in ["src", "tests", "docs"] {
            let _ = fs::remove_dir_all(copy.0.join(folder)); // what is renamed must not stay
        }
        for path in tree.files.keys() {
            let to = copy.0.join(path);
            fs::create_dir_all(to.parent().expect("a folder above")).expect("a folder can be made");
            fs::copy(root().join(path), to).expect("a file can be copied");
        }
        copy
    }

    fn run(&self, command: &str, time: Duration) -> Outcome {
        let mut process = shell(command);
        process.current_dir(&self.0).env("CARGO_TARGET_DIR", self.0.join("target"));
        process.env("CARGO_TERM_COLOR", "never").env("CARGO_NET_OFFLINE", "true");
        process.env("CARGO_PROFILE_DEV_DEBUG", "0"); // it is built often and never debugged
        run(&mut process, time).unwrap_or_else(|reason| (false, reason))
    }

    /// Makes the edits from the last one to the first, because each knows its lines in the old text.
    fn try_out(&self, tree: &Tree, exercise: &Exercise, before: &Outcome) -> Result<(), String> {
        let mut edits: Vec<_> =
            exercise.edits.iter().filter_map(|it| Some((&it.quote.as_ref()?.1, it))).collect();
        edits.sort_by_key(|(place, _)| place.first);
        let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (place, edit) in edits.into_iter().rev() {
            let lines = files.entry(&place.path).or_insert_with(|| tree.lines(&place.path));
            lines.splice(place.first - 1..place.last, edited_lines(edit));
        }
        let write =
            |path: &str, text: &str| fs::write(self.0.join(path), text).expect("the copy can be written");
        for (path, lines) in &files {
            write(path, &(lines.join("\n") + "\n"));
        }
        let after = |command: &str| self.run(command, PATIENCE);
        let result = match &exercise.task {
            Task::Break(lines) => judge_break(before, &after(&exercise.command), lines),
            Task::Build(others) => judge_build(before, &after(&exercise.command)).and_then(|()| {
                let failed = others.iter().map(|it| (it, after(it))).find(|(_, outcome)| !passes(outcome));
                failed.map_or(Ok(()), |(it, outcome)| wrong(&format!("passes, but not `{it}`"), &outcome))
            }),
        };
        for path in files.keys() {
            write(path, &tree.files[*path]);
        }
        result
    }
}
