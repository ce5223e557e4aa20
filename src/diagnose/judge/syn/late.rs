//! SYNs of which the first ones were lost and a repeat got through.

use super::{FILTERED, OVERFLOWS, SOCKET, TABLE_FULL};
use crate::breaks::Group;
use crate::diagnose::Facts;
use crate::diagnose::judge::evidence::{ASKED, arrived, fresh_ports};
use crate::diagnose::judge::place::Place;
use crate::diagnose::judge::{Against, Opinions};
use crate::trace::ConnectionId;

/// The first ones were lost and a repeat got through.
pub(in crate::diagnose::judge) fn late(facts: &Facts, group: &Group, opinions: &mut Opinions) {
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

/// Whether the repeats of all of a group were taken by another host than the one where the first ones ended,
/// as happens behind equal routes.
fn taken_elsewhere(facts: &Facts, group: &Group) -> bool {
    let ended = group.last.and_then(|last| last.host);
    let took = |id: &ConnectionId| facts.server(*id).and_then(|server| server.host);
    ended.is_some()
        && !group.connections.is_empty()
        && group.connections.iter().take(ASKED).all(|id| took(id).is_some_and(|h| Some(h) != ended))
}
