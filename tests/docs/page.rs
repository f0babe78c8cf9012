//! A page as the rules see it: its fences, links, headings and prose, each with its line.

use std::fmt;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Some lines of a file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub path: String,
    pub first: usize,
    pub last: usize,
}

impl Place {
    /// Reads `src/app.rs:71-78` or `src/app.rs:71`.
    pub fn parse(label: &str) -> Option<Self> {
        let (path, lines) = label.trim_matches('`').rsplit_once(':')?;
        Self::of_file(path, lines)
    }

    /// Reads the lines `71-78`, `71` or, as in links, `L71-L78`.
    pub fn of_file(path: &str, lines: &str) -> Option<Self> {
        let lines = lines.replace('L', "");
        let (first, last) = lines.split_once('-').unwrap_or((&lines, &lines));
        let place = Self { path: path.to_owned(), first: first.parse().ok()?, last: last.parse().ok()? };
        (place.first >= 1 && place.first <= place.last).then_some(place)
    }

    /// What a link to these lines has after `#`.
    pub fn fragment(&self) -> String {
        let Self { first, last, .. } = self;
        if first == last { format!("L{first}") } else { format!("L{first}-L{last}") }
    }

    /// A link to these lines from this page.
    pub fn target(&self, page: &str) -> String {
        let (mut page, mut path) = (page, self.path.as_str());
        while let (Some((folder, rest)), Some((other, rest_of_path))) =
            (page.split_once('/'), path.split_once('/'))
        {
            if folder != other {
                break;
            }
            (page, path) = (rest, rest_of_path);
        }
        format!("{}{path}#{}", "../".repeat(page.matches('/').count()), self.fragment())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.path, self.fragment().replace('L', ""))
    }
}

#[derive(Debug)]
pub struct Heading {
    pub line: usize,
    pub depth: usize,
    pub text: String,
    /// What a link to it has after `#`.
    pub slug: String,
}

#[derive(Clone, Debug)]
pub struct Fence {
    /// The line of the opening backticks; the content begins on the next one.
    pub line: usize,
    pub language: String,
    pub lines: Vec<String>,
    /// The line of the link above, and where it leads.
    pub quote: Option<(usize, Place)>,
    /// The comment above: its name and its value.
    marker: Option<(String, String)>,
    /// Whether it is between `<details>` and `</details>`.
    pub folded: bool,
}

