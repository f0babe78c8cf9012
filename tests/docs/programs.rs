//! What the transcripts need to run: a shell with a bound in time, and the servers.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::tree::root;

/// How long a command of a page may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a cargo command may take that may have to compile everything.
pub const BUILD_PATIENCE: Duration = Duration::from_secs(600);

/// How long a server that has printed all that the page shows may take to print more.
const GRACE: Duration = Duration::from_millis(300);

/// A script for `sh`, with its stderr in its stdout, as in a terminal.
pub fn shell(script: &str) -> Command {
    static CURLRC: Once = Once::new();
    let folder = env!("CARGO_TARGET_TMPDIR");
    CURLRC.call_once(|| {
        // Neither a configuration nor a proxy of this machine may change what curl sends and shows.
        let text = "silent\nshow-error\nnoproxy = \"*\"\n";
        fs::write(Path::new(folder).join(".curlrc"), text).expect("a file can be written");
    });
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec 2>&1\n{script}")).current_dir(root());
    command.env("LC_ALL", "C").env("RUST_BACKTRACE", "0").env("CURL_HOME", folder);
    command
}

/// A process and the lines that it prints; it ends when this is dropped.
struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("there is no sh: {error}"))?;
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = stdout.split(b'\n').map_while(Result::ok);
            lines
                .map(|line| String::from_utf8_lossy(&line).into_owned())
                .try_for_each(|line| sender.send(line))
        });
        Ok(Self { child, lines })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end: whether it succeeded, and what it printed.
pub fn run(command: &mut Command, time: Duration) -> Result<(bool, String), String> {
    let mut process = Process::start(command)?;
    let (deadline, mut output) = (Instant::now() + time, String::new());
    loop {
        match process.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => output += &format!("{line}\n"),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("it still runs after {} seconds; until then:\n{output}", time.as_secs()));
            }
        }
    }
    let status = process.child.wait().map_err(|error| error.to_string())?;
    let is_missing = status.code() == Some(127);
    if is_missing {
        Err(format!("something is not installed: {output}"))
    } else {
        Ok((status.success(), output))
    }
}

/// A program that was started to serve.
pub struct Server {
    process: Process,
    pub first_line: String,
    /// Where it listens, unless it only says something and ends.
    pub address: Option<SocketAddr>,
}

impl Server {
    /// Starts `first-server`, or the program with these flags, on this port. The process of the
    /// shell becomes theirs.
    pub fn start(words: &str, port: u16) -> Result<Self, String> {
        let program = env!("CARGO_BIN_EXE_simple-oauth2");
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        let exec = format!("exec {}", quoted(Path::new(program)));
        let script = if words == "first-server" {
            let release = if cfg!(debug_assertions) { "" } else { "--release" };
            let build = format!("cargo build --quiet --example first-server {release}");
            let (is_built, output) = run(&mut shell(&build), BUILD_PATIENCE)?;
            let path = Path::new(program).with_file_name("examples").join("first-server");
            is_built.then(|| format!("exec {} {port}", quoted(&path))).ok_or(output)?
        } else if words.contains("--port") {
            format!("{exec} {words}")
        } else {
            format!("{exec} --port {port} {words}")
        };
        let process = Process::start(&mut shell(&script))?;
        let first_line = process.lines.recv_timeout(PATIENCE).unwrap_or_default();
        let address =
            first_line.split_once("http://").and_then(|(_, rest)| rest.split([',', ' ', '/']).next());
        let address = address.and_then(|address| address.parse().ok());
        Ok(Self { process, first_line, address })
    }

    /// The lines that it prints until there are this many and no more come.
    pub fn lines(&self, expected: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let patience = |found: usize| if found < expected { PATIENCE } else { GRACE };
        while let Ok(line) = self.process.lines.recv_timeout(patience(lines.len())) {
            lines.push(line);
        }
        lines
    }
}

/// The servers that transcripts talk to, by the value of their `server` comment.
#[derive(Default)]
pub struct Servers(BTreeMap<String, Server>);

impl Servers {
    /// The port of this server, which is started, or started again if a page has ended it.
    pub fn port(&mut self, words: &str) -> Result<u16, String> {
        let has_ended = |server: &mut Server| !matches!(server.process.child.try_wait(), Ok(None));
        if self.0.get_mut(words).is_none_or(has_ended) {
            self.0.insert(words.to_owned(), Server::start(words, 0)?);
        }
        let Server { address, first_line, .. } = &self.0[words];
        let says = || format!("the server `{words}` does not say where it listens: {first_line}");
        address.map(|address| address.port()).ok_or_else(says)
    }
}
