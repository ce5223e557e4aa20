//! How long each stage took, for `-vv`.

use super::say::Say;
use std::time::{Duration, Instant};

/// A stopwatch.
#[derive(Debug)]
pub(super) struct Stages {
    say: Option<Say>,
    last: Instant,
}

impl Stages {
    /// Says nothing without a voice.
    pub(super) fn new(say: Option<Say>) -> Self {
        Self { say, last: Instant::now() }
    }

    /// What the stage that ended last was made of.
    pub(super) fn within(&self, parts: &[(&str, Duration)]) {
        for (what, took) in parts {
            if let Some(say) = self.say {
                say.note(&format!("  {what}: {:.3} s", took.as_secs_f64()));
            }
        }
    }

    /// The stage `what` has ended; the next one begins.
    pub(super) fn ended(&mut self, what: &str) {
        if let Some(say) = self.say {
            say.note(&format!("{what}: {:.3} s", self.last.elapsed().as_secs_f64()));
        }
        self.last = Instant::now();
    }
}
