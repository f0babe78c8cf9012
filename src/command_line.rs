//! The flags, under the names that uvicorn gives them.
//!
//! Layer: the program. uvicorn uses the package click for this; eight flags need no package.

use std::ffi::OsString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use simple_oauth2::server::Limits;

/// What to serve, and how.
#[derive(Debug)]
pub(crate) struct Options {
    /// The name or address to listen on.
    pub(crate) host: String,
    /// The port; 0 is any that is free.
    pub(crate) port: u16,
    /// Whether each response gets a line on stdout.
    pub(crate) access_log: bool,
    /// Whether each request is explained.
    pub(crate) explain: bool,
    /// What one client may use.
    pub(crate) limits: Limits,
}

/// What the flags ask for.
#[derive(Debug)]
pub(crate) enum Command {
    /// A text on stdout, and nothing more.
    Print(String),
    /// The server.
    Serve(Options),
}

const HELP: &str = "\
The FastAPI chapter \"Simple OAuth2 with Password and Bearer\", served by Rust.

Usage: simple-oauth2 [OPTIONS]

Options:
  --host HOST                   Listen on this name or address [default: 127.0.0.1]
  --port PORT                   Listen on this port; 0 takes any free one [default: 8000]
  --no-access-log               Do not print a line for each response
  --explain                     Print what each request does, step by step (tokens too)
  --limit-concurrency N         Connections at a time; more get 503 [default: 12000]
  --timeout-keep-alive SECONDS  Close a connection that is silent so long [default: 15]
  -V, --version                 Print the version and exit
  -h, --help                    Print this text and exit
";

/// Reads the flags. A value may be the next word, or follow `=`. An error is one line that says which
/// flag or value is wrong.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let limits = Limits::DEFAULT;
    let mut options =
        Options { host: "127.0.0.1".into(), port: 8000, access_log: true, explain: false, limits };
    let mut words = arguments.into_iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--no-access-log" => options.access_log = false,
            "--explain" => options.explain = true,
            "-h" | "--help" => return Ok(Command::Print(HELP.into())),
            "-V" | "--version" => {
                return Ok(Command::Print(format!("simple-oauth2 {}\n", env!("CARGO_PKG_VERSION"))));
            }
            _ => read_value(&mut options, &word, &mut words)?,
        }
    }
    Ok(Command::Serve(options))
}

/// Reads a flag that has a value.
fn read_value(
    options: &mut Options,
    word: &str,
    words: &mut impl Iterator<Item = String>,
) -> Result<(), String> {
    let (flag, value) = match word.split_once('=') {
        Some((flag, value)) => (flag, Some(value.to_owned())),
        None => (word, None),
    };
    let value = || value.or_else(|| words.next()).ok_or_else(|| format!("{flag} needs a value; try --help"));
    let limits = &mut options.limits;
    match flag {
        "--host" => options.host = host(&value()?)?,
        "--port" => options.port = number(flag, &value()?, 0..=65_535)?,
        "--limit-concurrency" => limits.max_connections = number(flag, &value()?, 1..=1_000_000)?,
        "--timeout-keep-alive" => {
            limits.idle_timeout = Duration::from_secs(number(flag, &value()?, 1..=86_400)?);
        }
        _ => return Err(format!("{word:?} is not a flag; try --help")),
    }
    Ok(())
}

/// A name or an address; one of IPv6 may be in brackets, as it is in a URL.
fn host(value: &str) -> Result<String, String> {
    let inner = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = inner.unwrap_or(value);
    if host.is_empty() { Err("--host needs a name or an address".into()) } else { Ok(host.into()) }
}

/// A number in digits; `str::parse` alone would take `+80` as well.
fn number<T>(flag: &str, value: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    match value.parse() {
        Ok(number) if range.contains(&number) && !value.starts_with('+') => Ok(number),
        _ => Err(format!("{flag} {value:?} is not a number from {} to {}", range.start(), range.end())),
    }
}
