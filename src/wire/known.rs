//! Takes back what bytes seem to say of a packet that comes from a text: fields that its line did
//! not print are zero there, and unknown here.

use super::{Body, Packet, Transport};
use crate::capture::Known;

#[cold]
pub(super) fn forget(packet: &mut Packet<'_>, known: Known) {
    packet.known = known;
    if !known.has(Known::SRC_MAC) {
        packet.link.src = None;
    }
    if !known.has(Known::DST_MAC) {
        packet.link.dst = None;
    }
    let Body::Ip(ip) = &mut packet.body else { return };
    if !known.has(Known::TTL) {
        ip.ttl = 0;
    }
    if !known.has(Known::ID) {
        ip.id = None;
    }
    if let Transport::Tcp(tcp) = &mut ip.transport {
        tcp.known = known;
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::{Frame, Known, LinkType, Timestamp};
    use crate::wire::{Body, Transport, decode};

    #[test]
    fn what_is_not_known_is_not_zero() {
        let mut data = vec![0; 12];
        data.extend([8, 0, 0x45, 0, 0, 40, 0, 7, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        data.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
        let frame = |known| Frame {
            number: 1,
            interface: 0,
            time: Timestamp(0),
            wire_len: 54,
            link_type: LinkType::ETHERNET,
            data: &data,
            known,
        };
        let all = decode(&frame(Known::ALL));
        let Body::Ip(ip) = &all.body else { panic!("IP") };
        assert!(all.link.is_loopback() && ip.ttl == 64 && ip.id == Some(7));
        let some = decode(&frame(Known::SEQ));
        let Body::Ip(ip) = &some.body else { panic!("IP") };
        assert_eq!((some.link.src, some.link.dst, ip.ttl, ip.id), (None, None, 0, None));
        assert!(!some.link.is_loopback());
        let Transport::Tcp(tcp) = ip.transport else { panic!("TCP") };
        assert!(tcp.known.has(Known::SEQ) && !tcp.known.has(Known::SUM));
    }
}
