//! SYNs of which the first ones were lost and a repeat got through.

use super::{FILTERED, OVERFLOWS, SOCKET, TABLE_FULL};
use crate::breaks::Group;
use crate::diagnose::Facts;
use crate::diagnose::facts::address::asks::asked_here;
use crate::diagnose::judge::evidence::{ASKED, arrived, fresh_ports};
use crate::diagnose::judge::place::Place;
use crate::diagnose::judge::{Against, Opinions};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;

/// For whom the host where the SYNs came in had to ask again by ARP or neighbour discovery, as often at least as it
/// answered late, where its answers go to that neighbour: a kernel keeps what it sends until it is told (RFC 1122,
/// section 2.3.2.2). How often it asked again.
fn waits_for_neighbour(facts: &Facts, group: &Group) -> Option<(Ip, u32)> {
    let last = group.last?;
    let macs = &facts.topology.hosts.get(last.host?).macs;
    let vantage = &facts.vantages[last.at.vantage.index()];
    // Cooked captures name no receiver: there it is who the SYNs came from.
    let to = group.connections.iter().take(ASKED).find_map(|id| {
        let leg = facts.legs(*id).iter().find(|leg| leg.vantage == last.at.vantage)?;
        let back = vantage.first_hop(facts.reply(leg))?.link.dst;
        back.or_else(|| vantage.first_hop(facts.forward(leg))?.link.src)
    })?;
    let known = |ip: Ip| vantage.neighbors.bindings.iter().any(|b| b.ip == ip && b.mac == to);
    let asks = vantage.neighbors.asks.iter().filter(|ask| {
        ask.again as usize >= group.connections.len()
            && ask.answers > 0
            && macs.contains(&ask.asker_mac)
            && asked_here(vantage, ask)
            && known(ask.target)
    });
    asks.map(|ask| (ask.target, ask.again)).max_by_key(|(_, again)| *again)
}

/// The first ones were lost and a repeat got through.
pub(in crate::diagnose::judge) fn late(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if let Some((target, again)) = waits_for_neighbour(facts, group) {
        opinions.possible("arp-answer-lost", format!("this host asked for {target}, to whom its answers go, and had to ask again {again} times before it was told: what it sends waits for that; then {target} answers late, or the first questions or answers are lost between the two"));
    }
    if let Some(at) = lost_before_next(group) {
        opinions.possible("packet-loss", "the next host's own capture has the repeats, and not the SYNs before them: they were lost between the two, unless that capture dropped them");
        let why =
            "the first SYNs did not come to the next captured host, so nobody behind it had them";
        opinions.refuted(BEHIND, &Against { why, at: Some(at) });
        return;
    }
    let fresh = fresh_ports(facts, group);
    opinions.unless(
        fresh,
        "ipvs-conn-reuse-1s",
        "then the balancer is IPVS before Linux 5.9 with net.ipv4.vs.conn_reuse_mode=1",
    );
    opinions.unless(
        fresh,
        "tuple-reuse-challenge-ack",
        "then the server answers the first SYN with an ACK of old numbers",
    );
    if let Some(against) = Place::of(facts, group).no_socket() {
        opinions.possible("conntrack-table-full", TABLE_FULL);
        opinions.possible("rp-filter-drop", FILTERED);
        opinions.refuted(SOCKET, &against);
        return;
    }
    if let Some(came) = arrived(group) {
        if taken_elsewhere(facts, group) {
            opinions.possible("rs-missing-vip", "then 'ip -br addr show' on this host lacks the address that is asked for; the repeats went to another host, which takes them");
            opinions.possible("rs-silent", "then a rule of this host's firewall counts them: 'iptables -L INPUT -nvx', 'nft list ruleset'; the repeats went to another host, which takes them");
            opinions.possible("accept-queue-overflow", OVERFLOWS);
            opinions.possible("conntrack-table-full", TABLE_FULL);
            opinions.possible("rp-filter-drop", FILTERED);
            opinions.refuted(&["packet-loss"], &came);
            return;
        }
        opinions.possible("accept-queue-overflow", OVERFLOWS);
        opinions.possible("conntrack-table-full", TABLE_FULL);
        let taken = Against {
            why: "the repeat of the same SYN was taken, and it lets none through",
            at: came.at,
        };
        opinions.refuted(&["rp-filter-drop", "node-without-local-endpoint"], &taken);
        opinions.refuted(&["packet-loss"], &came);
    } else {
        opinions.possible(
            "packet-loss",
            "then captures on both sides of the next link show SYNs leave and not arrive",
        );
        opinions.possible(
            "accept-queue-overflow",
            "then the server's own capture shows them arrive, and TcpExtListenOverflows grows",
        );
        opinions.possible(
            "syn-retry-rescheduled",
            "then the first SYN reached one real server and its repeat another, as both captures show",
        );
    }
}

/// Causes on the host to which SYNs come, or behind it.
const BEHIND: &[&str] = &[
    "ipvs-conn-reuse-1s",
    "tuple-reuse-challenge-ack",
    "accept-queue-overflow",
    "syn-retry-rescheduled",
];

/// Where SYNs were last seen that the next captured host lacks.
fn lost_before_next(group: &Group) -> Option<At> {
    let last = group.last?;
    (group.next.is_some() && last.host.is_some() && last.host != group.next).then_some(last.at)
}

/// Whether the repeats of all of a group were taken by another host than the one where the first ones ended,
/// as happens behind equal routes.
fn taken_elsewhere(facts: &Facts, group: &Group) -> bool {
    let ended = group.last.and_then(|last| last.host);
    let took = |id: &ConnectionId| facts.server(*id).and_then(|server| server.host);
    ended.is_some()
        && !group.connections.is_empty()
        && group.connections.iter().take(ASKED).all(|id| took(id).is_some_and(|h| Some(h) != ended))
}
