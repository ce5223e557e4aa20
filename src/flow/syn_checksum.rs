//! Checksums, of few packets: a SYN that is sent again may be one that its receiver drops
//! for a wrong sum. No other is summed, as that would cost more than all else.

use super::{Mark, Observer};
use crate::wire::{Body, Packet, Transport, tcp_sum};

impl Observer {
    /// Looks at the checksum of the frame that was taken in, where it is a repeated SYN:
    /// one that nobody answers may be dropped for it.
    #[inline]
    pub fn check_syn(&mut self, mark: Mark, frame: &[u8], packet: &Packet<'_>) {
        let Some(link) = self.doubted.take() else { return };
        if let Body::Ip(ip) = &packet.body
            && let Transport::Tcp(tcp) = &ip.transport
            && let Some(sum) = tcp_sum(frame, ip, tcp)
        {
            self.side_tables.summed(link, mark, sum);
        }
    }
}
