//! The tests that a page names, in its prose and in its commands, exist.

use crate::tree::{Tree, has_extension};

/// The modules and tests of some files, and whether a test is ignored.
fn names<'a>(files: impl Iterator<Item = &'a str>) -> Vec<(&'a str, bool)> {
    let (mut names, mut attributes) = (Vec::new(), String::new());
    for line in files.flat_map(str::lines).map(str::trim_start).filter(|line| !line.starts_with("//")) {
        let is_test = attributes.contains("#[test]");
        let rest = line.strip_prefix("mod ").or(line.strip_prefix("fn ").filter(|_| is_test));
        let name = rest.and_then(|rest| rest.split(|it: char| !(it.is_alphanumeric() || it == '_')).next());
        names.extend(name.map(|name| (name, attributes.contains("#[ignore"))));
        attributes = if line.starts_with('#') { attributes + line } else { String::new() };
    }
    names
}

/// What is wrong with `cargo test --test FILE NAME`, which may go on with `-- --ignored NAME`.
pub fn command_fault(tree: &Tree, command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().skip_while(|word| word.contains('=')).collect();
    let ["cargo", "test", words @ ..] = &words[..] else {
        return Some("only `cargo run` and `cargo test` are known here".to_owned());
    };
    let target =
        words.iter().position(|word| *word == "--test").and_then(|at| words.get(at + 1)).unwrap_or(&"");
    let mut filters = words.iter().filter(|word| !word.starts_with('-') && *word != target);
    let is_of_target = |path: &str| match *target {
        "" => words.contains(&"--lib") && path.starts_with("src/"),
        _ => path == format!("tests/{target}.rs") || path.starts_with(&format!("tests/{target}/")),
    };
    let files = tree.files.iter().filter(|(path, _)| is_of_target(path) && has_extension(path, "rs"));
    let names = names(files.map(|(_, text)| text.as_str()));
    if names.is_empty() && (!target.is_empty() || filters.clone().next().is_some()) {
        return Some("there is no such file of tests; name one with `--test FILE`".to_owned());
    }
    let ignored = words.contains(&"--ignored");
    let is_run = |part: &str| names.iter().any(|name| name.0.contains(part) && name.1 == ignored);
    let missing = filters.find(|filter| !filter.rsplit("::").next().is_some_and(is_run));
    missing.map(|filter| format!("it runs no test with `{filter}` in its name"))
}

/// Tests in the prose, such as `tests/tutorial.rs::section_5::no_token`, that are not there.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        for (line, code) in page.code() {
            let test = code.split_once("::").filter(|(file, _)| has_extension(file, "rs"));
            let Some((file, path)) = test else { continue };
            let names = names(tree.files.get(file).into_iter().map(String::as_str));
            if !path.split("::").all(|part| names.iter().any(|(name, _)| *name == part)) {
                faults.push(page.at(line, &format!("there is no test `{code}`")));
            }
        }
    }
    faults
}
