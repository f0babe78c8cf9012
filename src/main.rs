//! The program: reads its flags, listens, says where, and serves.
//!
//! Layer: the program; the command `uvicorn main:app`. Tutorial section 1: here everything is put
//! together.

#![forbid(unsafe_code)]

mod command_line;

use std::convert::Infallible;
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::process::ExitCode;

use simple_oauth2::app::app;
use simple_oauth2::framework::explain;
use simple_oauth2::server::{self, Application, Config, Log};

use command_line::{Command, Options};

/// Why the program ends: its exit status, and the reason in one line.
struct Failure(u8, String);

fn main() -> ExitCode {
    let result = match command_line::parse(std::env::args_os().skip(1)) {
        Ok(Command::Print(text)) => {
            print(&text);
            return ExitCode::SUCCESS;
        }
        Ok(Command::Serve(options)) => serve(options).map(|_| ()),
        Err(reason) => Err(Failure(2, reason)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(status, reason)) => {
            // Where stderr is closed too, the exit status must be enough.
            let _ = writeln!(io::stderr(), "simple-oauth2: {reason}");
            ExitCode::from(status)
        }
    }
}

/// Listens and serves for ever. It returns only if it cannot begin to.
fn serve(options: Options) -> Result<Infallible, Failure> {
    let listeners = listen(&options.host, options.port)?;
    let no_thread = |error| Failure(1, format!("the system has no thread to serve with: {error}"));
    print(&banner(&listeners).map_err(|error| Failure(1, error.to_string()))?);
    let log = Log::start(io::stdout()).map_err(no_thread)?;
    let mut application: Application = app;
    if options.explain {
        explain::switch_on(log.clone());
        application = |request| explain::explain(request, app);
    }
    let config = Config { application, limits: options.limits, log, access_log: options.access_log };
    server::run(config, listeners).map_err(no_thread)
}

/// Listens on every address of the host, as uvicorn does. A machine without IPv6 has only some of
/// the addresses of a name such as `localhost`; one is enough.
fn listen(host: &str, mut port: u16) -> Result<Vec<TcpListener>, Failure> {
    let no_address =
        |error| Failure(2, format!("--host {host:?} is not an address of this machine: {error}"));
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(no_address)?.collect();
    addresses.dedup(); // a file of hosts may name one twice
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut failure = Failure(2, format!("--host {host:?} has no address"));
    for mut address in addresses {
        address.set_port(port); // a port that the system chose for the first is that of all
        match TcpListener::bind(address) {
            Ok(listener) => {
                port = listener.local_addr().map_or(port, |address| address.port());
                listeners.push(listener);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(in_the_way(host, port, &error)),
            Err(error) => failure = in_the_way(host, port, &error),
        }
    }
    if listeners.is_empty() { Err(failure) } else { Ok(listeners) }
}

/// What is in the way of listening, and what to try.
fn in_the_way(host: &str, port: u16, error: &io::Error) -> Failure {
    let next = port.checked_add(1).unwrap_or(8000);
    let reason = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {port} of {host} is taken by another program; end it, or try --port {next} or --port 0 (any free one)"
        ),
        ErrorKind::PermissionDenied => {
            format!("the system keeps port {port} for itself; try --port 0 (any free one)")
        }
        ErrorKind::AddrNotAvailable => {
            format!("{host} is not an address of this machine; try --host 127.0.0.1")
        }
        _ => format!("cannot listen on port {port} of {host}: {error}"),
    };
    Failure(1, reason)
}

/// Where the server is, as a link that opens in a browser of this machine: `0.0.0.0` and `[::]` mean
/// "each address of this machine", which is not a place to go to.
fn banner(listeners: &[TcpListener]) -> io::Result<String> {
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let mut open = addresses.iter().copied().find(SocketAddr::is_ipv4).unwrap_or(addresses[0]);
    let is_unspecified = open.ip().is_unspecified();
    if is_unspecified {
        open.set_ip(if open.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    let mut banner = format!(
        "INFO:     simple-oauth2 running on http://{open}, docs at http://{open}/docs (press CTRL+C to quit)\n"
    );
    if is_unspecified || addresses.len() > 1 {
        let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
        banner += &format!("INFO:     listening on {}\n", addresses.join(" and "));
    }
    Ok(banner)
}

/// Prints to stdout. `println!` would panic where stdout is closed, as in `cargo run | head -0`.
fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
