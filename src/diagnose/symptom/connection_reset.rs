//! An established connection ended by RST with data lost or a request
//! unanswered.

use super::super::{Candidate, Facts, Proof, Sighting, Wording};
use super::broken::{self, seconds};
use super::{concerned, connections, connections_to};
use crate::breaks::{Manner, Packet, cut_at_once};
use crate::correlate::{Leg, Outcome, is_forestalled, is_thrown_away};
use crate::diagnose::thresholds::{CONNECTION_RESET_CLOSED_NS, CONNECTION_RESET_SILENT_NS};
use crate::diagnose::words::count;
use crate::trace::ConnectionId;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    // A check that is reset asked for nothing: it is told as a check that fails.
    broken::broken_as(facts, |group| {
        matches!(group.manner, Manner::Cut(_)) && group.packet != Packet::HealthCheck
    })
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    for leg in facts.legs(id) {
        for (flow, who) in [(facts.reply(leg), "server"), (facts.forward(leg), "client")] {
            if flow.rst.is_set() {
                let note = format!("RST from the {who}'s side");
                let (there, back) = (facts.forward(leg), facts.reply(leg));
                let after = is_forestalled(there, back).then(|| {
                    facts.proof(
                        leg,
                        back.data,
                        "the server answers after it was said to have reset",
                    )
                });
                return [
                    facts.proof(leg, flow.rst_answers, "the last segment before it"),
                    facts.proof(leg, flow.rst, note),
                    after.flatten(),
                ]
                .into_iter()
                .flatten()
                .collect();
            }
        }
    }
    Vec::new()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "established connections are reset".to_owned(),
        explanation: super::first_words::told(facts, sightings).unwrap_or_else(|| {
            format!("{}{}", how(facts, sightings), by_another(facts, sightings))
        }),
        subjects: concerned(facts, sightings),
    }
}

/// In the middle of an exchange, or all at one moment.
fn how(facts: &Facts, sightings: &[Sighting]) -> String {
    // Most were cut in the middle, and no table is asked for.
    let whole = |id: &ConnectionId| facts.connection(*id).outcome != Outcome::Reset;
    let n = if connections(sightings).any(|id| whole(&id)) {
        let at_once = cut_at_once(facts);
        connections(sightings).filter(|id| at_once.contains(&id.0)).count()
    } else {
        0
    };
    let whom = connections_to(facts, sightings);
    if let Some(moment) = super::reset_moment::told(facts, sightings) {
        return format!("{whom} {moment}");
    }
    let at_once = "stood open and were reset within half a second of each other, though they had been silent for different times: no timer of theirs, but what held them ended, as a proxy or a server that is restarted";
    let cut = "ended with a RST while a request was unanswered or data was on its way";
    let silent: Vec<i64> = connections(sightings).filter_map(|id| silent_ns(facts, id)).collect();
    if n == 0 && !silent.is_empty() && silent.len() == sightings.len() {
        let longest = silent.iter().max().copied().unwrap_or(0);
        let least = silent.iter().min().copied().unwrap_or(0);
        return format!(
            "{whom} were reset after {} to {} without a word from the client: what ended them goes by a timer, a device between or the server. Whether an answer was still to come does not show.",
            seconds(least),
            seconds(longest)
        );
    }
    match n {
        0 if connections(sightings).all(|id| is_before_a_word(facts, id)) => format!(
            "{whom} were reset as soon as they stood, before either side had said a word: so whoever listens there turns a caller away, by a rule on who calls (haproxy: 'tcp-request connection reject') or for want of a server for him."
        ),
        0 => {
            let timed = super::first_words::timed(facts, sightings).unwrap_or_default();
            format!("{whom} {cut}{timed}.")
        }
        n if n == sightings.len() => format!("{whom} {at_once}."),
        n => format!("{whom} {cut}, or {at_once} ({}).", count(n, "connection")),
    }
}

/// Whether the server's side reset a connection as soon as it stood, and nobody had said a word.
fn is_before_a_word(facts: &Facts, id: ConnectionId) -> bool {
    facts.legs(id).iter().any(|leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let mute = there.payload == 0 && back.payload == 0 && !there.fin.is_set();
        let stood = there.opened() && back.accepted() && there.ack.is_set();
        mute && stood
            && back.rst.is_set()
            && (0..CONNECTION_RESET_SILENT_NS).contains(&back.rst.since(there.ack))
    })
}

