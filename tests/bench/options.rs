//! The command line of the bench: `cargo bench -- --quick`.

use std::env;
use std::time::Duration;

/// What was asked for.
#[derive(Default)]
pub struct Options {
    /// Be the floor instead of measuring it: the bench starts itself with this.
    pub floor: bool,
    /// Less than thirty seconds, and rougher figures.
    pub quick: bool,
    /// Measure only what has this in its name.
    pub only: Option<String>,
    /// More servers beside the usual ones: `NAME=PROGRAM ARGUMENTS`. Such a server says `http://` and
    /// its address on stdout, and answers the two requests as this project does.
    pub beside: Vec<String>,
}

/// How long and how often.
pub struct Plan {
    pub rounds: usize,
    /// Load that is not counted, so that buffers have their sizes and threads are there.
    pub warm_up: Duration,
    pub window: Duration,
    pub idle: &'static [usize],
    pub idle_rounds: usize,
}

impl Options {
    /// Reads the command line; cargo itself adds `--bench`.
    pub fn from_command_line() -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {}
                "--floor" => options.floor = true,
                "--quick" => options.quick = true,
                "--beside" => options.beside.push(words.next().ok_or("--beside wants NAME=PROGRAM")?),
                flag if flag.starts_with("--") => {
                    return Err(format!(
                        "{flag} is none of [--quick] [--beside NAME=PROGRAM] [PART OF A NAME]"
                    ));
                }
                _ => options.only = Some(word),
            }
        }
        Ok(options)
    }

    /// Whether something of this name is to be measured.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|part| name.contains(part))
    }

    pub fn plan(&self) -> Plan {
        let milliseconds = Duration::from_millis;
        // Many short windows rather than a few long ones: the median then passes over the moments in
        // which the machine was busy with something else.
        if self.quick {
            let (warm_up, window) = (milliseconds(50), milliseconds(200));
            Plan { rounds: 3, warm_up, window, idle: &[1_000], idle_rounds: 1 }
        } else {
            let (warm_up, window) = (milliseconds(100), milliseconds(400));
            Plan { rounds: 9, warm_up, window, idle: &[1_000, 10_000], idle_rounds: 3 }
        }
    }
}
