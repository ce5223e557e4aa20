//! What each side of a connection sent, as a fact of the trace.
//!
//! It refuses to add up what several vantages saw: that would count a packet twice.

use crate::trace::{ConnectionId, Trace};

/// What one side of a connection sent, at the place that saw most of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Frames; 0 where none was seen.
    pub frames: u64,
    /// Payload bytes, repeats not counted; `None` for protocols other than TCP.
    pub bytes: Option<u64>,
}

impl Trace {
    /// What one side sent: a router or a capture shows frames twice, a stream's
    /// bytes are its own, so the place that saw most counts.
    #[must_use]
    pub fn sent(&self, id: ConnectionId, forward: bool) -> Sent {
        let tcp = self.connection(id).protocol.is_tcp();
        let mut sent = Sent { frames: 0, bytes: tcp.then_some(0) };
        for leg in self.legs(id) {
            let flow = if forward { self.forward(leg) } else { self.reply(leg) };
            sent.bytes = sent.bytes.map(|most| most.max(flow.payload));
            for link in self.vantage(leg).links_of(flow) {
                sent.frames = sent.frames.max(u64::from(link.sent()));
            }
        }
        sent
    }

    /// Whether every capture that shows a connection holds frames of one direction alone, as one half of a tap does:
    /// whether the other side answered does not show.
    #[must_use]
    pub fn shows_one_way(&self, id: ConnectionId) -> bool {
        let legs = self.legs(id);
        !legs.is_empty() && legs.iter().all(|leg| self.vantage(leg).shows.one_way)
    }
}
