//! A test that a page names exists, and an edit for the reader to try names one.

use crate::markdown::{Fence, Page};
use crate::tree::{Tree, extension};

/// Tests that are named and not there, and edits behind which no test is named.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in tree.pages() {
        for (line, code) in &page.code {
            if let Some(Err(reason)) = look_up(tree, code) {
                faults.push(format!("{}:{line}: `{code}`: {reason}", page.path));
            }
        }
        faults.extend(edits_without_test(&page));
    }
    faults
}

fn edits_without_test(page: &Page) -> Vec<String> {
    let edits = page.fences.iter().filter(|fence| fence.language == "diff");
    let without = edits.filter(|edit| named_behind(page, edit).is_empty());
    let fault = |line| format!("{}:{line}: which test goes red? Name it as `tests/FILE.rs::NAME`", page.path);
    without.map(|edit| fault(edit.line)).collect()
}

/// The tests that are named behind an edit, before the next edit or heading: file and name.
pub fn named_behind<'a>(page: &'a Page, edit: &Fence) -> Vec<(&'a str, &'a str)> {
    let edits = page.fences.iter().filter(|fence| fence.language == "diff").map(|fence| fence.line);
    let ends = page.headings.iter().map(|heading| heading.line).chain(edits);
    let end = ends.filter(|&line| line > edit.line).min().unwrap_or(usize::MAX);
    let behind = page.code.iter().filter(|(line, _)| (edit.line..end).contains(line));
    behind.filter_map(|(_, code)| file_and_name(code)).collect()
}

/// Splits `tests/tutorial.rs::section_5::no_token`; `None` for code that names no test.
fn file_and_name(code: &str) -> Option<(&str, &str)> {
    let (file, name) = code.split_once("::")?;
    let is_file = extension(file) == Some("rs") && (file.starts_with("tests/") || file.starts_with("src/"));
    is_file.then_some((file, name))
}

/// Looks up a test by such a name, or a module of `tests/tutorial.rs` such as `section_5`.
fn look_up(tree: &Tree, code: &str) -> Option<Result<(), String>> {
    if code.starts_with("section_") {
        let module = format!("mod {code} {{");
        let found = tree.text("tests/tutorial.rs").is_some_and(|text| text.contains(&module));
        return Some(if found { Ok(()) } else { Err("tests/tutorial.rs has no such module".to_owned()) });
    }
    let (file, name) = file_and_name(code)?;
    Some(match tree.lines(file) {
        None => Err(format!("there is no {file}")),
        Some(lines) if tests(&lines).iter().any(|test| is_suffix(test, name)) => Ok(()),
        Some(_) => Err(format!("no test of this name is in {file}")),
    })
}

/// Whether a test goes by this name, in full or without some of the modules in front.
pub fn is_suffix(test: &str, name: &str) -> bool {
    test.strip_suffix(name).is_some_and(|modules| modules.is_empty() || modules.ends_with("::"))
}

/// The tests of a file, with their modules. Indentation tells which modules are open.
pub fn tests(lines: &[&str]) -> Vec<String> {
    let mut modules: Vec<(usize, &str)> = Vec::new();
    let (mut tests, mut has_attribute) = (Vec::new(), false);
    for line in lines {
        let trimmed = line.trim_start();
        let indentation = line.len() - trimmed.len();
        if trimmed == "}" {
            modules.retain(|(module, _)| *module < indentation);
        }
        let identifier = |text: &'static str| {
            let rest = trimmed.strip_prefix(text)?;
            rest.split(|character: char| !(character.is_alphanumeric() || character == '_')).next()
        };
        if let Some(name) = identifier("mod ").filter(|_| trimmed.ends_with('{')) {
            modules.push((indentation, name));
        } else if let Some(name) = identifier("fn ") {
            let names = modules.iter().map(|(_, module)| *module).chain([name]);
            tests.extend(has_attribute.then(|| names.collect::<Vec<_>>().join("::")));
            has_attribute = false;
        } else {
            has_attribute |= trimmed == "#[test]";
        }
    }
    tests
}
