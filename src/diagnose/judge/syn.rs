//! SYNs that nobody answers.

use super::accepted::accepted;
use super::evidence::{ASKED, arrived, none_does_well, none_does_well_here, unstamped};
use super::place::Place;
use super::renewed::{Moved, moved};
use super::{Against, Opinions, marks};
use crate::breaks::{Fate, Group, Journey, Milestone, Packet, Passage, Sighting};
use crate::correlate::Tuple;
use crate::diagnose::facts::claimants::wrong_one;
use crate::diagnose::facts::multicast_answers::not_taken;
use crate::diagnose::facts::passing::passed;
use crate::diagnose::facts::shared_bits;
use crate::diagnose::facts::tunnel_ends::{about_tunnel, unreached};
use crate::diagnose::thresholds::{
    JUDGE_NETWORK_BITS as NETWORK_BITS, JUDGE_NETWORK_BITS_V6 as NETWORK_BITS_V6,
};
use crate::diagnose::{Facts, Names};
use crate::topology::Mode;
use crate::trace::{At, ConnectionId};

/// Whether the host where the packet ended was asked by an address that it owns.
fn asked_by_own_address(facts: &Facts, group: &Group) -> bool {
    let (Some(last), Some(id)) = (group.last, group.connections.first()) else { return false };
    let asked = facts.connection(*id).front.server.0;
    last.host.is_some_and(|host| facts.host_by_ip(asked) == Some(host))
}

/// What tells a node that counts no endpoint of its own.
const NO_ENDPOINT: &str = "then 'iptables-save -c | grep \"no local endpoints\"' on this host has a rule that counts them";
pub(super) const OVERFLOWS: &str =
    "then 'nstat -az TcpExtListenOverflows TcpExtListenDrops' grows with each";
pub(super) const TABLE_FULL: &str = "then the kernel's log of this host says 'nf_conntrack: table full', and 'conntrack -S' counts drop";
const FORWARD: &str = "then a rule for forwarded packets counts them, or a NetworkPolicy leaves these clients out: 'iptables -L FORWARD -nvx', 'nft list ruleset', 'kubectl get networkpolicies -A'";
pub(super) const FILTERED: &str =
    "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each";

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

/// What the SYNs say by themselves fits better than where they end.
fn marked(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if let Some((host, source)) = marks::own_source(facts, group) {
        let who = Names(facts).place(host);
        opinions.possible("healthcheck-source-blocked", format!("their source {source} is an address of {who} itself, as it states: a kernel drops what comes from outside in its own name; then 'ip route get {source}' there says local, and with net.ipv4.conf.all.log_martians=1 its log says 'martian source'. kube-proxy in IPVS mode puts the addresses of all services on kube-ipvs0, a balancer's too"));
    }
    if let Some(source) = marks::from_loopback(facts, group) {
        opinions.possible("masquerade-missing", format!("their source is {source}, which is each host's own: whoever gets them drops them or answers himself. The host that translates what it calls itself has to put its own address in their place; then 'iptables-save -t nat -c | grep MASQUERADE' there has no rule that counts them (KUBE-MARK-MASQ of a cluster's node), and net.ipv4.conf.all.route_localnet is 1"));
    }
    if marks::ecn_alone(facts, group) {
        opinions.possible("forward-rule-drop", "exactly the SYNs that ask for ECN (flags ECE and CWR) stay unanswered, of all services here: a firewall on the way drops them; then they are answered after 'sysctl -w net.ipv4.tcp_ecn=0' on the client");
    }
    if marks::all_older(facts, group) {
        opinions.possible("tw-recycle-nat-timestamps", "each of these SYNs carries an older TCP timestamp than one of the same address that was answered before; then TcpExtPAWSPassive or PAWSActive grows and net.ipv4.tcp_tw_recycle is 1 (Linux before 4.12)");
    }
}

/// It came in from an address that its receiver has itself, and nothing else is asked.
pub(super) fn from_its_receiver(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    marked(facts, group, opinions);
    let why = "its receiver has its source address itself: it comes to no rule and no socket";
    opinions.refuted(SOCKET, &Against { why, at: group.last.map(|last| last.at) });
}

