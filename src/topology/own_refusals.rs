//! Refusals in another name than the one that was called.
//!
//! A SYN that reaches a host as its client sent it was translated by nobody on the way. Where that host refuses it
//! in the name of another address, it alone changed addresses, and no balancer that translates is shown.

use super::hosts::is_origin;
use crate::correlate::{Connection, Leg};
use crate::flow::{Observations, Reset};

/// The legs at one vantage that show it: the SYN as it came in, and the refusal as it left.
pub(crate) fn refused_by_another<'a>(
    connection: &Connection,
    legs: &'a [Leg],
    vantages: &[Observations],
) -> Option<(&'a Leg, &'a Leg)> {
    let back = connection.back?;
    let kept = connection.tuples == 2
        && back.client == connection.front.client
        && back.server.0 != connection.front.server.0;
    let flows = |leg: &Leg| {
        let stream = leg.of(vantages);
        (*stream.flow(leg.client), *stream.flow(leg.client.other()))
    };
    // Whoever translates it sends it on translated.
    if !kept || legs.iter().any(|leg| leg.tuple == 1 && flows(leg).0.opened()) {
        return None;
    }
    let refused = legs.iter().filter(|leg| leg.tuple == 1 && flows(leg).1.reset == Reset::Refused);
    refused.clone().find_map(|reset| {
        let seen = &vantages[reset.vantage.index()];
        let refusal = flows(reset).1;
        let mut made = seen.path(&refusal).map(|(_, hop)| hop).peekable();
        let its = made.peek().is_some()
            && made.all(|hop| seen.own.sent(hop) == Some(true) && is_origin(hop));
        let came = |leg: &&Leg| {
            let there = flows(leg).0;
            leg.tuple == 0
                && leg.vantage == reset.vantage
                && there.opened()
                && there.syn.frame() < refusal.first.frame()
                && seen.path(&there).all(|(_, hop)| seen.own.arrived(hop) == Some(true))
        };
        let syn = legs.iter().find(came).filter(|_| its)?;
        Some((syn, reset))
    })
}
