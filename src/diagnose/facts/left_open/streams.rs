//! What connections show of trouble that is told by fields which their lines lack.

use super::{ASKED, Fits};
use crate::breaks::asks_again;
use crate::correlate::Leg;
use crate::diagnose::facts::Facts;
use crate::diagnose::facts::size::refused_segments::HEADERS;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::seconds;
use crate::flow::{Ask, IcmpError, IcmpErrorKind, Reset, VantageId};
use crate::hashed::HashMap;
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// The first leg of clients' connections that fits.
fn leg<'a>(facts: &'a Facts<'_>, fits: impl Fn(&Leg) -> bool) -> Option<(ConnectionId, &'a Leg)> {
    let ids = facts.requests().map(|(id, _)| id).take(ASKED);
    ids.flat_map(|id| facts.legs(id).iter().map(move |leg| (id, leg))).find(|(_, l)| fits(l))
}

/// A SYN-ACK from one address, what follows from another, and a reset for that.
pub(super) fn answered_from_elsewhere(facts: &Facts<'_>) -> Fits {
    let mut opened: BTreeMap<(VantageId, Ip, u16), Ip> = BTreeMap::new();
    let legs = || {
        facts
            .iter()
            .take(ASKED)
            .flat_map(|(id, c)| facts.legs(id).iter().map(move |leg| (c.front, leg)))
    };
    for (front, leg) in legs().filter(|(_, leg)| facts.reply(leg).accepted()) {
        opened.insert((leg.vantage, front.client.0, front.client.1), front.server.0);
    }
    legs().find_map(|(front, leg)| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let called = opened.get(&(leg.vantage, front.client.0, front.client.1))?;
        let stray = there.reset == Reset::NoSocket && !back.accepted() && back.seen();
        if !stray || *called == front.server.0 {
            return None;
        }
        let why = format!("{} accepted this client port, and what follows comes from {}, which it never called: it is this if one host sent both", called, front.server.0);
        Some((facts.at(leg, back.first.get()?), why))
    })
}

/// A SYN-ACK that stands again after the client's ACK, on a connection that was served later.
pub(super) fn accepted_again(facts: &Facts<'_>) -> Fits {
    let again = |leg: &Leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        asks_again(facts, leg) && back.data.is_set() && there.ack.frame() < back.data.frame()
    };
    let (_, leg) = leg(facts, again)?;
    let why = "the server repeats its SYN-ACK although the client went on: it is this if the ACK reached it".to_owned();
    Some((facts.at(leg, facts.forward(leg).ack.get()?), why))
}

fn errors<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = (VantageId, &'a IcmpError)> {
    VantageId::each(&facts.vantages).flat_map(|(v, seen)| seen.errors.iter().map(move |e| (v, e)))
}

/// A packet was too big for a size that the handshake keeps to.
pub(super) fn too_big_that_fits(facts: &Facts<'_>) -> Fits {
    let mut between: HashMap<(Ip, Ip), Vec<ConnectionId>> = HashMap::default();
    for (id, c) in facts.requests().take(ASKED) {
        between.entry((c.front.client.0, c.front.server.0)).or_default().push(id);
    }
    errors(facts).find_map(|(vantage, error)| {
        let IcmpErrorKind::TooBig { mtu } = error.kind else { return None };
        let sent = |leg: &Leg| {
            let mss = u32::from(facts.reply(leg).shape.mss);
            mss > 0 && mss + HEADERS[usize::from(!error.dst.is_v4())] <= mtu
        };
        let told = between.get(&(error.dst, error.src))?;
        told.iter().find(|id| facts.legs(**id).iter().any(sent))?;
        let why = format!("{} is told that its packets exceed {mtu} bytes, and by its handshake none does: it is this if a card there merges them", error.dst);
        Some((At { vantage, mark: error.mark }, why))
    })
}

/// Later fragments were waited for in vain.
pub(super) fn pieces_that_never_came(facts: &Facts<'_>) -> Fits {
    let (vantage, error) = errors(facts).find(|(_, e)| e.kind == IcmpErrorKind::Reassembly)?;
    let why = format!(
        "{} gave up on fragments of a packet from {}: it is this if later ones do not come, by -v",
        error.src, error.dst
    );
    Some((At { vantage, mark: error.mark }, why))
}

/// How often an address was asked, whether it answered once, and the first connection.
type Asked = (usize, bool, ConnectionId);

/// One address is asked several times and never answers, where others of its port do.
pub(super) fn unanswered_beside_others(facts: &Facts<'_>) -> Fits {
    let mut asked: BTreeMap<(Ip, u16), BTreeMap<Ip, Asked>> = BTreeMap::new();
    for (id, c) in facts.iter().take(ASKED).filter(|(_, c)| c.progress.syn) {
        let (ip, port) = c.front.server;
        let of = asked.entry((c.front.client.0, port)).or_default();
        let own = of.entry(ip).or_insert((0, false, id));
        own.0 += 1;
        own.1 |= c.progress.answered;
    }
    asked.values().filter(|of| of.values().any(|own| own.1)).find_map(|of| {
        let silent = |own: &(&Ip, &Asked)| !own.1.1 && own.1.0 >= NO_COINCIDENCE;
        let (ip, (times, _, first)) = of.iter().find(silent)?;
        let leg = facts.legs(*first).first()?;
        let why = format!("{ip} is asked {times} times and answers nothing here, others do: it is this if these lines were captured where the answers pass");
        Some((facts.at(leg, facts.forward(leg).syn.get()?), why))
    })
}

