//! Rule 4: the pages follow the chapter. Each section has its page, and each step that a section
//! takes at run time is quoted on it.

use crate::markdown::{Page, Place};
use crate::tree::{LANGUAGES, Tree};

/// Each section with its sub-sections.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("1", &[]),
    ("2", &["2.1"]),
    ("3", &["3.1", "3.2", "3.3"]),
    ("4", &[]),
    ("5", &[]),
    ("6", &["6.1", "6.2", "6.3"]),
];

/// What the chapter names in Python.
const NAMES: [&str; 15] = [
    "fake_users_db",
    "fake_hash_password",
    "oauth2_scheme",
    "OAuth2PasswordBearer",
    "User",
    "UserInDB",
    "get_user",
    "fake_decode_token",
    "get_current_user",
    "get_current_active_user",
    "HTTPException",
    "OAuth2PasswordRequestForm",
    "Depends",
    "login",
    "read_users_me",
];

/// Sections without a page, steps that are not on theirs, names that the map does not have.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for language in LANGUAGES {
        let pages = tree.pages_in(language);
        for (section, parts) in SECTIONS {
            match pages_of(section, &pages).as_slice() {
                [] => faults.push(format!("docs/{language}: no page for section {section}, {section}-….md")),
                [page] => faults.extend(page_faults(page, parts)),
                _ => faults.push(format!("docs/{language}: more than one page for section {section}")),
            }
        }
        faults.extend(step_faults(tree, &pages, language));
    }
    faults.extend(map_faults(tree));
    faults
}

fn pages_of<'a>(section: &str, pages: &'a [Page]) -> Vec<&'a Page> {
    let start = format!("{section}-");
    pages.iter().filter(|page| page.name().starts_with(&start)).collect()
}

fn page_faults(page: &Page, parts: &[&str]) -> Vec<String> {
    let mut missing = Vec::new();
    let has = |language: &str| page.fences.iter().any(|fence| fence.language == language);
    if !page.fences.iter().any(|fence| fence.language == "rust" && quoted_source(fence).is_some()) {
        missing.push("no quote of src".to_owned());
    }
    if !has("console") {
        missing.push("no transcript".to_owned());
    }
    if !has("diff") {
        missing.push("no edit to try (a `diff` fence)".to_owned());
    }
    for part in parts {
        let begins = |text: &str| {
            text.strip_prefix(part).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        if !page.headings.iter().any(|heading| begins(&heading.text)) {
            missing.push(format!("no heading that begins with {part}"));
        }
    }
    missing.iter().map(|what| format!("{}: {what}", page.path)).collect()
}

fn quoted_source(fence: &crate::markdown::Fence) -> Option<&Place> {
    let place = &fence.quote.as_ref()?.place;
    place.path.starts_with("src/").then_some(place)
}

fn step_faults(tree: &Tree, pages: &[Page], language: &str) -> Vec<String> {
    let is_section =
        |section: &str| SECTIONS.iter().any(|(number, parts)| *number == section || parts.contains(&section));
    let mut faults = Vec::new();
    for (path, line, section) in steps(tree) {
        let number = section.split('.').next().unwrap_or_default();
        let holds = |place: &Place| place.path == path && (place.first..=place.last).contains(&line);
        let on_page = pages_of(number, pages).iter().any(|page| {
            let rust = page.fences.iter().filter(|fence| fence.language == "rust");
            rust.filter_map(quoted_source).any(holds)
        });
        if !is_section(&section) {
            faults.push(format!("{path}:{line}: the chapter has no section {section}"));
        } else if !on_page {
            faults.push(format!(
                "{path}:{line} is a step of section {section}: not on page {number} of docs/{language}"
            ));
        }
    }
    faults
}

/// The calls of `step`: file, line, section. The arguments may begin on the next line.
fn steps(tree: &Tree) -> Vec<(String, usize, String)> {
    let mut steps = Vec::new();
    for (path, lines) in tree.sources() {
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            let Some((before, behind)) = line.split_once("step(") else { continue };
            let behind = if behind.trim().is_empty() { lines.get(index + 1).unwrap_or(&"") } else { behind };
            let section = behind.trim_start().strip_prefix('"').and_then(|text| text.split_once('"'));
            if let (false, Some((section, _))) = (before.ends_with(char::is_alphanumeric), section) {
                steps.push((path.to_owned(), index + 1, section.to_owned()));
            }
        }
    }
    steps
}

/// Names that the map leaves out, and lines there that do not have the name they stand beside.
fn map_faults(tree: &Tree) -> Vec<String> {
    let Some(text) = tree.text("docs/README.md") else {
        return vec!["docs/README.md: there is no map".to_owned()];
    };
    let map = Page::parse("docs/README.md", text);
    let is_missing = |name: &&&str| !map.code.iter().any(|(_, code)| code == **name);
    let missing = NAMES.iter().filter(is_missing);
    let mut faults: Vec<String> =
        missing.map(|name| format!("docs/README.md: the chapter's `{name}` is not in the map")).collect();
    for link in &map.links {
        let first_code = map.code.iter().find(|(line, _)| *line == link.line).map(|(_, code)| code.as_str());
        // A dependency has no name here: it is a call.
        let name = first_code.filter(|code| NAMES.contains(code) && *code != "Depends");
        let (Some(name), Some(place)) = (name, link.place()) else { continue };
        let lines = tree.lines(&place.path).unwrap_or_default();
        let shown = lines.get(place.first - 1..place.last).unwrap_or_default().join("\n");
        if !shown.to_lowercase().contains(&name.to_lowercase()) {
            faults.push(format!("docs/README.md:{}: {place} does not have `{name}`: {shown}", link.line));
        }
    }
    faults
}
