//! Servers as processes, and what the system knows about them. CPU time and memory come from
//! Linux's `/proc`; elsewhere those figures are missing and the others are there.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// Linux counts CPU time for programs in this unit, whatever its own is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Python needs a second to import FastAPI, and more on a busy machine.
const START_TIME: Duration = Duration::from_secs(20);

/// How to start a server, which says its address on stdout or stderr.
#[derive(Clone)]
pub struct Recipe {
    pub name: &'static str,
    pub command: Vec<String>,
    /// Its stdout is a pipe, and not a file.
    pub to_pipe: bool,
}

impl Recipe {
    fn new(name: &'static str, program: &Path, arguments: &str) -> Self {
        let mut command = vec![program.display().to_string()];
        command.extend(arguments.split_whitespace().map(str::to_owned));
        Self { name, command, to_pipe: false }
    }

    /// The program of this project. Some connections are idle here for longer than usual.
    pub fn ours(name: &'static str, arguments: &str) -> Self {
        let arguments = format!("--port 0 --timeout-keep-alive 60 {arguments}");
        Self::new(name, Path::new(env!("CARGO_BIN_EXE_simple-oauth2")), &arguments)
    }

    /// The bench itself, as another process.
    pub fn baseline() -> io::Result<Self> {
        Ok(Self::new("baseline", &env::current_exe()?, "--baseline"))
    }

    /// The chapter's application under uvicorn with one worker, where `FASTAPI_PYTHON` is set.
    pub fn fastapi() -> Option<Self> {
        let python = env::var_os("FASTAPI_PYTHON")?;
        let arguments =
            "-B -m uvicorn --app-dir tests/fastapi main:app --port 0 --no-access-log --timeout-keep-alive 60";
        Some(Self::new("FastAPI", Path::new(&python), arguments))
    }

    /// The same with each of its system calls written to a file. `-D`: the process that is started
    /// is the server and not strace, and so it is the one that is killed.
    pub fn traced(&self, calls: &Path) -> Self {
        let file = calls.display().to_string();
        let mut command = ["strace", "-D", "-f", "-o", &file].map(str::to_owned).to_vec();
        command.extend_from_slice(&self.command);
        Self { command, ..self.clone() }
    }

    /// Starts it, and waits until it says where it is.
    pub fn start(&self) -> io::Result<Process> {
        let output = scratch(self.name);
        let file = File::create(&output)?;
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stdin(Stdio::null()).stderr(file.try_clone()?).stdout(file);
        if self.to_pipe {
            command.stdout(Stdio::piped());
        }
        let child = command.spawn()?;
        // Alive from here on, so that an early return kills it.
        let mut process = Process { name: self.name, address: ([127, 0, 0, 1], 0).into(), child, output };
        let address = if self.to_pipe { process.address_in_pipe() } else { process.address_in_file() };
        process.address = address.ok_or_else(|| {
            let said = fs::read_to_string(&process.output).unwrap_or_default();
            io::Error::other(format!("{} does not say where it listens: {said}", self.name))
        })?;
        Ok(process)
    }
}

/// A file of this run of the bench.
pub fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench {} {name}.txt", process::id()))
}

/// The address in `… on http://127.0.0.1:8000 …`, once its line is whole.
fn address_in(text: &str) -> Option<SocketAddr> {
    let (line, _) = text.split_once("http://")?.1.split_once('\n')?;
    let is_address = |character: char| character.is_ascii_digit() || ".:".contains(character);
    line.split(|character| !is_address(character)).next()?.parse().ok()
}

/// A server that runs; it is killed when this is dropped.
pub struct Process {
    pub name: &'static str,
    pub address: SocketAddr,
    child: Child,
    output: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.output);
    }
}

impl Process {
    fn address_in_file(&mut self) -> Option<SocketAddr> {
        let begin = Instant::now();
        while begin.elapsed() < START_TIME && self.child.try_wait().is_ok_and(|status| status.is_none()) {
            if let Some(address) = address_in(&fs::read_to_string(&self.output).ok()?) {
                return Some(address);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// A thread goes on reading what comes after it, so that the server never waits for a reader.
    fn address_in_pipe(&mut self) -> Option<SocketAddr> {
        let mut pipe = BufReader::with_capacity(64 * 1024, self.child.stdout.take()?);
        let mut line = String::new();
        pipe.read_line(&mut line).ok()?;
        thread::spawn(move || io::copy(&mut pipe, &mut io::sink()));
        address_in(&line)
    }

    /// CPU seconds so far, of all its threads, in user space and in the kernel.
    pub fn cpu(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The second field is the name in brackets, which may hold anything; `utime` is the 14th.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS_PER_SECOND);
        Some(seconds()? + seconds()?)
    }

    /// Bytes of memory that are resident.
    pub fn resident(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let (_, rest) = status.split_once("VmRSS:")?;
        Some(rest.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
    }
}

/// The machine in a line, for whoever reads the figures later.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (cpus, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(env::consts::ARCH, |(_, model)| model);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (system, load) = (env::consts::OS, load.split(' ').next().unwrap_or_default());
    format!("{cores} cores ({model}), {system}, shared with the load generator. Load before: {load}")
}
