//! Datagrams that nothing answers, and questions that had to be asked again.

use super::evidence::{ASKED, came_in, kept_before, many_ports};
use super::{Against, Opinions};
use crate::breaks::apart::Trait;
use crate::breaks::{
    Apart, Fault, Group, Journey, Manner, Milestone, Passage, dropped, heard_late, service_fault,
};
use crate::diagnose::Facts;
use crate::diagnose::facts::way::passing::through;
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use crate::wire::fault::Service;

/// One of two questions that left one port together was answered, the other only when it was
/// asked again.
pub(super) fn late(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let alone = |id: &ConnectionId| heard_late(facts, *id).is_some();
    if let Some(against) = not_found_out(facts, group) {
        opinions.refuted(&["packet-loss", "dns-conntrack-race-5s"], &against);
        return;
    }
    if group.connections.iter().take(ASKED).all(alone) {
        opinions.possible(
            "packet-loss",
            "then a capture at the next host lacks the question or the answer; if the server's own has the question each time and no answer to the first, it is busy, or waits for those that it asks itself",
        );
        return;
    }
    if let Some((next, at)) = kept_before(facts, group) {
        let why = "the question did not come to the host that translates";
        opinions.refuted(&["dns-conntrack-race-5s"], &Against { why, at: Some(at) });
        opinions.possible(
            "packet-loss",
            format!("the question that left there did not come to {next}, which has its twin: then a device between counts drops, and questions asked alone are lost as well"),
        );
        return;
    }
    opinions.possible(
        "dns-conntrack-race-5s",
        "then 'conntrack -S' on the host that translates (a cluster: the node of who asks) counts insert_failed with each, and questions that are asked alone are never lost",
    );
    opinions.possible(
        "packet-loss",
        "then a capture at the next host lacks the question or the answer, and questions asked alone are lost as well",
    );
}

/// Whether each question had an answer, which says that the name server could not find the name out: it waited itself
/// for those that it asks, and nothing was lost here.
fn not_found_out(facts: &Facts, group: &Group) -> Option<Against> {
    let said = |id: &ConnectionId| {
        let (leg, spoken, Fault(service, _)) = service_fault(facts, *id)?;
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let each = service == Service::Dns && back.packets >= there.packets;
        each.then(|| facts.at(leg, spoken.mark))
    };
    let all: Option<Vec<At>> = group.connections.iter().take(ASKED).map(said).collect();
    let why = "every question was answered, and the answer is SERVFAIL";
    Some(Against { why, at: all?.first().copied() })
}

/// SIP and SIP over TLS (RFC 3261, section 19.1.2).
const SIP: [u16; 2] = [5060, 5061];

/// What a server sends again and again to a client that had spoken before.
pub(super) fn servers(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if SIP.contains(&facts.topology.service(group.service).port) {
        opinions.possible(
            "control-channel-address",
            "then what the server names in Record-Route, Contact or Via is an address that the client cannot reach, or one of before its NAT's",
        );
    }
    opinions.possible(
        "packet-loss",
        "then the client's own capture lacks them: where a NAT or a firewall before it has forgotten the client, those that come soon after a word of its own pass",
    );
}

/// Answers that left and did not come in at who asked.
pub(super) fn answers(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if group.manner == Manner::Swallowed {
        opinions.possible("nat-director-not-forwarding", "then a rule for forwarded packets on this host counts them ('iptables -L FORWARD -nvx', 'nft list ruleset'), or 'conntrack -L -p udp' there has no entry any more that they belong to");
        opinions.possible(
            "rp-filter-drop",
            "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each",
        );
        return;
    }
    let fragmented = |id: &ConnectionId| {
        let mut legs = facts.legs(*id).iter();
        legs.any(|leg| facts.vantage(leg).fragments_of(facts.reply(leg)).any(|(_, p)| p.laters > 0))
    };
    if group.connections.iter().take(ASKED).all(fragmented) {
        opinions.possible("ip-fragments-split", "then who is on the way drops fragments, or those behind the first: answers that fit into one packet arrive (DNS: 'dig +bufsize=1232', and EDNS buffers of 1232 bytes on the server)");
    }
    opinions.possible(
        "packet-loss",
        "then a capture at the next host lacks a part of the answers, of any size",
    );
}

