//! The files that are checked: those of the repository, or a few planted ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::page::Page;

/// The folders of `docs/`.
pub const LANGUAGES: [&str; 2] = ["en", "ko"];

/// Files by their paths, as text.
#[derive(Clone, Default)]
pub struct Tree {
    pub files: BTreeMap<String, String>,
    /// Beginnings of the paths of pages that are not checked yet.
    pub lagging: &'static [&'static str],
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

    /// Whether there is such a file or folder. The root is the empty path.
    pub fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty() || self.files.keys().any(|file| file == path || file.starts_with(&folder))
    }

    /// The Rust files whose every line is on the pages.
    pub fn sources(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let is_source = |path: &str| path.starts_with("src/") || path == "docs/first-server.rs";
        let sources = self.files.keys().filter(move |path| is_source(path) && has_extension(path, "rs"));
        sources.map(|path| (path.as_str(), self.lines(path)))
    }

    /// The paths of all pages, checked or not: the README and everything in `docs/`.
    pub fn page_paths(&self) -> impl Iterator<Item = &str> {
        let is_page = |path: &&str| *path == "README.md" || path.starts_with("docs/");
        let paths = self.files.keys().map(String::as_str).filter(is_page);
        paths.filter(|path| has_extension(path, "md"))
    }

    /// Whether this page is not checked yet.
    pub fn lags(&self, path: &str) -> bool {
        self.lagging.iter().any(|start| path.starts_with(start))
    }

    /// The pages that are checked.
    pub fn pages(&self) -> Vec<Page> {
        let checked = self.page_paths().filter(|path| !self.lags(path));
        checked.map(|path| Page::parse(path, &self.files[path])).collect()
    }

    /// The checked pages of one language.
    pub fn pages_in(&self, language: &str) -> Vec<Page> {
        let folder = format!("docs/{language}/");
        self.pages().into_iter().filter(|page| page.path.starts_with(&folder)).collect()
    }
}

pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|it| it == extension)
}

/// Where the repository begins.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
