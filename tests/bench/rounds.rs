//! Rounds go round the servers, so that a machine that is busy for a moment is busy for all of
//! them; what is reported is the median of the rounds, and where servers are compared, the median
//! of what the comparison of each round says.

use std::io;
use std::time::Duration;

use crate::client::{Load, measure};
use crate::options::Plan;
use crate::process::Process;
use crate::table::{Ratio, median, progress, thousands};

/// What one server did in one window.
pub struct Round {
    pub requests: f64,
    pub seconds: f64,
    /// Sorted.
    pub latencies: Vec<Duration>,
    /// CPU seconds of the server.
    pub cpu: Option<f64>,
    /// Bytes at the end of the window, with all connections open.
    pub resident: Option<f64>,
}

/// Something about a round that can be told as a number, if it is known here.
pub type Figure = fn(&Round) -> Option<f64>;

/// [`Round::rate`] as a figure.
pub const RATE: Figure = |round| Some(round.rate());

impl Round {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.requests / self.seconds
    }

    /// CPU seconds of the server for 100,000 requests.
    pub fn cpu_per_100_000(&self) -> Option<f64> {
        Some(self.cpu? / self.requests * 100_000.0)
    }

    /// Of the latencies, in seconds.
    pub fn percentile(&self, percent: usize) -> Option<f64> {
        let index = self.latencies.len().checked_sub(1)? * percent / 100;
        Some(self.latencies[index].as_secs_f64())
    }
}

/// The rounds of one load.
pub struct Rounds {
    /// The name of each server, and its rounds.
    servers: Vec<(String, Vec<Round>)>,
}

impl Rounds {
    /// Measures. Every round begins with another server than the one before.
    pub fn take(load: &Load, plan: &Plan, processes: &[Process]) -> io::Result<Self> {
        let mut servers: Vec<_> = processes.iter().map(|server| (server.name.clone(), Vec::new())).collect();
        for number in 0..plan.rounds {
            for turn in 0..processes.len() {
                let index = (turn + number) % processes.len();
                let (name, rounds) = &mut servers[index];
                let round = measure(load, &processes[index], plan.warm_up, plan.window)
                    .map_err(|error| io::Error::other(format!("{}, {name}: {error}", load.name())))?;
                let rate = thousands(round.rate());
                progress(&format!(
                    "{}, round {} of {}: {name} answers {rate} requests/s",
                    load.name(),
                    number + 1,
                    plan.rounds
                ));
                rounds.push(round);
            }
        }
        Ok(Self { servers })
    }

    /// The median of a server's rounds.
    pub fn median(&self, index: usize, figure: Figure) -> Option<f64> {
        median(self.servers[index].1.iter().filter_map(figure))
    }

    /// A server beside another, round for round.
    pub fn ratio(&self, index: usize, other: &str, figure: Figure) -> Ratio {
        let (name, own) = &self.servers[index];
        let others = self.servers.iter().find(|(server, _)| server == other && server != name);
        Ratio(others.and_then(|(_, others)| {
            median(own.iter().zip(others).filter_map(|(own, other)| Some(figure(own)? / figure(other)?)))
        }))
    }
}
