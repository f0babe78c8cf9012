//! Servers as processes, and what the system knows about them. Where there is no `/proc`, figures
//! of CPU time and memory are missing from the report, and the others are there.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

/// Linux counts CPU time in this unit for every program, whatever the kernel's own is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Python needs a second to import FastAPI, and more on a busy machine.
const START_TIME: Duration = Duration::from_secs(20);

/// Where the access log goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LogTo {
    Nowhere,
    File,
    Pipe,
}

/// How to start a server.
pub struct Recipe {
    pub name: String,
    program: PathBuf,
    arguments: Vec<String>,
    folder: Option<PathBuf>,
    banner: Banner,
}

/// Where a server says its address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Banner {
    Stdout,
    /// uvicorn's.
    Stderr,
    /// Stdout is this file.
    File,
}

impl Recipe {
    fn new(name: &str, program: impl Into<PathBuf>, arguments: &str) -> Self {
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Self { name: name.into(), program: program.into(), arguments, folder: None, banner: Banner::Stdout }
    }

    /// The program of this project.
    pub fn ours(name: &str, log: LogTo) -> Self {
        let arguments = if log == LogTo::Nowhere { "--port 0 --no-access-log" } else { "--port 0" };
        let banner = if log == LogTo::File { Banner::File } else { Banner::Stdout };
        Self { banner, ..Self::new(name, env!("CARGO_BIN_EXE_simple-oauth2"), arguments) }
    }

    /// The bench itself, as another process.
    pub fn floor() -> io::Result<Self> {
        Ok(Self::new("floor", env::current_exe()?, "--floor"))
    }

    /// The chapter's application under uvicorn with one worker, or why it cannot be had. It is to
    /// keep idle connections longer than its five seconds, because some wait longer here.
    pub fn fastapi() -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("fastapi");
        let python = env::var_os("FASTAPI_PYTHON").unwrap_or_else(|| "python3".into());
        let check = Command::new(&python)
            .args(["-c", CHECK_PACKAGES])
            .current_dir(&folder)
            .output()
            .map_err(|error| format!("{} does not run: {error}", python.display()))?;
        if !check.status.success() {
            let output = String::from_utf8_lossy(&check.stderr);
            let why = output.lines().last().unwrap_or("its packages are missing");
            return Err(format!("{}: {why}; FASTAPI_PYTHON may name another Python", python.display()));
        }
        let arguments = "-B -m uvicorn main:app --port 0 --no-access-log --timeout-keep-alive 60";
        let recipe = Self::new("FastAPI", python, arguments);
        Ok(Self { folder: Some(folder), banner: Banner::Stderr, ..recipe })
    }

    /// A server of the reader's choice: `NAME=PROGRAM ARGUMENTS`.
    pub fn beside(words: &str) -> Self {
        let (name, command) = words.split_once('=').unwrap_or(("beside", words));
        let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
        Self::new(name, program, arguments)
    }

    /// Starts it, and waits until it says where it is.
    pub fn start(&self) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("access.log");
        match self.banner {
            Banner::Stdout => command.stdout(Stdio::piped()).stderr(Stdio::inherit()),
            Banner::Stderr => command.stderr(Stdio::piped()),
            Banner::File => command.stdout(File::create(&log)?).stderr(Stdio::inherit()),
        };
        let mut child = command.spawn()?;
        let log = (self.banner == Banner::File).then_some(log);
        let output: Box<dyn Read + Send> = match (child.stdout.take(), child.stderr.take(), &log) {
            (Some(pipe), ..) => Box::new(pipe),
            (_, Some(pipe), _) => Box::new(pipe),
            (.., Some(log)) => Box::new(follow(log)?),
            _ => Box::new(io::empty()),
        };
        // Alive from here on, so that an early return kills it.
        let mut process =
            Process { name: self.name.clone(), address: ([127, 0, 0, 1], 0).into(), child, log };
        process.address = address_in(output)
            .ok_or_else(|| io::Error::other(format!("{} has not said where it listens", self.name)))?;
        Ok(process)
    }
}

/// Passes if each `name==version` of the requirements is installed in that version.
const CHECK_PACKAGES: &str = r#"
import importlib.metadata, re, sys
for line in open("requirements.txt"):
    pin = re.match(r"([\w.-]+)(\[.*\])?==([\w.]+)", line)
    if pin:
        try:
            found = importlib.metadata.version(pin[1])
        except importlib.metadata.PackageNotFoundError:
            found = "no version"
        if found != pin[3]:
            sys.exit(f"{pin[1]} {pin[3]} is wanted and {found} is installed")
"#;

/// The beginning of a file that another process is writing, as soon as it has a line.
fn follow(path: &Path) -> io::Result<impl Read + Send + 'static> {
    for _ in 0..1000 {
        let text = fs::read(path)?;
        if text.contains(&b'\n') {
            return Ok(io::Cursor::new(text));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Waits for a line with an address; a thread goes on reading what comes then, so that the server
/// never waits for a reader.
fn address_in(output: impl Read + Send + 'static) -> Option<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::with_capacity(64 * 1024, output);
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|count| count > 0) {
            if let Some(address) = line.split("http://").nth(1) {
                let is_address = |character: char| character.is_ascii_digit() || ".:".contains(character);
                let end = address.find(|character| !is_address(character)).unwrap_or(address.len());
                let _ = sender.send(address[..end].parse().ok());
                break;
            }
            line.clear();
        }
        let _ = io::copy(&mut output, &mut io::sink());
    });
    receiver.recv_timeout(START_TIME).ok().flatten()
}

/// A server that runs; it is killed when this is dropped.
pub struct Process {
    pub name: String,
    pub address: SocketAddr,
    child: Child,
    log: Option<PathBuf>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(log) = &self.log {
            let _ = fs::remove_file(log);
        }
    }
}

impl Process {
    /// CPU seconds so far, of all its threads, in user space and in the kernel.
    pub fn cpu(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The second field is the name in brackets, which may hold anything; `utime` is the 14th.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let [user, system]: [f64; 2] = [fields.get(11)?.parse().ok()?, fields.get(12)?.parse().ok()?];
        Some((user + system) / TICKS_PER_SECOND)
    }

    /// Bytes of memory that it really has.
    pub fn resident(&self) -> Option<f64> {
        self.status("VmRSS:").map(|kibibytes| kibibytes * 1024.0)
    }

    pub fn threads(&self) -> Option<f64> {
        self.status("Threads:")
    }

    fn status(&self, field: &str) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        status.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
    }
}

/// What stands in the way of so many connections, if anything.
pub fn too_many(connections: usize) -> Option<String> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = |name: &str| -> Option<usize> {
        limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    let wanted = connections + 100;
    let [files, processes] = [soft("Max open files"), soft("Max processes")];
    if files.is_some_and(|limit| limit < wanted) {
        return Some(format!(
            "not measured: a process may open {} files here; `ulimit -n {wanted}` and again",
            files?
        ));
    }
    if processes.is_some_and(|limit| limit < wanted) {
        return Some(format!("not measured: a user may have {} threads here", processes?));
    }
    None
}

/// The machine in a line, for whoever reads the figures later.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let information = read("/proc/cpuinfo");
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(env::consts::ARCH, |(_, model)| model);
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "Measured on {cores} cores ({model}), {} {}, load before the run {load}; servers and client share the machine.",
        env::consts::OS,
        kernel.trim()
    )
}
