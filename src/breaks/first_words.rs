//! Services whose servers speak first, by what all of their connections show and not by the port: mail, databases and
//! the like are moved to other ports every day.

use crate::hashed::HashSet;
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Connections that were greeted, before that is how a service begins. Judgement: a client's first word that a capture
/// lacks makes one look so.
const GREETED: u32 = 3;

/// The services of which every connection that was answered began with the server's words.
pub(super) fn services(trace: &Trace) -> HashSet<ServiceId> {
    let mut counts: BTreeMap<ServiceId, (u32, u32)> = BTreeMap::new();
    let answered = |c: &crate::correlate::Connection| {
        c.protocol.is_tcp() && c.progress.syn && c.progress.response
    };
    for (id, _) in trace.requests().filter(|(_, c)| answered(c)) {
        let (greeted, asked) = counts.entry(trace.service_of(id)).or_default();
        match greeting(trace, id) {
            Some(_) => *greeted += 1,
            None => *asked += 1,
        }
    }
    let begins = |(greeted, asked): (u32, u32)| greeted >= GREETED && asked == 0;
    counts.into_iter().filter(|(_, of)| begins(*of)).map(|(service, _)| service).collect()
}

/// How long a client waited for the words of a server that spoke first, once its connection stood, nanoseconds.
#[must_use]
pub fn greeting(trace: &Trace, id: ConnectionId) -> Option<i64> {
    let waited = trace.legs(id).iter().filter_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let (stands, said) = (there.ack.get()?, back.data.get()?);
        let first = there.data.get().is_none_or(|asked| said.frame() < asked.frame());
        (first && back.accepted()).then(|| said.since(stands))
    });
    waited.max()
}
