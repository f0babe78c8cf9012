//! The program: reads its flags, binds the address, says where it is, and serves.
//!
//! Layer: the command `fastapi dev main.py`, or `uvicorn main:app`. Tutorial section 1: this is
//! where everything is put together.

mod command_line;

use std::convert::Infallible;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::process::ExitCode;

use simple_oauth2::server::{AccessLog, Limits, Server};
use simple_oauth2::{app, explain};

use command_line::{Command, Options};

/// Why the program ends: what it says, and its exit status.
struct Failure(u8, String);

fn main() -> ExitCode {
    let Failure(status, reason) = match command_line::parse(std::env::args_os().skip(1)) {
        Ok(Command::Say(text)) => {
            say(&text);
            return ExitCode::SUCCESS;
        }
        Ok(Command::Serve(options)) => match serve(&options) {
            Err(failure) => failure,
        },
        Err(reason) => Failure(2, reason),
    };
    // Where stderr is closed too, the exit status has to say it alone.
    let _ = writeln!(io::stderr(), "simple-oauth2: {reason}");
    ExitCode::from(status)
}

/// Serves for ever; it returns only if it could not begin to.
fn serve(options: &Options) -> Result<Infallible, Failure> {
    let listener = bind(options)?;
    let address = listener.local_addr().map_err(|error| Failure(1, error.to_string()))?;
    let no_thread = |error| Failure(1, format!("the system has no thread to serve with: {error}"));
    let access_log = if options.explain {
        explain::switch_on();
        None
    } else if options.access_log {
        Some(AccessLog::start(io::stdout()).map_err(no_thread)?)
    } else {
        None
    };
    say(&format!(
        "INFO:     simple-oauth2 running on http://{address}, docs at http://{address}/docs (press CTRL+C to quit)\n"
    ));
    Server { listener, application: app::APPLICATION, limits: Limits::DEFAULT, access_log }
        .run()
        .map_err(no_thread)
}

/// Binds the address, or says what stands in the way and what to try.
fn bind(options: &Options) -> Result<TcpListener, Failure> {
    let (host, port) = (options.host.as_str(), options.port);
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| Failure(2, format!("--host {host:?} is no address of this machine: {error}")))?
        .collect();
    TcpListener::bind(&addresses[..]).map_err(|error| {
        Failure(1, match error.kind() {
            ErrorKind::AddrInUse => format!(
                "port {port} of {host} is taken by another program; end it, or try --port {} or --port 0 (any free one)",
                port.checked_add(1).unwrap_or(8000)
            ),
            ErrorKind::PermissionDenied => {
                format!("port {port} is not for everyone; try one above 1023, such as --port 8000")
            }
            ErrorKind::AddrNotAvailable => format!("{host} is not an address of this machine; try --host 127.0.0.1"),
            _ => format!("cannot listen on port {port} of {host}: {error}"),
        })
    })
}

/// Prints to stdout; `println!` would panic where stdout is closed, as in `cargo run | head -0`.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
