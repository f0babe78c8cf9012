//! A page as the rules see it: its fences, links, headings and prose, each with its line.

use std::{fmt, mem};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::tree::Tree;

/// Some lines of a file, counted from 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub path: String,
    pub first: usize,
    pub last: usize,
}

impl Place {
    /// Reads `src/app.rs:71-78`, `src/app.rs:71` or, as in links, `L71-L78` after the colon.
    pub fn parse(label: &str) -> Option<Self> {
        let (path, lines) = label.rsplit_once(':')?;
        let lines = lines.replace('L', "");
        let (first, last) = lines.split_once('-').unwrap_or((&lines, &lines));
        let place = Self { path: path.to_owned(), first: first.parse().ok()?, last: last.parse().ok()? };
        (place.first >= 1 && place.first <= place.last).then_some(place)
    }

    /// These lines, where the file has so many.
    pub fn lines<'a>(&self, tree: &'a Tree) -> Option<Vec<&'a str>> {
        tree.lines(&self.path).get(self.first - 1..self.last).map(<[_]>::to_vec)
    }

    /// What a link to these lines has after `#`.
    pub fn fragment(&self) -> String {
        let Self { first, last, .. } = self;
        if first == last { format!("L{first}") } else { format!("L{first}-L{last}") }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.path, self.fragment().replace('L', ""))
    }
}

pub struct Heading {
    pub line: usize,
    pub depth: usize,
    pub text: String,
    /// What a link to it has after `#`.
    pub slug: String,
}

#[derive(Clone)]
pub struct Fence {
    /// The line of the opening backticks; the content begins on the next one.
    pub line: usize,
    pub language: String,
    pub lines: Vec<String>,
    /// Where the link two lines above leads.
    pub quote: Option<Place>,
}

impl Fence {
    /// Whether it shows a picture, which has words of a language in it.
    pub fn is_picture(&self) -> bool {
        matches!(self.language.as_str(), "text" | "mermaid")
    }
}

pub struct Link {
    pub line: usize,
    pub label: String,
    pub target: String,
}

#[derive(Default)]
pub struct Page {
    pub path: String,
    pub lines: Vec<String>,
    pub headings: Vec<Heading>,
    pub fences: Vec<Fence>,
    pub links: Vec<Link>,
    /// The text of each paragraph, item, heading and cell, with a backtick for inline code.
    pub prose: Vec<(usize, String)>,
    /// Inline code.
    pub code: Vec<(usize, String)>,
    /// `<!-- name: value -->`
    pub comments: Vec<(usize, String, String)>,
    /// While it is read: the text of a block; and of a heading or a link, which are not in each other.
    block: String,
    label: String,
}

impl Page {
    pub fn parse(path: &str, text: &str) -> Self {
        let lines = text.lines().map(str::to_owned).collect();
        let mut page = Self { path: path.to_owned(), lines, ..Self::default() };
        let line_ends: Vec<usize> = text.match_indices('\n').map(|(offset, _)| offset).collect();
        let line_at = |offset: usize| line_ends.partition_point(|end| *end < offset) + 1;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            page.read(event, line_at(range.start), line_at(range.end.saturating_sub(1)));
        }
        page
    }

    fn read(&mut self, event: Event<'_>, line: usize, last: usize) {
        match event {
            Event::Text(text) => {
                self.block += &text;
                self.label += &text;
            }
            Event::Code(code) => {
                self.block += "`";
                self.label += &code;
                self.code.push((line, code.into_string()));
            }
            Event::SoftBreak | Event::HardBreak => self.block += " ",
            Event::Html(html) | Event::InlineHtml(html) => self.comments.extend(comment(line, &html)),
            Event::Start(Tag::CodeBlock(_)) => self.prose.push((line, mem::take(&mut self.block))),
            Event::End(TagEnd::CodeBlock) => {
                self.block.clear();
                self.read_fence(line, last);
            }
            Event::Start(Tag::Heading { .. }) => self.label.clear(),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.label.clear();
                self.links.push(Link { line, label: String::new(), target: dest_url.into_string() });
            }
            Event::End(TagEnd::Link) => {
                self.links.last_mut().expect("it has begun").label.clone_from(&self.label);
            }
            Event::End(end @ (TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell)) => {
                self.prose.push((line, mem::take(&mut self.block)));
                if let TagEnd::Heading(depth) = end {
                    self.read_heading(line, depth as usize);
                }
            }
            _ => {}
        }
    }

    fn read_heading(&mut self, line: usize, depth: usize) {
        // GitHub's slugs, but for a second heading of the same text.
        let kept = |it: &char| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_');
        let text = self.label.clone();
        let slug = text.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
        self.headings.push(Heading { line, depth, text, slug });
    }

    fn read_fence(&mut self, line: usize, last: usize) {
        let lines = &self.lines;
        let above = line.checked_sub(3).filter(|above| lines[above + 1].is_empty());
        self.fences.push(Fence {
            line,
            language: lines[line - 1].trim().trim_start_matches('`').to_owned(),
            lines: lines.get(line..last - 1).unwrap_or_default().to_vec(),
            quote: above.and_then(|above| quote(&lines[above])),
        });
    }

    /// Tells something about a line.
    pub fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// The last heading before this line.
    pub fn heading_above(&self, line: usize) -> Option<&Heading> {
        self.headings.iter().rfind(|heading| heading.line < line)
    }

    /// Why a fence is not run, if the comment above it says so.
    pub fn not_run(&self, fence: &Fence) -> Option<&str> {
        let mut comments = self.comments.iter();
        let comment = comments.find(|(line, name, _)| line + 2 == fence.line && name == "not run");
        comment.map(|(.., reason)| reason.as_str())
    }

    /// The fence that this line is in, or that it opens or closes.
    pub fn fence_at(&self, line: usize) -> Option<&Fence> {
        self.fences.iter().find(|fence| (fence.line..=fence.line + fence.lines.len() + 1).contains(&line))
    }
}

/// The 3 of `docs/en/3-code.md`.
pub fn number(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.split_once('-')).map_or("", |(number, _)| number)
}

/// Reads the comment `<!-- name: value -->`.
fn comment(line: usize, html: &str) -> Option<(usize, String, String)> {
    let (name, value) = html.trim().strip_prefix("<!--")?.strip_suffix("-->")?.split_once(':')?;
    Some((line, name.trim().to_owned(), value.trim().to_owned()))
}

/// The place of a line that is nothing but a link to lines.
fn quote(line: &str) -> Option<Place> {
    Place::parse(line.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?.0)
}
