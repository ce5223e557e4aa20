//! SYN-ACKs that do not come through: the server is not silent.

use super::evidence::{
    ASKED, answered, came_to_caller, has_it, in_tunnel, none_does_well, other_exit, other_vlan,
    strange_syn_ack, translated_back,
};
use super::{Against, Opinions};
use crate::breaks::apart::Trait;
use crate::breaks::{Group, Manner, Passage};
use crate::diagnose::Facts;
use crate::diagnose::facts::state::unheeded_answers::{self, Unheeded};
use crate::diagnose::words::Names;
use crate::topology::Mode;
use crate::trace::ConnectionId;
use crate::wire::Ip;

/// Causes of a server that says nothing.
const SILENT: &[&str] = &[
    "rs-silent",
    "rs-missing-vip",
    "node-without-local-endpoint",
    "accept-queue-overflow",
    "tw-recycle-nat-timestamps",
];

/// Causes by which the SYN-ACK does not come to the client.
const ARRIVED: &[&str] = &[
    "fabric-anti-spoof",
    "stateful-device-half-path",
    "dr-vip-foreign-subnet-return",
    "packet-loss",
];

/// The same, where it is the client's ACK that may be lost.
const ON_THE_WAY: &[&str] = &[
    "fabric-anti-spoof",
    "stateful-device-half-path",
    "dr-vip-foreign-subnet-return",
    "nat-return-bypasses-director",
    "nat-director-not-forwarding",
];

/// SYN-ACKs that were sent again and again where a capture holds one direction alone.
pub(super) fn one_way(opinions: &mut Opinions) {
    opinions.possible("packet-loss", "then a capture of the other direction at the same place lacks the clients' ACKs, and who drops them, or the SYN-ACKs before them, lies on either way");
    opinions.possible("stateful-device-half-path", "then a capture of the other direction shows the ACKs, or a firewall between, which sees one direction only, drops them");
}

