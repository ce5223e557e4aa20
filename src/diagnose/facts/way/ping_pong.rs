//! Two directors between which a packet goes to and fro.

use crate::diagnose::facts::address::machines::speaks_vrrp;
use crate::diagnose::facts::index::Indexed;
use crate::topology::{HostId, Mode};
use crate::trace::ConnectionId;

/// The two directors between which a packet of a connection goes to and fro.
pub(in crate::diagnose) fn pair(facts: &Indexed<'_>, id: ConnectionId) -> Option<(HostId, HostId)> {
    let service = facts.service(id);
    if matches!(service.mode, Mode::Nat | Mode::FullNat | Mode::Proxy) {
        return None;
    }
    let steps = &facts.route(id).forward;
    let goes = |a: HostId, b: HostId| {
        steps.iter().filter(|s| s.from == Some(a) && s.to == Some(b)).count()
    };
    steps.iter().find_map(|step| {
        let (a, b) = (step.from?, step.to?);
        let to_and_fro = a != b && goes(a, b) > 1 && goes(b, a) > 0;
        (to_and_fro && balances(facts, id, a, b) && balances(facts, id, b, a))
            .then_some((a.min(b), a.max(b)))
    })
}

/// Whether a host is more to the service than a router on the way of this packet: it
/// answers other connections with the VIP as its own, speaks VRRP, or sends others of
/// them on to a third host.
fn balances(facts: &Indexed<'_>, id: ConnectionId, host: HostId, other: HostId) -> bool {
    let service = facts.service_of(id);
    speaks_vrrp(facts, host)
        || facts.requests_to(service).any(|(i, c)| {
            let route = facts.route(i);
            // Who acknowledges got an answer, also where no capture shows it.
            let serves = (c.progress.answered || c.progress.established)
                && facts.server(i).and_then(|s| s.host) == Some(host);
            let third = route.forwarders().any(|(_, out)| {
                out.from == Some(host)
                    && out.to.is_some_and(|to| to != other && facts.route(i).replier() == Some(to))
            });
            serves || third
        })
}
