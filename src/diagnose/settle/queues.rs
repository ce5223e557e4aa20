//! A listener of the port that nobody answers on, whose accept queue was full when it was listed: a
//! kernel drops SYNs then (tcp_conn_request of Linux). It is from another moment, so it makes
//! nothing surer; `accept-queue-overflow` is told by frames.

use super::say;
use crate::diagnose::settled::Settled;
use crate::diagnose::{Finding, words};
use crate::trace::Trace;

/// Findings of SYNs without an answer.
const SILENT: [&str; 2] = ["syn-unanswered", "rs-silent"];

/// Adds the first such listener.
pub(in crate::diagnose) fn tell(trace: &Trace, finding: &mut Finding) {
    let Some(id) = finding.connections.first() else { return };
    if !SILENT.contains(&finding.id.as_str()) {
        return;
    }
    let c = trace.connection(*id);
    let asked = [Some(c.front), c.back].into_iter().flatten().map(|tuple| tuple.server);
    let asked: Vec<_> = asked.collect();
    let full = trace.states.iter().map(|matched| &matched.state).find_map(|state| {
        let mut listeners = state.listeners.iter().filter(|l| l.protocol == c.protocol);
        let full = listeners
            .find(|l| l.is_full() && asked.iter().any(|(ip, port)| l.takes(*ip, *port)))?;
        Some((state, full))
    });
    let Some((state, full)) = full else { return };
    let known = std::mem::take(&mut finding.settled);
    say(
        finding,
        Settled::QueueIsFull {
            waiting: full.waiting,
            most: full.backlog.unwrap_or(0),
            at: state.place(full.at),
        },
    );
    words::tell(finding);
    finding.settled.splice(0..0, known);
}
