//! What findings prove of connections that look well by themselves.
//!
//! Accounting comes before causes and sees one connection at a time: one that exchanged its data and
//! died of the silence after it, or whose answer came from an address that its client does not know,
//! did well by all that it shows. A cause that holds it against the others knows better, and the sums
//! must not contradict what stands below them.

use super::{Checked, Confidence, Coverage, Facts, Finding, Kind, Severity};
use crate::breaks::{Breaks, Fate, Proved};
use crate::trace::{At, ConnectionId, Trace};

/// Causes of which each connection that they name failed.
const FATAL: &[&str] = &[
    "backend-removed-silent-drop",
    "conntrack-invalid-rst",
    "dr-half-close-120s",
    "garp-missing-stale-arp",
    "healthcheck-source-blocked",
    "ip-fragments-split",
    "ipv6-dad-failed",
    "lb-idle-timeout",
    "proxy-protocol-mismatch",
    "rs-missing-vip",
    "udp-reply-from-rip",
    "udp-stale-entry",
];

/// Of those, the one whose connections were answered from elsewhere.
const ASTRAY: &str = "udp-reply-from-rip";
/// The one of which questions for the next hop show that connections died, whatever forgot them.
const SEEKS: &str = "lb-idle-timeout";

/// Takes what findings prove over into the accounts.
pub(super) fn conclude(trace: &Trace, breaks: &mut Breaks, findings: &[Finding]) {
    let fatal = |f: &&Finding| f.is_loud() && f.id.is_of(FATAL);
    let ids = findings.iter().filter(fatal).flat_map(|f| {
        f.connections.iter().filter_map(move |id| {
            let how = match sought(trace, *id).filter(|_| f.id == SEEKS) {
                Some(at) => Proved::Unresolved(at),
                None if f.confidence < Confidence::Likely => return None,
                None if f.id == ASTRAY => Proved::Astray,
                None => Proved::Failed,
            };
            Some((*id, how))
        })
    });
    breaks.prove(trace, ids);
}

/// Where the client's host begins to seek a next hop in vain after the last packet of a connection.
fn sought(trace: &Trace, id: ConnectionId) -> Option<At> {
    let client = trace.connection(id).front.client.0;
    trace.legs(id).iter().find_map(|leg| {
        let vantage = trace.vantage(leg);
        let last = leg.of(&trace.vantages).last();
        let ask = vantage.neighbors.asks.iter().find(|ask| {
            let in_vain = ask.answers == 0 && ask.again > 1;
            in_vain && ask.asker == client && ask.first.frame() > last.frame()
        })?;
        Some(At { vantage: leg.vantage, mark: ask.first })
    })
}

/// What cost a client its connection is critical, however mild its cause is as a rule: one rule for
/// findings and for the verdict, which goes by them.
pub(super) fn grade(facts: &Facts, findings: &mut [Finding]) {
    let failed =
        |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Failed && facts.ordinary(*id).is_none();
    for finding in findings.iter_mut().filter(|f| f.severity == Severity::Warning) {
        if finding.kind != Kind::Note && finding.connections.iter().any(failed) {
            finding.severity = Severity::Critical;
        }
    }
}

/// What a finding offers as a candidate was looked for and not found, which does not make it clean.
pub(super) fn leave_open(coverage: &mut [Coverage], findings: &[Finding]) {
    for (at, finding) in findings.iter().enumerate().filter(|(_, finding)| finding.is_loud()) {
        let candidate = |c: &&mut Coverage| {
            c.checked == Checked::Clean && finding.candidates.iter().any(|other| other.id == c.id)
        };
        for c in coverage.iter_mut().filter(candidate) {
            c.checked = Checked::Unchecked(format!("it stays possible for finding {}", at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FATAL;

    #[test]
    fn every_entry_is_a_detector() {
        crate::diagnose::registry::assert_listed(FATAL.iter().copied());
    }
}
