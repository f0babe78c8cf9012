//! The files that are checked: those of the repository, or a few planted ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::markdown::Page;
use crate::repair;

/// The languages of the pages, which are folders of `docs/`.
pub const LANGUAGES: [&str; 2] = ["en", "ko"];

/// Files by their paths, as text.
#[derive(Clone)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// The files of the repository. Where the repair is wanted, it is done before anyone looks.
    pub fn of_the_repository() -> &'static Self {
        static TREE: OnceLock<Tree> = OnceLock::new();
        TREE.get_or_init(|| {
            let mut tree = Self { files: BTreeMap::new() };
            tree.read_folder(&root(), "");
            if repair::is_wanted() {
                for (path, text) in repair::repaired(&tree) {
                    write(&path, &text);
                    tree.files.insert(path, text);
                }
            }
            tree
        })
    }

    /// A tree of these files.
    pub fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// Writes all files into a folder; those that are there already with this text stay untouched,
    /// so that nothing is compiled without need.
    pub fn write_to(&self, folder: &Path) {
        for (path, text) in &self.files {
            let path = folder.join(path);
            if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) {
        let entries = fs::read_dir(folder).expect("a folder of the repository");
        for entry in entries.map(|entry| entry.expect("an entry of the folder")) {
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            let is_hidden = name.starts_with('.') && !matches!(name.as_str(), ".ci" | ".github");
            if is_hidden || name == "target" {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.path().is_dir() {
                self.read_folder(&entry.path(), &format!("{path}/"));
            } else {
                let bytes = fs::read(entry.path()).expect("a file of the repository");
                self.files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The lines of a file, without their ends.
    pub fn lines(&self, path: &str) -> Option<Vec<&str>> {
        Some(self.text(path)?.lines().collect())
    }

    /// Whether there is such a file or folder. The root is the empty path.
    pub fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// The Rust files of `src/`, with their lines.
    pub fn sources(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let is_source = |path: &str| path.starts_with("src/") && extension(path) == Some("rs");
        let sources = self.files.iter().filter(move |(path, _)| is_source(path));
        sources.map(|(path, text)| (path.as_str(), text.lines().collect()))
    }

    /// All pages: the README and everything in `docs/`.
    pub fn pages(&self) -> Vec<Page> {
        let in_docs = |path: &str| path.starts_with("docs/") && extension(path) == Some("md");
        let is_page = |path: &str| path == "README.md" || in_docs(path);
        let pages = self.files.iter().filter(|(path, _)| is_page(path));
        pages.map(|(path, text)| Page::parse(path, text)).collect()
    }

    /// The pages of one language.
    pub fn pages_in(&self, language: &str) -> Vec<Page> {
        let folder = format!("docs/{language}/");
        self.pages().into_iter().filter(|page| page.path.starts_with(&folder)).collect()
    }
}

/// What stands behind the last dot of a path.
pub fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension()?.to_str()
}

/// Where the repository begins.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Writes a page of the repository.
pub fn write(path: &str, text: &str) {
    fs::write(root().join(path), text).expect("the page can be written");
}
