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
}
