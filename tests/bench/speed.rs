//! How fast is a thread per connection? `cargo bench` answers on the reader's machine, in Markdown.
//!
//! Each server runs in a process of its own, so that its CPU time and memory can be read; the
//! client is this process.
//!
//! - *simple-oauth2*: this project's program as `cargo build --release` makes it.
//! - *floor* (`floor.rs`): as little as a server with a thread per connection can do.
//! - *FastAPI*: the same application under uvicorn, where Python has its packages.
//!
//! This file says what is measured and in which order; `client.rs` and `idle.rs` measure it,
//! `rounds.rs` compares, `process.rs` runs the servers, `options.rs` reads the command line, and
//! `table.rs` writes the report.

// Counts and times become figures of three digits here: what a cast loses nobody would see.
#![allow(clippy::cast_precision_loss)]

mod client;
mod floor;
mod idle;
mod options;
mod process;
mod rounds;
mod table;

use std::io;
use std::process::ExitCode;

use client::{Exchange, Load};
use idle::Idle;
use options::{Options, Plan};
use process::{LogTo, Process, Recipe};
use rounds::{Figure, RATE, Round, Rounds};
use table::{Table, mebibytes, median, microseconds, progress, seconds, thousands};

/// Section 5 of the tutorial: who am I?
const READ_USER: Exchange = Exchange {
    name: "GET /users/me",
    head: "GET /users/me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer johndoe\r\n",
    form: "",
    answer: r#"{"username":"johndoe","email":"johndoe@example.com","full_name":"John Doe","disabled":false,"hashed_password":"fakehashedsecret"}"#,
};

/// Section 3 of the tutorial: the login.
const LOG_IN: Exchange = Exchange {
    name: "POST /token",
    head: "POST /token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 32\r\n",
    form: "username=johndoe&password=secret",
    answer: r#"{"access_token":"johndoe","token_type":"bearer"}"#,
};

