//! How fast is a thread per connection? `cargo bench` measures it on this machine, and prints
//! Markdown: ratios first, because the rates say more about the machine.
//!
//! Each server runs in a process of its own, so that its CPU time and memory can be read; the
//! client is this process.
//!
//! - *simple-oauth2*: this project's program as `cargo build --release` makes it.
//! - *baseline* (`baseline.rs`): as little as a server with a thread per connection can do.
//! - *FastAPI*: the chapter's application under uvicorn, where `FASTAPI_PYTHON` names a Python that
//!   has the packages of `tests/fastapi/requirements.txt`.
//!
//! This file says what is measured and in which order; `client.rs`, `idle.rs` and `count.rs`
//! measure it, `rounds.rs` compares, `process.rs` runs the servers, `table.rs` prints.

// Counts and times become figures of three digits here: nobody would see what a cast loses.
#![allow(clippy::cast_precision_loss)]

mod baseline;
mod client;
mod count;
mod idle;
mod process;
mod rounds;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io, thread};

use client::Exchange;
use process::Recipe;
use rounds::{Load, Rounds};
use table::{head, number, row};

/// Section 5 of the tutorial: who am I?
const READ_USER: Exchange = Exchange {
    name: "GET /users/me",
    request: "GET /users/me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer johndoe\r\n\r\n",
    body: r#"{"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"fakehashedsecret"}"#,
};

/// Section 3 of the tutorial: the login.
const LOG_IN: Exchange = Exchange {
    name: "POST /token",
    request: "POST /token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 32\r\n\r\nusername=johndoe&password=secret",
    body: r#"{"access_token":"johndoe","token_type":"bearer"}"#,
};

/// How many requests are sent at once where they are pipelined.
const PIPELINED: usize = 16;

/// How long and how often. Many short windows rather than a few long ones: the median then passes
/// over the moments in which the machine was busy with something else.
pub struct Plan {
    rounds: usize,
    /// Before it, a quarter as long, comes a load that is not counted: threads and buffers grow.
    window: Duration,
    connections: &'static [usize],
    idle: &'static [usize],
}

const FULL: Plan = Plan {
    rounds: 9,
    window: Duration::from_millis(400),
    connections: &[16, 64, 256],
    idle: &[1_000, 10_000],
};

const QUICK: Plan =
    Plan { rounds: 3, window: Duration::from_millis(200), connections: &[64], idle: &[1_000] };

/// `cargo bench -- --quick` ends in half a minute, with rougher figures.
fn main() -> ExitCode {
    let has = |flag| env::args().any(|argument| argument == flag);
    let result = match (has("--baseline"), has("--quick")) {
        (true, _) => baseline::run(),
        (_, true) => report(&QUICK),
        (_, false) => report(&FULL),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("The bench failed: {error}");
    ExitCode::FAILURE
}

fn report(plan: &Plan) -> io::Result<()> {
    let mut recipes = vec![Recipe::ours("simple-oauth2", &["--no-access-log"]), Recipe::baseline()?];
    recipes.extend(Recipe::fastapi());
    let (cores, system) = (thread::available_parallelism()?, env::consts::OS);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{cores} cores, {system}, shared with the load generator. Load before: {}", load.trim_end());
    if recipes.len() < 3 {
        println!("FastAPI is measured where FASTAPI_PYTHON names a Python that has its packages.");
    }
    under_load(plan, &recipes)?;
    counted(&recipes[..2])?;
    with_idle_connections(plan, &recipes)?;
    with_access_log(plan)
}

/// Every load on every server; the rows are about ours.
fn under_load(plan: &Plan, recipes: &[Recipe]) -> io::Result<()> {
    let kept_alive = |exchange, connections| Load { exchange, connections, pipelined: 1, reconnect: false };
    let mut loads: Vec<Load> = Vec::new();
    for exchange in [READ_USER, LOG_IN] {
        loads.extend(plan.connections.iter().map(|&count| kept_alive(exchange, count)));
    }
    loads.push(Load { pipelined: PIPELINED, ..kept_alive(READ_USER, 64) });
    loads.push(Load { reconnect: true, ..kept_alive(READ_USER, 64) });
    let columns = "load | rate ÷ baseline | CPU ÷ baseline | rate ÷ FastAPI | requests/s | CPU s per 100,000";
    head("Under load", columns, 1);
    for load in loads {
        let figures = Rounds::take(&load, plan, recipes).map(|rounds| {
            vec![
                rounds.ratio(1, |round| round.rate),
                rounds.ratio(1, |round| round.cpu),
                rounds.ratio(2, |round| round.rate),
                rounds.median(|round| round.rate),
                rounds.median(|round| round.cpu),
            ]
        });
        row(&[&load.name()], figures)?;
    }
    Ok(())
}

/// What a request costs, counted.
fn counted(recipes: &[Recipe]) -> io::Result<()> {
    head("Counted per request", "request | server | heap allocations | system calls", 2);
    for recipe in recipes {
        let server = count::serve_here(recipe)?;
        for (exchange, close) in [(READ_USER, false), (LOG_IN, false), (READ_USER, true)] {
            let own = if close { ", on a connection of its own" } else { "" };
            let allocations = count::allocations(exchange, close, server);
            let calls = count::system_calls(exchange, close, recipe);
            let figures = [allocations, calls].into_iter().collect();
            row(&[&format!("{}{own}", exchange.name), recipe.name], figures)?;
        }
    }
    Ok(())
}

/// Connections on which nothing is sent, and one more client that does send.
fn with_idle_connections(plan: &Plan, recipes: &[Recipe]) -> io::Result<()> {
    let columns = "idle connections | server | resident KiB per connection | after large requests | a fresh request, µs: p50 | p99";
    head("With idle connections", columns, 2);
    for &count in plan.idle {
        for recipe in recipes {
            row(&[&number(count as f64), recipe.name], idle::measure(recipe, count))?;
        }
    }
    Ok(())
}

/// What a line on stdout for each response costs.
fn with_access_log(plan: &Plan) -> io::Result<()> {
    let load = Load { exchange: READ_USER, connections: 64, pipelined: 1, reconnect: false };
    let columns = "access log | rate ÷ off | CPU ÷ off | requests/s | CPU s per 100,000";
    head(&format!("The access log, {}", load.name()), columns, 1);
    let recipes = [Recipe::ours("to a pipe", &[]), Recipe::ours("off", &["--no-access-log"])];
    let figures = Rounds::take(&load, plan, &recipes).map(|rounds| {
        vec![
            rounds.ratio(1, |round| round.rate),
            rounds.ratio(1, |round| round.cpu),
            rounds.median(|round| round.rate),
            rounds.median(|round| round.cpu),
        ]
    });
    row(&["to a pipe"], figures)
}
