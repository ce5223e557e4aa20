//! SYNs that nobody answers, or of which the first ones were lost.
//!
//! By where they were last seen: they came in and ended there (`swallowed`), left and nothing behind was
//! captured (`unseen`), or got through at last (`late`).

mod late;
mod swallowed;
mod unseen;

pub(super) use late::late;
pub(super) use swallowed::swallowed;
pub(super) use unseen::unseen;

use super::evidence::ASKED;
use super::{Against, Opinions, marks};
use crate::breaks::apart::Trait;
use crate::breaks::{Group, Packet};
use crate::diagnose::facts::address::multicast_answers::not_taken;
use crate::diagnose::facts::refusal::unheeded_resets::unheeded_reset;
use crate::diagnose::facts::way::tunnel_ends::{about_tunnel, unreached};
use crate::diagnose::{Facts, Names};
use crate::trace::{At, ConnectionId};

/// What tells a full queue of accepted connections.
const OVERFLOWS: &str = "then 'nstat -az TcpExtListenOverflows TcpExtListenDrops' grows with each";
/// What tells a full table of connections.
const TABLE_FULL: &str = "then the kernel's log of this host says 'nf_conntrack: table full', and 'conntrack -S' counts drop";
/// What tells the reverse path filter.
const FILTERED: &str = "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each";

/// Causes of a host that is to answer by itself.
const SOCKET: &[&str] = &[
    "rs-silent",
    "rs-missing-vip",
    "accept-queue-overflow",
    "tw-recycle-nat-timestamps",
    "node-without-local-endpoint",
];

/// Causes of who is behind the last router.
const BEHIND: &[&str] = &[
    "rs-silent",
    "rs-missing-vip",
    "nat-return-bypasses-director",
    "dr-vip-foreign-subnet-return",
    "masquerade-missing",
];

/// What health checks alone meet.
fn checked(group: &Group, opinions: &mut Opinions) {
    if group.packet == Packet::HealthCheck {
        opinions.possible(
            "healthcheck-source-blocked",
            "then requests of other sources to this port are answered",
        );
    }
}

/// Whether the router takes none of the answers for the address, as the symptom says itself:
/// nobody behind it is asked.
fn nobody_behind(facts: &Facts, group: &Group, opinions: &mut Opinions) -> bool {
    let vip = facts.topology.service(group.service).vip;
    let Some((vantage, ask)) = not_taken(facts, vip) else { return false };
    let why = "the router before it takes none of the answers for the address: nothing is sent on to a server";
    let at = Some(At { vantage, mark: ask.last });
    opinions.refuted(BEHIND, &Against { why, at });
    true
}

/// Whether a reset that no client heeds answers each of them: whoever makes it is there, and is no stack without a
/// listener, which acknowledges the SYN.
fn reset_unheeded(facts: &Facts, group: &Group, opinions: &mut Opinions) -> bool {
    let resets = group.connections.iter().take(ASKED).map(|id| unheeded_reset(facts, *id));
    let Some(resets) = resets.collect::<Option<Vec<At>>>() else { return false };
    opinions.possible("forward-rule-drop", "then a firewall on the way makes these resets in the server's name: its log counts each, and the server's own capture lacks the SYN or shows no reset leave; what the server itself sends has another TTL");
    opinions.possible("connection-refused", "then the server's own capture shows the reset leave, and 'ss -ltn' there shows nobody on the port: its stack, or a balancer in front, refuses in a form that clients do not heed");
    let why = "a reset comes back in the server's name";
    opinions.refuted(BEHIND, &Against { why, at: resets.first().copied() });
    true
}

