//! Connections that a server refuses in a name of its own, which nobody called.
//!
//! Where one of them shows that the SYN came to the server untranslated, the others of the same service and server
//! are taken for such, too, of which a capture lacks the SYN.

use crate::correlate::{Connection, Outcome};
use crate::diagnose::facts::index::Indexed;
use crate::hashed::HashSet;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::BTreeSet;

/// All of them.
pub(in crate::diagnose) fn all(facts: &Indexed<'_>) -> BTreeSet<ConnectionId> {
    let refused =
        || facts.requests().filter(|(_, c)| c.outcome == Outcome::Refused && c.back.is_some());
    let shown: HashSet<(ServiceId, Ip)> = refused()
        .filter(|(id, _)| facts.refused_by_another(*id).is_some())
        .filter_map(|(id, c)| place(facts, id, c))
        .collect();
    if shown.is_empty() {
        return BTreeSet::new();
    }
    let alike = |(id, c): &(ConnectionId, &Connection)| {
        let sent_on =
            facts.legs(*id).iter().any(|leg| leg.tuple > 0 && facts.forward(leg).opened());
        !sent_on && place(facts, *id, c).is_some_and(|place| shown.contains(&place))
    };
    refused().filter(alike).map(|(id, _)| id).collect()
}

fn place(facts: &Indexed<'_>, id: ConnectionId, c: &Connection) -> Option<(ServiceId, Ip)> {
    Some((facts.service_of(id), c.back?.server.0))
}
