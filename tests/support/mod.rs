//! What all tests share: the built server in a process of its own, the server inside the test with
//! limits of the test's choice, and a client that sends bytes as they are and reads responses
//! strictly.
//!
//! Everything here waits ten seconds at the most and then fails, so that no test can hang.

// Each test file is a crate of its own, and uses a part of this.
#![allow(dead_code)]

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::server::{self, Application, Config, Limits, Log};

/// How long anything may take. Far more than it ever does, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A server in a process of its own; it ends when this is dropped.
pub struct Process {
    pub child: Child,
    /// What it printed up to its address, with the rest of that line.
    pub banner: String,
    pub address: SocketAddr,
}

impl Process {
    /// Starts a command that becomes a server, and waits for its address. Returned too: what it prints
    /// after that.
    pub fn start(command: &mut Command) -> (Self, BufReader<ChildStdout>) {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (sender, banner) = mpsc::channel();
        // A thread of its own, because a pipe has no read timeout.
        thread::spawn(move || {
            let mut banner = String::new();
            while stdout.read_line(&mut banner).is_ok_and(|count| count > 0) {
                if banner.contains("http://") {
                    let _ = sender.send((banner, stdout));
                    return;
                }
            }
        });
        let Ok((banner, stdout)) = banner.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("no address from {command:?}; exit status: {:?}", child.wait());
        };
        let address = banner.split_once("http://").and_then(|(_, rest)| rest.split([',', ' ', '\n']).next());
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in the banner {banner:?}"));
        (Self { child, banner, address }, stdout)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines that a server prints after its address, which a thread reads until they end.
pub struct Lines(Receiver<String>);

impl Lines {
    pub fn of(stdout: BufReader<ChildStdout>) -> Self {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self(lines)
    }

    /// The next line, if one comes in this time.
    pub fn next_within(&self, time: Duration) -> Option<String> {
        self.0.recv_timeout(time).ok()
    }

    pub fn next(&self) -> String {
        self.next_within(PATIENCE).expect("the server should print one line more")
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

/// The built program with these flags.
pub fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simple-oauth2"));
    command.args(flags);
    command
}

/// This command under a limit of the system, such as `-n 24` (descriptors) or `-v 1000000` (KiB of
/// addresses), which a shell sets first. The shell gets the words as words, so no folder's name can
/// change what they mean.
pub fn under(limit: [&str; 2], command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit \"$1\" \"$2\" && shift 2 && exec \"$@\"", "sh"]).args(limit);
    shell.arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // glibc's arenas take addresses by the 64 MiB, and how many it makes depends on the machine.
    shell.env("MALLOC_ARENA_MAX", "1");
    shell
}

/// The built program on a free port of 127.0.0.1.
pub struct TestServer {
    process: Process,
    /// What it prints after the banner.
    pub lines: Lines,
}

impl TestServer {
    /// Serves without an access log.
    pub fn start() -> Self {
        Self::start_with(&["--port", "0", "--no-access-log"])
    }

    /// Serves with these flags, among which should be `--port 0`.
    pub fn start_with(flags: &[&str]) -> Self {
        Self::start_command(program(flags))
    }

    /// The same for a command that becomes the program.
    pub fn start_command(mut command: Command) -> Self {
        let (process, stdout) = Process::start(&mut command);
        Self { process, lines: Lines::of(stdout) }
    }

    pub fn address(&self) -> SocketAddr {
        self.process.address
    }

    /// The first line it printed.
    pub fn banner(&self) -> &str {
        self.process.banner.trim_end()
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// The response to one request on a connection of its own.
    pub fn exchange(&self, request: &[u8]) -> Response {
        let mut client = self.connect();
        client.send(request);
        client.response()
    }
}

/// `GET` of this path, with these header fields as well.
pub fn get(path: &str, header_fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{header_fields}\r\n")
}

/// `POST /token` with this form.
pub fn post_form(form: &str) -> String {
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len())
}

/// This application inside this process, with these limits, until the test program ends.
pub fn serve(limits: Limits, application: Application) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    let log = Log::start(io::sink()).expect("a thread for the log");
    let config = Config { application, limits, log, access_log: false };
    thread::spawn(move || server::run(config, vec![listener]).map(|_| ()));
    address
}

