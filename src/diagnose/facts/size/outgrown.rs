//! Segments that go into a tunnel too long for what it runs over: with its headers they make
//! more than an Ethernet frame carries, come again and again, and are never acknowledged.
//!
//! At whichever host of the tunnel shows it: the packets were seen to be as long, so whoever
//! sent them did not know better. Where the way under the tunnel takes more, they arrive.

use crate::correlate::{Leg, Outcome};
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::thresholds::{SIZE_ETHERNET_MTU, TRANSMISSIONS};
use crate::flow::{Flow, Mark};
use crate::trace::{At, ConnectionId};
use crate::wire::{Outer, seq_gt};

/// A connection whose full segments were lost in a tunnel.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Outgrown {
    /// Whether the client sent them.
    pub client: bool,
    /// Payload bytes of the smallest segment that came again.
    pub size: u32,
    /// Bytes of its packet with the tunnel's headers, as they are at least.
    pub packet: u32,
    /// Bytes of those headers alone.
    pub headers: u32,
    /// The first repeat, and the last.
    pub again: [At; 2],
}

/// What the captures show of a connection.
pub(in crate::diagnose) fn outgrown(facts: &Indexed<'_>, id: ConnectionId) -> Option<Outgrown> {
    let c = facts.connection(id);
    let stalled = c.outcome == Outcome::Stalled && c.progress.established && c.progress.repeats;
    if !stalled || facts.errors_of(id).next().is_some() {
        return None;
    }
    facts.legs(id).iter().find_map(|leg| of_leg(facts, leg))
}

fn of_leg(facts: &Indexed<'_>, leg: &Leg) -> Option<Outgrown> {
    let vantage = facts.vantage(leg);
    let key = leg.of(&facts.vantages).key;
    let headers = Outer::headers(key.tunnel)?;
    [true, false].into_iter().find_map(|client| {
        let (sender, receiver): (&Flow, &Flow) = if client {
            (facts.forward(leg), facts.reply(leg))
        } else {
            (facts.reply(leg), facts.forward(leg))
        };
        if !receiver.seen() || !seq_gt(sender.end_seq, receiver.max_ack) {
            return None;
        }
        let (mut size, mut marks, mut times) = (u32::MAX, [Mark::NONE; 2], 0);
        for repeat in vantage.repeats_of(sender) {
            size = size.min(repeat.to.wrapping_sub(repeat.from));
            marks[0].set_once(repeat.mark);
            marks[1] = repeat.mark;
            times += 1;
        }
        let stamps = if sender.shape.stamped() && receiver.shape.stamped() { 12 } else { 0 };
        let own = if key.ips[0].is_v4() { 40 } else { 60 };
        // What a card merged or has not cut yet says nothing of a packet's length.
        let mss = u32::from(receiver.shape.mss);
        let one = mss > 0 && size.saturating_add(stamps) <= mss;
        let packet = size.saturating_add(own + stamps + headers);
        let too_long = packet > SIZE_ETHERNET_MTU && packet <= 2 * SIZE_ETHERNET_MTU;
        let at = |mark| At { vantage: leg.vantage, mark };
        (one && too_long && times >= TRANSMISSIONS).then(|| Outgrown {
            client,
            size,
            packet,
            headers,
            again: marks.map(at),
        })
    })
}
