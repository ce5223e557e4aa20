//! Answers of one connection of which a host translated the first and not the rest.
//!
//! Which they are, the topology tells; here are the frames that show it.

use crate::correlate::Leg;
use crate::diagnose::facts::index::Indexed;
use crate::flow::Reset;
use crate::trace::{ConnectionId, Trace};

/// A connection whose SYN-ACK was translated, and what came after it untranslated.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct HalfTranslated<'a> {
    /// The SYN-ACK's.
    pub id: ConnectionId,
    /// What follows, under another address of the server.
    pub stray: ConnectionId,
    /// The leg that shows the SYN-ACK.
    pub opened: &'a Leg,
    /// The leg at the same vantage that shows the rest, and the client's reset.
    pub rest: &'a Leg,
    /// The capturing host sent both.
    pub sent_here: bool,
}

/// All of them, in order.
pub(in crate::diagnose) fn all<'a>(facts: &Indexed<'a>) -> Vec<HalfTranslated<'a>> {
    let trace = facts.trace;
    let halves = &trace.topology.halves;
    let found = trace.requests().filter_map(|(id, _)| {
        let stray = ConnectionId(*halves.get(&id.0)?);
        let rest = reset_leg(trace, stray)?;
        let here = |leg: &&Leg| leg.vantage == rest.vantage && trace.reply(leg).accepted();
        let opened = trace.legs(id).iter().find(here)?;
        let sent_here = [opened, rest].iter().all(|leg| sends(trace, leg));
        Some(HalfTranslated { id, stray, opened, rest, sent_here })
    });
    found.collect()
}

/// The leg at which the client resets what a server sends that it never called.
fn reset_leg(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    trace.legs(id).iter().find(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        there.reset == Reset::NoSocket && there.payload == 0 && back.seen() && !back.accepted()
    })
}

/// Whether the capturing host sent a leg's answers.
fn sends(trace: &Trace, leg: &Leg) -> bool {
    let own = &trace.vantage(leg).own;
    trace.path(leg, trace.reply(leg)).all(|(_, hop)| own.sent(hop) == Some(true))
}