fn main() -> ExitCode {
    let result = match Options::from_command_line() {
        Ok(Options { floor: true, .. }) => floor::serve(),
        Ok(options) => report(&options),
        Err(message) => Err(io::Error::other(message)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything that the command line lets through, and prints a table after each part.
fn report(options: &Options) -> io::Result<()> {
    let mut recipes = vec![Recipe::ours("simple-oauth2", LogTo::Nowhere), Recipe::floor()?];
    let absent = match Recipe::fastapi() {
        Ok(recipe) => {
            recipes.push(recipe);
            None
        }
        Err(why) => Some(why),
    };
    recipes.extend(options.beside.iter().map(|words| Recipe::beside(words)));
    println!("{}", process::machine());
    if let Some(why) = absent {
        println!("\nWithout FastAPI: {why}");
    }
    let plan = options.plan();
    under_load(options, &plan, &recipes)?;
    with_idle_connections(options, &plan, &recipes)?;
    with_access_log(options, &plan)
}

/// All loads: requests one after the other, then many at once, then each on a connection of its own.
fn loads(quick: bool) -> Vec<Load> {
    let kept_alive = |exchange, connections| Load { exchange, connections, pipelined: 1, reconnect: false };
    let (reads, logins): (&[usize], &[usize]) =
        if quick { (&[1, 16, 64], &[64]) } else { (&[1, 16, 64, 256], &[1, 16, 64, 256]) };
    let mut loads: Vec<Load> = reads.iter().map(|&count| kept_alive(READ_USER, count)).collect();
    loads.extend(logins.iter().map(|&count| kept_alive(LOG_IN, count)));
    loads.push(Load { pipelined: 16, ..kept_alive(READ_USER, 64) });
    loads.push(Load { reconnect: true, ..kept_alive(READ_USER, 64) });
    loads
}

/// The first table: every load on every server.
fn under_load(options: &Options, plan: &Plan, recipes: &[Recipe]) -> io::Result<()> {
    let loads: Vec<Load> =
        loads(options.quick).into_iter().filter(|load| options.wants(&load.name())).collect();
    if loads.is_empty() {
        return Ok(());
    }
    let servers = recipes.iter().map(Recipe::start).collect::<io::Result<Vec<_>>>()?;
    let mut table = Table::new(&[
        "load",
        "server",
        "requests/s",
        "p50",
        "p99",
        "CPU s per 100,000",
        "resident memory",
        "requests/s ÷ floor",
        "CPU ÷ floor",
        "requests/s ÷ FastAPI",
    ]);
    for load in &loads {
        let rounds = Rounds::take(load, plan, &servers)?;
        for (index, server) in servers.iter().enumerate() {
            table.row(load_row(load, server, &rounds, index));
        }
    }
    table.print("Under load");
    Ok(())
}

fn load_row(load: &Load, server: &Process, rounds: &Rounds, index: usize) -> Vec<String> {
    let over = |figure: Figure| rounds.median(index, figure);
    vec![
        load.name(),
        server.name.clone(),
        over(RATE).map_or_else(String::new, thousands),
        microseconds(over(|round| round.percentile(50))),
        microseconds(over(|round| round.percentile(99))),
        seconds(over(Round::cpu_per_100_000)),
        mebibytes(over(|round| round.resident)),
        rounds.ratio(index, "floor", RATE).to_string(),
        rounds.ratio(index, "floor", Round::cpu_per_100_000).to_string(),
        rounds.ratio(index, "FastAPI", RATE).to_string(),
    ]
}

/// The second table: connections on which nobody says anything, and one more client who does.
fn with_idle_connections(options: &Options, plan: &Plan, recipes: &[Recipe]) -> io::Result<()> {
    let mut table = Table::new(&[
        "idle connections",
        "server",
        "resident KiB per connection",
        "threads",
        "a fresh request: p50",
        "p99",
    ]);
    for &count in plan.idle {
        let name = format!("{} idle connections", thousands(count as f64));
        if !options.wants(&name) {
            continue;
        }
        if let Some(why) = process::too_many(count) {
            table.row(vec![thousands(count as f64), why]);
            continue;
        }
        let mut results: Vec<Vec<Idle>> = recipes.iter().map(|_| Vec::new()).collect();
        for number in 0..plan.idle_rounds {
            for (recipe, results) in recipes.iter().zip(&mut results) {
                progress(&format!("{name}, round {}: {}", number + 1, recipe.name));
                results.push(Idle::measure(recipe, count)?);
            }
        }
        for (recipe, results) in recipes.iter().zip(&results) {
            let over = |figure: fn(&Idle) -> Option<f64>| median(results.iter().filter_map(figure));
            table.row(vec![
                thousands(count as f64),
                recipe.name.clone(),
                over(|idle| idle.per_connection)
                    .map_or("—".into(), |bytes| format!("{:.1}", bytes / 1024.0)),
                over(|idle| idle.threads).map_or("—".into(), thousands),
                microseconds(over(|idle| Some(idle.fresh_median))),
                microseconds(over(|idle| Some(idle.fresh_p99))),
            ]);
        }
    }
    table.print("With idle connections");
    Ok(())
}

/// The third table: what a line on stdout for each answer costs.
fn with_access_log(options: &Options, plan: &Plan) -> io::Result<()> {
    let load = Load { exchange: READ_USER, connections: 64, pipelined: 1, reconnect: false };
    if !options.wants("access log") {
        return Ok(());
    }
    let ways = [("off", LogTo::Nowhere), ("to a file", LogTo::File), ("to a pipe", LogTo::Pipe)];
    let servers =
        ways.iter().map(|(name, to)| Recipe::ours(name, *to).start()).collect::<io::Result<Vec<_>>>()?;
    let rounds = Rounds::take(&load, plan, &servers)?;
    let mut table =
        Table::new(&["access log", "requests/s", "CPU s per 100,000", "requests/s ÷ off", "CPU ÷ off"]);
    for (index, server) in servers.iter().enumerate() {
        table.row(vec![
            server.name.clone(),
            rounds.median(index, RATE).map_or_else(String::new, thousands),
            seconds(rounds.median(index, Round::cpu_per_100_000)),
            rounds.ratio(index, "off", RATE).to_string(),
            rounds.ratio(index, "off", Round::cpu_per_100_000).to_string(),
        ]);
    }
    table.print(&format!("The access log, {}", load.name()));
    Ok(())
}
