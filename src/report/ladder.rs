//! The sequence diagram of one connection, ready to be drawn.
//!
//! Text, and later every other format, draw this one value. It holds columns
//! (hosts in path order) and steps (packets between them, in causal order); it
//! refuses to hold coordinates or characters, which belong to a drawing.

use serde::{Deserialize, Serialize};

/// One connection as a sequence of packets between hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// `id` of the connection in the report.
    pub connection: u32,
    /// What is drawn: `One of them, 172.16.100.11:59780` below a finding, `172.16.100.11:59780 to
    /// 203.0.113.8:80, finding 1 (l4-self-access-hairpin)` where it stands alone.
    pub title: String,
    /// Hosts, in path order, client first.
    pub columns: Vec<Column>,
    /// Packets, in order.
    pub steps: Vec<Step>,
    /// Steps left out of the middle.
    pub folded: usize,
    /// Where they were left out; the packets of all folds are `folded`.
    pub folds: Vec<Fold>,
    /// Time of the connection's first packet on the reference clock, RFC 3339 UTC; null where it
    /// is not known.
    pub start: Option<String>,
    /// Unit of the times and how far they can be trusted, one sentence.
    pub time_note: String,
}

/// A place where steps were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// Index of the step before which they are missing; the number of steps where
    /// they are missing at the end.
    pub before: usize,
    /// How many.
    pub packets: usize,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Address or MAC, the shortest name a reader can act on.
    pub name: String,
    /// `client`, `router`, `director`, `real server`.
    pub role: String,
}

/// What a step shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepKind {
    /// A packet that went from one column to another.
    Arrow,
    /// A packet last seen on its way: it never arrives where the arrow ends.
    Lost,
    /// A packet that a host sent to itself, over lo.
    ToSelf,
    /// A remark between packets, not a packet.
    Remark,
}

/// One packet on one hop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Nanoseconds since the connection's first packet, on the reference clock; negative
    /// for frames of no connection that prove the finding and came before.
    pub at_ns: i64,
    /// Half-width of the uncertainty of `at_ns` against the first step.
    pub uncertainty_ns: i64,
    /// Which packet it is: the hops of one packet, each a step, have the same number.
    pub packet: usize,
    /// What it shows.
    pub kind: StepKind,
    /// Column that sent it (for [`StepKind::ToSelf`], the host itself).
    pub from: usize,
    /// Column that it went to.
    pub to: usize,
    /// Flags, ports, relative sequence numbers and length: "SYN 59780 > 80".
    pub label: String,
    /// Frames that show it: vantage label and number.
    pub frames: Vec<(String, u64)>,
    /// What was rewritten at the sender ("203.0.113.8 > 172.16.0.11", or the
    /// MACs in DR), if anything.
    pub rewrite: Option<String>,
    /// A frame of the finding's evidence.
    pub marked: bool,
    /// Why it matters, for marked steps: "never passes the director".
    pub remark: Option<String>,
}

impl Ladder {
    /// Packets left out just before step `n`; 0 where none are.
    #[must_use]
    pub fn folded_before(&self, n: usize) -> usize {
        self.folds.iter().filter(|fold| fold.before == n).map(|fold| fold.packets).sum()
    }

    /// Nanoseconds from the packet before to step `n`; none for the first packet
    /// and for remarks.
    #[must_use]
    pub fn since_before(&self, n: usize) -> Option<i64> {
        let step = self.steps.get(n).filter(|step| step.kind != StepKind::Remark)?;
        let before = self.steps.get(..n)?.iter().rev().find(|s| s.kind != StepKind::Remark)?;
        Some(step.at_ns.saturating_sub(before.at_ns))
    }

    /// Whether the order of step `n` to the packet before it lies inside the
    /// clocks' error.
    #[must_use]
    pub fn is_unsure(&self, n: usize) -> bool {
        let error = self.steps.get(n).map_or(0, |step| step.uncertainty_ns.unsigned_abs());
        self.since_before(n).is_some_and(|since| error > since.unsigned_abs())
    }

    /// Time of step `n` on the reference clock, RFC 3339 UTC with nanoseconds.
    #[must_use]
    pub fn instant(&self, n: usize) -> Option<String> {
        let start: jiff::Timestamp = self.start.as_deref()?.parse().ok()?;
        let at = self.steps.get(n)?.at_ns;
        let at = start.as_nanosecond().checked_add(i128::from(at))?;
        Some(format!("{:.9}", jiff::Timestamp::from_nanosecond(at).ok()?))
    }
}