/// The address that a host puts in its clients' place in other connections of theirs, where it sends
/// on with their own what this group's ask.
fn untranslated(facts: &Facts, group: &Group) -> Option<Ip> {
    // It left with the addresses and ports that it came with.
    let left = group.last.filter(|last| last.passage == Passage::Out && last.tuple == 0)?;
    let (host, first) = (left.host?, *group.connections.first()?);
    let came = |id: &ConnectionId| {
        let journey = Journey::of(facts, *id, true, Milestone::Data).0;
        journey.iter().any(|s| s.host == Some(host) && s.passage == Passage::In)
    };
    if !group.connections.iter().take(ASKED).all(came) {
        return None;
    }
    let others = facts.requests_from(facts.connection(first).front.client.0);
    others.into_iter().filter(|(id, c)| *id != first && c.progress.answered).find_map(|(id, _)| {
        let way = through(facts, id, host)?;
        (!way.keeps_client(facts)).then(|| way.tuple(facts))?.map(|tuple| tuple.client.0)
    })
}

/// Devices on the way keep what UDP set up for two minutes, some for less (RFC 4787, section 4.3; RFC 9308, section
/// 3.2: 30 s and less are seen), nanoseconds.
const FORGOTTEN_NS: i64 = 15_000_000_000;

/// The shortest silence before what is sent in vain, where each of a group was silent for so long that a device on
/// the way may have forgotten it, nanoseconds.
fn silent_before(facts: &Facts, group: &Group) -> Option<i64> {
    let silence = |id: &ConnectionId| {
        let dropped = dropped(facts, *id)?;
        let (leg, first) = (dropped.leg, dropped.asked.first());
        let heard = if dropped.forward { facts.reply(leg) } else { facts.forward(leg) };
        (heard.last.frame() < first.frame()).then(|| first.since(heard.last))
    };
    let all: Option<Vec<i64>> = group.connections.iter().map(silence).collect();
    all?.into_iter().min().filter(|ns| *ns >= FORGOTTEN_NS)
}

/// The clients that set a group apart from what is answered.
fn whose(group: &Group) -> Option<&str> {
    let of_client = |a: &&Apart| matches!(a.what, Trait::ClientNetwork | Trait::Client);
    let apart =
        group.apart.iter().find(|a| of_client(a) && a.well.0 == 0 && a.broken.0 == a.broken.1);
    apart.map(|apart| apart.value.as_str())
}

pub(super) fn judge(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let answered = |id: &ConnectionId| dropped(facts, *id).is_some();
    if let Some(ns) = silent_before(facts, group) {
        opinions.possible("lb-idle-timeout", format!("then what stands between the two (a balancer, a NAT, a firewall) forgets who is silent: all of these had been for {:.0} s or longer before the first that is not answered; one that talks on has no such trouble, and a new connection is answered", ns as f64 / 1e9));
    }
    if group.connections.iter().any(answered) {
        opinions.possible(
            "ecmp-rehash-wrong-server",
            "then the datagrams reach another server than the one that answered before, which does not know the connection: its own capture shows them",
        );
    }
    if let Some(own) = untranslated(facts, group) {
        opinions.possible("masquerade-missing", format!("other connections of these clients leave this host with its address {own} in place of theirs, and these with their own: then no rule of it masquerades this protocol or destination ('iptables-save -t nat -c', 'nft list ruleset', the network plugin's own), and who is asked knows no way back"));
    }
    if let Some(whose) = whose(group).filter(|_| came_in(group)) {
        opinions.possible("forward-rule-drop", format!("those of {whose} come in here and are dropped, and others' to the same service are answered: then, if this host sends them on, a rule tells them apart by who asks, of a firewall or of a network plugin: 'iptables -L FORWARD -nvx', 'nft list ruleset'; in a cluster 'kubectl get networkpolicies -A', also one that rules what leaves these clients (egress)"));
        opinions.possible("rs-silent", "then, if the service is this host's own, a rule of its firewall for what comes in counts them: 'iptables -L INPUT -nvx', 'nft list ruleset'");
        opinions.possible(
            "rp-filter-drop",
            "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each",
        );
    } else if came_in(group) {
        opinions.possible(
            "rs-silent",
            "then 'ss -lun' on this host shows nobody on the port, or a rule of its firewall counts them",
        );
        opinions.possible(
            "rp-filter-drop",
            "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each",
        );
    } else {
        opinions.possible(
            "rs-silent",
            "then the server's own capture shows the datagram and no answer",
        );
        opinions.unless(
            many_ports(facts, group),
            "udp-stale-entry",
            "then 'ipvsadm -Lnc' or 'conntrack -L -p udp' on the host that translates has the client's port with a server that the service lists no more",
        );
        opinions.possible(
            "udp-reply-from-rip",
            "then the server's own capture shows the answer leave from another address",
        );
    }
}
