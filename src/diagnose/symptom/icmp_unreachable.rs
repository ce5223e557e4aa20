//! ICMP or ICMPv6 unreachable that quotes a connection's packet.

use super::super::facts::refusal::refusals::Says;
use super::super::facts::way::tunnel_ends::{about_tunnel, unreached};
use super::super::{Candidate, Facts, Proof, Sighting, Wording};
pub(in crate::diagnose) use super::next::captures as next;
use super::worded;
use crate::breaks::Fate;
use crate::flow::IcmpErrorKind;
use crate::topology::Ordinary;
use crate::trace::At;
use crate::wire::Ip;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let mut last = None;
    let mut found = Vec::new();
    // Who rejects an answer says more than that it is nobody's question.
    let told = |id| matches!(facts.ordinary(id), None | Some(Ordinary::StrayAnswer));
    for tied in facts.errors.iter().filter(|tied| told(tied.connection)) {
        let error = &facts.vantages[tied.vantage.index()].errors[tied.error as usize];
        if matches!(error.kind, IcmpErrorKind::Unreachable { .. }) && last != Some(tied.connection)
        {
            last = Some(tied.connection);
            let failed = facts.breaks.fate(tied.connection) == Fate::Failed;
            found.push(Sighting::of(tied.connection, failed));
        }
    }
    found
}

/// What a code says (RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3.1).
pub(in crate::diagnose) fn meaning(kind: u8, code: u8) -> &'static str {
    match (kind, code) {
        (3, 0) | (1, 0) => "network unreachable",
        (3, 1) | (1, 3) => "host unreachable",
        (3, 2) => "protocol unreachable",
        (3, 3) | (1, 4) => "port unreachable",
        (3, 9 | 10 | 13) | (1, 1) => "administratively prohibited",
        _ => "unreachable",
    }
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    facts
        .errors_of(id)
        .filter_map(|(vantage, error)| match error.kind {
            IcmpErrorKind::Unreachable { kind, code } => Some(Proof {
                at: At { vantage, mark: error.mark },
                note: format!("ICMP {} ({kind}/{code}) from {}", meaning(kind, code), error.src),
            }),
            _ => None,
        })
        .take(2)
        .collect()
}

/// Whether it is the very host that was asked which says that nobody has the port.
fn says_nobody(facts: &Facts, sighting: &Sighting) -> bool {
    let Some(id) = sighting.connection else { return false };
    let c = facts.connection(id);
    let asked = c.front.server.0;
    c.protocol.is_datagrams()
        && facts.ordinary(id).is_none()
        && facts.errors_of(id).any(|(_, e)| {
            Says::of(e.kind) == Some(Says::Port) && e.src == asked && e.quote.dst == asked
        })
}

/// Who says of a tunnel's packet that its end cannot be reached, and which end, of all of them the same.
fn unreached_end(facts: &Facts, sightings: &[Sighting]) -> Option<(Ip, Ip)> {
    let one = |s: &Sighting| {
        facts
            .errors_of(s.connection?)
            .find_map(|(vantage, e)| Some((e.src, unreached(facts, vantage, e)?)))
    };
    let first = one(sightings.first()?)?;
    sightings.iter().all(|s| one(s) == Some(first)).then_some(first)
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    if sightings.iter().all(|s| says_nobody(facts, s)) {
        return worded(
            facts,
            sightings,
            "datagrams are refused: ICMP port unreachable",
            "the address that was asked says that it has nobody on the port: nothing listens there, or a rule rejects in its name.",
        );
    }
    let tunnelled = |s: &Sighting| {
        s.connection.is_some_and(|id| {
            facts.errors_of(id).any(|(vantage, e)| about_tunnel(facts, vantage, e))
        })
    };
    if let Some((by, end)) = unreached_end(facts, sightings) {
        return worded(
            facts,
            sightings,
            format!("ICMP says that the tunnel's end {end} cannot be reached"),
            format!(
                "{by} says of the packet around theirs that it cannot reach {end}: that host is down, or {by} has no way to it."
            ),
        );
    }
    if sightings.iter().all(tunnelled) {
        return worded(
            facts,
            sightings,
            "ICMP says that nobody takes the tunnel's packets",
            "the host to which the tunnel leads reports that it could not deliver the packet around theirs.",
        );
    }
    worded(
        facts,
        sightings,
        "ICMP says that packets cannot be delivered",
        "a host reports that it could not deliver one of their packets.",
    )
}

pub(in crate::diagnose) fn blind(_: &Facts) -> Option<String> {
    None
}

/// What an unexplained unreachable may come from, by what it says.
pub(in crate::diagnose) fn suspects(facts: &Facts, sightings: &[Sighting]) -> Vec<Candidate> {
    let ids = sightings.iter().filter_map(|s| s.connection);
    let said: Vec<Says> = ids.flat_map(|id| facts.refusals(id)).map(|r| r.says).collect();
    let table = [
        (
            Says::Host,
            "rs-unreachable",
            "then the director's own capture shows ARP questions for a real server without a reply",
        ),
        (
            Says::Host,
            "vip-unowned",
            "then the last router's own capture shows ARP questions for the VIP without a reply",
        ),
        (
            Says::Port,
            "ipvs-no-destination",
            "then the director's own capture shows that no SYN goes on to a real server",
        ),
        (
            Says::Port,
            "rs-admin-prohibited",
            "then a real server's own capture shows that it sends the error",
        ),
        (
            Says::Prohibited,
            "rs-admin-prohibited",
            "then a real server's own capture shows that it sends the error",
        ),
    ];
    let mut found: Vec<Candidate> = Vec::new();
    for (says, id, tell) in table {
        if said.contains(&says) && found.iter().all(|c| c.id != id) {
            found.push(Candidate { id: id.into(), tell_apart: tell.to_owned() });
        }
    }
    found
}
