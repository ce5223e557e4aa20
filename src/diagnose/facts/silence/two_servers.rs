//! Connections that two real servers accepted.

use crate::correlate::Leg;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// A server that accepted: its host, and where its SYN-ACK is seen.
pub(in crate::diagnose) type Accepted<'a> = (HostId, &'a Leg);

/// Two different hosts that answered one SYN with numbers of their own, each seen to
/// originate its SYN-ACK.
pub(in crate::diagnose) fn accepted_twice(
    trace: &Trace,
    id: ConnectionId,
) -> Option<[Accepted<'_>; 2]> {
    let mut found: Vec<(HostId, &Leg, u32)> = Vec::new();
    for leg in trace.legs(id) {
        let back = trace.reply(leg);
        if !back.accepted() || trace.connection(id).has_self() {
            continue;
        }
        for (link, hop) in trace.path(leg, back).filter(|(link, _)| link.syns > 0) {
            let from = trace
                .host_by_mac(hop.link.src)
                .filter(|_| crate::topology::is_origin(hop) && !hop.link.is_loopback());
            let serves = |host: &HostId| !trace.service(id).is_director(*host);
            // A stream tells the number of its latest SYN-ACK alone.
            let own = link.first == back.syn && back.isns == 1;
            if let Some(host) = from.filter(serves).filter(|_| own) {
                found.push((host, leg, back.isn));
            }
        }
    }
    let (host, leg, isn) = *found.first()?;
    let (other, beside, _) = *found.iter().find(|(h, _, n)| *h != host && *n != isn)?;
    Some([(host, leg), (other, beside)])
}
