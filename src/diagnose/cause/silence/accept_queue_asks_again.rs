//! The other form of a full accept queue: the handshake had begun, and what the client says after it
//! is dropped.
//!
//! Linux answers a SYN while there is room, and drops the last ACK and the data behind it where there
//! is none any more (`tcp_v4_syn_recv_sock`). Its timer then sends the SYN-ACK again. At the server's own capture
//! the ACK and the request stand there, so no loss on the way explains it; a listener that defers
//! takes the request.

use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::facts::silence::unheeded_words::unheeded;
use crate::diagnose::words::{self, share};
use crate::diagnose::{Confidence, Facts, Finding, Proof};
use crate::topology::{HostId, ServiceId};
use crate::trace::ConnectionId;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let spoilt = facts.spoilt_ids();
    let hit = facts.requests().filter(|(id, c)| {
        c.protocol.is_tcp()
            && facts.breaks.broken(*id).is_some()
            && !spoilt.contains(id)
            && unheeded(facts, *id).is_some()
    });
    each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
    let subjects = words::servers(facts, &ids);
    let who = words::names(&subjects);
    let shown = unheeded(facts, ids[0]);
    let title = format!("{who} lets connections wait at the door: its accept queue looks full");
    let explanation = format!(
        "{who} answers SYNs for {}, the client's ACK and its request come in at its own capture, and it acknowledges neither and sends its SYN-ACK again, {} times in the first of them. So Linux does when the listener's accept queue is full: the handshake is not finished until the program accepts others. {} so.",
        s.name(),
        shown.map_or(0, |one| one.syn_acks.saturating_sub(1)),
        share(facts, service, &ids, "wait")
    );
    let mut finding = Finding::cause("accept-queue-overflow", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    let hosts: Vec<HostId> = ids
        .iter()
        .filter_map(|id| facts.server(*id)?.host)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    super::queue_mended(facts, &mut finding, service, &hosts, port);
    finding.confirm(
        who,
        "nft list ruleset; iptables -L INPUT -nvx --line-numbers",
        "a rule that drops packets which are not NEW, or INVALID ones, counts them: then it is that, and the queue is empty",
    );
    if let Some(one) = shown {
        finding.proofs = vec![
            Proof::at(one.shown[0], "the client's ACK comes in"),
            Proof::at(one.shown[1], "and its request"),
            Proof::at(one.shown[2], "the last of the server, which acknowledges neither"),
        ];
    }
    finding.concerning(subjects, ids)
}