/// A raw socket with the patience above for each read and write, and the bytes that came over it and
/// are not read yet. Each write is a packet of its own.
pub struct Client {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self { stream, unread: Vec::new() }
    }

    /// This end of the connection, as the server's log names it.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// Sends these bytes as they are. That the server has gone is not an error here: then the
    /// response, or the lack of one, says more.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.stream.write_all(bytes) {
            assert!(is_reset(&error) || error.kind() == ErrorKind::BrokenPipe, "cannot send: {error}");
        }
    }

    /// Says that nothing more will be sent, while responses can still come.
    pub fn finish_sending(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next response to a GET or POST. An interim `100 Continue` is a response as well.
    pub fn response(&mut self) -> Response {
        self.next_response(true).expect("a response, not the end of the connection")
    }

    /// All bytes that come until the server ends the connection, as text; an error is what came where
    /// it does not end.
    pub fn everything(&mut self) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        let ends = loop {
            match self.read(deadline) {
                Ok(true) => {}
                result => break result.is_ok(),
            }
        };
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned();
        if ends { Ok(text) } else { Err(text) }
    }

    /// The same with `now` for the dates. It fails at once where the connection does not end.
    pub fn everything_dated_now(&mut self, sent: &str) -> String {
        let text = self.everything().unwrap_or_else(|text| {
            panic!("{sent}\n  does not end the connection, but gets: {}", text.escape_debug())
        });
        let with_now = |line| if str::starts_with(line, "date: ") { "date: now\r\n" } else { line };
        text.split_inclusive("\r\n").map(with_now).collect()
    }

    /// Whether the server ends the connection, by an end or a reset, with no byte left before it.
    /// Waits for it.
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && self.read(Instant::now() + PATIENCE).is_ok_and(|more| !more)
    }

    /// Whether nothing comes, neither a byte nor the end of the connection, for this long.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("a read timeout");
        let next = self.read(Instant::now() + PATIENCE);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        self.unread.is_empty() && next.is_err_and(|error| is_timeout(&error))
    }

    /// The next response; `None` where the connection ends instead. One to HEAD has no body, whatever its
    /// `content-length` says.
    pub fn next_response(&mut self, may_have_body: bool) -> Option<Response> {
        let deadline = Instant::now() + PATIENCE;
        let head_length = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.read_more(deadline) {
                assert!(self.unread.is_empty(), "half a head: {}", self.unread.escape_ascii());
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..head_length).collect());
        let mut response = Response::from_head(head.expect("the head is UTF-8"));
        let length = if may_have_body { response.body_length() } else { 0 };
        while self.unread.len() < length {
            assert!(self.read_more(deadline), "half a body after {}", response.head);
        }
        response.body = self.unread.drain(..length).collect();
        Some(response)
    }

    /// Reads more for a response; `false` at the end of the connection.
    fn read_more(&mut self, deadline: Instant) -> bool {
        self.read(deadline).unwrap_or_else(|error| {
            let unread = self.unread.escape_ascii();
            panic!("the server neither responds nor ends the connection ({error}); so far: \"{unread}\"")
        })
    }

    /// Reads what has come; `false` at the end of the connection.
    fn read(&mut self, deadline: Instant) -> io::Result<bool> {
        let mut buffer = [0; 8 * 1024];
        match self.stream.read(&mut buffer) {
            _ if Instant::now() > deadline => Err(ErrorKind::TimedOut.into()),
            // A signal may interrupt a system call: nothing has happened then, and it is made again.
            Err(error) if error.kind() == ErrorKind::Interrupted => self.read(deadline),
            Err(error) if is_reset(&error) => Ok(false),
            result => {
                let count = result?;
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(count > 0)
            }
        }
    }
}

/// A reset has one name on Unix, and a second one on Windows.
pub fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

/// A read timeout has one name on Unix and another on Windows.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A response. A test that fails prints it as it came over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// The status line and the header fields, up to and with the empty line.
    pub head: String,
    /// The header fields in their order, as they were written.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The value of the header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice in {}", self.head);
        value
    }

    /// The reason phrase: the words after the status code.
    pub fn phrase(&self) -> &str {
        self.head.lines().next().and_then(|line| line.splitn(3, ' ').nth(2)).unwrap_or_default()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The same response without its `date`, which differs from second to second.
    pub fn without_date(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "date");
        self.head = self.head.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect();
        self
    }

    /// Reads a head as strictly as a server should read ours: this is where a malformed response is
    /// found, whatever the test is about.
    fn from_head(head: String) -> Self {
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head:?}"));
        let headers = lines.map(|line| {
            assert!(!line.contains(char::is_control), "a control character: {line:?}");
            let field = line.split_once(": ");
            let (name, value) = field.unwrap_or_else(|| panic!("this is not a header field: {line:?}"));
            (name.to_owned(), value.to_owned())
        });
        let headers = headers.collect();
        Self { status, head, headers, body: Vec::new() }
    }

    /// How many bytes of body follow the head. All responses that may have a body say it.
    fn body_length(&self) -> usize {
        if self.status < 200 || self.status == 204 {
            return 0;
        }
        let length = self.header("content-length").and_then(|value| value.parse().ok());
        length.unwrap_or_else(|| panic!("no content-length: {}", self.head))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(formatter, "\n{}{body:.1000}\n({} bytes of body)", self.head, self.body.len())
    }
}
