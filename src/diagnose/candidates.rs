//! Which causes may stand behind a break that none of them explains.
//!
//! Candidates are weighed against what the frames of the group show: the packet, what became
//! of it, where it was last seen, and what sets the group apart. One that a frame refutes is
//! not offered: no silent server where its SYN-ACK was seen, no full queue where every SYN
//! failed.

use super::{Candidate, Facts};
use crate::breaks::apart::Trait;
use crate::breaks::{By, Group, Manner, Packet, Passage};
use crate::diagnose::thresholds::CANDIDATES_MOST;
use crate::topology::Mode;

/// What may have caused the breaks of a group, most fitting first.
pub(super) fn of_group(facts: &Facts, group: &Group) -> Vec<Candidate> {
    let mut found = match (group.packet, group.manner) {
        (Packet::Syn | Packet::HealthCheck, Manner::Swallowed) => swallowed(facts, group),
        (Packet::Syn, Manner::Late) => late(facts, group),
        (Packet::Syn | Packet::HealthCheck, Manner::UnseenBeyond) => unseen(facts, group),
        (Packet::SynAck, _) => answered(facts, group),
        (Packet::Ack | Packet::Greeting, _) => vec![
            offer(
                "accept-queue-overflow",
                "then 'ss -ltn' on the server shows a full queue (Recv-Q above Send-Q) and TcpExtListenOverflows grows",
            ),
            offer(
                "proxy-protocol-mismatch",
                "then the server waits for a PROXY header: its listener asks for one",
            ),
        ],
        (_, Manner::Cut(by)) => cut(by),
        (Packet::Request | Packet::Response, m) if m.is_silence() => vec![
            offer(
                "tun-mtu-blackhole",
                "then only segments above one size are missing, and 'ping -M do -s 1472' along the way fails",
            ),
            offer(
                "lb-idle-timeout",
                "then these connections were silent for longer than any that lives",
            ),
            offer(
                "packet-loss",
                "then a capture at the next host shows other segments missing, too",
            ),
        ],
        _ => Vec::new(),
    };
    found.truncate(CANDIDATES_MOST);
    found
}

fn offer(id: &'static str, tell_apart: &str) -> Candidate {
    Candidate { id, tell_apart: tell_apart.to_owned() }
}

/// Whether connections to the service did well at all.
fn others_do_well(facts: &Facts, group: &Group) -> bool {
    facts.breaks.accounts.services[group.service.0 as usize].well > 0
}

fn is_apart(group: &Group, what: Trait) -> bool {
    group.apart.iter().any(|apart| apart.what == what)
}

/// Whether any of the group has a client port that was used before.
fn reused(facts: &Facts, group: &Group) -> bool {
    is_apart(group, Trait::PortUsedBefore)
        || group.connections.iter().take(64).any(|id| {
            let connection = facts.connection(*id);
            let client = connection.front.client;
            facts
                .requests_from(client.0)
                .take_while(|(other, _)| other < id)
                .any(|(_, other)| other.front == connection.front)
        })
}

/// Whether SYNs of the group carry timestamps, by which a server may remember the client.
fn stamped(facts: &Facts, group: &Group) -> bool {
    group
        .connections
        .first()
        .is_some_and(|id| facts.legs(*id).iter().any(|leg| facts.forward(leg).shape.stamped()))
}

/// Whether the host where the packet ended was asked by an address that it owns.
fn asked_by_own_address(facts: &Facts, group: &Group) -> bool {
    let (Some(last), Some(id)) = (group.last, group.connections.first()) else { return false };
    let asked = facts.connection(*id).front.server.0;
    last.host.is_some_and(|host| facts.host_by_ip(asked) == Some(host))
}

/// What tells a node that counts no endpoint of its own.
const NO_ENDPOINT: &str = "then 'iptables-save -c | grep \"no local endpoints\"' on this host has a rule that counts them";

/// A service that the host where the packet ended sends on, as a node of a cluster does.
fn hands_on(facts: &Facts, group: &Group) -> Option<String> {
    let host = group.last?.host?;
    let mut services = facts.topology.services.iter();
    services.find(|s| s.is_director(host)).map(crate::topology::Service::name)
}

/// It came in, and nothing of it was seen again.
fn swallowed(facts: &Facts, group: &Group) -> Vec<Candidate> {
    let mut found = Vec::new();
    let some = others_do_well(facts, group);
    let own = asked_by_own_address(facts, group);
    if some && stamped(facts, group) {
        found.push(offer("tw-recycle-nat-timestamps", "then TcpExtPAWSPassive or PAWSActive grows and net.ipv4.tcp_tw_recycle is 1 (Linux before 4.12)"));
    }
    if some {
        found.push(offer(
            "accept-queue-overflow",
            "then 'nstat -az TcpExtListenOverflows TcpExtListenDrops' grows with each",
        ));
    }
    // A node answers ARP for an address of a service that it then drops, so owning it refutes
    // nothing here.
    match hands_on(facts, group) {
        Some(served) => found.insert(0, offer(
            "node-without-local-endpoint",
            &format!("then 'iptables-save -c | grep \"no local endpoints\"' on this host has a rule that counts them; it sends on what comes for {served}, so compare the node names of kube-proxy (--hostname-override) and of its pods"),
        )),
        None => found.push(offer("node-without-local-endpoint", NO_ENDPOINT)),
    }
    if !own {
        found.push(offer(
            "rs-missing-vip",
            "then 'ip -br addr show' on this host lacks the address that is asked for",
        ));
    }
    found.push(offer(
        "rp-filter-drop",
        "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each",
    ));
    found.push(offer("rs-silent", "then a rule of this host's firewall counts them: 'iptables -L INPUT -nvx', 'nft list ruleset'"));
    if group.packet == Packet::HealthCheck {
        found.insert(
            0,
            offer(
                "healthcheck-source-blocked",
                "then requests of other sources to this port are answered",
            ),
        );
    }
    found
}

