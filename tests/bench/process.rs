//! The servers, each in a process of its own, and what the system knows about them. CPU time and
//! memory come from Linux's `/proc`; elsewhere those figures are NaN and the others are there.

use std::process::Command;
use std::{env, fs, io, thread};

use crate::support::Process;

/// Linux counts CPU time for programs in this unit, whatever its own is.
const TICKS_PER_SECOND: f64 = 100.0;

/// The chapter's application under uvicorn with one worker, which says its address on stderr.
const UVICORN: &str = "exec \"$FASTAPI_PYTHON\" -B -m uvicorn --app-dir tests/fastapi main:app \
     --port 0 --no-access-log --timeout-keep-alive 60 2>&1";

/// How to start a server.
pub struct Recipe {
    pub name: &'static str,
    command: Vec<String>,
}

impl Recipe {
    fn new(name: &'static str, command: &[&str]) -> Self {
        Self { name, command: command.iter().copied().map(str::to_owned).collect() }
    }

    /// The program of this project. Some connections are idle here for longer than usual.
    pub fn ours(name: &'static str, flags: &[&str]) -> Self {
        let program = [env!("CARGO_BIN_EXE_simple-oauth2"), "--port", "0", "--timeout-keep-alive", "60"];
        Self::new(name, &[&program, flags].concat())
    }

    /// The bench itself, as another process.
    pub fn baseline() -> io::Result<Self> {
        Ok(Self::new("baseline", &[&env::current_exe()?.to_string_lossy(), "--baseline"]))
    }

    pub fn fastapi() -> Option<Self> {
        env::var_os("FASTAPI_PYTHON").map(|_| Self::new("FastAPI", &["sh", "-c", UVICORN]))
    }

    /// The same with each of its system calls written to a file. `-D`: the process that is started
    /// is the server and not strace, and so it is the one that is killed.
    pub fn traced(&self, file: &str) -> Self {
        let strace = ["strace", "-D", "-f", "-o", file].map(str::to_owned);
        Self { name: self.name, command: [&strace[..], &self.command].concat() }
    }

    /// Starts it, and reads all that it prints.
    pub fn start(&self) -> Process {
        let (process, mut stdout) = Process::start(Command::new(&self.command[0]).args(&self.command[1..]));
        thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
        process
    }
}

/// CPU seconds so far, of all threads of a server, in user space and in the kernel.
pub fn cpu(server: &Process) -> f64 {
    figure_in("stat", server, |stat| {
        // The second field is the name in brackets, which may hold anything; `utime` is the 14th.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS_PER_SECOND);
        Some(seconds()? + seconds()?)
    })
}

/// KiB of memory that are resident.
pub fn resident(server: &Process) -> f64 {
    figure_in("status", server, |status| {
        status.split_once("VmRSS:")?.1.split_whitespace().next()?.parse().ok()
    })
}

fn figure_in(file: &str, server: &Process, read: impl Fn(&str) -> Option<f64>) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/{file}", server.child.id()));
    text.ok().and_then(|text| read(&text)).unwrap_or(f64::NAN)
}
