//! The pages follow the chapter: its sections, its steps at run time, its names; and the page on
//! the differences has all of them.

use crate::links::target_path;
use crate::page::{Page, Place, number};
use crate::tree::{LANGUAGES, Tree};

/// The sections, with how the headings begin that their pages have.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("1", &[]),
    ("2", &["2.1"]),
    ("3", &["3.1", "3.2", "3.3"]),
    ("4", &[]),
    ("5", &[]),
    ("6", &["6.1", "6.2", "6.3"]),
];

/// What ends each page of the evening.
const EXERCISES: [&str; 3] = ["Predict", "Break it", "Build it"];

/// What the chapter names in Python.
const NAMES: &str = "fake_users_db fake_hash_password oauth2_scheme OAuth2PasswordBearer User UserInDB get_user \
    fake_decode_token get_current_user get_current_active_user HTTPException OAuth2PasswordRequestForm Depends \
    login read_users_me";

/// The differences, each a line at the margin: its name, a colon, and what it is.
const DIFFERENCES: &str = "tests/fastapi/differences.txt";

/// Sections without their page, steps that are not on theirs, names and differences not told.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for language in LANGUAGES {
        let start = format!("docs/{language}/");
        for (section, headings) in SECTIONS {
            let paths = tree.page_paths().filter(|path| path.starts_with(&start) && number(path) == section);
            match paths.collect::<Vec<_>>()[..] {
                [path] if tree.lags(path) => {}
                [path] => faults.extend(heading_faults(&Page::parse(path, &tree.files[path]), headings)),
                [] if tree.lags(&format!("{start}{section}-")) => {}
                _ => faults.push(format!("{start}: section {section} should have one page, {section}-….md")),
            }
        }
        faults.extend(step_faults(tree, language));
    }
    for page in tree.pages() {
        let is_evening = number(&page.path).parse().is_ok_and(|number: u32| number <= 6);
        if page.path.starts_with("docs/en/") && is_evening {
            faults.extend(heading_faults(&page, &EXERCISES));
        } else if page.path.ends_with("-differences.md") {
            let at_the_margin =
                tree.lines(DIFFERENCES).into_iter().filter(|line| !line.starts_with([' ', '#']));
            let names = at_the_margin.filter_map(|line| Some(line.split_once(':')?.0)).collect();
            faults.extend(missing_code(&page, names));
        } else if page.path == "docs/README.md" {
            faults.extend(
                missing_code(&page, NAMES.split(' ').collect()).into_iter().chain(map_faults(tree, &page)),
            );
        }
    }
    faults
}

fn heading_faults(page: &Page, starts: &[&str]) -> Vec<String> {
    let begins = |text: &str, start: &str| {
        text.strip_prefix(start).is_some_and(|it| !it.starts_with(char::is_alphanumeric))
    };
    let missing =
        starts.iter().filter(|start| !page.headings.iter().any(|heading| begins(&heading.text, start)));
    missing.map(|start| format!("{}: no heading begins with {start}", page.path)).collect()
}

fn missing_code(page: &Page, names: Vec<&str>) -> Vec<String> {
    let missing = names.into_iter().filter(|name| !page.code().any(|(_, code)| code == *name));
    missing.map(|name| format!("{}: `{name}` is missing", page.path)).collect()
}

/// Each call of `step("3.1", …)` is quoted on page 3. The arguments may begin on the next line.
fn step_faults(tree: &Tree, language: &str) -> Vec<String> {
    let (pages, mut faults) = (tree.pages_in(language), Vec::new());
    for (path, lines) in tree.sources() {
        for (line, text) in (1..).zip(&lines).filter(|(_, text)| !text.trim_start().starts_with("//")) {
            let call = format!("{text}{}", lines.get(line).unwrap_or(&"").trim_start());
            let Some((section, _)) = call.split_once("step(\"").and_then(|(_, it)| it.split_once('"')) else {
                continue;
            };
            let page = section.split('.').next().unwrap_or_default();
            let mut of_page = pages.iter().filter(|it| number(&it.path) == page).flat_map(|it| &it.fences);
            let is_quoted =
                of_page.any(|fence| fence.language == "rust" && fence.lines.iter().any(|it| it == text));
            let is_section = SECTIONS.iter().any(|(it, parts)| *it == section || parts.contains(&section));
            let mut paths =
                tree.page_paths().filter(|it| it.starts_with(&format!("docs/{language}/{page}-")));
            if !is_section || !is_quoted && paths.any(|path| !tree.lags(path)) {
                let what =
                    format!("is a step of section {section}, but not on page {page} of docs/{language}");
                faults.push(format!("{path}:{line} {what}"));
            }
        }
    }
    faults
}

/// Lines that do not have the name in them that they are beside in the map.
fn map_faults(tree: &Tree, map: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    for link in &map.links {
        let beside = map.code().find(|(line, _)| *line == link.line).map(|(_, code)| code);
        // A dependency has no name here: it is a call.
        let name = beside.filter(|code| NAMES.split(' ').any(|name| name == *code) && *code != "Depends");
        let path = target_path(&map.path, &link.target).unwrap_or_default();
        let place = link.target.split_once('#').and_then(|(_, it)| Place::of_file(&path, it));
        let (Some(name), Some(place)) = (name, place) else { continue };
        let shown = tree.lines(&path).get(place.first - 1..place.last).unwrap_or_default().join("\n");
        if !shown.to_lowercase().contains(&name.to_lowercase()) {
            faults.push(map.at(link.line, &format!("{place} does not have `{name}`: {shown}")));
        }
    }
    faults
}