/// What the SYNs say by themselves fits better than where they end.
fn marked(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if let Some((host, source)) = marks::own_source(facts, group) {
        let who = Names(facts).place(host);
        opinions.possible("healthcheck-source-blocked", format!("their source {source} is an address of {who} itself, as it states: a kernel drops what comes from outside in its own name; then 'ip route get {source}' there says local, and with net.ipv4.conf.all.log_martians=1 its log says 'martian source'. kube-proxy in IPVS mode puts the addresses of all services on kube-ipvs0, a balancer's too"));
    }
    if let Some(source) = marks::from_loopback(facts, group) {
        opinions.possible("masquerade-missing", format!("their source is {source}, which is each host's own: whoever gets them drops them or answers himself. The host that translates what it calls itself has to put its own address in their place; then 'iptables-save -t nat -c | grep MASQUERADE' there has no rule that counts them (KUBE-MARK-MASQ of a cluster's node), and net.ipv4.conf.all.route_localnet is 1"));
    }
    if let Some(how) = marks::signed(facts, group) {
        let name = how.name();
        opinions.possible("tcp-signature-mismatch", format!("these SYNs are signed ({name}): then who is asked has no key for this address, or another one, and drops them without a word; 'nstat -az TcpExtTCPMD5Unexpected TcpExtTCPMD5Failure TcpExtTCPAOKeyNotFound TcpExtTCPAOBad' there grows with each"));
    } else if marks::others_sign(facts, group) {
        opinions.possible("tcp-signature-mismatch", "others are let in here whose SYNs are signed (TCP MD5, TCP-AO), and these are not: then who is asked has a key for this address as well and drops what has no signature; 'nstat -az TcpExtTCPMD5NotFound TcpExtTCPAORequired' there grows with each");
    }
    if marks::ecn_alone(facts, group) {
        opinions.possible("forward-rule-drop", "exactly the SYNs that ask for ECN (flags ECE and CWR) stay unanswered, of all services here: a firewall on the way drops them; then they are answered after 'sysctl -w net.ipv4.tcp_ecn=0' on the client");
    }
    if let Some((network, server)) = kept_there(group) {
        opinions.possible("ipvs-reuse-to-dead-backend", format!("all of these come from {network} and are sent to {server}, and what comes from elsewhere is not: then whoever balances keeps this network's clients there (persistence, a hash of the source) though it answers no more; 'ipvsadm -Lnc' on it has templates (client port 0) that name it, 'ipvsadm -Ln' its weight, 0 where it was taken out of rotation alone; they are let go with net.ipv4.vs.expire_quiescent_template=1, or when the server is deleted"));
    }
    if let Some(dscp) = group.apart.iter().find(|apart| apart.what == Trait::Dscp) {
        opinions.possible("forward-rule-drop", format!("those that fail have DSCP {} in the SYN, and those that do well another: a device on the way polices or drops that class; then they are answered once they are sent without that mark", dscp.value));
    }
    if marks::all_older(facts, group) {
        opinions.possible("tw-recycle-nat-timestamps", "each of these SYNs carries an older TCP timestamp than one of the same address that was answered before; then TcpExtPAWSPassive or PAWSActive grows and net.ipv4.tcp_tw_recycle is 1 (Linux before 4.12)");
    }
}

/// The network of a group's clients and the server that they are sent to, where both set them apart.
fn kept_there(group: &Group) -> Option<(&str, &str)> {
    let value = |wanted: &[Trait]| {
        let found = group.apart.iter().find(|apart| wanted.contains(&apart.what));
        found.map(|apart| apart.value.as_str())
    };
    value(&[Trait::ClientNetwork]).zip(value(&[Trait::RealServer, Trait::NextMac]))
}

/// It came in from an address that its receiver has itself, and nothing else is asked.
pub(super) fn from_its_receiver(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    marked(facts, group, opinions);
    let why = "its receiver has its source address itself: it comes to no rule and no socket";
    opinions.refuted(SOCKET, &Against { why, at: group.last.map(|last| last.at) });
}

/// SYNs that were sent again and again where a capture holds one direction alone.
pub(super) fn one_way(opinions: &mut Opinions) {
    opinions.possible(
        "rs-silent",
        "then a capture of the other direction at the same place shows no SYN-ACK either",
    );
    opinions.possible("packet-loss", "then a capture of the other direction shows SYN-ACKs, and they do not come to the clients: by a way back that drops them, a filter, or a translation that is missing");
}

/// SYNs that an ICMP error answers: of a tunnel's packet it says that nobody takes it out.
pub(super) fn rejected(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let about = |id: &ConnectionId| {
        let mut errors = facts.errors_of(*id);
        errors.any(|(vantage, error)| about_tunnel(facts, vantage, error))
    };
    let ended = |id: &ConnectionId| {
        let mut errors = facts.errors_of(*id);
        errors.any(|(vantage, error)| unreached(facts, vantage, error).is_some())
    };
    if group.connections.iter().take(ASKED).all(ended) {
        opinions.possible("rs-unreachable", "then 'ip neigh' on the host that says so shows the tunnel's end as FAILED, or 'ip route get' names no way to it");
    } else if group.connections.iter().take(ASKED).all(about) {
        opinions.possible("tunnel-not-decapsulated", "then 'ip -d link' and 'ip fou show' on the host that says so show no interface or port for this tunnel");
    }
}
