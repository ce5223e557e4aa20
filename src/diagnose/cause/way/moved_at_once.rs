//! Connections that move to another server in mid-stream, seen from before the balancer alone:
//! the second form of `ecmp-rehash-wrong-server`.
//!
//! Several are reset at one moment by a host of another distance than the server that answered
//! them, and others that were open then go on. A director that lost its table resets all.

use crate::diagnose::cause::severity;
use crate::diagnose::decide::reset::WhyMoved;
use crate::diagnose::facts::way::moved_connections::{Moved, all};
use crate::diagnose::words::{count, service_subject, share};
use crate::diagnose::{Confidence, Facts, Finding, Proof};

pub(in crate::diagnose) fn findings(facts: &Facts) -> Vec<Finding> {
    let moved = all(facts).into_iter().filter(|m| m.signs.why() == WhyMoved::OtherServer);
    moved.map(|m| finding(facts, &m)).collect()
}

fn finding(facts: &Facts, moved: &Moved) -> Finding {
    let s = facts.topology.service(moved.service);
    let ids: Vec<_> = moved.cut.iter().map(|one| one.id).collect();
    let (reset, before) = moved.cut[0].ttls;
    let title =
        format!("open connections to {} are sent to another server in mid-stream", s.name());
    let explanation = format!(
        "{} to {} are reset within {:.1} s by a bare RST, as a kernel sends that has no such connection. It comes from another distance than the server that answered them (TTL {reset}, before {before}), and {} that were open then went on: whoever chooses the way or the server chose anew for some of them, as a router does whose equal routes change (a node or a BGP session that goes or comes), or a balancer that hashes over other servers than before. {} cut off.",
        count(ids.len(), "connection"),
        s.name(),
        moved.signs.spread_ns as f64 / 1e9,
        count(moved.went_on.len(), "other"),
        share(facts, moved.service, &ids, "are")
    );
    let mut finding = Finding::cause("ecmp-rehash-wrong-server", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate("director-no-entry-rst", "then the balancer itself sends the resets: their TTL is that of its other packets, as of pings to it, and it lost its entries for these alone");
    finding.confirm(
        "the router before the servers or nodes, and each of these",
        format!("ip route show {}; ip nexthop show; journalctl -S -1h | grep -iE 'bgp|peer|nexthop'; kubectl get nodes   # where it is a cluster's", s.vip),
        "routes, sessions or nodes that went or came at the time of the resets: this is it",
    );
    finding.fix_disruptive(
        "the router before the servers or nodes",
        "# resilient hashing for these equal routes (Linux: 'ip nexthop ... type resilient'; switches: resilient or consistent ECMP), or drain before a node or session goes",
        "Set back what was set before.",
    );
    for one in moved.cut.iter().take(2) {
        let [came, reset] = one.shown;
        finding.proofs.push(Proof::at(came, "a segment of an open connection"));
        finding.proofs.push(Proof::at(reset, format!("a bare RST answers it, TTL {}", one.ttls.0)));
    }
    finding.concerning(vec![service_subject(s)], ids)
}
