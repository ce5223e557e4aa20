//! SYNs that nobody answers, or of which the first ones were lost.

use super::evidence::{arrived, fresh_ports, none_does_well, unstamped};
use super::{Against, Opinions};
use crate::breaks::{Group, Packet};
use crate::diagnose::Facts;
use crate::diagnose::facts::shared_bits;
use crate::diagnose::thresholds::{
    JUDGE_NETWORK_BITS as NETWORK_BITS, JUDGE_NETWORK_BITS_V6 as NETWORK_BITS_V6,
};
use crate::topology::Mode;

/// Whether the host where the packet ended was asked by an address that it owns.
fn asked_by_own_address(facts: &Facts, group: &Group) -> bool {
    let (Some(last), Some(id)) = (group.last, group.connections.first()) else { return false };
    let asked = facts.connection(*id).front.server.0;
    last.host.is_some_and(|host| facts.host_by_ip(asked) == Some(host))
}

/// What tells a node that counts no endpoint of its own.
const NO_ENDPOINT: &str = "then 'iptables-save -c | grep \"no local endpoints\"' on this host has a rule that counts them";
const OVERFLOWS: &str = "then 'nstat -az TcpExtListenOverflows TcpExtListenDrops' grows with each";
const FULL: &str =
    "then 'conntrack -S' on this host counts drops and its kernel logs 'nf_conntrack: table full'";
const FILTERED: &str = "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each";

/// A service that the host where the packet ended sends on, as a node of a cluster does.
fn hands_on(facts: &Facts, group: &Group) -> Option<String> {
    let host = group.last?.host?;
    let mut services = facts.topology.services.iter();
    services.find(|s| s.is_director(host)).map(crate::topology::Service::name)
}

fn checked(group: &Group, opinions: &mut Opinions) {
    if group.packet == Packet::HealthCheck {
        opinions.possible(
            "healthcheck-source-blocked",
            "then requests of other sources to this port are answered",
        );
    }
}

/// It came in, and nothing of it was seen again.
pub(super) fn swallowed(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    checked(group, opinions);
    // A node answers ARP for an address of a service that it then drops, so owning it refutes
    // nothing here.
    let node = hands_on(facts, group);
    if let Some(served) = &node {
        opinions.possible("node-without-local-endpoint", format!("{NO_ENDPOINT}; it sends on what comes for {served}, so compare the node names of kube-proxy (--hostname-override) and of its pods"));
    }
    let nobody = none_does_well(facts, group);
    opinions.unless(nobody.or(unstamped(facts, group)), "tw-recycle-nat-timestamps", "then TcpExtPAWSPassive or PAWSActive grows and net.ipv4.tcp_tw_recycle is 1 (Linux before 4.12)");
    opinions.unless(nobody, "accept-queue-overflow", OVERFLOWS);
    opinions.unless(nobody, "conntrack-table-full", FULL);
    let own = asked_by_own_address(facts, group);
    let owns = Against {
        why: "the host where it ends owns the address that is asked for",
        at: group.last.map(|last| last.at),
    };
    opinions.unless(
        own.then_some(owns),
        "rs-missing-vip",
        "then 'ip -br addr show' on this host lacks the address that is asked for",
    );
    opinions.possible("rp-filter-drop", FILTERED);
    opinions.possible("rs-silent", "then a rule of this host's firewall counts them: 'iptables -L INPUT -nvx', 'nft list ruleset'");
    if node.is_none() {
        opinions.possible("node-without-local-endpoint", NO_ENDPOINT);
    }
    if let Some(came) = arrived(group) {
        opinions.refuted(&["packet-loss"], &came);
    }
}

/// The first ones were lost and a repeat got through.
pub(super) fn late(facts: &Facts, group: &Group, opinions: &mut Opinions) {
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
    if let Some(came) = arrived(group) {
        opinions.possible("accept-queue-overflow", OVERFLOWS);
        opinions.possible("conntrack-table-full", FULL);
        opinions.possible("rp-filter-drop", FILTERED);
        opinions.possible("node-without-local-endpoint", NO_ENDPOINT);
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
    }
}

/// Whether all clients of a group are in the network of the real server that they were
/// translated to, as far as addresses tell.
fn in_servers_network(facts: &Facts, group: &Group) -> bool {
    let near = |id: &crate::trace::ConnectionId| {
        let c = facts.connection(*id);
        let server =
            c.back.filter(|back| back.server.0 != c.front.server.0).map(|back| back.server.0);
        let bits = if c.front.client.0.is_v4() { NETWORK_BITS } else { NETWORK_BITS_V6 };
        server.is_some_and(|server| shared_bits(server, c.front.client.0) >= bits)
    };
    !group.connections.is_empty() && group.connections.iter().all(near)
}

/// It left, and nothing behind was captured.
pub(super) fn unseen(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    checked(group, opinions);
    let mode = facts.topology.service(group.service).mode;
    if in_servers_network(facts, group) {
        opinions.possible("nat-same-subnet-client", "then the real server's own capture shows a SYN-ACK that leaves for the client's own MAC");
    }
    opinions
        .possible("rs-silent", "then the real server's own capture shows the SYN and no answer");
    if matches!(mode, Mode::Nat | Mode::Unknown) {
        opinions.possible("nat-return-bypasses-director", "then the real server's own capture shows a SYN-ACK that leaves for another MAC than the director's");
    }
    if matches!(mode, Mode::Dr | Mode::Unknown) {
        opinions
            .possible("rs-missing-vip", "then the real server answers for its own address only");
        opinions.possible(
            "dr-vip-foreign-subnet-return",
            "then the real server's SYN-ACK leaves, and the router drops its source",
        );
    }
}
