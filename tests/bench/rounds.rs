//! Rounds: the servers are measured in turn, so that a machine that is busy for a moment is busy
//! for all of them. What is reported is the median of the rounds; where two servers are compared,
//! it is the median of the ratio in each round.

use std::io;
use std::time::Duration;

use crate::Plan;
use crate::client::Load;
use crate::process::Process;

/// What one server did in one window.
pub struct Round {
    /// Requests per second.
    pub rate: f64,
    /// CPU seconds of the server for 100,000 requests, where the system tells them.
    pub cpu: Option<f64>,
    /// Seconds.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

impl Round {
    pub fn new(mut latencies: Vec<Duration>, pipelined: usize, time: Duration, cpu: Option<f64>) -> Self {
        let requests = (latencies.len() * pipelined) as f64;
        Self {
            rate: requests / time.as_secs_f64(),
            cpu: cpu.map(|seconds| seconds / requests * 100_000.0),
            p50: percentile(&mut latencies, 50),
            p99: percentile(&mut latencies, 99),
        }
    }
}

/// One of the figures of a round.
pub type Figure = fn(&Round) -> Option<f64>;
pub const RATE: Figure = |round| Some(round.rate);
pub const CPU: Figure = |round| round.cpu;

/// The rounds of one load, for each server.
pub struct Rounds(Vec<Vec<Round>>);

impl Rounds {
    /// Measures. Each round begins with another server than the one before.
    pub fn take(load: &Load, plan: &Plan, servers: &[Process]) -> io::Result<Self> {
        let mut rounds: Vec<Vec<Round>> = servers.iter().map(|_| Vec::new()).collect();
        for number in 0..plan.rounds {
            for index in (0..servers.len()).map(|turn| (turn + number) % servers.len()) {
                let round = load.measure(&servers[index], plan);
                rounds[index].push(round.inspect_err(|_| eprintln!("{}:", servers[index].name))?);
            }
        }
        Ok(Self(rounds))
    }

    /// The median of a server's rounds.
    pub fn median(&self, server: usize, figure: Figure) -> Option<f64> {
        median(self.0[server].iter().map(figure))
    }

    /// A server beside another, round for round.
    pub fn ratio(&self, server: usize, other: usize, figure: Figure) -> Option<f64> {
        let pairs = self.0[server].iter().zip(self.0.get(other)?);
        median(pairs.map(|(own, other)| Some(figure(own)? / figure(other)?)))
    }
}

/// The middle one of those that are there.
pub fn median(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.flatten().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Seconds.
pub fn percentile(latencies: &mut [Duration], percent: usize) -> Option<f64> {
    latencies.sort_unstable();
    Some(latencies.get(latencies.len() * percent / 100)?.as_secs_f64())
}
