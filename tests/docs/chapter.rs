//! The pages follow the chapter: its sections, its steps at run time, its names; and the page on
//! the differences has all of them.

use crate::page::{Page, Place, number};
use crate::tree::Tree;

/// What has a heading on each page of the evening, 0 to 6.
const EXERCISES: [&str; 3] = ["Predict", "Break it", "Build it"];

/// What has a heading on the page of its first number.
const SECTIONS: [&str; 7] = ["2.1", "3.1", "3.2", "3.3", "6.1", "6.2", "6.3"];

/// What the chapter names in Python.
const NAMES: &str = "fake_users_db fake_hash_password oauth2_scheme OAuth2PasswordBearer User UserInDB get_user \
    fake_decode_token get_current_user get_current_active_user HTTPException OAuth2PasswordRequestForm Depends \
    login read_users_me";

/// The names of the differences: each is a line at the margin, a name, a colon, and what it is.
pub fn differences(tree: &Tree) -> Vec<&str> {
    let lines = tree.lines("tests/fastapi/differences.txt").into_iter();
    let names = lines.filter(|line| !line.starts_with([' ', '#'])).map(|line| line.split_once(':'));
    names.flatten().map(|(name, _)| name).collect()
}

/// Sections without their page, steps that are not on theirs, names and differences not told. The
/// Korean pages have the same headings and quotes as the English ones.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for section in '0'..='6' {
        let page = tree.pages_in("en").into_iter().find(|page| number(&page.path) == section.to_string());
        let page = page.unwrap_or_else(|| panic!("docs/en has no page {section}-….md"));
        let starts = SECTIONS.iter().filter(|heading| heading.starts_with(section)).chain(&EXERCISES);
        let missing = starts.filter(|start| !page.headings.iter().any(|it| it.text.starts_with(**start)));
        faults.extend(missing.map(|start| format!("{}: no heading begins with {start}", page.path)));
        let call = format!("step(\"{section}");
        let steps = tree.sources().flat_map(|(_, lines)| lines).filter(|line| line.contains(&call));
        let missing = steps.filter(|step| !page.lines.iter().any(|line| line == step));
        faults.extend(missing.map(|step| format!("{}: this step is missing: {step}", page.path)));
    }
    for page in tree.pages() {
        let names: Vec<&str> = match page.path.as_str() {
            "docs/README.md" => NAMES.split(' ').collect(),
            path if path.ends_with("-differences.md") => differences(tree),
            _ => continue,
        };
        let missing = names.iter().filter(|name| !page.code.iter().any(|(_, code)| code == *name));
        faults.extend(missing.map(|name| format!("{}: `{name}` is missing", page.path)));
        faults.extend(map_faults(tree, &page));
    }
    faults
}

/// Lines that have none of the names in them that are in their row of the map.
fn map_faults(tree: &Tree, map: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    for link in &map.links {
        let Some(place) = Place::parse(&link.label) else { continue };
        let shown = place.lines(tree).unwrap_or_default().join("\n").to_lowercase();
        let of_row = map.code.iter().filter(|(line, _)| *line == link.line).map(|(_, code)| code.as_str());
        // A dependency has no name here: it is a call.
        let is_name = |code: &&str| NAMES.split(' ').any(|name| name == *code) && *code != "Depends";
        let names: Vec<&str> = of_row.filter(is_name).collect();
        if !names.is_empty() && !names.iter().any(|name| shown.contains(&name.to_lowercase())) {
            faults.push(map.at(link.line, &format!("{place} has no name of its row: {shown}")));
        }
    }
    faults
}