pub(super) fn judge(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let mode = facts.topology.service(group.service).mode;
    if may_end_here(group) && matches!(mode, Mode::Dr | Mode::Unknown) {
        opinions.possible("dr-reply-via-director", "then it comes to a host that owns the address which it comes from, as where the director is the real servers' router, and is dropped as a martian");
    }
    if group.manner == Manner::Rejected || told_by_frames(facts, group, opinions) {
        // Who turned it back, or the frames at the client, say what became of it.
    } else if group.manner == Manner::Swallowed {
        if group.connections.iter().take(ASKED).all(|id| !facts.connection(*id).progress.syn) {
            opinions.possible("stateful-device-half-path", "no SYN of these came by this host: then it went another way, and this host, which filters by state, drops an answer to what it never saw begin; 'conntrack -S' here counts invalid, and a firewall's log says so. Both directions are to take one way (AWS transit gateway: appliance mode on the attachment)");
        }
        opinions.possible("dr-reply-via-director", "then this host owns the address that the SYN-ACK comes from, and drops it as a martian");
        opinions.possible(
            "nat-director-not-forwarding",
            "then 'sysctl net.ipv4.ip_forward' on this host is 0, or a rule of FORWARD counts them",
        );
        opinions.possible("rp-filter-drop", "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each: its own route to the server is by another interface");
        opinions.possible(
            "forward-rule-drop",
            "then a rule for forwarded packets, or one of the network plugin, counts them",
        );
        if let Some(tunnel) = in_tunnel(facts, group) {
            opinions.possible("tunnel-not-decapsulated", format!("it comes in {0}, and nothing here shows it out of it: then the interface of that {0} takes none from the outer address that these packets have, or of another identifier; 'bridge fdb show' and 'ip -s -d link' on this host tell what it knows and counts", tunnel.name()));
        }
    } else if group.manner == Manner::Unmatched {
        // Who has no connection with the sender of a SYN-ACK never called that address.
        if let Some((asked, answers)) = other_port(facts, group) {
            opinions.possible("conntrack-invalid-rst", format!("the SYN-ACKs come from the very address that was called, and from port {answers} where {asked} was asked for: then that host itself gives its answers another source, by an entry that is none of these connections', in netfilter ('conntrack -L -p tcp', 'nft list ruleset') or in a program of the network plugin ('tc filter show dev IFACE egress', 'cilium bpf ct list global')"));
            let why = "they come from the address that was called";
            let at = group.last.map(|last| last.at);
            opinions.refuted(
                &["nat-return-bypasses-director", "nat-same-subnet-client"],
                &Against { why, at },
            );
        } else if mode != Mode::Dr {
            opinions.possible(
                "nat-return-bypasses-director",
                "then the answer leaves for another MAC than the one that the SYN came from, and nobody translates it back",
            );
            opinions.possible(
                "nat-same-subnet-client",
                "then only clients on the server's own link fail, and the answer leaves for their own MAC",
            );
        }
        if !opinions.has("conntrack-invalid-rst") {
            opinions.possible(
                "conntrack-invalid-rst",
                "then a filter on the way kept the connection from being translated back",
            );
        }
        let came = Against {
            why: "a RST answers the SYN-ACK, so it arrived",
            at: group.last.map(|last| last.at),
        };
        opinions.refuted(ARRIVED, &came);
    } else if let Some(at) = strange_syn_ack(facts, group) {
        opinions.possible("synproxy-side-effects", "the client resets each first SYN-ACK, which its kernel does where that acknowledges another number than its SYN's, and its next SYN is accepted: a filter against floods proves sources so (SYN authentication of a scrubbing service, a firewall's SYN proxy); then it ends when that protection is off");
        let why =
            "the SYN-ACK came to the client, which resets it and is accepted with its next SYN";
        opinions.refuted(ARRIVED, &Against { why, at: Some(at) });
    } else if let Some((host, address)) = not_its_own(facts, group) {
        opinions.possible("garp-missing-stale-arp", format!("they come to {host} for {address}, which it shows nowhere as its own, and none of the SYNs left here: then {address} is another host's by now, and its neighbours still have the MAC of this one ('ip neigh show {address}' on the router; 'ip -br addr show to {address}' here prints nothing); an announcement from the host that has it mends that"));
        let why = "they come to the host that their last hop takes for the client";
        let at = group.last.map(|last| last.at);
        opinions.refuted(
            &[
                "fabric-anti-spoof",
                "dr-vip-foreign-subnet-return",
                "nat-return-bypasses-director",
                "packet-loss",
            ],
            &Against { why, at },
        );
    } else if let Some(passed) = passed_later(facts, group) {
        opinions.refuted(ON_THE_WAY, &passed);
    } else if let Some(came) = came_to_caller(facts, group) {
        opinions.possible("packet-loss", "then the server's own capture lacks the client's ACK");
        opinions.refuted(ON_THE_WAY, &came);
    } else {
        if let Some((asked, answered)) = other_vlan(facts, group) {
            opinions.possible("vlan-mismatch", format!("the SYNs come in VLAN {asked} and the SYN-ACKs go in VLAN {answered}: then the port of who answers, or a switch on the way, has the wrong VLAN, and nobody hears them there"));
        }
        if let Some((came, left)) = other_exit(facts, group) {
            opinions.possible("stateful-device-half-path", format!("the SYN-ACKs leave by another interface ({left}) than the SYNs came in by ({came}): then a firewall or router there never saw the SYN and drops them; 'ip rule' and 'ip route get' on this host tell why"));
        }
        if let Some(wait) = has_it(facts, group) {
            opinions.possible("stateful-device-half-path", format!("the client sends its SYN once, while the SYN-ACK is sent again for {wait}: it has got the SYN-ACK, as who has none asks again after a second, and its ACK is lost on the way here, at a firewall that saw one direction only; or it gave up within that second, or its address is forged"));
        }
        // What is answered to the balancer's other addresses is answered in a name that may pass.
        let given = given_alone(group).filter(|_| mode == Mode::FullNat);
        if let Some(given) = given {
            opinions.possible("nat-return-bypasses-director", format!("all of these came from {given}, one of the balancer's own addresses, and those from its others do well: then the way back to {given} leads elsewhere, or a filter knows only the others: 'ip route get {given}' on the server and on each router between, 'ip -br addr show to {given}' on the balancer"));
        }
        if given.is_none() {
            opinions.possible("fabric-anti-spoof", "then the answer leaves with a source that its port may not use (EC2: source/destination check)");
        }
        opinions.possible(
            "stateful-device-half-path",
            "then a firewall on the way back never saw the SYN",
        );
        if !matches!(mode, Mode::Nat | Mode::FullNat) {
            opinions.possible(
                "dr-vip-foreign-subnet-return",
                "then the router drops answers whose source is not of this subnet",
            );
        }
        // What goes to the translator's own address, or left it translated, does not pass it by.
        let back = translated_back(facts, group);
        if !matches!(mode, Mode::Dr | Mode::FullNat) {
            opinions.unless(
                back,
                "nat-return-bypasses-director",
                "then the answer leaves for another MAC than the one that the SYN came from",
            );
        }
    }
    // Whether it reached a host that had to send it on is not told.
    if may_end_here(group) && mode != Mode::Dr {
        opinions.possible("nat-director-not-forwarding", "then the host that translates gets it and does not send it on: 'sysctl net.ipv4.ip_forward' is 0 there, or a rule of FORWARD counts them");
        opinions.possible(
            "rp-filter-drop",
            "then 'nstat -az TcpExtIPReversePathFilter' on that host grows with each",
        );
    }
    if !matches!(group.manner, Manner::Unmatched | Manner::Rejected) {
        opinions.unless(
            none_does_well(facts, group),
            "packet-loss",
            "then captures on both sides of the next link show it leave and not arrive",
        );
    }
    if let Some(syn_ack) = answered(facts, group) {
        opinions.refuted(SILENT, &syn_ack);
    }
}

