//! What would decide an unexplained symptom of connections: what the host says where a packet
//! ended, else a capture where none was taken.

use super::settles::{at_place, counters, next_stated};
use super::who_said;
use crate::breaks::{Break, By, Manner, Packet, Passage};
use crate::correlate::Tuple;
use crate::diagnose::words::commands::cluster;
use crate::diagnose::words::{Names, Wanted, agree, list, to_capture_all};
use crate::diagnose::{Facts, Sighting, ToConfirm};
use crate::topology::HostId;
use crate::trace::{Cloud, ConnectionId, Trace};
use crate::wire::{Outer, Tunnel};

/// Captures that are asked for at most: who takes more of them reads none.
const MOST: usize = 4;

/// What to ask or to capture, most telling first.
pub(in crate::diagnose) fn captures(facts: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let broken = sightings.iter().find_map(|s| facts.breaks.broken(s.connection?));
    if broken.is_some_and(|b| matches!(b.packet, Packet::Syn | Packet::SynAck))
        && sightings.iter().filter_map(|s| s.connection).all(|id| facts.shows_one_way(id))
    {
        return other_direction(facts, sightings).into_iter().collect();
    }
    let told = broken.map_or(Told::Elsewhere, |b| told(facts, b));
    let mut found = broken.map_or_else(Vec::new, |b| who_said::checks(facts, sightings, b));
    if !found.is_empty() {
        return found;
    }
    if told != Told::Elsewhere {
        found.extend(broken.and_then(|b| at_place(facts, b)));
    }
    if told == Told::AndBeyond {
        found.extend(broken.and_then(|b| at_next(facts, b)));
    }
    if found.is_empty() {
        found = at_servers(facts, sightings, broken);
    }
    if found.is_empty() {
        found = in_between(facts, sightings, broken);
    }
    if found.is_empty() {
        found.extend(broken.and_then(|b| at_place(facts, b)));
    }
    found.truncate(MOST);
    found
}

/// Of captures that hold one direction alone the other one.
fn other_direction(facts: &Facts, sightings: &[Sighting]) -> Option<ToConfirm> {
    let id = sightings.iter().find_map(|s| s.connection)?;
    let service = facts.service(id);
    let of = Wanted { addresses: &[service.vip], ports: &[service.port], ..Wanted::default() };
    let label = &facts.vantage(facts.legs(id).first()?).label;
    Some(to_capture_all(
        format!(
            "the place of the capture {label}, in both directions (a mirror of both, both halves of the tap, or tcpdump without -Q)"
        ),
        "both",
        of,
        "shows whether it is answered there",
    ))
}

/// What to run for a symptom that has nothing of its own to ask: where its break shows, else on
/// the host that it names.
pub(in crate::diagnose) fn settles(facts: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let found = captures(facts, sightings);
    if !found.is_empty() {
        return found;
    }
    let vip = sightings.iter().find_map(|s| match s.connection {
        Some(id) => Some(facts.service(id).vip),
        None => s.address,
    });
    let ids = || sightings.iter().filter_map(|s| s.connection);
    let captured = |host: &HostId| facts.is_captured(*host);
    let server = ids().find_map(|id| facts.server(id)?.host.filter(captured));
    let at = server.or_else(|| ids().find_map(|id| facts.host_of(facts.legs(id).first()?)));
    let Some((host, vip)) = at.zip(vip) else { return Vec::new() };
    let (command, why) = counters(vip);
    vec![ToConfirm { host: Names(facts).place(host), command, why: why.to_owned() }]
}

/// Whether the host where a packet was last seen can tell what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It can: its own capture shows that it took the packet in, or that it did the harm.
    Here,
    /// It sent it, by a way that it can tell; who got it tells more.
    AndBeyond,
    /// It sent it, and that is all.
    Elsewhere,
}

fn told(facts: &Facts, broken: &Break) -> Told {
    let Some(last) = broken.last else { return Told::Elsewhere };
    let Some(host) = last.host.filter(|host| facts.is_captured(*host)) else {
        return if next_stated(facts, broken).is_some() { Told::Here } else { Told::Elsewhere };
    };
    let serves = facts.server(broken.connection).and_then(|s| s.host) == Some(host);
    let came = matches!(last.passage, Passage::In | Passage::Loopback);
    match broken.manner {
        // Who waited for it cannot say why it came late.
        Manner::Late if came && !serves && is_awaited(broken.packet) => Told::Elsewhere,
        Manner::Swallowed | Manner::Cut(By::Client | By::Server) => Told::Here,
        Manner::Error | Manner::Closed | Manner::Refused if serves => Told::Here,
        Manner::UnseenBeyond | Manner::Late | Manner::Unmatched if came => Told::Here,
        Manner::UnseenBeyond | Manner::LostBetween if is_syn_ack(facts, broken) => Told::AndBeyond,
        _ if next_stated(facts, broken).is_some() => Told::Here,
        _ => Told::Elsewhere,
    }
}

