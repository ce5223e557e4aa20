//! What a reader of the document asks it again and again.
//!
//! Answers are looked up, never computed: they follow from fields that are there.

use super::{Connection, Finding, Kind, Report};
use std::collections::HashMap;

impl Report {
    /// The cause that explains a finding, by the finding's number: the first of several; none for what stands by
    /// itself.
    #[must_use]
    pub fn causes(&self) -> HashMap<u32, &Finding> {
        let mut causes = HashMap::new();
        for cause in self.findings.iter().filter(|f| f.kind == Kind::Cause) {
            for n in cause.explains.iter().filter(|n| **n != cause.n) {
                causes.entry(*n).or_insert(cause);
            }
        }
        causes
    }
}

impl Connection {
    /// Whether the client did not get what it connected for, as [`super::Totals::failed`]
    /// counts.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.fate == "failed"
    }

    /// How it ended, and what became of it where that does not say it: `reset`,
    /// `completed, suffered`.
    #[must_use]
    pub fn ended(&self) -> String {
        let harm = matches!(self.fate.as_str(), "failed" | "suffered");
        let told = matches!(
            self.outcome.as_str(),
            "refused" | "unanswered" | "incomplete" | "reset" | "stalled"
        );
        match harm && !(told && self.failed()) {
            true => format!("{}, {}", self.outcome, self.fate),
            false => self.outcome.clone(),
        }
    }
}
