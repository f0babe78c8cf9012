//! Reads a page: its headings and its fences, and in the prose its links and its inline code. It knows the Markdown
//! that these pages use, and finds fault with what could hide code from the other rules.

use std::fmt;

/// Some lines of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub path: String,
    pub first: usize,
    pub last: usize,
}

impl Place {
    /// Reads `src/app.rs:71-78` or `src/app.rs:71`.
    pub fn parse(label: &str) -> Option<Self> {
        let (path, lines) = label.trim_matches('`').rsplit_once(':')?;
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        let place = Self { path: path.to_owned(), first: first.parse().ok()?, last: last.parse().ok()? };
        (place.first >= 1 && place.first <= place.last).then_some(place)
    }

    /// What follows the file in a link: `#L71-L78` or `#L71`.
    pub fn anchor(&self) -> String {
        let Self { first, last, .. } = self;
        if first == last { format!("#L{first}") } else { format!("#L{first}-L{last}") }
    }

    /// The same number of lines, beginning at another one.
    pub fn moved_to(&self, first: usize) -> Self {
        Self { path: self.path.clone(), first, last: first + self.last - self.first }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, first, last } = self;
        write!(formatter, "{path}:{first}")?;
        if first == last { Ok(()) } else { write!(formatter, "-{last}") }
    }
}

/// `## Title`
#[derive(Debug)]
pub struct Heading {
    pub line: usize,
    pub depth: usize,
    pub text: String,
    /// What a link to it has behind `#`.
    pub slug: String,
}

/// Three backticks, a language, and lines up to three backticks.
#[derive(Debug)]
pub struct Fence {
    pub line: usize,
    pub language: String,
    pub lines: Vec<String>,
    /// The link line above it.
    pub quote: Option<Quote>,
}

/// A link line that belongs to a fence.
#[derive(Debug)]
pub struct Quote {
    pub line: usize,
    pub place: Place,
}

/// `[label](target)`
#[derive(Debug)]
pub struct Link {
    pub line: usize,
    pub label: String,
    pub target: String,
}

impl Link {
    /// Whether it leads to a file of the repository.
    pub fn is_relative(&self) -> bool {
        !self.target.contains("://") && !self.target.starts_with("mailto:")
    }

    /// The lines that its label names.
    pub fn place(&self) -> Option<Place> {
        Place::parse(&self.label).filter(|_| self.is_relative())
    }
}

/// A page.
#[derive(Debug, Default)]
pub struct Page {
    pub path: String,
    pub headings: Vec<Heading>,
    pub fences: Vec<Fence>,
    pub links: Vec<Link>,
    /// Inline code, with its line.
    pub code: Vec<(usize, String)>,
    /// What is wrong with its form.
    pub faults: Vec<String>,
}

impl Page {
    /// Reads a page.
    pub fn parse(path: &str, text: &str) -> Self {
        let mut page = Self { path: path.to_owned(), ..Self::default() };
        let lines: Vec<&str> = text.lines().collect();
        let mut next = 0;
        while next < lines.len() {
            next = if is_fence(lines[next]) {
                page.read_fence(&lines, next)
            } else if let Some(depth) = heading_depth(lines[next]) {
                page.read_heading(lines[next], next + 1, depth);
                next + 1
            } else {
                page.read_prose(&lines, next)
            };
        }
        page
    }

    /// Its name in its folder.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn fault(&mut self, line: usize, what: &str) {
        self.faults.push(format!("{}:{line}: {what}", self.path));
    }

    fn read_fence(&mut self, lines: &[&str], start: usize) -> usize {
        let ticks = lines[start].chars().take_while(|&character| character == '`').count();
        let language = lines[start][ticks..].trim().to_owned();
        let closes =
            |line: &&str| line.trim_end().len() >= ticks && line.trim_end().bytes().all(|b| b == b'`');
        let length = lines[start + 1..].iter().position(closes);
        if length.is_none() {
            self.fault(start + 1, "this fence has no end");
        }
        let end = start + 1 + length.unwrap_or(lines.len() - start - 1);
        let content = lines[start + 1..end].iter().map(|&line| line.to_owned()).collect();
        let quote = quote_above(lines, start);
        self.fences.push(Fence { line: start + 1, language, lines: content, quote });
        end + 1
    }

    fn read_heading(&mut self, line: &str, number: usize, depth: usize) {
        let text = line[depth..].trim().to_owned();
        self.read_inline(&text, number);
        let slug = slug(&text);
        let twins = self.headings.iter().filter(|other| self::slug(&other.text) == slug).count();
        let slug = if twins == 0 { slug } else { format!("{slug}-{twins}") };
        self.headings.push(Heading { line: number, depth, text, slug });
    }

    /// Reads the lines up to a blank one, a heading or a fence; links and code may run over them.
    fn read_prose(&mut self, lines: &[&str], start: usize) -> usize {
        let ends = |line: &&str| line.trim().is_empty() || is_fence(line) || heading_depth(line).is_some();
        let length = lines[start..].iter().position(ends).unwrap_or(lines.len() - start).max(1);
        for (line, number) in lines[start..start + length].iter().zip(start + 1..) {
            let trimmed = line.trim_start();
            if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
                self.fault(number, "a fence begins in the first column, with backticks");
            }
            if trimmed.starts_with("<pre") || trimmed.starts_with("<code") {
                self.fault(number, "code stands in a fence, where it is checked, not in HTML");
            }
        }
        let after_blank = start == 0 || lines[start - 1].trim().is_empty();
        let is_indented = lines[start].starts_with("    ") || lines[start].starts_with('\t');
        if after_blank && is_indented && !lines[start].trim().is_empty() {
            self.fault(start + 1, "lines with four spaces before them are code; put code into a fence");
        }
        self.read_inline(&lines[start..start + length].join("\n"), start + 1);
        start + length
    }
}

fn is_fence(line: &str) -> bool {
    line.starts_with("```")
}

fn heading_depth(line: &str) -> Option<usize> {
    let depth = line.bytes().take_while(|&byte| byte == b'#').count();
    ((1..=6).contains(&depth) && line[depth..].starts_with(' ')).then_some(depth)
}

/// The link line above a fence, which may have a blank line between.
fn quote_above(lines: &[&str], fence: usize) -> Option<Quote> {
    let is_blank = |index: usize| lines[index].trim().is_empty();
    let index = fence.checked_sub(1)?;
    let index = if is_blank(index) { index.checked_sub(1)? } else { index };
    let (label, target) = lines[index].strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    let link = Link { line: index + 1, label: label.to_owned(), target: target.to_owned() };
    link.place().map(|place| Quote { line: index + 1, place })
}

/// The anchor that GitHub gives a heading.
fn slug(heading: &str) -> String {
    let mut text = heading.to_owned();
    while let Some((before, rest)) = text.split_once("](") {
        let after = rest.split_once(')').map_or("", |(_, after)| after);
        text = format!("{before}{after}");
    }
    let kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
    text.to_lowercase()
        .chars()
        .filter(kept)
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}
