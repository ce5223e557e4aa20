//! SYNs that came in at a host, and of which nothing was seen again.

use super::{
    FILTERED, OVERFLOWS, SOCKET, TABLE_FULL, checked, marked, nobody_behind, reset_unheeded, unseen,
};
use crate::breaks::{Fate, Group, Journey, Milestone, Passage, Sighting};
use crate::diagnose::Facts;
use crate::diagnose::facts::address::waiting_answers::next_hop_sought;
use crate::diagnose::facts::way::passing::passed;
use crate::diagnose::judge::evidence::{
    ASKED, arrived, none_does_well, none_does_well_here, unstamped,
};
use crate::diagnose::judge::place::Place;
use crate::diagnose::judge::{Against, Opinions};
use crate::trace::ConnectionId;

/// What tells a node that counts no endpoint of its own.
const NO_ENDPOINT: &str = "then 'iptables-save -c | grep \"no local endpoints\"' on this host has a rule that counts them";
const FORWARD: &str = "then a rule for forwarded packets counts them, or a NetworkPolicy leaves these clients out: 'iptables -L FORWARD -nvx', 'nft list ruleset', 'kubectl get networkpolicies -A'";
/// What tells a host that has no port of its own left for one more connection to a server.
const PORTS_GONE: &str = "then this host, which puts its own address in the clients' place, has no port left towards this server: connections that have one go on and new ones do not; a firewall counts failed translations, Linux insert_failed in 'conntrack -S'";
/// Causes of a host that lacks the address or an endpoint of it.
const HAS_IT_NOT: &[&str] = &["rs-missing-vip", "node-without-local-endpoint"];
/// Causes of a host that keeps what comes in.
const HERE: &[&str] = &[
    "accept-queue-overflow",
    "conntrack-table-full",
    "tw-recycle-nat-timestamps",
    "forward-rule-drop",
    "rp-filter-drop",
];

/// It came in, and nothing of it was seen again.
pub(in crate::diagnose::judge) fn swallowed(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let place = Place::of(facts, group);
    if let Some(against) = place.no_socket() {
        return kept_from_others(facts, group, &against, opinions);
    }
    if let Some(against) = leaves_unread(facts, group) {
        opinions.refuted(HERE, &against);
        return unseen(facts, group, opinions);
    }
    if nobody_behind(facts, group, opinions) || reset_unheeded(facts, group, opinions) {
        return;
    }
    marked(facts, group, opinions);
    checked(group, opinions);
    if let Some((_, ask)) = next_hop_sought(facts, group) {
        let target = ask.target;
        opinions.possible("arp-unanswered", format!("this host serves others, and while each of these waited it asked for {target} in vain: then that is the next hop of its answers, and none could leave: 'ip route get CLIENT' here names it, 'ip neigh show {target}' says FAILED or INCOMPLETE"));
    }
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

/// Whether the host where the packet ended was asked by an address that it owns.
fn asked_by_own_address(facts: &Facts, group: &Group) -> bool {
    let (Some(last), Some(id)) = (group.last, group.connections.first()) else { return false };
    let asked = facts.connection(*id).front.server.0;
    last.host.is_some_and(|host| facts.host_by_ip(asked) == Some(host))
}

/// A service that the host where the packet ended sends on, as a node of a cluster does.
fn hands_on(facts: &Facts, group: &Group) -> Option<String> {
    let host = group.last?.host?;
    let mut services = facts.topology.services.iter();
    services.find(|s| s.is_director(host)).map(crate::topology::Service::name)
}

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

/// Whether the host where the packet ended puts another address in the place of those whom it serves.
fn hides_clients(facts: &Facts, group: &Group) -> bool {
    let Some(host) = group.last.and_then(|last| last.host) else { return false };
    let others = passed(facts, group.service, host);
    !others.is_empty() && others.iter().all(|way| !way.keeps_client(facts))
}