/// It came in, and nothing of it was seen again.
pub(super) fn swallowed(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let place = Place::of(facts, group);
    if let Some(against) = place.no_socket() {
        return kept_from_others(facts, group, &against, opinions);
    }
    if let Some(against) = leaves_unread(facts, group) {
        opinions.refuted(HERE, &against);
        return unseen(facts, group, opinions);
    }
    if nobody_behind(facts, group, opinions) {
        return;
    }
    marked(facts, group, opinions);
    checked(group, opinions);
    // A node answers ARP for an address of a service that it then drops, so owning it refutes
    // nothing here.
    let node = hands_on(facts, group);
    let nobody = none_does_well_here(facts, group);
    // Another host of the service takes what this one does not, none of it.
    let elsewhere = nobody.is_some() && none_does_well(facts, group).is_none();
    if let Some(served) = &node {
        opinions.possible("node-without-local-endpoint", format!("{NO_ENDPOINT}; it sends on what comes for {served}, so compare the node names of kube-proxy (--hostname-override) and of its pods"));
    } else if elsewhere {
        opinions.possible("node-without-local-endpoint", format!("{NO_ENDPOINT}: another host takes what comes for this service, and this one none of it"));
    }
    // What fits stands above; what does not, below.
    let fits = opinions.has("tw-recycle-nat-timestamps");
    opinions.unless(nobody, "accept-queue-overflow", OVERFLOWS);
    opinions.unless(nobody, "conntrack-table-full", TABLE_FULL);
    if !fits {
        opinions.unless(nobody.or(unstamped(facts, group)), "tw-recycle-nat-timestamps", "then TcpExtPAWSPassive or PAWSActive grows and net.ipv4.tcp_tw_recycle is 1 (Linux before 4.12)");
    }
    let own = asked_by_own_address(facts, group);
    let owns = Against {
        why: "the host where it ends owns the address that is asked for",
        at: group.last.map(|last| last.at),
    };
    // One that lacks the address by right has it neither if this is the cause nor if it is not.
    let passes = place.passes_on_for_the_address();
    let another = place.announced_by_another();
    if let Some(at) = passes {
        let why = "the host where it ends passes on what comes for this address on another port";
        opinions.refuted(HAS_IT_NOT, &Against { why, at: Some(at) });
        opinions.possible("forward-rule-drop", FORWARD);
    } else if let Some(at) = another {
        let why = "another host is the VRRP master here: this one lacks its address by right";
        opinions.refuted(HAS_IT_NOT, &Against { why, at: Some(at) });
        opinions.possible("garp-missing-stale-arp", "another host is the VRRP master here, and these come to this one: then the address is the master's, and the neighbour that sent them ('ip neigh', 'show ip arp' there) still has this host's MAC for it");
    } else {
        opinions.unless(
            own.then_some(owns),
            "rs-missing-vip",
            "then 'ip -br addr show' on this host lacks the address that is asked for",
        );
    }
    opinions.possible("rp-filter-drop", FILTERED);
    let source = group.connections.first().map(|id| {
        let c = facts.connection(*id);
        let last = c.tuples > 1 && group.last.is_some_and(|last| last.tuple > 0);
        c.back.filter(|_| last).unwrap_or(c.front).client.0
    });
    let way_back = source.map_or_else(String::new, |ip| {
        format!("; or it has no way back to {ip}: 'ip route get {ip}' says so")
    });
    opinions.possible("rs-silent", format!("then a rule of this host's firewall counts them: 'iptables -L INPUT -nvx', 'nft list ruleset'{way_back}"));
    if node.is_none() && !elsewhere && passes.is_none() && another.is_none() {
        opinions.possible("node-without-local-endpoint", NO_ENDPOINT);
    }
    if let Some(came) = arrived(group) {
        opinions.refuted(&["packet-loss"], &came);
    }
}

/// What tells a host that has no port of its own left for one more connection to a server.
const PORTS_GONE: &str = "then this host, which puts its own address in the clients' place, has no port left towards this server: connections that have one go on and new ones do not; a firewall counts failed translations, Linux insert_failed in 'conntrack -S'";

