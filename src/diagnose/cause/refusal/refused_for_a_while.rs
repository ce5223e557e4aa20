//! The words of `connection-refused` where the same server accepts others before and after those that it refuses, and
//! none between: who listens there was away.

use crate::diagnose::facts::refusal::stopped::{Listener, paused};
use crate::diagnose::words::seconds;
use crate::diagnose::{Facts, Finding, Proof};
use crate::topology::ServiceId;
use crate::trace::ConnectionId;

/// Says so of a finding about one server, in whose place `place` commands are typed: whether it was so.
pub(super) fn word(
    finding: &mut Finding,
    facts: &Facts,
    (service, server): (ServiceId, Listener),
    ids: &[ConnectionId],
    place: String,
) -> bool {
    let Some((before, after)) = paused(facts, service, server, ids) else { return false };
    let away = seconds(facts.time(after).0 - facts.time(before).0);
    let port = facts.topology.service(service).port;
    finding.explanation.push_str(&format!(
        " It accepted others until then, none for {away} at most, and others after that: so refuses a program that is started anew, or reloaded such that it closes its socket."
    ));
    finding.confirm(
        place,
        format!("ss -ltnp 'sport = :{port}'; ps -eo lstart,pid,cmd --sort=start_time | tail -n 40"),
        "the process that listens began at that moment: it was started anew, and its log says why; long before: it closed its socket and opened it again, as some do to reload",
    );
    finding.proofs.push(Proof::at(before, "the last connection before that it accepted"));
    finding.proofs.push(Proof::at(after, "the first after that it accepts"));
    true
}