/// Whether what did not get through is a SYN-ACK, of a health check too.
fn is_syn_ack(facts: &Facts, broken: &Break) -> bool {
    let answered = || facts.connection(broken.connection).progress.answered;
    broken.packet == Packet::SynAck || broken.packet == Packet::HealthCheck && answered()
}

/// Whether what is late comes from the server's side.
fn is_awaited(packet: Packet) -> bool {
    !packet.is_forward() || packet == Packet::HealthCheck
}

/// On whom the packet was sent to, where that one was not captured.
fn at_next(facts: &Facts, broken: &Break) -> Option<ToConfirm> {
    let next = broken.next.or(broken.last?.to)?;
    if facts.is_captured(next) || is_fabric(facts, next) {
        return None;
    }
    let service = facts.service(broken.connection);
    let shows = format!("shows whether the {} arrives there and is sent on", word(broken.packet));
    let (addresses, ports) = ([service.vip], [service.port]);
    let tunnel = tunnel(facts, broken.connection);
    let words = is_said(broken);
    let of = Wanted { addresses: &addresses, ports: &ports, words, tunnel, ..Wanted::default() };
    Some(to_capture_all(Names(facts).place(next), "next", of, &shows))
}

/// On the real servers that were not captured.
fn at_servers(facts: &Facts, sightings: &[Sighting], broken: Option<&Break>) -> Vec<ToConfirm> {
    let names = Names(facts);
    let mut asked = Vec::new();
    let mut found = Vec::new();
    for id in sightings.iter().filter_map(|s| s.connection) {
        let service = facts.service(id);
        let Some(server) = facts.server(id) else { continue };
        let host = server.host.or_else(|| server.address.and_then(|ip| facts.host_by_ip(ip)));
        let captured = host.is_some_and(|h| facts.is_captured(h) || is_fabric(facts, h));
        let key = (server.host, server.address);
        if captured || asked.contains(&key) {
            continue;
        }
        asked.push(key);
        let name = host.map_or_else(
            || server.address.map_or_else(|| "the real server".to_owned(), |ip| ip.to_string()),
            |h| names.host(h),
        );
        let addresses: Vec<_> = [Some(service.vip), server.address].into_iter().flatten().collect();
        let words = broken.is_some_and(is_said);
        // Most pods have no shell, and none has tcpdump; what its program says needs neither.
        let pod = server.address.filter(|_| cluster::is_clusters(facts, service));
        let said = matches!(
            broken.map(|b| b.packet),
            Some(Packet::Datagram | Packet::Request | Packet::Response)
        );
        found.extend(pod.filter(|_| said && found.is_empty()).map(cluster::says));
        found.push(to_capture_all(
            pod.map_or_else(
                || format!("real server {name}"),
                |ip| format!("the node of {ip}, in the pod's network (nsenter -t PID -n)"),
            ),
            &format!("rs-{}", name.replace(':', "-")),
            Wanted {
                addresses: &addresses,
                ports: &[server.port],
                words,
                tunnel: tunnel(facts, id),
                ..Wanted::default()
            },
            shows_at_server(broken),
        ));
    }
    found
}

/// In which tunnel packets of a connection were seen, which hides their addresses from a filter.
fn tunnel(facts: &Facts, id: ConnectionId) -> Option<Tunnel> {
    facts.legs(id).iter().find_map(|leg| Outer::kind_of(leg.of(&facts.vantages).key.tunnel))
}

/// Whether a host is a cloud's network, or one of its own services behind that, on which nobody captures.
fn is_fabric(facts: &Facts, host: HostId) -> bool {
    let host = facts.topology.hosts.get(host);
    host.fabric || host.macs.iter().any(|mac| Trace::is_everybodys(*mac))
}

/// What a capture at a real server decides.
fn shows_at_server(broken: Option<&Break>) -> &'static str {
    let Some(broken) = broken else {
        return "shows whether the packets arrive, and what is answered";
    };
    match (broken.packet, broken.manner) {
        (_, Manner::Cut(By::Client)) => {
            "shows whether what the client sent last arrives, and what is answered"
        }
        (_, Manner::Cut(_)) => {
            "shows whether the reset leaves there: if it does not, somebody between sent it"
        }
        (Packet::Syn | Packet::HealthCheck, Manner::Error | Manner::Closed) => {
            "shows what is asked and answered"
        }
        (Packet::HealthCheck, Manner::Late) => {
            "shows whether the answer leaves so late there: then its program, or whom that asks, takes longer than whoever checks waits"
        }
        (Packet::Syn, Manner::Late) => {
            "shows which of the SYNs arrive, and which of them it answers"
        }
        (Packet::Syn | Packet::HealthCheck, _) => {
            "shows whether the SYN arrives, whether it is answered, and to which MAC the answer leaves"
        }
        (Packet::SynAck, _) => {
            "shows to which MAC the SYN-ACK leaves, and whether the client's ACK arrives"
        }
        (Packet::Ack | Packet::Greeting, _) => {
            "shows whether the client's ACK arrives, and whether the server says anything"
        }
        (Packet::Datagram | Packet::ServerDatagram, _) => {
            "shows whether the datagram arrives, and from which address an answer leaves"
        }
        (_, Manner::Error) => "shows whether the error is the server's own",
        (Packet::Request | Packet::Response, _) => {
            "shows whether the request arrives, and which segments of the answer leave, and when"
        }
    }
}

