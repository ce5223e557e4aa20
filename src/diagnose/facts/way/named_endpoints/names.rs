//! Names to which a service sends its clients, and that their name server does not know.

use super::{Channel, Named};
use crate::correlate::{Connection, Leg};
use crate::flow::{Spoken, Words};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use crate::wire::redirect::Redirector;
use std::collections::HashMap;

/// Who is sent on asks at once, nanoseconds. Judgement: a retry of a driver or two.
const SOON_NS: i64 = 10_000_000_000;

/// Names that were asked for and do not exist.
#[derive(Default)]
pub(super) struct Missing {
    /// By digest: who asked, the exchange, and the answer.
    asked: HashMap<u16, Vec<(Ip, ConnectionId, At)>>,
    /// Whom those who asked called, and when, nanoseconds.
    called: HashMap<Ip, Vec<(Ip, i64)>>,
}

impl Missing {
    pub fn of(trace: &Trace) -> Self {
        let mut found = Self::default();
        for (id, c) in trace.iter().filter(|(_, c)| c.protocol.is_udp()) {
            for (leg, spoken) in super::words(trace, id) {
                if let Words::NoSuchName(name) = spoken.words {
                    let told = (c.front.client.0, id, trace.at(leg, spoken.mark));
                    found.asked.entry(name).or_default().push(told);
                    found.called.entry(c.front.client.0).or_default();
                }
            }
        }
        if found.asked.is_empty() {
            return found;
        }
        for (id, c) in trace.iter().filter(|(_, c)| c.protocol.is_tcp()) {
            if let Some(of) = found.called.get_mut(&c.front.client.0)
                && let Some(at) = trace.start(id)
            {
                of.push((c.front.server.0, trace.time(at).0));
            }
        }
        found
    }

    /// Whether a client calls another host after a moment than the one that sends it on.
    fn goes_on(&self, client: Ip, server: Ip, after: i64) -> bool {
        let of = self.called.get(&client);
        of.is_some_and(|of| of.iter().any(|(ip, at)| *ip != server && *at >= after))
    }
}

/// A name that a client was sent to and does not find: the questions for it.
pub(super) fn sent_to(
    trace: &Trace,
    missing: &Missing,
    (id, c): (ConnectionId, &Connection),
    (leg, spoken): (&Leg, &Spoken),
    (who, name): (Redirector, u16),
) -> Option<Named> {
    // Who follows referrals of LDAP does without those that lead nowhere.
    if spoken.side == leg.client || who == Redirector::Ldap {
        return None;
    }
    let (at, client) = (trace.at(leg, spoken.mark), c.front.client.0);
    let asked = missing.asked.get(&name)?;
    let soon = |told: At| {
        let ns = trace.time(told).0.saturating_sub(trace.time(at).0);
        (0..SOON_NS).contains(&ns)
    };
    let there: Vec<ConnectionId> = asked
        .iter()
        .filter(|(asker, _, told)| *asker == client && soon(*told))
        .map(|(_, id, _)| *id)
        .collect();
    // A resolver may add a domain, and find the name there after all.
    if there.is_empty() || missing.goes_on(client, c.front.server.0, trace.time(at).0) {
        return None;
    }
    let channel = Channel::SentToName(who);
    Some(Named { control: id, leg: *leg, at, channel, ip: None, port: 0, elsewhere: true, there })
}