/// Whether the host where the packet ended puts another address in the place of those whom it serves.
fn hides_clients(facts: &Facts, group: &Group) -> bool {
    let Some(host) = group.last.and_then(|last| last.host) else { return false };
    let others = passed(facts, group.service, host);
    !others.is_empty() && others.iter().all(|way| !way.keeps_client(facts))
}
/// Causes of a host that lacks the address or an endpoint of it.
const HAS_IT_NOT: &[&str] = &["rs-missing-vip", "node-without-local-endpoint"];

/// Causes of a host that is to answer by itself.
pub(super) const SOCKET: &[&str] = &[
    "rs-silent",
    "rs-missing-vip",
    "accept-queue-overflow",
    "tw-recycle-nat-timestamps",
    "node-without-local-endpoint",
];

/// Causes of a host that keeps what comes in.
const HERE: &[&str] = &[
    "accept-queue-overflow",
    "conntrack-table-full",
    "tw-recycle-nat-timestamps",
    "forward-rule-drop",
    "rp-filter-drop",
];

/// Whether what does well is not seen to leave the host either, and its answers come to it from
/// elsewhere: it leaves in a form that is not read (ESP), or by an interface that was not captured.
fn leaves_unread(facts: &Facts, group: &Group) -> Option<Against> {
    let host = group.last?.host?;
    let well = |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Well;
    let mut ids = facts.requests_to(group.service).map(|(id, _)| id).filter(well).take(ASKED);
    let at = ids.find_map(|id| {
        let here = |forward| {
            let all = Journey::of(facts, id, forward, Milestone::Syn).0;
            all.into_iter().filter(|s| s.host == Some(host)).collect::<Vec<_>>()
        };
        let came = |s: &Sighting| s.passage == Passage::In;
        let (there, back) = (here(true), here(false));
        let kept = !there.is_empty() && there.iter().all(came);
        back.into_iter().find(|s| kept && came(s)).map(|s| s.at)
    })?;
    let why = "what does well is not seen to leave this host either, and is answered: it leaves in a form that is not read here, or by an interface that was not captured";
    Some(Against { why, at: Some(at) })
}

/// The host passes on what others send to this service.
fn kept_from_others(facts: &Facts, group: &Group, against: &Against, opinions: &mut Opinions) {
    // A client that gets through at other times meets no rule.
    if Place::of(facts, group).some_do_well() {
        opinions.possible("conntrack-table-full", TABLE_FULL);
        opinions.possible("forward-rule-drop", FORWARD);
    } else {
        opinions.possible("forward-rule-drop", FORWARD);
        opinions.possible("conntrack-table-full", TABLE_FULL);
    }
    if hides_clients(facts, group) {
        opinions.possible("fullnat-source-port-exhaustion", PORTS_GONE);
    }
    opinions.possible("rp-filter-drop", FILTERED);
    opinions.refuted(SOCKET, against);
    if let Some(came) = arrived(group) {
        opinions.refuted(&["packet-loss"], &came);
    }
}

/// What tells a NAT between that has no port left.
const NAT_FULL: &str = "then the NAT between has no free port for this destination: it counts failed allocations (Azure: failed SNAT connections; AWS NAT gateway: ErrorPortAllocation; Google Cloud NAT: OUT_OF_RESOURCES), only new connections fail, and those to other destinations work";

/// It left the caller's own host, and other calls of it are answered.
fn called(place: &Place<'_, '_>, opinions: &mut Opinions) {
    if place.serves() {
        opinions.possible("l4-self-access-hairpin", "then the balancer chose the caller itself, a share of its calls as large as its share of the pool, and kept its address: a cloud's balancer with client IP preservation drops that, or the caller's own capture with '-i any' shows a SYN from itself come back");
    }
    // Who has the address is on this very link.
    let near = place.next_owns().then_some(Against {
        why: "the next hop itself claims the address that is asked for: no NAT is between",
        at: None,
    });
    opinions.unless(near, "fullnat-source-port-exhaustion", NAT_FULL);
}

/// Whether all clients of a group are in the network of the real server that they were
/// translated to, as far as addresses tell.
fn in_servers_network(facts: &Facts, group: &Group) -> bool {
    let near = |id: &crate::trace::ConnectionId| {
        let c = facts.connection(*id);
        // Where the client's address was replaced, answers come back to who did that.
        let kept =
            |back: &Tuple| back.server.0 != c.front.server.0 && back.client.0 == c.front.client.0;
        let server = c.back.filter(kept).map(|back| back.server.0);
        let bits = if c.front.client.0.is_v4() { NETWORK_BITS } else { NETWORK_BITS_V6 };
        server.is_some_and(|server| shared_bits(server, c.front.client.0) >= bits)
    };
    !group.connections.is_empty() && group.connections.iter().all(near)
}