/// On the director, where it was not captured, or on what may stand for one.
fn in_between(facts: &Facts, sightings: &[Sighting], broken: Option<&Break>) -> Vec<ToConfirm> {
    let Some(id) = sightings.iter().find_map(|s| s.connection) else { return Vec::new() };
    let service = facts.service(id);
    let packet = broken.map_or("SYN", |b| word(b.packet));
    let shows = match broken.map(|b| b.manner) {
        Some(Manner::Cut(_)) => {
            "shows whether the reset comes in there or begins there, and from whom".to_owned()
        }
        _ => format!("shows whether the {packet} arrives there and to whom it is sent on"),
    };
    let ids = || sightings.iter().filter_map(|s| s.connection);
    let addresses = first_few(ids().map(|id| facts.service(id).vip));
    let ports = first_few(ids().map(|id| facts.service(id).port));
    // Whoever balances may translate the service's address and port, and then keeps its client's.
    let clients = first_few(ids().map(|id| facts.connection(id).front.client.0));
    let of = Wanted {
        addresses: &addresses,
        ports: &ports,
        clients: &clients,
        words: broken.is_some_and(is_said),
        tunnel: tunnel(facts, id),
    };
    let take = |whose: String, name: &str| to_capture_all(whose, name, of, &shows);
    if let Some(director) = service.directors.first() {
        let captured = service.directors.iter().any(|d| facts.is_captured(d.host));
        if captured || is_fabric(facts, director.host) {
            return Vec::new();
        }
        return vec![take(Names(facts).director(service), "director")];
    }
    // Nobody balances before a neighbour's own address, and what goes over lo leaves no host.
    if is_answered_on_the_link(facts, id) || service.vip.addr().is_loopback() {
        return Vec::new();
    }
    // Nobody captures on the fabric of a cloud, nor on its balancer.
    let fabric = facts.topology.hosts.iter().any(|(_, host)| host.fabric);
    let cloud = facts.cloud();
    let mut found = Vec::new();
    if fabric || cloud.is_some() {
        let whose = cloud.map_or("a cloud", Cloud::name);
        found.push(ToConfirm {
            host: format!("the balancer or NAT between, if it is {whose}'s"),
            command: "# its flow log, the health of its targets, and what it counts of refused, dropped and failed connections".to_owned(),
            why: format!("shows whether it took the {packet}, and to whom it was sent on"),
        });
    }
    if fabric {
        return found;
    }
    let caller = facts.host_by_ip(facts.connection(id).front.client.0);
    if caller.is_some_and(|host| facts.is_captured(host) && facts.serves_and_calls(host)) {
        // Whom a proxy calls is mostly the server itself.
        let called: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let it = agree(called.len(), "it", "them");
        let whose = format!("{}, or on what balances for {it}", list(&called));
        found.push(take(whose, "server"));
    } else {
        let whose = if cloud.is_some() {
            "the director, if it is a machine of yours"
        } else {
            "whatever balances, if that is a machine of yours, else the next router"
        };
        found.push(take(whose.to_owned(), "director"));
    }
    found
}

/// Each once, as many as are asked for.
fn first_few<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut few = Vec::new();
    for one in all {
        if few.len() < MOST && !few.contains(&one) {
            few.push(one);
        }
    }
    few
}

/// Whether the caller's own frames go to a host that has the address itself: nobody balances
/// before it on this link.
fn is_answered_on_the_link(facts: &Facts, id: ConnectionId) -> bool {
    let vip = facts.service(id).vip;
    facts.legs(id).iter().any(|leg| {
        let tuple = Tuple::of(leg.of(&facts.vantages), leg.client);
        tuple.server.0 == vip
            && facts.is_client_side(id, leg)
            && facts
                .vantage(leg)
                .first_hop(facts.forward(leg))
                .and_then(|hop| facts.host_by_mac(hop.link.dst))
                .is_some_and(|to| facts.is_captured(to) && facts.topology.hosts.claims_ip(to, vip))
    })
}

/// Whether what was said decides: something that stood was ended, or answered with an error.
fn is_said(broken: &Break) -> bool {
    matches!(broken.manner, Manner::Cut(_) | Manner::Error | Manner::Closed)
}

fn word(packet: Packet) -> &'static str {
    match packet {
        Packet::Syn | Packet::HealthCheck => "SYN",
        Packet::SynAck => "SYN-ACK",
        Packet::Ack | Packet::Greeting => "client's ACK",
        Packet::Request | Packet::Response => "request",
        Packet::Datagram | Packet::ServerDatagram => "datagram",
    }
}