/// How long a client was silent before it was reset in the server's name, nanoseconds, where that is no
/// answer to anything.
fn silent_ns(facts: &Facts, id: ConnectionId) -> Option<i64> {
    let silent = |leg: &Leg| {
        let back = facts.reply(leg);
        Some(back.rst.get()?.since(back.rst_answers.get()?))
    };
    facts.legs(id).iter().filter_map(silent).max().filter(|ns| *ns >= CONNECTION_RESET_SILENT_NS)
}

/// That somebody else than the server sent resets in its name.
fn by_another(facts: &Facts, sightings: &[Sighting]) -> String {
    let answered = |id: &ConnectionId| {
        let mut legs = facts.legs(*id).iter();
        legs.any(|leg| is_forestalled(facts.forward(leg), facts.reply(leg)))
    };
    let n = connections(sightings).filter(answered).count();
    if n == 0 {
        return on_closed(facts, sightings);
    }
    format!(
        " In {} the server's answer came after the RST: a device on the way sent that in its name, as firewalls do that read what is asked.",
        if n == sightings.len() { "all of them".to_owned() } else { count(n, "connection") }
    )
}

/// That the server had closed already.
fn on_closed(facts: &Facts, sightings: &[Sighting]) -> String {
    let n = connections(sightings).filter(|id| was_closed(facts, *id)).count();
    if n == 0 {
        return String::new();
    }
    let whom = if n == sightings.len() { "all of them".to_owned() } else { count(n, "connection") };
    let longest = connections(sightings).filter_map(|id| used_after(facts, id)).max();
    let used = longest.map_or_else(String::new, |ns| {
        format!(
            " It had closed up to {} before: who sent the request did not look, and used a connection that its peer had let go. A pool has to test what it takes out, or to let idle ones go sooner than the other side does.",
            seconds(ns)
        )
    });
    let limit = closes_after(facts, sightings).map_or_else(String::new, |ns| {
        format!(" It closes what nothing was said on for {}.", seconds(ns))
    });
    format!(
        " In {whom} the server had answered and closed before, and took no more of what its client was sending.{limit}{used}"
    )
}

/// The silence after which the server closed, where it is the same each time that it shows, nanoseconds.
fn closes_after(facts: &Facts, sightings: &[Sighting]) -> Option<i64> {
    const ALIKE: i64 = 30;
    let silence = |leg: &Leg| {
        let silence = facts.vantage(leg).side_tables.idle(leg.stream)?.last;
        (silence.after == facts.reply(leg).fin && silence.by != leg.client).then(|| silence.ns())
    };
    let all: Vec<i64> =
        connections(sightings).filter_map(|id| facts.legs(id).iter().find_map(silence)).collect();
    let (least, most) = (*all.iter().min()?, *all.iter().max()?);
    (all.len() > 1 && most - least <= most / ALIKE).then_some(most)
}

/// How long after a server had closed its client sent more, where that is too long for the two to have
/// crossed, nanoseconds.
fn used_after(facts: &Facts, id: ConnectionId) -> Option<i64> {
    let after = |leg: &Leg| {
        let back = facts.reply(leg);
        is_thrown_away(&facts.vantages, leg).then(|| back.rst_answers.since(back.fin))
    };
    facts.legs(id).iter().filter_map(after).max().filter(|ns| *ns >= CONNECTION_RESET_CLOSED_NS)
}

/// Whether data of the client came to a server that had closed.
fn was_closed(facts: &Facts, id: ConnectionId) -> bool {
    facts.legs(id).iter().any(|leg| is_thrown_away(&facts.vantages, leg))
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::no_tcp(facts)
}

/// What turns first words down that a capture may show elsewhere.
pub(in crate::diagnose) fn suspects(facts: &Facts, sightings: &[Sighting]) -> Vec<Candidate> {
    if super::first_words::told(facts, sightings).is_none()
        || super::first_words::needs_no_header(facts, sightings)
    {
        return Vec::new();
    }
    vec![Candidate {
        id: "proxy-protocol-mismatch".into(),
        tell_apart: "then its listener says 'accept-proxy' (haproxy) or 'proxy_protocol' (nginx, Envoy's listener filter), and what begins with a PROXY header is answered there".to_owned(),
    }]
}

pub(in crate::diagnose) use super::next::captures as next;
