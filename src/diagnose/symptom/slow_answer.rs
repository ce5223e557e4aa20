//! Answers that come far later than the other real servers'.

use super::broken;
use super::worded;
use crate::breaks::{Fate, Fault, InVain, Manner, Packet, Unanswered, service_fault};
use crate::diagnose::words::{count, list};
use crate::diagnose::{Facts, Proof, Sighting, Wording};
use crate::trace::ConnectionId;
use crate::wire::Ip;
use crate::wire::fault::Service;
use std::collections::BTreeSet;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| {
        let said = [Packet::Response, Packet::Request, Packet::Greeting, Packet::Datagram];
        said.contains(&group.packet) && broken::is_late(group)
    })
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let mut proofs = broken::proofs(f, sighting);
    proofs.extend(behind(f, sighting));
    if let Some(id) = sighting.connection
        && let Some((leg, question, resolver, _)) = Unanswered::of(f).meanwhile(f, id)
    {
        let note = format!("meanwhile the server asks {resolver} for a name, in vain");
        let at = proofs.len().min(1);
        proofs.splice(at..at, f.proof(leg, question, note));
    } else if let Some(id) = sighting.connection
        && let Some(called) = InVain::of(f).meanwhile(f, id)
    {
        let whom = called.whom.0.with_port(called.whom.1);
        let at = proofs.len().min(1);
        let note = format!("meanwhile the server calls {whom}, in vain");
        proofs.splice(at..at, f.proof(called.leg, called.syn, note));
    }
    proofs
}

/// How the connection that a proxy opened for a client's stood, where that was late.
fn behind(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let found = broken::of(f, sighting).and_then(|b| Some((b.connection, b.behind?)));
    let Some((id, behind)) = found.filter(|(_, b)| b.manner == Manner::Late) else {
        return Vec::new();
    };
    let opened = f.pairs.backends.get(&id.0).into_iter().flatten().map(|leg| ConnectionId(*leg));
    let at = behind.last.at;
    let mut legs = opened.flat_map(|leg| f.legs(leg)).filter(|leg| leg.vantage == at.vantage);
    let Some(leg) = legs.find(|leg| [f.forward(leg).syn, f.reply(leg).syn].contains(&at.mark))
    else {
        return vec![Proof::at(at, "what the proxy's own connection sends again")];
    };
    let (there, back) = (f.forward(leg), f.reply(leg));
    let opens = f.proof(leg, there.syn, "the SYN of the proxy's own connection");
    opens.into_iter().chain(f.proof(leg, back.syn, "the SYN-ACK to it")).collect()
}

/// The name servers that servers asked in vain while each of these answers was waited for.
fn sought_in_vain(f: &Facts, sightings: &[Sighting]) -> Option<String> {
    let unanswered = Unanswered::of(f);
    let ids = sightings.iter().filter_map(|s| s.connection);
    let asked = ids.map(|id| Some(unanswered.meanwhile(f, id)?.2));
    let resolvers: BTreeSet<Ip> = asked.collect::<Option<_>>()?;
    if resolvers.is_empty() {
        return None;
    }
    Some(list(&resolvers.iter().map(Ip::to_string).collect::<Vec<_>>()))
}

