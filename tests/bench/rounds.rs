//! Rounds: the servers are measured in turn, so that a machine that is busy for a moment is busy
//! for all of them. What is reported is the median of the rounds; where two servers are compared,
//! it is the median of the ratio in each round.

use std::io;
use std::time::Instant;

use crate::Plan;
use crate::client::{Burst, Exchange};
use crate::process::{Recipe, cpu};
use crate::support::Process;

/// Who sends how much, and how.
pub struct Load {
    pub exchange: Exchange,
    pub connections: usize,
    /// Requests sent in one write.
    pub pipelined: usize,
    /// A new connection for each request.
    pub reconnect: bool,
}

impl Load {
    pub fn name(&self) -> String {
        let Self { exchange: Exchange { name, .. }, connections, pipelined, reconnect } = self;
        match (reconnect, pipelined) {
            (true, _) => format!("{name}, a new connection per request, {connections} at a time"),
            (_, 1) => format!("{name}, {connections} connections"),
            _ => format!("{name}, {connections} connections, pipelined by {pipelined}"),
        }
    }
}

/// What one server did in one window.
pub struct Round {
    /// Requests per second.
    pub rate: f64,
    /// CPU seconds of the server for 100,000 requests.
    pub cpu: f64,
}

impl Round {
    /// Puts the load on the server, and measures what happens after a warm-up.
    fn measure(load: &Load, plan: &Plan, server: &Process) -> io::Result<Self> {
        let burst = Burst::new(load.exchange, server.address, load.pipelined, load.reconnect);
        let mut streams = burst.connections(load.connections)?;
        burst.repeat_for(plan.window / 4, &mut streams)?;
        let (begin, begin_cpu) = (Instant::now(), cpu(server));
        let requests = (burst.repeat_for(plan.window, &mut streams)? * load.pipelined) as f64;
        let (time, cpu) = (begin.elapsed(), cpu(server) - begin_cpu);
        Ok(Self { rate: requests / time.as_secs_f64(), cpu: cpu / requests * 100_000.0 })
    }
}

/// The rounds of one load, for each server.
pub struct Rounds(Vec<Vec<Round>>);

impl Rounds {
    /// Measures. Each round begins with another server than the one before.
    pub fn take(load: &Load, plan: &Plan, recipes: &[Recipe]) -> io::Result<Self> {
        let mut servers: Vec<_> = recipes.iter().map(|recipe| (recipe.start(), Vec::new())).collect();
        for number in 0..plan.rounds {
            for index in (0..servers.len()).map(|turn| (turn + number) % recipes.len()) {
                let (server, rounds) = &mut servers[index];
                let round = Round::measure(load, plan, server);
                rounds.push(round.inspect_err(|_| eprintln!("{}:", recipes[index].name))?);
            }
        }
        Ok(Self(servers.into_iter().map(|(_, rounds)| rounds).collect()))
    }

    /// The median of the first server's rounds.
    pub fn median(&self, figure: fn(&Round) -> f64) -> f64 {
        percentile(&mut self.0[0].iter().map(figure).collect::<Vec<_>>(), 50)
    }

    /// The first server beside another, round for round; NaN where there is no other.
    pub fn ratio(&self, other: usize, figure: fn(&Round) -> f64) -> f64 {
        let others = self.0.get(other).into_iter().flatten();
        let ratios = self.0[0].iter().zip(others).map(|(own, other)| figure(own) / figure(other));
        percentile(&mut ratios.collect::<Vec<_>>(), 50)
    }
}

/// NaN where there are no figures. Sorts them.
pub fn percentile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() * percent / 100).copied().unwrap_or(f64::NAN)
}
