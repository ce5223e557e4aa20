//! Senders who are told that their packets are too big, and send them again as large as before.

use super::misdelivered_errors::stray;
use super::refused_segments::HEADERS;
use crate::correlate::Leg;
use crate::diagnose::facts::Facts;
use crate::diagnose::thresholds::REPEATS;
use crate::flow::{IcmpErrorKind, Mark, Repeat};
use crate::trace::{At, ConnectionId};
use crate::wire::{Ip, seq_gt};

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct InVain {
    /// Whether the client sends them.
    pub client: bool,
    /// Who sends.
    pub sender: Ip,
    /// Who says that they are too big.
    pub teller: Ip,
    /// Bytes that fit, by that.
    pub mtu: u32,
    /// How often it was said.
    pub times: usize,
    /// Payload of what is sent again.
    pub size: u32,
    /// It is said to the sender's host, by its own capture.
    pub arrives: bool,
    /// The first message, and the last repeat.
    pub shown: [At; 2],
}

/// What the frames of a connection show of it.
pub(in crate::diagnose) fn of(facts: &Facts, id: ConnectionId) -> Option<InVain> {
    if facts.errors_of(id).next().is_none() || stray(facts, id).is_some() {
        return None;
    }
    let mut legs = facts.legs(id).iter();
    legs.find_map(|leg| [true, false].into_iter().find_map(|client| at(facts, id, leg, client)))
}

fn at(facts: &Facts, id: ConnectionId, leg: &Leg, client: bool) -> Option<InVain> {
    let vantage = facts.vantage(leg);
    let stream = leg.of(&facts.vantages);
    let side = if client { leg.client } else { leg.client.other() };
    let (sender, receiver) = (stream.flow(side), stream.flow(side.other()));
    let own = stream.key.ip(side);
    let told = || {
        facts.errors_of(id).filter_map(|(v, e)| match e.kind {
            IcmpErrorKind::TooBig { mtu } if mtu > 0 && v == leg.vantage && e.quote.src == own => {
                Some((e, mtu))
            }
            _ => None,
        })
    };
    let (first, mtu) = told().min_by_key(|(e, _)| e.mark.frame())?;
    let headers = HEADERS[usize::from(!own.is_v4())];
    let len = |r: &Repeat| r.to.wrapping_sub(r.from);
    let large = |r: &&&Repeat| {
        r.mark.frame() > first.mark.frame()
            && len(r) + headers > mtu
            // What a card has not cut yet says nothing of a packet's length.
            && len(r) <= u32::from(receiver.shape.mss)
            && !seq_gt(receiver.max_ack, r.from)
    };
    let repeats = vantage.repeats_of(sender);
    let again: Vec<&&Repeat> = repeats.iter().filter(large).collect();
    let last = again.last().filter(|_| again.len() >= usize::from(REPEATS))?;
    // Nothing of it arrived in a smaller size either.
    let hop = &vantage.hops[first.hop.index()];
    let sent = facts.path(leg, sender).any(|(_, hop)| vantage.own.sent(hop) == Some(true));
    let arrives = sent && vantage.own.arrived(hop) == Some(true);
    // What is about answers may be meant for whoever has the service's address, and the sender is another.
    if !client && !arrives {
        return None;
    }
    let shown = |mark: Mark| At { vantage: leg.vantage, mark };
    Some(InVain {
        client,
        sender: own,
        teller: first.src,
        mtu,
        times: told().count(),
        size: len(last),
        arrives,
        shown: [shown(first.mark), shown(last.mark)],
    })
}