/// The address of the balancer's own that sets a group apart.
fn given_alone(group: &Group) -> Option<&str> {
    let apart = group.apart.iter().find(|apart| apart.what == Trait::LocalAddress)?;
    Some(apart.value.as_str())
}

/// The SYN was asked again, so the SYN-ACK was lost, and the same one came through a moment later by the same way,
/// which so is open.
fn passed_later(facts: &Facts, group: &Group) -> Option<Against> {
    let plain = group.manner == Manner::Late
        && other_vlan(facts, group).is_none()
        && other_exit(facts, group).is_none()
        && has_it(facts, group).is_none();
    let why = "the same SYN-ACK, sent again, came through by the same way";
    plain.then_some(Against { why, at: group.last.map(|last| last.at) })
}

/// The last that is seen of it is that it passed, or came in, at a host of which is not told that it
/// sent nothing on.
fn may_end_here(group: &Group) -> bool {
    group.manner == Manner::UnseenBeyond
        && group.last.is_some_and(|last| matches!(last.passage, Passage::Passing | Passage::In))
}

/// Whether the SYN-ACKs that clients reset say themselves why: they came too late, or acknowledge what
/// was not sent. What that may come from.
fn told_by_frames(facts: &Facts, group: &Group, opinions: &mut Opinions) -> bool {
    if group.manner != Manner::Unmatched {
        return false;
    }
    let ids = group.connections.iter().take(ASKED);
    let told: Option<Vec<Unheeded>> =
        ids.map(|id| unheeded_answers::of(facts, *id).map(|(_, why)| why)).collect();
    let Some(told) = told else { return false };
    let late = |why: &Unheeded| matches!(why, Unheeded::Late(_));
    if told.iter().all(late) {
        opinions.possible(
            "network-latency",
            "then a ping, or the handshake of another program on this way, takes as long",
        );
    } else if !told.iter().any(late) {
        opinions.possible("stateful-device-half-path", "then a firewall that changes sequence numbers passes the SYN alone, and the SYN-ACK comes back around it: its own capture shows no SYN-ACK");
    } else {
        return false;
    }
    true
}

/// The port that was asked for and one that answers, where all SYN-ACKs come from the address that was called, and from
/// other ports of it.
fn other_port(facts: &Facts, group: &Group) -> Option<(u16, u16)> {
    let ports = |id: &ConnectionId| {
        let c = facts.connection(*id);
        let back = c.back?;
        let same = back.server.0 == c.front.server.0 && back.client == c.front.client;
        (same && back.server.1 != c.front.server.1).then_some((c.front.server.1, back.server.1))
    };
    let all: Option<Vec<(u16, u16)>> = group.connections.iter().take(ASKED).map(ports).collect();
    all?.first().copied()
}

/// The capturing host and the client's address, where SYN-ACKs come in for an address that this host shows nowhere as its
/// own, of SYNs that did not leave here.
fn not_its_own(facts: &Facts, group: &Group) -> Option<(String, Ip)> {
    let host = group.last?.host.filter(|host| may_end_here(group) && facts.is_captured(*host))?;
    let own = &facts.topology.hosts.get(host).ips;
    let mut clients = group.connections.iter().take(ASKED).map(|id| {
        let c = facts.connection(*id);
        (c.progress.syn, c.front.client.0)
    });
    let (opened, address) = clients.next()?;
    let strange = !opened && !own.is_empty() && !own.contains(&address);
    let one = clients.all(|(syn, client)| !syn && client == address);
    (strange && one).then(|| (Names(facts).place(host), address))
}
