//! Connections on which nothing is sent, and one more client that does send.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Burst, Exchange};
use crate::process::Recipe;
use crate::rounds::percentile;
use crate::{LOG_IN, READ_USER};

/// Enough for a steady median.
const FRESH_REQUESTS: usize = 200;

/// After it, a server that gives memory back has done so.
const QUIET: Duration = Duration::from_secs(2);

const PAGE: Exchange =
    Exchange { name: "GET /docs", head: "GET /docs HTTP/1.1\r\nhost: localhost\r\n", form: "", body: "" };

/// What idle connections cost, and how long a new client waits meanwhile.
pub struct Idle {
    /// Resident bytes for each connection.
    pub resident: Option<f64>,
    /// The same, after each connection had large requests and was idle again.
    pub resident_after: Option<f64>,
    /// Seconds, of requests on connections of their own.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

impl Idle {
    /// Each connection makes one request before it is idle, as a browser's does. The server is
    /// started for this and ends before its clients do: so its memory is that of these connections
    /// alone, and TIME-WAIT is on the server's side.
    pub fn measure(recipe: &Recipe, count: usize) -> io::Result<Self> {
        let server = recipe.start()?;
        let fresh = Burst::new(READ_USER, server.address, 1, true)?;
        fresh.one_by_one(10)?;
        let before = server.resident();
        let per_connection = || Some((server.resident()? - before?) / count as f64);
        let small = Burst::new(READ_USER, server.address, 1, false)?;
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = small.connect()?;
            small.exchange(&mut stream, &mut small.buffer())?;
            streams.push(stream);
        }
        thread::sleep(Duration::from_millis(100));
        let resident = per_connection();
        let (p50, p99) = latencies(&fresh)?;
        let mut resident_after = None;
        // The baseline knows neither of these requests.
        if recipe.name != "baseline" {
            let form = Burst::new(large_form(), server.address, 1, false)?;
            let pages = Burst::new(PAGE, server.address, 4, false)?;
            for stream in &mut streams {
                form.exchange(stream, &mut form.buffer())?;
                pages.exchange(stream, &mut pages.buffer())?;
            }
            thread::sleep(QUIET);
            resident_after = per_connection();
        }
        // They are idle, and not closed.
        streams.iter_mut().try_for_each(|stream| small.exchange(stream, &mut small.buffer()))?;
        Ok(Self { resident, resident_after, p50, p99 })
    }
}

/// How long single requests take, from connecting to the end of the response: their p50 and p99.
fn latencies(fresh: &Burst) -> io::Result<(Option<f64>, Option<f64>)> {
    let mut latencies = Vec::new();
    for _ in 0..FRESH_REQUESTS {
        let begin = Instant::now();
        fresh.one_by_one(1)?;
        latencies.push(begin.elapsed());
    }
    Ok((percentile(&mut latencies, 50), percentile(&mut latencies, 99)))
}

/// A login of a little more than 60 KiB.
fn large_form() -> Exchange {
    let form = format!("{}&scope={}", LOG_IN.form, "x".repeat(60 * 1024));
    let head = LOG_IN.head.replace("length: 32", &format!("length: {}", form.len()));
    Exchange { name: "POST /token with 60 KiB", head: head.leak(), form: form.leak(), ..LOG_IN }
}
