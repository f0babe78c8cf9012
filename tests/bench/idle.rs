//! Connections on which nothing is sent, and one more client that does send.

use std::fs::File;
use std::time::Duration;
use std::{io, thread};

use crate::client::{Burst, Exchange};
use crate::process::{Recipe, resident};
use crate::rounds::percentile;
use crate::{LOG_IN, READ_USER};

/// Enough for a steady p99.
const FRESH_REQUESTS: usize = 1_000;

/// After it, a server that gives memory back has done so.
const QUIET: Duration = Duration::from_secs(2);

const PAGE: Exchange =
    Exchange { name: "GET /docs", request: "GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n", body: "" };

/// What so many idle connections cost. Each makes one request before it is idle, as a browser's does.
/// The server is started for this, so that its memory is that of these connections alone.
///
/// The results are the resident KiB for each connection, the same after each had large requests and
/// was idle again, and the p50 and p99, in microseconds, of requests on connections of their own.
pub fn measure(recipe: &Recipe, count: usize) -> io::Result<Vec<f64>> {
    // Where the limit of open files is too low, this fails, and not a server in the middle.
    let files = (0..count + 50).map(|_| File::open(env!("CARGO_BIN_EXE_simple-oauth2")));
    drop(files.collect::<io::Result<Vec<_>>>()?);
    let server = recipe.start();
    let fresh = Burst::new(READ_USER, server.address, 1, true);
    fresh.one_by_one(10)?;
    let before = resident(&server);
    let per_connection = || (resident(&server) - before) / count as f64;
    let small = Burst::new(READ_USER, server.address, 1, false);
    let mut streams = small.connections(count)?;
    thread::sleep(Duration::from_millis(100));
    let small_only = per_connection();
    let mut latencies = fresh.one_by_one(FRESH_REQUESTS)?;
    let mut after_large = f64::NAN;
    // The baseline knows neither of these requests.
    if recipe.name != "baseline" {
        Burst::new(large_form(), server.address, 1, false).once_on_each(&mut streams)?;
        Burst::new(PAGE, server.address, 4, false).once_on_each(&mut streams)?;
        thread::sleep(QUIET);
        after_large = per_connection();
    }
    // They are idle, and not closed.
    small.once_on_each(&mut streams)?;
    drop(server); // before its clients, so that TIME-WAIT is on its side
    let [p50, p99] = [50, 99].map(|percent| percentile(&mut latencies, percent) * 1e6);
    Ok(vec![small_only, after_large, p50, p99])
}

fn large_form() -> Exchange {
    let scope = format!("&scope={}", "x".repeat(60 * 1024));
    let length = format!("content-length: {}", 32 + scope.len());
    let request = LOG_IN.request.replace("content-length: 32", &length) + &scope;
    Exchange { name: "POST /token with 60 KiB", request: request.leak(), ..LOG_IN }
}