/// The first ones were lost and a repeat got through.
fn late(facts: &Facts, group: &Group) -> Vec<Candidate> {
    let mut found = Vec::new();
    if reused(facts, group) {
        found.push(offer(
            "ipvs-conn-reuse-1s",
            "then the balancer is IPVS before Linux 5.9 with net.ipv4.vs.conn_reuse_mode=1",
        ));
        found.push(offer(
            "tuple-reuse-challenge-ack",
            "then the server answers the first SYN with an ACK of old numbers",
        ));
    }
    let here =
        group.last.is_some_and(|last| matches!(last.passage, Passage::In | Passage::Loopback));
    if here {
        found.push(offer(
            "rp-filter-drop",
            "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each",
        ));
        found.push(offer(
            "accept-queue-overflow",
            "then 'nstat -az TcpExtListenOverflows TcpExtListenDrops' grows with each",
        ));
        found.push(offer("node-without-local-endpoint", NO_ENDPOINT));
    } else {
        found.push(offer(
            "packet-loss",
            "then captures on both sides of the next link show SYNs leave and not arrive",
        ));
        found.push(offer(
            "accept-queue-overflow",
            "then the server's own capture shows them arrive, and TcpExtListenOverflows grows",
        ));
    }
    found
}

/// It left, and nothing behind was captured.
fn unseen(facts: &Facts, group: &Group) -> Vec<Candidate> {
    let mode = facts.topology.service(group.service).mode;
    let mut found =
        vec![offer("rs-silent", "then the real server's own capture shows the SYN and no answer")];
    if matches!(mode, Mode::Nat | Mode::Unknown) {
        found.push(offer("nat-return-bypasses-director", "then the real server's own capture shows a SYN-ACK that leaves for another MAC than the director's"));
    }
    if matches!(mode, Mode::Dr | Mode::Unknown) {
        found
            .push(offer("rs-missing-vip", "then the real server answers for its own address only"));
        found.push(offer(
            "dr-vip-foreign-subnet-return",
            "then the real server's SYN-ACK leaves, and the router drops its source",
        ));
    }
    if group.packet == Packet::HealthCheck {
        found.insert(
            0,
            offer(
                "healthcheck-source-blocked",
                "then requests of other sources to this port are answered",
            ),
        );
    }
    found
}

/// The SYN-ACK was seen, so the server is not silent: its answer does not come through.
fn answered(facts: &Facts, group: &Group) -> Vec<Candidate> {
    let mode = facts.topology.service(group.service).mode;
    let kept = group.manner == Manner::Swallowed;
    let mut found = Vec::new();
    if kept {
        found.push(offer("dr-reply-via-director", "then this host owns the address that the SYN-ACK comes from, and drops it as a martian"));
        found.push(offer(
            "nat-director-not-forwarding",
            "then 'sysctl net.ipv4.ip_forward' on this host is 0, or a rule of FORWARD counts them",
        ));
    } else {
        found.push(offer("fabric-anti-spoof", "then the answer leaves with a source that its port may not use (EC2: source/destination check)"));
        found.push(offer(
            "stateful-device-half-path",
            "then a firewall on the way back never saw the SYN",
        ));
        if mode != Mode::Nat {
            found.push(offer(
                "dr-vip-foreign-subnet-return",
                "then the router drops answers whose source is not of this subnet",
            ));
        }
        if mode != Mode::Dr {
            found.push(offer(
                "nat-return-bypasses-director",
                "then the answer leaves for another MAC than the one that the SYN came from",
            ));
        }
    }
    if others_do_well(facts, group) {
        found.push(offer(
            "packet-loss",
            "then captures on both sides of the next link show it leave and not arrive",
        ));
    }
    found
}

/// Reset by somebody.
fn cut(by: By) -> Vec<Candidate> {
    match by {
        By::Between | By::ClientsName | By::ServersName => vec![
            offer(
                "lb-idle-timeout",
                "then these connections were silent for longer than any that lives",
            ),
            offer(
                "ecmp-rehash-wrong-server",
                "then another server's capture shows segments of connections that it never opened",
            ),
            offer(
                "director-no-entry-rst",
                "then the balancer itself sends the reset: its entry for the connection is gone",
            ),
        ],
        By::Client | By::Server => Vec::new(),
    }
}
