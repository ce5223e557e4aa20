//! Checksums, of few packets: a SYN that is sent again may be one that its receiver drops
//! for a wrong sum, its own or, in a tunnel, that of the datagram around it. No other is summed, as that would cost more than all else.

use super::{Mark, Observer};
use crate::wire::{Body, Packet, Transport, outer_udp_sum, tcp_sum};

impl Observer {
    /// Looks at the checksum of the frame that was taken in, where it is a repeated SYN:
    /// one that nobody answers may be dropped for it.
    #[inline]
    pub fn check_syn(&mut self, mark: Mark, frame: &[u8], packet: &Packet<'_>) {
        let Some(link) = self.doubted.take() else { return };
        let Body::Ip(ip) = &packet.body else { return };
        let Transport::Tcp(tcp) = &ip.transport else { return };
        if let Some(sum) = tcp_sum(frame, ip, tcp) {
            self.side_tables.summed(link, mark, sum);
        }
        if let Some(outer) = &ip.outer
            && let Some(sum) = outer_udp_sum(frame, outer)
        {
            self.side_tables.outer_summed(link, mark, sum, (outer.src, outer.dst));
        }
    }
}