/// Whether the caller itself was chosen for each of these, in the name of the host that translated.
fn called_itself(facts: &Facts, group: &Group) -> bool {
    let itself = |id: &ConnectionId| {
        let c = facts.connection(*id);
        let chosen =
            |back: Tuple| back.server.0 == c.front.client.0 && back.client.0 != back.server.0;
        c.back.is_some_and(chosen)
    };
    !group.connections.is_empty() && group.connections.iter().all(itself)
}

/// What tells a bridge that sends nothing back where it came from.
const NO_HAIRPIN: &str = "the caller itself was chosen, and gets its own SYN back from the address of the host that translates; a bridge sends nothing out of the port that it came in by unless that port is in hairpin mode: then 'bridge -d link show' there says 'hairpin off' (kubelet --hairpin-mode, the CNI plugin's hairpinMode), and the caller's own capture shows no SYN come back";

/// Causes of who is behind the last router.
const BEHIND: &[&str] = &[
    "rs-silent",
    "rs-missing-vip",
    "nat-return-bypasses-director",
    "dr-vip-foreign-subnet-return",
    "masquerade-missing",
];

/// It left, and nothing behind was captured.
pub(super) fn unseen(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if nobody_behind(facts, group, opinions) {
        return;
    }
    if let Some((whom, serves, at)) = wrong_one(facts, group) {
        let (whom, serves) = (Names(facts).full(whom), Names(facts).full(serves));
        opinions.possible("vip-arp-conflict", format!("several answer for the address: all of these were sent to {whom}, and those sent to {serves} are served; then only {serves} is to have it, or to announce it"));
        let why = "another host that answers for the address serves those who are sent to it";
        opinions.refuted(BEHIND, &Against { why, at: Some(at) });
        return;
    }
    marked(facts, group, opinions);
    checked(group, opinions);
    let mode = facts.topology.service(group.service).mode;
    if let Some(Moved { old, new, .. }) = moved(facts, group).filter(|_| mode != Mode::Dr) {
        opinions.possible("garp-missing-stale-arp", format!("these go to {old}, which says nothing any more, while their address sends from {new}: then 'ip neigh' on the host that sends them there still has {old}"));
    }
    let place = Place::of(facts, group);
    if place.adds_options() {
        opinions.possible("ip-option-drop", "then the next host's capture shows none of them, and those without IP options arrive: many networks drop packets with options");
    }
    if place.calls() && place.some_do_well() {
        called(&place, opinions);
    }
    if mode == Mode::Unknown && place.relays() {
        opinions.possible("masquerade-missing", "then what this host asks the same server itself is answered: it passes these on with their own source, to which the server knows no way");
        opinions.possible("fabric-anti-spoof", "then they leave here and do not arrive at the next host: a cloud's network drops sources and destinations that it does not know (EC2: source/destination check, routes of the VPC)");
    }
    if called_itself(facts, group) {
        opinions.possible("l4-self-access-hairpin", NO_HAIRPIN);
    }
    if in_servers_network(facts, group) {
        opinions.possible("nat-same-subnet-client", "then the real server's own capture shows a SYN-ACK that leaves for the client's own MAC");
    }
    if place.some_do_well() && marks::translated_between(facts, group) {
        opinions.possible("fullnat-source-port-exhaustion", NAT_FULL);
    }
    let accepted = accepted(facts, group);
    if let Some(n) = accepted.mute {
        opinions.possible("accept-queue-overflow", format!("the same server accepted {n} before, and has said no word on any of them: its program takes nobody out of the queue, which is full then; 'ss -ltn' there shows Recv-Q above Send-Q, and TcpExtListenOverflows grows"));
    }
    opinions
        .possible("rs-silent", "then the real server's own capture shows the SYN and no answer");
    if matches!(mode, Mode::Nat | Mode::Unknown) {
        opinions.unless(accepted.here, "nat-return-bypasses-director", "then the real server's own capture shows a SYN-ACK that leaves for another MAC than the director's");
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
