//! What one request costs, counted and not timed: the server's heap allocations and system calls.

use std::alloc::System;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;
use std::{fs, io, thread};

use simple_oauth2::app::app;
use simple_oauth2::server::Limits;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::client::{Burst, Exchange};
use crate::process::Recipe;
use crate::{baseline, support};

/// Counts all allocations of the bench.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Enough that what happens once does not show in the second digit after the point.
const REQUESTS: usize = 5_000;

/// Enough that the server has its threads and buffers.
const WARM_UP: usize = 200;

/// Starts in this process what the recipe starts in another: the baseline, or this project's server.
pub fn serve_here(recipe: &Recipe) -> io::Result<SocketAddr> {
    if recipe.name != "baseline" {
        return Ok(support::serve(Limits::DEFAULT, app));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || baseline::serve(&listener));
    Ok(address)
}

/// Heap allocations for each request, of a server in this process.
pub fn allocations(exchange: Exchange, close: bool, server: SocketAddr) -> io::Result<f64> {
    let burst = Burst::new(exchange, server, 1, close);
    per_request(&burst, || Ok(ALLOCATOR.stats().allocations + ALLOCATOR.stats().reallocations))
}

/// System calls for each request; NaN where there is no strace, or where it may not trace.
pub fn system_calls(exchange: Exchange, close: bool, recipe: &Recipe) -> io::Result<f64> {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/calls.txt");
    let attempt = Command::new("strace").args(["-o", file, "true"]).status();
    if !attempt.is_ok_and(|status| status.success()) {
        return Ok(f64::NAN);
    }
    let server = recipe.traced(file).start();
    let burst = Burst::new(exchange, server.address, 1, close);
    // `10042 sendto(4, "HTTP/1.1 200 OK` … begins a call; `10042 <... sendto resumed>` does not.
    let begins = |line: &&str| line.contains('(') && !line.contains(" resumed>");
    let calls = per_request(&burst, || Ok(fs::read_to_string(file)?.lines().filter(begins).count()));
    fs::remove_file(file)?;
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
