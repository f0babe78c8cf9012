//! What one request costs, counted and not timed: the server's heap allocations and system calls.

use std::alloc::System;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use std::{fs, io, thread};

use simple_oauth2::app::app;
use simple_oauth2::server::{self, Config, Limits, Log};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::baseline;
use crate::client::{Burst, Exchange};
use crate::process::{Recipe, scratch};

/// Counts all allocations of the bench.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Enough that what happens once does not show in the first digit after the point.
const REQUESTS: usize = 500;

/// Enough that the server has its threads and buffers.
const WARM_UP: usize = 200;

/// Starts in this process what the recipe starts in another: the baseline, or this project's server.
pub fn serve_here(recipe: &Recipe) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let is_baseline = recipe.name == "baseline";
    thread::spawn(move || {
        if is_baseline {
            return baseline::serve(&listener);
        }
        let log = Log::start(io::sink())?;
        let config = Config { application: app, limits: Limits::DEFAULT, log, access_log: false };
        server::run(config, vec![listener]).map(|_| ())
    });
    Ok(address)
}

/// Heap allocations for each request, of a server in this process.
pub fn allocations(exchange: Exchange, close: bool, server: SocketAddr) -> io::Result<f64> {
    let burst = Burst::new(exchange, server, 1, close)?;
    per_request(&burst, || Ok(ALLOCATOR.stats().allocations + ALLOCATOR.stats().reallocations))
}

/// System calls for each request; an error where there is no strace, and 0 where it may not trace.
pub fn system_calls(exchange: Exchange, close: bool, recipe: &Recipe) -> io::Result<f64> {
    let file = scratch("calls.txt");
    let server = recipe.traced(&file).start()?;
    let burst = Burst::new(exchange, server.address, 1, close)?;
    let calls = per_request(&burst, || Ok(calls_in(&fs::read_to_string(&file)?)));
    fs::remove_file(&file)?;
    calls
}

fn per_request(burst: &Burst, count: impl Fn() -> io::Result<usize>) -> io::Result<f64> {
    let total_after = |requests| {
        burst.one_by_one(requests)?;
        thread::sleep(Duration::from_millis(100));
        count()
    };
    let before = total_after(WARM_UP)?;
    Ok((total_after(REQUESTS)? - before) as f64 / REQUESTS as f64)
}

/// How many calls begin in strace's lines. `10042 sendto(4, "HTTP/1.1 200 OK` … begins one, and
/// `10042 <... sendto resumed>` does not.
fn calls_in(trace: &str) -> usize {
    let begins = |line: &&str| {
        let call = line.trim_start_matches(|character: char| character.is_ascii_digit() || character == ' ');
        call.starts_with(|character: char| character.is_ascii_lowercase())
    };
    trace.lines().filter(begins).count()
}
