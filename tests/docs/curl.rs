//! The curl commands of the pages, run by the real curl. The test client knows the same few options,
//! so that a page cannot work for one of them only.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// The server of the pages.
pub const SERVER: &str = "127.0.0.1:8000";

/// Options with a value: short, long.
const WITH_VALUE: [(&str, &str); 6] = [
    ("-d", "--data"),
    ("-H", "--header"),
    ("-u", "--user"),
    ("-X", "--request"),
    ("", "--data-raw"),
    ("", "--data-urlencode"),
];

/// Options without one.
const FLAGS: [(&str, &str); 6] = [
    ("-0", "--http1.0"),
    ("-i", "--include"),
    ("-I", "--head"),
    ("-s", "--silent"),
    ("-S", "--show-error"),
    ("", "--path-as-is"),
];

/// Who sends the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Curl,
    TestClient,
}

/// Whether there is a curl.
pub fn is_installed() -> bool {
    let version = Command::new("curl").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match version {
        Ok(status) => status.success(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => panic!("curl cannot be started: {error}"),
    }
}

/// One command.
#[derive(Debug, Default)]
pub struct Curl {
    words: Vec<String>,
    /// The long names of the options, with their values.
    pub options: Vec<(&'static str, String)>,
    /// Path and query.
    pub target: String,
}

impl Curl {
    /// Reads the words behind `curl`.
    pub fn parse(words: Vec<String>) -> Result<Self, String> {
        let mut curl = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if !word.starts_with('-') {
                curl.set_url(word)?;
            } else if let Some((_, long)) = FLAGS.iter().find(|(_, long)| word == long) {
                curl.options.push((long, String::new()));
            } else if let Some((_, long)) = WITH_VALUE.iter().find(|(_, long)| word == long) {
                curl.options
                    .push((long, rest.next().ok_or_else(|| format!("{word} needs a value"))?.clone()));
            } else {
                curl.read_short_options(word, &mut rest)?;
            }
        }
        if curl.target.is_empty() {
            return Err(format!("no URL that begins with http://{SERVER}/"));
        }
        if curl.values("--request").any(|method| method == "HEAD") {
            return Err("`-X HEAD` waits for a body; write `-I`".to_owned());
        }
        if curl.target.contains("/.") && !curl.has("--path-as-is") {
            return Err("curl removes the dots of this path; write `--path-as-is`".to_owned());
        }
        curl.words = words;
        Ok(curl)
    }

    /// Reads `-i`, `-si`, `-d value`, `-dvalue`.
    fn read_short_options<'a>(
        &mut self,
        word: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        for (index, letter) in word.char_indices().skip(1) {
            let short = format!("-{letter}");
            if let Some((_, long)) = FLAGS.iter().find(|(flag, _)| *flag == short) {
                self.options.push((long, String::new()));
                continue;
            }
            let with_value = WITH_VALUE.iter().find(|(option, _)| *option == short);
            let (_, long) = with_value.ok_or_else(|| format!("`{word}` is not among the known options"))?;
            let attached = &word[index + letter.len_utf8()..];
            let value = if attached.is_empty() { rest.next().map(String::as_str) } else { Some(attached) };
            self.options.push((long, value.ok_or_else(|| format!("{short} needs a value"))?.to_owned()));
            return Ok(());
        }
        Ok(())
    }

    fn set_url(&mut self, url: &str) -> Result<(), String> {
        let target = url.strip_prefix("http://").and_then(|url| url.strip_prefix(SERVER));
        let target = target.ok_or_else(|| format!("{url} does not begin with http://{SERVER}"))?;
        let target = target.split('#').next().unwrap_or_default();
        if !self.target.is_empty() {
            return Err("more than one URL".to_owned());
        }
        self.target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(())
    }

    /// Whether this option is given, by its long name.
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == option)
    }

    /// The values that are given for it.
    pub fn values(&self, option: &str) -> impl Iterator<Item = &str> {
        self.options.iter().filter(move |(name, _)| *name == option).map(|(_, value)| value.as_str())
    }

    /// What the command prints.
    pub fn run(&self, way: Way, server: SocketAddr) -> Result<String, String> {
        match way {
            Way::Curl => self.run_curl(server),
            Way::TestClient => self.send(server),
        }
    }

    fn run_curl(&self, server: SocketAddr) -> Result<String, String> {
        let words = self.words.iter().map(|word| word.replace(SERVER, &server.to_string()));
        // Neither a configuration nor a proxy of this machine may change what is sent.
        let output = Command::new("curl")
            .args(["-q", "-sS", "--noproxy", "*", "--max-time", "10"])
            .args(words)
            .output()
            .map_err(|error| format!("curl cannot be started: {error}"))?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer = String::from_utf8(output.stdout).map_err(|_| "the answer is not UTF-8".to_owned())?;
        if output.status.success() { Ok(answer) } else { Err(complaint) }
    }
}
