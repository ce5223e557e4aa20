//! SYNs that left a host, and nothing behind it was captured.

use super::{BEHIND, checked, marked, nobody_behind, reset_unheeded};
use crate::breaks::{Group, Journey, Milestone, Passage, Sighting};
use crate::correlate::Tuple;
use crate::diagnose::facts::address::claimants::{WrongOne, wrong_one};
use crate::diagnose::facts::shared_bits;
use crate::diagnose::judge::accepted::accepted;
use crate::diagnose::judge::evidence::ASKED;
use crate::diagnose::judge::place::Place;
use crate::diagnose::judge::renewed::{Moved, moved};
use crate::diagnose::judge::{Against, Opinions, marks};
use crate::diagnose::thresholds::{
    JUDGE_NETWORK_BITS as NETWORK_BITS, JUDGE_NETWORK_BITS_V6 as NETWORK_BITS_V6,
};
use crate::diagnose::{Facts, Names};
use crate::topology::Mode;
use crate::trace::ConnectionId;

/// What tells a NAT between that has no port left.
const NAT_FULL: &str = "then the NAT between has no free port for this destination: it counts failed allocations (Azure: failed SNAT connections; AWS NAT gateway: ErrorPortAllocation; Google Cloud NAT: OUT_OF_RESOURCES), only new connections fail, and those to other destinations work";

/// What tells a bridge that sends nothing back where it came from.
const NO_HAIRPIN: &str = "the caller itself was chosen, and gets its own SYN back from the address of the host that translates; a bridge sends nothing out of the port that it came in by unless that port is in hairpin mode: then 'bridge -d link show' there says 'hairpin off' (kubelet --hairpin-mode, the CNI plugin's hairpinMode), and the caller's own capture shows no SYN come back";

/// What tells a host that lacks an address it is sent packets for, and forwards.
const TURNED_ROUND: &str = "this host takes none of these for itself and sends each back to whom it came from: then 'ip -br addr show' and 'ip route show table local' there lack the address, which a balancer that keeps the destination wants its servers to have (a cloud's agent sets it), and 'sysctl net.ipv4.ip_forward' says 1";

/// Whether a host sent what came in back to whom it came from, as it was.
fn turned_round(facts: &Facts, group: &Group) -> bool {
    let round = |id: &ConnectionId| {
        let places = Journey::of(facts, *id, true, Milestone::Syn).0;
        let out = |came: &Sighting| {
            places.iter().any(|left| {
                left.passage == Passage::Out
                    && (left.host, left.tuple) == (came.host, came.tuple)
                    && left.to.is_some()
                    && left.to == came.from
            })
        };
        places.iter().any(|came| came.passage == Passage::In && came.host.is_some() && out(came))
    };
    !group.connections.is_empty() && group.connections.iter().take(ASKED).all(round)
}

/// It left, and nothing behind was captured.
pub(in crate::diagnose::judge) fn unseen(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if nobody_behind(facts, group, opinions) || reset_unheeded(facts, group, opinions) {
        return;
    }
    if let Some(WrongOne { whom, serves, at, .. }) = wrong_one(facts, group) {
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
    if turned_round(facts, group) {
        opinions.possible("rs-missing-vip", TURNED_ROUND);
        opinions.possible("rs-silent", "this host is a router with one interface, and who is behind it does not answer: then the server's own capture shows the SYN and no answer");
        return;
    }
    let place = Place::of(facts, group);
    if place.adds_options() {
        opinions.possible("ip-option-drop", "then the next host's capture shows none of them, and those without IP options arrive: many networks drop packets with options");
    }
    if place.calls() && place.some_do_well() {
        called(&place, opinions);
    }
    // What does well went the same way, with the same addresses.
    if mode == Mode::Unknown && place.relays() && !place.relays_well() {
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
    let near = |id: &ConnectionId| {
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