impl Fence {
    /// The value of the comment above, if it has this name.
    pub fn marked(&self, name: &str) -> Option<&str> {
        self.marker.as_ref().filter(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
pub struct Link {
    pub line: usize,
    pub label: String,
    pub target: String,
}

/// Text outside fences, without its signs.
#[derive(Debug)]
pub struct Piece {
    pub line: usize,
    pub text: String,
    pub is_code: bool,
}

#[derive(Debug, Default)]
pub struct Page {
    pub path: String,
    pub lines: Vec<String>,
    pub headings: Vec<Heading>,
    pub fences: Vec<Fence>,
    pub links: Vec<Link>,
    /// All text outside fences.
    pub prose: Vec<Piece>,
    /// The text of table cells, without inline code.
    pub cells: Vec<(usize, String)>,
    /// `<!-- name: value -->`
    pub comments: Vec<(usize, String, String)>,
}

impl Page {
    pub fn parse(path: &str, text: &str) -> Self {
        let lines = text.lines().map(str::to_owned).collect();
        let mut page = Self { path: path.to_owned(), lines, ..Self::default() };
        let line_ends: Vec<usize> = text.match_indices('\n').map(|(offset, _)| offset).collect();
        let line_at = |offset: usize| line_ends.partition_point(|end| *end < offset) + 1;
        // Headings, links and cells whose end has not come yet: where their text begins.
        let (mut open, mut in_fence) = (Vec::new(), false);
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = line_at(range.start);
            let mut push =
                |text: &str, is_code| page.prose.push(Piece { line, text: text.to_owned(), is_code });
            match event {
                Event::Text(text) if !in_fence => push(&text, false),
                Event::Code(code) => push(&code, true),
                Event::SoftBreak | Event::HardBreak => push(" ", false),
                Event::End(TagEnd::Paragraph | TagEnd::Item) => push("\n", false),
                Event::Start(tag @ (Tag::Heading { .. } | Tag::TableCell | Tag::Link { .. })) => {
                    let target = if let Tag::Link { dest_url, .. } = tag { dest_url } else { "".into() };
                    open.push((page.prose.len(), target.into_string()));
                }
                Event::Start(Tag::CodeBlock(_)) => in_fence = true,
                Event::End(TagEnd::CodeBlock) => {
                    in_fence = false;
                    page.read_fence(line, line_at(range.end - 1));
                }
                Event::End(end @ (TagEnd::Heading(_) | TagEnd::TableCell | TagEnd::Link)) => {
                    let (start, target) = open.pop().unwrap_or_default();
                    page.read_end(end, line, start, target);
                }
                _ => {}
            }
        }
        page.read_comments();
        page
    }

    fn read_comments(&mut self) {
        for line in (1..=self.lines.len()).filter(|line| !self.is_in_fence(*line)).collect::<Vec<_>>() {
            let found = comments(&self.lines[line - 1]).map(|(name, value)| (line, name, value));
            self.comments.extend(found.collect::<Vec<_>>());
        }
    }

    /// Reads a heading, a cell or a link, whose text begins at this piece.
    fn read_end(&mut self, end: TagEnd, line: usize, start: usize, target: String) {
        let pieces = &self.prose[start..];
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        match end {
            TagEnd::Link => return self.links.push(Link { line, label: text, target }),
            TagEnd::Heading(depth) => {
                // GitHub's slugs: a second heading of the same text has `-1` at its end.
                let kept = |it: &char| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_');
                let mut slug = text.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
                let twins = self.headings.iter().filter(|other| other.text == text).count();
                slug += &if twins == 0 { String::new() } else { format!("-{twins}") };
                self.headings.push(Heading { line, depth: depth as usize, text, slug });
            }
            _ => {
                let words = pieces.iter().filter(|piece| !piece.is_code).map(|piece| piece.text.as_str());
                self.cells.push((line, words.collect()));
            }
        }
        self.prose.push(Piece { line, text: "\n".to_owned(), is_code: false });
    }

    fn read_fence(&mut self, line: usize, last: usize) {
        let lines = &self.lines;
        // The line above this one, or the next one above a blank line.
        let above = |line: usize| {
            let is_blank = line > 1 && lines[line - 2].trim().is_empty();
            line.checked_sub(1 + usize::from(is_blank)).filter(|above| *above > 0)
        };
        let quote = above(line).and_then(|above| Some((above, quote(&lines[above - 1])?)));
        let marker = above(quote.as_ref().map_or(line, |(link, _)| *link));
        let marker = marker.and_then(|above| comments(&lines[above - 1]).next());
        let count = |tag: &str| lines[..line].iter().filter(|line| line.starts_with(tag)).count();
        self.fences.push(Fence {
            line,
            language: lines[line - 1].trim().trim_start_matches('`').to_owned(),
            lines: lines.get(line..last - 1).unwrap_or_default().to_vec(),
            quote,
            marker,
            folded: count("<details") > count("</details"),
        });
    }

    /// Tells something about a line.
    pub fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// Inline code, with its line.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.prose.iter().filter(|piece| piece.is_code);
        code.map(|piece| (piece.line, piece.text.as_str()))
    }

    /// The last heading before this line: its line and its text.
    pub fn heading_above(&self, line: usize) -> (usize, &str) {
        let above = self.headings.iter().rfind(|heading| heading.line < line);
        above.map_or((0, ""), |heading| (heading.line, &heading.text))
    }

    /// Whether the line is in a fence or opens or closes one.
    pub fn is_in_fence(&self, line: usize) -> bool {
        self.fences.iter().any(|fence| (fence.line..=fence.line + fence.lines.len() + 1).contains(&line))
    }
}

/// The 3 of `docs/en/3-code.md`.
pub fn number(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.split_once('-')).map_or("", |(number, _)| number)
}

/// The comments `<!-- name: value -->` of a line.
fn comments(line: &str) -> impl Iterator<Item = (String, String)> {
    let inner = line.split("<!--").skip(1).filter_map(|rest| rest.split_once("-->")?.0.split_once(':'));
    inner.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
}

/// The place of a line that is nothing but a link to lines.
fn quote(line: &str) -> Option<Place> {
    let (label, _) = line.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    Place::parse(label)
}
