//! The flags, under the names that uvicorn gives them.
//!
//! Layer: uvicorn, which uses the package click for this. Six flags need no package.

use std::ffi::OsString;

/// What to serve and what to say meanwhile.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// The name or address to listen on.
    pub host: String,
    /// The port; 0 is any that is free.
    pub port: u16,
    /// Whether each answer gets a line on stdout.
    pub access_log: bool,
    /// Whether each request is explained instead.
    pub explain: bool,
}

/// What the flags ask for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// A text on stdout, and nothing more.
    Say(String),
    /// The server.
    Serve(Options),
}

const HELP: &str = "\
The FastAPI chapter «Simple OAuth2 with Password and Bearer», served by Rust.

Usage: simple-oauth2 [OPTIONS]

Options:
  --host HOST      Listen on this name or address [default: 127.0.0.1]
  --port PORT      Listen on this port; 0 takes any free one [default: 8000]
  --no-access-log  Do not print a line for each answer
  --explain        Print what each request did, step by step, instead of a line
  --version        Print the version and exit
  --help           Print this text and exit
";

/// Reads the flags; a value may follow as the next word or behind `=`.
///
/// # Errors
///
/// One line that says which flag or value is wrong.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut options = Options { host: "127.0.0.1".into(), port: 8000, access_log: true, explain: false };
    let mut words = arguments.into_iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let takes_value = matches!(flag, "--host" | "--port");
        if value.is_some() && !takes_value {
            return Err(format!("{word:?} is not a flag with a value; try --help"));
        }
        let value = match value.or_else(|| if takes_value { words.next() } else { None }) {
            None if takes_value => return Err(format!("{flag} needs a value; try --help")),
            value => value.unwrap_or_default(),
        };
        match flag {
            "--host" => options.host = value,
            "--port" => options.port = port(&value)?,
            "--no-access-log" => options.access_log = false,
            "--explain" => options.explain = true,
            "--help" => return Ok(Command::Say(HELP.into())),
            "--version" => {
                return Ok(Command::Say(format!("simple-oauth2 {}\n", env!("CARGO_PKG_VERSION"))));
            }
            _ => return Err(format!("{word:?} is not a flag; try --help")),
        }
    }
    Ok(Command::Serve(options))
}

fn port(value: &str) -> Result<u16, String> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let port = value.parse().ok().filter(|_| is_number);
    port.ok_or_else(|| format!("--port {value:?} is not a number from 0 to 65535"))
}
