//! The files that are checked: those of the repository, or a few planted ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::page::Page;

/// Files by their paths, as text.
#[derive(Clone, Default)]
pub struct Tree {
    pub files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads a folder, without hidden files and without what is built.
    pub fn read_folder(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("an entry of the folder").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
            if name == "target" || name.starts_with('.') && !matches!(name, ".ci" | ".github") {
                continue;
            }
            if path.is_dir() {
                self.read_folder(&path, &format!("{prefix}{name}/"));
            } else {
                let bytes = fs::read(&path).expect("a file of the repository");
                self.files.insert(format!("{prefix}{name}"), String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }

    /// The lines of a file, none where there is no such file.
    pub fn lines(&self, path: &str) -> Vec<&str> {
        self.files.get(path).map(String::as_str).unwrap_or_default().lines().collect()
    }

    /// The Rust files whose every line is on the pages, without their tests: those are at the end.
    pub fn sources(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let is_source = |path: &str| path.starts_with("src/") || path == "docs/first-server.rs";
        let sources = self.files.keys().filter(move |path| is_source(path) && has_extension(path, "rs"));
        let without_tests = |path| self.lines(path).into_iter().take_while(|line| *line != "#[cfg(test)]");
        sources.map(move |path| (path.as_str(), without_tests(path).collect()))
    }

    /// All pages: the README and everything in `docs/`.
    pub fn pages(&self) -> impl Iterator<Item = Page> {
        let is_page = |path: &str| path == "README.md" || path.starts_with("docs/");
        let pages = self.files.iter().filter(move |(path, _)| is_page(path) && has_extension(path, "md"));
        pages.map(|(path, text)| Page::parse(path, text))
    }

    /// The pages of one language, `en` or `ko`.
    pub fn pages_in(&self, language: &str) -> Vec<Page> {
        let folder = format!("docs/{language}/");
        self.pages().filter(|page| page.path.starts_with(&folder)).collect()
    }
}

pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|it| it == extension)
}

/// Where the repository begins.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");
