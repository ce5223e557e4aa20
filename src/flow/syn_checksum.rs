//! Checksums, of few packets: a SYN that is sent again may be one that its receiver drops
//! for a wrong sum, its own or, in a tunnel, that of the datagram around it. No other is summed, as that would cost more than all else.

use super::{Mark, Observer};
use crate::hashed::HashMap;
use crate::wire::{Body, Ip, Packet, Sum, Transport, outer_udp_sum, tcp_sum};

/// Links whose repeated SYNs are weighed.
const MAX_SUMS: usize = 1 << 13;

/// Checksums of repeated SYNs on one link.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Those that a receiver takes.
    pub taken: u32,
    /// Those for which it drops the packet.
    pub wrong: u32,
    /// The first of these.
    pub first_wrong: Mark,
    /// The same of the datagram around it, where it came in a tunnel over UDP: those that a
    /// receiver takes.
    pub outer_taken: u32,
    /// Those for which it drops all that is inside.
    pub outer_wrong: u32,
    /// The first of these.
    pub first_outer_wrong: Mark,
    /// Between whom the tunnel is.
    pub outer: Option<(Ip, Ip)>,
}

/// Those of one vantage, by link.
#[derive(Debug, Clone, Default)]
pub(super) struct AllSums(pub(super) HashMap<u32, Sums>);

impl AllSums {
    pub(super) fn of(&self, link: u32) -> Option<&Sums> {
        self.0.get(&link)
    }

    /// Forgets a link that is let go.
    pub(super) fn forget(&mut self, link: u32) {
        self.0.remove(&link);
    }

    fn at(&mut self, link: u32) -> Option<&mut Sums> {
        let full = self.0.len() >= MAX_SUMS && !self.0.contains_key(&link);
        (!full).then(|| self.0.entry(link).or_default())
    }

    fn outer(&mut self, link: u32, mark: Mark, sum: Sum, ends: (Ip, Ip)) {
        let Some(sums) = self.at(link) else { return };
        sums.outer = Some(ends);
        if sum == Sum::Wrong {
            sums.outer_wrong = sums.outer_wrong.saturating_add(1);
            sums.first_outer_wrong.set_once(mark);
        } else {
            sums.outer_taken = sums.outer_taken.saturating_add(1);
        }
    }

    fn own(&mut self, link: u32, mark: Mark, sum: Sum) {
        let Some(sums) = self.at(link) else { return };
        if sum == Sum::Wrong {
            sums.wrong = sums.wrong.saturating_add(1);
            sums.first_wrong.set_once(mark);
        } else {
            sums.taken = sums.taken.saturating_add(1);
        }
    }
}

impl Observer {
    /// Looks at the checksum of the frame that was taken in, where it is a repeated SYN:
    /// one that nobody answers may be dropped for it.
    #[inline]
    pub fn check_syn(&mut self, mark: Mark, frame: &[u8], packet: &Packet<'_>) {
        let Some(link) = self.doubted.take() else { return };
        let Body::Ip(ip) = &packet.body else { return };
        let Transport::Tcp(tcp) = &ip.transport else { return };
        if let Some(sum) = tcp_sum(frame, ip, tcp) {
            self.side_tables.sums.own(link, mark, sum);
        }
        if let Some(outer) = &ip.outer
            && let Some(sum) = outer_udp_sum(frame, outer)
        {
            self.side_tables.sums.outer(link, mark, sum, (outer.src, outer.dst));
        }
    }
}
