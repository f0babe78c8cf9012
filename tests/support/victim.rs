//! A server to be attacked. It has a process of its own, so that its threads, descriptors, memory
//! and CPU time are its own: it is the built program, or this test program started again as a server
//! whose limits are small enough to be reached.

// Each test file uses a part of this.
#![allow(dead_code)]

use std::env;
use std::fs;
use std::io::{self, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::app::app;
use simple_oauth2::server::{self, Application, Config, Limits, Log, Response};

pub use crate::support::Lines;
use crate::support::{Client, PATIENCE, Process, program};

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

/// The limits of the small server, changed as a test wants them, such as
/// `head_timeout=500 max_connections=2`. Times are in milliseconds.
fn small_limits(changes: &str) -> Limits {
    let mut limits = Limits { max_connections: CAP, spare_threads: SPARE, ..Limits::DEFAULT };
    // Deadlines that no test waits for; the others are longer than the patience as they are.
    let long = "head_timeout=60000 write_timeout=60000 linger_timeout=60000 ";
    for change in (long.to_owned() + changes).split_whitespace() {
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
    process: Process,
    /// Nobody reads it before [`Victim::log`] is called.
    stdout: Option<BufReader<ChildStdout>>,
    /// What it held when nobody had come yet.
    pub before: Holdings,
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

impl Holdings {
    fn of(process: u32) -> Self {
        if !cfg!(target_os = "linux") {
            return Self::default();
        }
        let folder = Path::new("/proc").join(process.to_string());
        let files = |name| fs::read_dir(folder.join(name)).expect("the process lives").flatten();
        let is_connection = |entry: &fs::DirEntry| {
            fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.starts_with("connection"))
        };
        let status = fs::read_to_string(folder.join("status")).expect("the process lives");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Self {
            threads: files("task").filter(is_connection).count(),
            descriptors: files("fd").count(),
            resident_kib: resident.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0),
        }
    }
}

impl Victim {
    /// The small server, with these of its limits changed.
    pub fn small(changes: &str) -> Self {
        Self::start(small_command(changes))
    }

    /// The built program, with its own limits.
    pub fn program(flags: &[&str]) -> Self {
        Self::start(program(&[&["--port", "0"], flags].concat()))
    }

    pub fn start(mut command: Command) -> Self {
        let alone = wait_where_descriptors_are_few();
        command.env("RUST_BACKTRACE", "0"); // a backtrace reads 50 MB of debug information
        let (process, stdout) = Process::start(command.stderr(Stdio::null()));
        let before = Holdings::of(process.child.id());
        Self { process, stdout: Some(stdout), before, _alone: alone }
    }

    /// The lines of the log that nobody has read yet, and those that will come.
    pub fn log(&mut self) -> Lines {
        Lines::of(self.stdout.take().expect("the log is read by one reader"))
    }

    /// A normal client is served.
    pub fn is_well(&self) {
        let status = hello(&mut self.connect());
        assert_eq!(status, Some(200), "the status of a normal client's response");
    }

    /// A normal client is served, at the latest when others have ended.
    pub fn becomes_well(&self) {
        let deadline = Instant::now() + PATIENCE;
        while hello(&mut self.connect()) != Some(200) {
            assert!(Instant::now() < deadline, "a normal client is not served");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.process.address)
    }

    pub fn holdings(&self) -> Holdings {
        Holdings::of(self.process.child.id())
    }

    /// CPU time so far, in clock ticks of a hundredth of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.process.child.id())).expect("the process lives");
        let (_, fields) = stat.rsplit_once(')').expect("the name of the program is in parentheses");
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }

    /// Waits until everything that an attack took has been given back. So many idle threads stay by
    /// design.
    pub fn recovers(&self, spare: usize) {
        let (deadline, before) = (Instant::now() + PATIENCE, &self.before);
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

/// The status of a normal client's response. None: a 503 was destroyed by the reset for the request
/// that was not read.
pub fn hello(client: &mut Client) -> Option<u16> {
    client.send(HELLO);
    client.next_response(true).map(|response| response.status)
}

pub fn small_command(changes: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["--exact", "victim::small_server", "--nocapture"]).env(VARIABLE, changes);
    command
}
