//! A server to be attacked. It has a process of its own, so that its threads, descriptors, memory
//! and CPU time are its own: it is the built program, or this test program started again as a server
//! whose limits are small enough to be reached.

// Each test file uses a part of this.
#![allow(dead_code)]

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::app::app;
use simple_oauth2::server::{self, Application, Config, Limits, Log, Response};

use crate::support::{Client, PATIENCE, address_in, is_timeout};

pub const HELLO: &[u8] =
    b"GET /users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer johndoe\r\n\r\n";

/// Connections that the small server takes, and threads that stay when they have ended.
pub const CAP: usize = 24;
pub const SPARE: usize = 4;

/// The body of `/large`, in bytes: more than the system's buffers between two programs hold.
pub const LARGE: usize = 64 * 1024 * 1024;

/// The environment variable with the changed limits of the small server.
const VARIABLE: &str = "SMALL_SERVER";

/// Not a test: where the variable is set, this process is the small server.
#[test]
fn small_server() {
    let Ok(changes) = env::var(VARIABLE) else { return };
    let limits = small_limits(&changes);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("\nserving http://{},", listener.local_addr().expect("an address"));
    let application: Application = |request| match request.path {
        "/panic" => panic!("this handler panics on purpose"),
        "/slow" => {
            thread::sleep(Duration::from_millis(300));
            app(request)
        }
        "/large" => Response::new(200, "text/plain", "x".repeat(LARGE)),
        _ => app(request),
    };
    let log = Log::start(io::stdout()).expect("a thread for the log");
    let _ = server::run(Config { application, limits, log, access_log: true }, vec![listener]);
}

/// Deadlines that no test waits for, and the changes that a test wants to see at work, such as
/// `head_timeout=500 max_connections=2`. Times are in milliseconds.
fn small_limits(changes: &str) -> Limits {
    let long = 6 * PATIENCE;
    let mut limits = Limits {
        idle_timeout: long,
        head_timeout: long,
        body_timeout: long,
        write_timeout: long,
        linger_timeout: long,
        linger_time: long,
        connection_lifetime: long,
        max_connections: CAP,
        spare_threads: SPARE,
        ..Limits::DEFAULT
    };
    for change in changes.split_whitespace() {
        let (name, value) = change.split_once('=').expect("name=value");
        let number: u32 = value.parse().expect("a number");
        let time = Duration::from_millis(number.into());
        match name {
            "idle_timeout" => limits.idle_timeout = time,
            "head_timeout" => limits.head_timeout = time,
            "body_timeout" => limits.body_timeout = time,
            "write_timeout" => limits.write_timeout = time,
            "linger_timeout" => limits.linger_timeout = time,
            "linger_time" => limits.linger_time = time,
            "connection_lifetime" => limits.connection_lifetime = time,
            "max_connections" => limits.max_connections = number as usize,
            "thread_stack" => limits.thread_stack = number as usize,
            _ => panic!("no limit of this name: {name}"),
        }
    }
    limits
}

/// How many descriptors this process may have, as `ulimit -n` says it; where nobody says, few.
pub fn descriptor_limit() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.and_then(|number| number.parse().ok()).unwrap_or(256)
}

/// Where descriptors are few, the tests of a file run one after the other.
fn wait_where_descriptors_are_few() -> Option<MutexGuard<'static, ()>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    (descriptor_limit() < 1024).then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A server in a process of its own; it ends when this is dropped.
pub struct Victim {
    process: Child,
    /// Nobody reads it before [`Victim::log`] is called.
    stdout: Option<BufReader<ChildStdout>>,
    pub address: SocketAddr,
    _alone: Option<MutexGuard<'static, ()>>,
}

/// What a process holds; all zero where the system does not tell.
#[derive(Debug, Default)]
pub struct Holdings {
    /// Threads that serve connections or wait for one.
    pub threads: usize,
    pub descriptors: usize,
    pub resident_kib: usize,
}

impl Victim {
    /// The small server, with these of its limits changed.
    pub fn small(changes: &str) -> Self {
        Self::start(&mut small_command(), changes)
    }

    /// The built program, with its own limits.
    pub fn program(flags: &[&str]) -> Self {
        Self::start(program_command().args(flags), "")
    }

    /// The small server under a limit of the system, such as `-n 24` (descriptors) or
    /// `-v 1000000` (KiB of addresses).
    pub fn small_under(limit: [&str; 2], changes: &str) -> Self {
        Self::start(&mut under(limit, &small_command()), changes)
    }

    /// The built program under a limit of the system.
    pub fn program_under(limit: [&str; 2], flags: &[&str]) -> Self {
        Self::start(&mut under(limit, program_command().args(flags)), "")
    }

