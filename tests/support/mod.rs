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
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use simple_oauth2::app::app;
use simple_oauth2::server::{self, Application, Config, Limits, Log};

/// How much of a body a failed test prints, in bytes.
const SHOWN: usize = 1000;

/// How long anything may take. Far more than it ever does, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The built program on a free port of 127.0.0.1; it ends when this is dropped.
pub struct TestServer {
    process: Child,
    address: SocketAddr,
    banner: String,
    lines: Receiver<String>,
}

impl TestServer {
    /// Serves without an access log.
    pub fn start() -> Self {
        Self::start_with(&["--port", "0", "--no-access-log"])
    }

    /// Serves with these flags, among which should be `--port 0`. Waits for the banner.
    pub fn start_with(flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simple-oauth2"));
        command.args(flags);
        Self::start_command(command)
    }

    /// The same for a command that becomes the program.
    pub fn start_command(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the built program starts");
        let stdout = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = mpsc::channel();
        // A thread of its own, because a pipe has no read timeout; it ends with the process.
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let Ok(banner) = lines.recv_timeout(PATIENCE) else {
            let _ = process.kill();
            panic!("no banner from {command:?}; exit status: {:?}", process.wait());
        };
        let address = address_in(&banner);
        Self { process, address, banner, lines }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The first line it printed.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    /// The next line it prints after the banner; `None` when it prints none in this time.
    pub fn next_line_within(&self, time: Duration) -> Option<String> {
        self.lines.recv_timeout(time).ok()
    }

    /// The next line it prints after the banner.
    pub fn next_line(&self) -> String {
        self.next_line_within(PATIENCE).expect("the server should print one line more")
    }

    /// A new connection to it.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// The response to one request on a connection of its own.
    pub fn exchange(&self, request: &[u8]) -> Response {
        let mut client = self.connect();
        client.send(request);
        client.response()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address in a banner: the text between the first `http://` and the comma after it.
pub fn address_in(banner: &str) -> SocketAddr {
    let address = banner.split_once("http://").and_then(|(_, rest)| rest.split(',').next());
    address
        .and_then(|address| address.parse().ok())
        .unwrap_or_else(|| panic!("no address in the banner {banner:?}"))
}

/// The chapter's application inside this process, with these limits. It serves until the test
/// program ends.
pub fn serve_with(limits: Limits) -> SocketAddr {
    serve(limits, app)
}

/// The same for any application.
pub fn serve(limits: Limits, application: Application) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    let log = Log::start(io::sink()).expect("a thread for the log");
    let config = Config { application, limits, log, access_log: false };
    thread::spawn(move || server::run(config, vec![listener]).map(|_| ()));
    address
}

/// A raw socket, and the bytes that came over it and are not read yet.
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Connects, with the patience above for each read and write.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
        // Each `send` is a packet of its own.
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

    /// The next response to a HEAD, which has no body whatever its `content-length` says.
    pub fn response_to_head(&mut self) -> Response {
        self.next_response(false).expect("a response, not the end of the connection")
    }

    /// The next response to a GET or POST; `None` where the connection ends instead.
    pub fn response_unless_closed(&mut self) -> Option<Response> {
        self.next_response(true)
    }

    /// All bytes that come until the server ends the connection, as text; an error is what came where
    /// it does not end.
    pub fn everything(&mut self) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 8 * 1024];
        let ends = loop {
            match uninterrupted(|| self.stream.read(&mut buffer)) {
                Ok(count) if count > 0 => self.unread.extend_from_slice(&buffer[..count]),
                Ok(_) => break true,
                Err(error) => break is_reset(&error),
            }
            if Instant::now() > deadline {
                break false;
            }
        };
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned();
        if ends { Ok(text) } else { Err(text) }
    }

    /// Whether the server ends the connection, by an end or a reset, with no byte left before it.
    /// Waits for it.
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty()
            && match uninterrupted(|| self.stream.peek(&mut [0])) {
                Ok(count) => count == 0,
                Err(error) => is_reset(&error),
            }
    }

    /// Whether nothing comes, neither a byte nor the end of the connection, for this long.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("a read timeout");
        let next = uninterrupted(|| self.stream.peek(&mut [0]));
        let silent = self.unread.is_empty() && matches!(next, Err(error) if is_timeout(&error));
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        silent
    }

    fn next_response(&mut self, may_have_body: bool) -> Option<Response> {
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
        let head: Vec<u8> = self.unread.drain(..head_length).collect();
        let mut response = Response::from_head(&head);
        let length = if may_have_body { response.body_length() } else { 0 };
        while self.unread.len() < length {
            assert!(self.read_more(deadline), "half a body after {}", response.head);
        }
        response.body = self.unread.drain(..length).collect();
        Some(response)
    }

    /// Reads what has come; `false` at the end of the connection.
    fn read_more(&mut self, deadline: Instant) -> bool {
        let mut buffer = [0; 8 * 1024];
        match uninterrupted(|| self.stream.read(&mut buffer)) {
            Ok(0) => false,
            Ok(count) => {
                assert!(Instant::now() < deadline, "the response comes too slowly");
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if is_reset(&error) => false,
            Err(error) if is_timeout(&error) => {
                panic!(
                    "the server neither responds nor ends the connection; so far: {:?}",
                    self.unread.escape_ascii().to_string()
                )
            }
            Err(error) => panic!("cannot read: {error}"),
        }
    }
}

/// A signal may interrupt a system call; nothing has happened then, and it is made again.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A reset has one name on Unix, and a second one on Windows.
fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

/// A read timeout has one name on Unix and another on Windows.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A response. A test that fails prints it as it came over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The status line and the header fields, up to and with the empty line.
    pub head: String,
    /// The header fields in their order, as they were written.
    pub headers: Vec<(String, String)>,
    /// The body.
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

    /// The body as text.
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
    fn from_head(head: &[u8]) -> Self {
        let head = std::str::from_utf8(head).expect("the head is UTF-8").to_owned();
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head:?}"));
        let headers = lines.map(|line| {
            assert!(
                !line.contains(|character: char| character.is_control()),
                "a control character: {line:?}"
            );
            let (name, value) =
                line.split_once(": ").unwrap_or_else(|| panic!("this is not a header field: {line:?}"));
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
        let start = &self.body[..self.body.len().min(SHOWN)];
        write!(formatter, "\n{}{}", self.head, String::from_utf8_lossy(start))?;
        match self.body.len().saturating_sub(SHOWN) {
            0 => writeln!(formatter),
            more => writeln!(formatter, "... and {more} bytes more"),
        }
    }
}