/// Whom servers called in vain while each of these answers was waited for.
fn called_in_vain(f: &Facts, sightings: &[Sighting]) -> Option<String> {
    let vain = InVain::of(f);
    let ids = sightings.iter().filter_map(|s| s.connection);
    let called = ids.map(|id| Some(vain.meanwhile(f, id)?.whom));
    let called: BTreeSet<(Ip, u16)> = called.collect::<Option<_>>()?;
    if called.is_empty() {
        return None;
    }
    Some(list(&called.iter().map(|(ip, port)| ip.with_port(*port)).collect::<Vec<_>>()))
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    let greeting = |s: &Sighting| broken::of(f, s).is_some_and(|b| b.packet == Packet::Greeting);
    if sightings.iter().all(greeting) {
        let of = |s: &Sighting| s.connection.into_iter().flat_map(|id| f.legs(id));
        let again = sightings.iter().flat_map(of).any(|leg| f.reply(leg).syns > 1);
        let meanwhile = if again {
            "Meanwhile its kernel sends the SYN-ACK again, as if the client's ACK had not come."
        } else {
            "Nothing was lost meanwhile."
        };
        return worded(
            f,
            sightings,
            format!("servers greet only after {wait}"),
            format!(
                "the connection stands at once, and the server, which speaks first in this protocol, says its first word after up to {wait}. {meanwhile} Servers that look up a client's name, or ask its ident port (113), greet when that times out, and so does a proxy that first waits for what the client says (Envoy's listener_filters_timeout, as Istio has it for ports whose protocol was not named).{}",
                if is_timer(f, sightings) { " All waited as long: somebody's timer." } else { "" }
            ),
        );
    }
    let gone = |s: &&Sighting| s.connection.is_some_and(|id| f.breaks.fate(id) == Fate::Failed);
    let gone = sightings.iter().filter(gone).count();
    if gone > 0 && gone == sightings.len() {
        return worded(
            f,
            sightings,
            format!("answers come after up to {wait}, when the client has gone"),
            "the client closes while it waits, the answer comes after that, and the client's kernel resets it and takes none of it.",
        );
    }
    if let Some(resolvers) = sought_in_vain(f, sightings) {
        return worded(
            f,
            sightings,
            format!("answers wait up to {wait} for a name server that does not answer"),
            format!(
                "between request and answer the server itself asks {resolvers} for a name, gets no answer, and goes on when its resolver gives up (resolv.conf: 5 s for each try). The name server is to be mended, or taken out of the server's resolv.conf; or what asks for names of clients switched off."
            ),
        );
    }
    if let Some(whom) = called_in_vain(f, sightings) {
        return worded(
            f,
            sightings,
            format!("answers wait up to {wait} for {whom}, which does not answer"),
            format!(
                "between request and answer the server itself calls {whom}, gets no answer to its SYNs, and goes on after as long each time, when it gives up. What it asks there is to be reachable from the server (a rule for what goes out, a proxy that it should use), or not to be asked: in a TLS handshake a list of revoked certificates or OCSP, else a service behind it."
            ),
        );
    }
    let connects = |s: &Sighting| {
        let behind = broken::of(f, s).and_then(|b| b.behind);
        behind.is_some_and(|b| {
            b.manner == Manner::Late && matches!(b.packet, Packet::Syn | Packet::SynAck)
        })
    };
    if sightings.iter().all(connects) {
        return worded(
            f,
            sightings,
            format!("answers wait up to {wait} until a proxy reaches its server"),
            format!(
                "the client's connection stands at once; the one that the proxy opens for it stands only after repeats, up to {wait} after its first SYN, and the client waits meanwhile."
            ),
        );
    }
    if sightings.iter().all(|s| s.connection.is_some_and(|id| is_servfail(f, id))) {
        return worded(
            f,
            sightings,
            format!("names are not found out: SERVFAIL, after up to {wait}"),
            "the name is asked for again and again, and the answer that comes at last says that the server could not find it out. A name server says so when those that it asks itself (its forwarders, or the servers of the zone) do not answer it: it is they, or its way to them.",
        );
    }
    worded(
        f,
        sightings,
        format!("answers come up to {wait} later than they should"),
        format!(
            "the answer took far longer than those of the other real servers, or bytes or questions waited for timers until they were sent again.{}",
            left_before(gone)
        ),
    )
}

/// Whether the answer says that a name server could not find a name out.
fn is_servfail(f: &Facts, id: ConnectionId) -> bool {
    service_fault(f, id).is_some_and(|(.., Fault(service, _))| service == Service::Dns)
}

/// Whether several waited as long as each other, to one part in twenty.
fn is_timer(f: &Facts, sightings: &[Sighting]) -> bool {
    let waits = || sightings.iter().filter_map(|s| broken::of(f, s)).map(|b| b.cost_ns);
    let (least, most) = (waits().min().unwrap_or(0), waits().max().unwrap_or(0));
    sightings.len() > 2 && most - least <= most / 20
}

/// Of some the client had closed before.
fn left_before(gone: usize) -> String {
    if gone == 0 {
        return String::new();
    }
    format!(" To {} it came when the client had closed, and was reset.", count(gone, "connection"))
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}
