//! SYNs that end at a director which has room for the connections that it had before.

use crate::diagnose::Facts;
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::thresholds::{NO_COINCIDENCE, TRANSMISSIONS};
use crate::flow::{Mark, VantageId};
use crate::topology::{HostId, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use std::collections::HashSet;

/// SYNs that ended at a director.
pub(in crate::diagnose) struct Full {
    pub withheld: Vec<(ConnectionId, VantageId, Mark, Mark)>,
    /// A connection that it had, and one of its answers that passed meanwhile.
    pub goes_on: (ConnectionId, At),
}

/// What ends at a director of a service; `None` where too few do, or another cause shows.
pub(in crate::diagnose) fn look(
    facts: &Facts<'_>,
    service: ServiceId,
    host: HostId,
) -> Option<Full> {
    let of_service = || facts.requests_to(service).filter(|(_, c)| c.protocol.is_tcp());
    let mut withheld = Vec::new();
    let quiet = of_service().filter(|(_, c)| {
        c.outcome.failed()
            && c.progress.syn
            && !c.progress.answered
            && c.progress.syns >= TRANSMISSIONS
    });
    for (id, _) in quiet.filter(|(id, _)| facts.errors_of(*id).next().is_none()) {
        let Some(passage) = passage(facts, id, host).filter(|p| p.left.is_none()) else { continue };
        let Some(leg) = facts.legs(id).get(passage.came.leg) else { continue };
        let link = passage.came.link;
        if link.syns >= TRANSMISSIONS {
            withheld.push((id, leg.vantage, link.first, link.last));
        }
    }
    let (_, vantage, first, _) = *withheld.iter().min_by_key(|w| w.2.frame())?;
    if withheld.len() < NO_COINCIDENCE || asks_in_vain(facts, host) {
        return None;
    }
    let mut sources: HashSet<Ip> = HashSet::new();
    let mut goes_on = None;
    for (id, c) in of_service().filter(|(_, c)| c.back.is_some() && c.progress.answered) {
        let legs = facts.legs(id).iter().filter(|leg| leg.vantage == vantage);
        for leg in legs.filter(|leg| leg.tuple == 0) {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            sources.insert(c.front.client.0);
            let open = there.first.frame() < first.frame() && back.last.frame() > first.frame();
            if open && goes_on.is_none() {
                goes_on = Some((id, facts.at(leg, back.last)));
            }
        }
    }
    // A rule against one source is none of the table's.
    let known = |id: &ConnectionId| sources.contains(&facts.connection(*id).front.client.0);
    withheld.retain(|(id, ..)| known(id));
    (withheld.len() >= NO_COINCIDENCE).then_some(Full { withheld, goes_on: goes_on? })
}

/// Whether a director asks for somebody who does not answer.
fn asks_in_vain(facts: &Facts<'_>, host: HostId) -> bool {
    facts.unanswered().iter().any(|(v, _)| facts.host_of_vantage(*v) == Some(host))
}