    fn start(command: &mut Command, changes: &str) -> Self {
        let alone = wait_where_descriptors_are_few();
        command.env(VARIABLE, changes);
        command.env("RUST_BACKTRACE", "0"); // a backtrace reads 50 MB of debug information
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the server starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let (sender, banner) = mpsc::channel();
        // A thread of its own, because a pipe has no read timeout.
        thread::spawn(move || {
            let mut line = String::new();
            while !line.contains("http://") {
                line.clear();
                if stdout.read_line(&mut line).map_or(true, |count| count == 0) {
                    return;
                }
            }
            let _ = sender.send((line, stdout));
        });
        let Ok((banner, stdout)) = banner.recv_timeout(PATIENCE) else {
            let _ = process.kill();
            panic!("the server did not say where it is: {:?}", process.wait());
        };
        Self { process, stdout: Some(stdout), address: address_in(&banner), _alone: alone }
    }

    /// The lines of the log that nobody has read yet, and those that will come.
    pub fn log(&mut self) -> Lines {
        let stdout = self.stdout.take().expect("the log is read by one reader");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Lines(lines)
    }

    /// A normal client is served.
    pub fn is_well(&self) {
        assert_eq!(self.hello(), Some(200), "the status of a normal client's response");
    }

    /// A normal client is served, at the latest when others have ended.
    pub fn becomes_well(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.hello() != Some(200) {
            assert!(Instant::now() < deadline, "a normal client is not served");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The status of a normal client's response. None: a 503 was destroyed by the reset for the
    /// request that was not read.
    fn hello(&self) -> Option<u16> {
        let mut client = Client::connect(self.address);
        client.send(HELLO);
        client.response_unless_closed().map(|response| response.status)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
        stream
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.process.id())
    }

    /// What it holds now.
    pub fn holdings(&self) -> Holdings {
        if !cfg!(target_os = "linux") {
            return Holdings::default();
        }
        let threads = fs::read_dir(self.proc("task")).expect("the process lives").flatten();
        let is_connection = |entry: &fs::DirEntry| {
            fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.starts_with("connection"))
        };
        let status = fs::read_to_string(self.proc("status")).expect("the process lives");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Holdings {
            threads: threads.filter(is_connection).count(),
            descriptors: fs::read_dir(self.proc("fd")).expect("the process lives").count(),
            resident_kib: resident.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0),
        }
    }

    /// CPU time so far, in clock ticks of a hundredth of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(self.proc("stat")).expect("the process lives");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields[11..13].iter().filter_map(|field| field.parse::<u64>().ok()).sum()
    }

    /// Waits until everything that an attack took has been given back. Idle threads stay by design.
    pub fn recovers(&self, before: &Holdings) {
        self.recovers_with(SPARE, before);
    }

    /// The same for a server with this many spare threads.
    pub fn recovers_with(&self, spare: usize, before: &Holdings) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.holdings();
            let threads = spare.max(before.threads) + 1;
            if now.threads <= threads && now.descriptors <= before.descriptors {
                let memory = before.resident_kib + 8 * 1024 + spare * 128;
                assert!(now.resident_kib <= memory, "memory stays taken: {before:?} became {now:?}");
                return self.is_well();
            }
            assert!(Instant::now() < deadline, "not given back: {before:?} became {now:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lines of a log, each of which is waited for as long as the patience lasts.
pub struct Lines(Receiver<String>);

impl Lines {
    /// The next line.
    pub fn next(&self) -> String {
        self.next_within(PATIENCE).expect("the server prints a line")
    }

    /// The next line, if one comes in this time.
    pub fn next_within(&self, time: Duration) -> Option<String> {
        self.0.recv_timeout(time).ok()
    }

    /// The next line with this text in it.
    pub fn with(&self, text: &str) -> String {
        let (deadline, mut others) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let line = self.next_within(deadline.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|| panic!("no line with {text:?}, only {others:#?}"));
            if line.contains(text) {
                return line;
            }
            others.push(line);
        }
    }
}

/// What comes until the connection ends, by an end or a reset.
pub fn read_to_end(mut stream: &TcpStream) -> String {
    let (deadline, mut bytes, mut buffer) = (Instant::now() + PATIENCE, Vec::new(), [0; 16 * 1024]);
    loop {
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if is_timeout(&error) => panic!("the connection does not end"),
            Ok(0) | Err(_) => return String::from_utf8_lossy(&bytes).into_owned(),
        }
        assert!(Instant::now() < deadline, "the connection does not end");
    }
}

fn small_command() -> Command {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["--exact", "victim::small_server", "--nocapture"]);
    command
}

fn program_command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simple-oauth2"));
    command.args(["--port", "0"]);
    command
}

/// This command, started by a shell that limits itself first. The shell gets the words as words, so
/// no folder's name can change what they mean.
fn under(limit: [&str; 2], command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit \"$1\" \"$2\" && shift 2 && exec \"$@\"", "sh"]).args(limit);
    shell.arg(command.get_program()).args(command.get_args());
    // glibc's arenas take addresses by the 64 MiB, and how many it makes depends on the machine.
    shell.env("MALLOC_ARENA_MAX", "1");
    shell
}
