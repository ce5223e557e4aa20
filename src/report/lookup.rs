//! What a reader of the document asks it again and again.
//!
//! Answers are looked up, never computed: they follow from fields that are there.

use super::{Connection, Finding, Kind, Report};

impl Report {
    /// The cause that explains finding `n`, the first of several; none for what stands
    /// by itself.
    #[must_use]
    pub fn cause_of(&self, n: u32) -> Option<&Finding> {
        self.findings.iter().find(|f| f.kind == Kind::Cause && f.n != n && f.explains.contains(&n))
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
