//! What a capture lost itself: bytes and openings that were acknowledged there and that it never shows.

use super::{Losses, MARGIN_NS};
use crate::correlate::Leg;
use crate::flow::{Flow, Mark, VantageId};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::seq_gt;

/// Frames that a capture may be taken to lack for each one that it is seen to lack: of ten
/// frames of a short connection one or two show that they are missing.
const HOLED: u64 = 10;

/// What one capture lost itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaptureLoss {
    /// Connections of which it lacks bytes.
    pub connections: u64,
    /// Bytes that were acknowledged and that it never shows.
    pub bytes: u64,
    /// SYNs and SYN-ACKs that it never shows of connections that go on there.
    pub openings: u64,
}

impl Losses {
    /// Whether a host's captures lack so many frames themselves that some more which they do
    /// not show prove nothing.
    #[must_use]
    pub fn is_holed(&self, trace: &Trace, host: HostId, lost: u64) -> bool {
        let of = |v: &VantageId| trace.host_of_vantage(*v) == Some(host);
        let own = self.captures.iter().filter(|(v, _)| of(v));
        let holes: u64 = own.map(|(_, loss)| loss.connections + loss.openings).sum();
        let missed = VantageId::all(&trace.vantages).filter(of).map(|v| trace.missed(v).lacking);
        let holes = holes.max(missed.sum());
        holes * HOLED >= lost && holes > 0
    }

    /// Counts what the captures of a connection lack although it was acknowledged there.
    pub(super) fn captured(&mut self, trace: &Trace, id: ConnectionId) {
        for leg in trace.legs(id) {
            let vantage = trace.vantage(leg);
            if !vantage.has_troubles() {
                continue;
            }
            let flows = [trace.forward(leg), trace.reply(leg)];
            let lacks = |(f, g): (&Flow, &Flow)| {
                let mut links = vantage.links_of(f);
                // On several links each shows a part, and holes where the others do not.
                let link = links.next().filter(|_| links.next().is_none())?;
                let (bytes, end) = vantage.hole(link)?;
                (g.flags.ack() && !seq_gt(end, g.max_ack)).then_some(u64::from(bytes))
            };
            let pairs = [(flows[0], flows[1]), (flows[1], flows[0])];
            let bytes: u64 = pairs.into_iter().filter_map(lacks).sum();
            if bytes > 0 {
                let capture = self.captures.entry(leg.vantage).or_default();
                capture.connections += 1;
                capture.bytes += bytes;
            }
        }
    }

    /// Counts the openings that the captures of a connection lack.
    pub(super) fn openings(&mut self, trace: &Trace, id: ConnectionId) {
        for leg in trace.legs(id).iter().filter(|leg| lacks_opening(trace, leg)) {
            self.captures.entry(leg.vantage).or_default().openings += 1;
        }
    }
}

/// Whether a capture lacks a SYN or a SYN-ACK of a connection of which it shows what follows,
/// both ways, well after it began.
fn lacks_opening(trace: &Trace, leg: &Leg) -> bool {
    let (vantage, there, back) = (trace.vantage(leg), trace.forward(leg), trace.reply(leg));
    let began = |mark: Mark| mark.at().0.saturating_sub(vantage.start.0);
    let both = there.ack.is_set() && back.seen() && leg.tuple <= 1;
    let no_syn = back.accepted() && !there.opened() && began(back.syn) >= MARGIN_NS;
    let no_answer = there.opened()
        && there.ack.is_set()
        && !back.accepted()
        && back.payload > 0
        && there.ack.frame() > there.syn.frame();
    both && (no_syn || no_answer)
}