/// A connection was silent for long, and what came then was not answered.
pub(super) fn silent_to_the_end(facts: &Facts<'_>) -> Fits {
    let ended = |leg: &Leg| {
        let vantage = facts.vantage(leg);
        vantage.side_tables.idle(leg.stream).is_some_and(|idle| {
            let stream = leg.of(&facts.vantages);
            let cut = stream
                .flows
                .iter()
                .any(|f| f.rst.frame() >= idle.last.after.frame() && f.rst.is_set());
            cut || !idle.last.answered(stream)
        })
    };
    let Some((_, leg)) = leg(facts, ended) else { return sought_in_vain(facts) };
    let idle = facts.vantage(leg).side_tables.idle(leg.stream)?;
    let wait = seconds(idle.last.ns());
    let why = format!(
        "a connection was silent for {wait}, and nothing but a reset or nothing at all came after it: it is this if neither end sent that"
    );
    Some((facts.at(leg, idle.last.before), why))
}

/// A connection that nobody closed, after whose last packet the client's host asks for a neighbour
/// in vain.
fn sought_in_vain(facts: &Facts<'_>) -> Fits {
    let in_vain = |ask: &&Ask| ask.answers == 0 && ask.again > 1;
    let mut asked: HashMap<(VantageId, Ip), Vec<&Ask>> = HashMap::default();
    for (v, seen) in VantageId::each(&facts.vantages) {
        for ask in seen.neighbors.asks.iter().filter(in_vain) {
            asked.entry((v, ask.asker)).or_default().push(ask);
        }
    }
    let ids = facts.requests().take(ASKED).map(|(id, c)| (id, c.front.client.0));
    let mut legs = ids.flat_map(|(id, ip)| facts.legs(id).iter().map(move |leg| (ip, leg)));
    legs.find_map(|(client, leg)| {
        let stream = leg.of(&facts.vantages);
        let last = stream.last();
        let own = asked.get(&(leg.vantage, client))?;
        let ask = own.iter().find(|ask| ask.last.at() > last.at())?;
        let closed = stream.flows.iter().any(|f| f.fin.is_set() || f.rst.is_set());
        let why = format!("the client's host asks for {} in vain after this, the last packet of an open connection: it is this if what translated it on that host forgot it", ask.target);
        (!closed).then(|| (facts.at(leg, last), why))
    })
}

/// SYN-ACKs without the options that the SYN offers.
pub(super) fn options_not_taken(facts: &Facts<'_>) -> Fits {
    let seen: u64 = facts.vantages.iter().map(|v| v.tally.bare_syn_acks).sum();
    let stripped = |leg: &Leg| {
        let (asked, said) = (&facts.forward(leg).shape, &facts.reply(leg).shape);
        let offered = asked.window_scale > 0 && asked.sack() && !asked.cut() && !said.cut();
        let taken = said.window_scale > 0 || said.sack() || said.stamped();
        facts.reply(leg).accepted() && said.mss > 0 && offered && !taken
    };
    let (_, leg) = leg(facts, stripped).filter(|_| seen >= NO_COINCIDENCE as u64)?;
    let why = "the SYN-ACK has none of the options that the SYN offers: it is this if the real server itself sent it".to_owned();
    Some((facts.at(leg, facts.reply(leg).syn.get()?), why))
}

/// One SYN with SYN-ACKs of different initial numbers: two accepted it.
pub(super) fn accepted_twice(facts: &Facts<'_>) -> Fits {
    facts.requests().take(ASKED).find_map(|(id, _)| {
        let accepted = || facts.legs(id).iter().filter(|leg| facts.reply(leg).accepted());
        let first = facts.reply(accepted().next()?);
        let other = accepted().find(|leg| {
            let back = facts.reply(leg);
            back.isns > 1 || !back.counted && !first.counted && back.isn != first.isn
        })?;
        let why = "SYN-ACKs with two initial numbers answer one SYN: it is syn-retry-rescheduled if two real servers sent them, and synproxy-side-effects if one of them came from somebody before it".to_owned();
        Some((facts.at(other, facts.reply(other).syn.get()?), why))
    })
}

/// The SYN-ACK of a real server comes to a host that translates, and nothing leaves it.
pub(super) fn answers_withheld(facts: &Facts<'_>) -> Fits {
    facts.requests().take(ASKED).find_map(|(id, c)| {
        let moved = c.back.is_some_and(|back| back.server != c.front.server);
        let open = moved && c.progress.syn && !c.progress.established;
        let leg = facts.back_legs(id).filter(|_| open).find(|leg| {
            let (own, back) = (&facts.vantage(leg).own, facts.reply(leg));
            let came = facts.path(leg, back).any(|(_, hop)| own.arrived(hop) == Some(true));
            back.accepted() && came && facts.forward(leg).syn.is_set()
        })?;
        let front = |other: &&Leg| other.vantage == leg.vantage && other.tuple == 0;
        let passed = facts.legs(id).iter().filter(front).any(|leg| facts.reply(leg).accepted());
        let why = "the SYN-ACK comes in here and does not leave for the client: it is this if it comes by another interface than the SYN left by".to_owned();
        (!passed).then_some((facts.at(leg, facts.reply(leg).syn.get()?), why))
    })
}
