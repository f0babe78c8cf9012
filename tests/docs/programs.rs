//! What the transcripts need to run: a shell with a bound in time, and the servers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::tree::ROOT;

/// How long a command of a page may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a cargo command may take that may have to compile everything.
pub const BUILD_PATIENCE: Duration = Duration::from_secs(600);

/// How long a server that has printed all that the page shows may take to print more.
const GRACE: Duration = Duration::from_millis(300);

/// A script for `sh`, with its stderr in its stdout, as in a terminal.
pub fn shell(script: &str) -> Command {
    // No configuration of curl and no proxy of this machine may change what it sends and shows.
    let curl = "curl() { command curl -q -sS --noproxy '*' \"$@\"; }";
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec 2>&1\n{curl}\n{script}")).current_dir(ROOT);
    command.env("LC_ALL", "C").env("RUST_BACKTRACE", "0");
    command
}

/// A process and the lines that it prints; it ends when this is dropped.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("there is a shell");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = stdout.split(b'\n').map_while(Result::ok);
            lines.try_for_each(|line| sender.send(String::from_utf8_lossy(&line).into_owned()))
        });
        Self { child, lines }
    }

    /// The lines that it prints within a time, until there are this many and no more come, or until it ends.
    pub fn lines(&self, expected: usize, time: Duration) -> Vec<String> {
        let (deadline, mut lines) = (Instant::now() + time, Vec::new());
        let left = || deadline.saturating_duration_since(Instant::now());
        let patience = |found: usize| if found < expected { left() } else { GRACE };
        while let Ok(line) = self.lines.recv_timeout(patience(lines.len())) {
            lines.push(line);
        }
        lines
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
    let (mut process, start) = (Process::start(command), Instant::now());
    let output = process.lines(usize::MAX, time).join("\n");
    if start.elapsed() >= time {
        return Err(format!("it still runs after {} seconds; until then:\n{output}", time.as_secs()));
    }
    let status = process.child.wait().map_err(|error| error.to_string())?;
    if status.code() == Some(127) {
        Err(format!("not installed: {output}"))
    } else {
        Ok((status.success(), output))
    }
}

/// Starts `first-server`, or the program with these flags, on a free port: the process (that of the
/// shell becomes theirs), its first line, and the port, unless it only says something and ends.
pub fn serve(words: &str) -> Result<(Process, String, Option<u16>), String> {
    let script = match words {
        "first-server" => "exec cargo run --quiet --example first-server -- 0".to_owned(),
        flags => format!("exec \"$PROGRAM\" --port 0 {flags}"),
    };
    let process = Process::start(shell(&script).env("PROGRAM", env!("CARGO_BIN_EXE_simple-oauth2")));
    let first_line = process.lines.recv_timeout(BUILD_PATIENCE);
    let first_line = first_line.map_err(|_| format!("`{words}` prints nothing"))?;
    let after_host = first_line.split_once("http://127.0.0.1:").map_or("", |(_, rest)| rest);
    let port = after_host.split(|it: char| !it.is_ascii_digit()).next().and_then(|port| port.parse().ok());
    Ok((process, first_line, port))
}
