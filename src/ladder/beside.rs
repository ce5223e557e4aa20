//! Answers that come from elsewhere than the client called, beside its connection: they are connections
//! of their own to whoever only looks at addresses, and the client's question alone tells half.

use super::joined::Sheet;
use crate::topology::Ordinary;
use crate::trace::{At, ConnectionId, Trace};

/// Such connections that are drawn.
const MAX_STRAYS: usize = 2;
/// They begin this long after the last question at most, nanoseconds.
const ANSWER_NS: i64 = 10_000_000_000;

/// To the port from which a connection was opened, while it lasted or soon after.
pub(super) fn strays(trace: &Trace, id: ConnectionId) -> Vec<ConnectionId> {
    let own = trace.connection(id);
    let client = own.front.client;
    let time = |at: Option<At>| at.map(|at| trace.time(at).0);
    let (start, end) = (time(trace.start(id)), time(trace.end(id)));
    let meanwhile = |other| {
        let began = time(trace.start(other));
        began.zip(start).zip(end).is_some_and(|((began, start), end)| {
            (start.saturating_sub(ANSWER_NS)..=end.saturating_add(ANSWER_NS)).contains(&began)
        })
    };
    let strays = trace.iter().filter(|(other, c)| {
        *other != id
            && trace.ordinary(*other) == Some(Ordinary::StrayAnswer)
            && c.protocol == own.protocol
            && (c.front.client == client || c.front.server == client)
            && meanwhile(*other)
    });
    strays.map(|(other, _)| other).take(MAX_STRAYS).collect()
}

impl Sheet {
    /// Puts an answer from elsewhere in, with the address that it bears in place of the one that was called.
    pub(super) fn beside(
        &mut self,
        trace: &Trace,
        (id, stray): (ConnectionId, ConnectionId),
        mut back: Self,
    ) {
        let (own, other) = (trace.connection(id).front, trace.connection(stray).front);
        let elsewhere = if other.client == own.client { other.server } else { other.client };
        let called = own.server.0.with_port(own.server.1);
        let elsewhere = elsewhere.0.with_port(elsewhere.1);
        let client = own.client.0.to_string();
        let columns: Vec<usize> = (0..back.hosts.len())
            .map(|n| self.known(&back, n, 0).unwrap_or_else(|| self.add(&back, n)))
            .collect();
        let is_client =
            |at: usize| columns.get(at).is_some_and(|at| self.ladder.columns[*at].name == client);
        for step in &mut back.ladder.steps {
            if is_client(step.to) {
                step.rewrite = Some(format!("from {elsewhere}, not {called}"));
            } else if is_client(step.from) {
                step.rewrite = Some(format!("to {elsewhere}"));
            }
        }
        self.put(back, &columns);
    }
}
