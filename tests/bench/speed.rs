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
mod table;

use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};

use client::{Exchange, Load};
use idle::Idle;
use process::Recipe;
use rounds::{CPU, RATE, Rounds, median};
use table::{head, kibibytes, latency, row, short, shown, thousands};

/// Section 5 of the tutorial: who am I?
const READ_USER: Exchange = Exchange {
    name: "GET /users/me",
    head: "GET /users/me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer johndoe\r\n",
    form: "",
    body: r#"{"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"fakehashedsecret"}"#,
};

/// Section 3 of the tutorial: the login.
const LOG_IN: Exchange = Exchange {
    name: "POST /token",
    head: "POST /token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 32\r\n",
    form: "username=johndoe&password=secret",
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
    idle_rounds: usize,
}

const FULL: Plan = Plan {
    rounds: 9,
    window: Duration::from_millis(400),
    connections: &[16, 64, 256],
    idle: &[1_000, 10_000],
    idle_rounds: 3,
};

const QUICK: Plan = Plan {
    rounds: 3,
    window: Duration::from_millis(200),
    connections: &[64],
    idle: &[1_000],
    idle_rounds: 1,
};

/// A part of the report, for these servers: ours, the baseline and maybe FastAPI.
type Part = fn(&Plan, &[Recipe]) -> io::Result<()>;
const PARTS: [(&str, Part); 4] =
    [("load", under_load), ("count", counted), ("idle", with_idle_connections), ("log", with_access_log)];

/// `cargo bench` runs all parts, `cargo bench -- idle` one of them, and `cargo bench -- --quick` all
/// of them in half a minute, with rougher figures.
fn main() -> ExitCode {
    // cargo itself adds `--bench`.
    let mut words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let is_quick = words.iter().any(|word| word == "--quick");
    words.retain(|word| word != "--quick");
    let result = if words.iter().any(|word| word == "--baseline") {
        baseline::run()
    } else {
        report(if is_quick { &QUICK } else { &FULL }, &words)
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("The bench failed: {error}");
    ExitCode::FAILURE
}

/// Runs the parts of these names, or all of them. After an error the others still run.
fn report(plan: &Plan, names: &[String]) -> io::Result<()> {
    let parts: Vec<_> = PARTS.iter().filter(|(name, _)| names.iter().all(|other| other == name)).collect();
    if parts.is_empty() {
        return Err(io::Error::other("the arguments are --quick, and load, count, idle or log"));
    }
    let mut recipes = vec![Recipe::ours("simple-oauth2", "--no-access-log"), Recipe::baseline()?];
    recipes.extend(Recipe::fastapi());
    println!("{}", process::machine());
    if recipes.len() < 3 {
        println!("FastAPI is measured where FASTAPI_PYTHON names a Python that has its packages.");
    }
    let mut result = Ok(());
    for (_, part) in parts {
        result = result.and(part(plan, &recipes));
    }
    result
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
    let columns = "load | rate ÷ baseline | CPU ÷ baseline | rate ÷ FastAPI | requests/s | p50 | p99 | CPU s per 100,000";
    head("Under load", columns, 1);
    let servers = recipes.iter().map(Recipe::start).collect::<io::Result<Vec<_>>>()?;
    let mut result = Ok(());
    for load in loads {
        match Rounds::take(&load, plan, &servers) {
            Ok(rounds) => row(&[
                load.name(),
                shown(rounds.ratio(0, 1, RATE), short),
                shown(rounds.ratio(0, 1, CPU), short),
                shown(rounds.ratio(0, 2, RATE), short),
                shown(rounds.median(0, RATE), thousands),
                shown(rounds.median(0, |round| round.p50), latency),
                shown(rounds.median(0, |round| round.p99), latency),
                shown(rounds.median(0, CPU), short),
            ]),
            Err(error) => result = result.and(not_measured(&[load.name()], error)),
        }
    }
    result
}

/// The row of what could not be measured. A limit of the system, such as that of open files, is not a
/// failure.
fn not_measured(words: &[String], error: io::Error) -> io::Result<()> {
    row(&[words, &[format!("not measured: {error}")]].concat());
    if error.raw_os_error().is_some() { Ok(()) } else { Err(error) }
}

/// What a request costs, counted.
fn counted(_: &Plan, recipes: &[Recipe]) -> io::Result<()> {
    head("Counted per request", "request | server | heap allocations | system calls", 2);
    for recipe in &recipes[..2] {
        let server = count::serve_here(recipe)?;
        for (exchange, close) in [(READ_USER, false), (LOG_IN, false), (READ_USER, true)] {
            let own = if close { ", on a connection of its own" } else { "" };
            let calls = count::system_calls(exchange, close, recipe).ok().filter(|&calls| calls > 0.0);
            row(&[
                format!("{}{own}", exchange.name),
                recipe.name.to_owned(),
                format!("{:.1}", count::allocations(exchange, close, server)?),
                shown(calls, |calls| format!("{calls:.1}")),
            ]);
        }
    }
    Ok(())
}

/// Connections on which nothing is sent, and one more client that does send.
fn with_idle_connections(plan: &Plan, recipes: &[Recipe]) -> io::Result<()> {
    let columns = "idle connections | server | resident KiB per connection | after large requests | a fresh request: p50 | p99";
    head("With idle connections", columns, 2);
    let mut result = Ok(());
    for (count, recipe) in
        plan.idle.iter().flat_map(|&count| recipes.iter().map(move |recipe| (count, recipe)))
    {
        let words = [thousands(count as f64), recipe.name.to_owned()];
        let rounds = (0..plan.idle_rounds).map(|_| Idle::measure(recipe, count));
        match rounds.collect::<io::Result<Vec<Idle>>>() {
            Ok(rounds) => {
                let over = |figure: fn(&Idle) -> Option<f64>| median(rounds.iter().map(figure));
                let figures = [
                    shown(over(|idle| idle.resident), kibibytes),
                    shown(over(|idle| idle.resident_after), kibibytes),
                    shown(over(|idle| idle.p50), latency),
                    shown(over(|idle| idle.p99), latency),
                ];
                row(&[&words[..], &figures].concat());
            }
            Err(error) => result = result.and(not_measured(&words, error)),
        }
    }
    result
}

/// What a line on stdout for each response costs.
fn with_access_log(plan: &Plan, _: &[Recipe]) -> io::Result<()> {
    let load = Load { exchange: READ_USER, connections: 64, pipelined: 1, reconnect: false };
    let columns = "access log | rate ÷ off | CPU ÷ off | requests/s | CPU s per 100,000";
    head(&format!("The access log, {}", load.name()), columns, 1);
    let recipes = [
        Recipe::ours("off", "--no-access-log"),
        Recipe::ours("to a file", ""),
        Recipe { to_pipe: true, ..Recipe::ours("to a pipe", "") },
    ];
    let servers = recipes.iter().map(Recipe::start).collect::<io::Result<Vec<_>>>()?;
    let rounds = Rounds::take(&load, plan, &servers)?;
    for (index, server) in servers.iter().enumerate() {
        row(&[
            server.name.to_owned(),
            shown(rounds.ratio(index, 0, RATE), short),
            shown(rounds.ratio(index, 0, CPU), short),
            shown(rounds.median(index, RATE), thousands),
            shown(rounds.median(index, CPU), short),
        ]);
    }
    Ok(())
}
