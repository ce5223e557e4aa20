//! The header fields of pcapng packet blocks (draft-ietf-opsawg-pcapng, sections 4.3, 4.4 and A).
//!
//! They are read by hand: pcap-parser's block parsers allocate a list of options for each frame and
//! refuse a frame whose options are broken, which Wireshark reads.

use super::blocks::{PACKET, SIMPLE, half, word};
use super::sections::Sections;

/// The fields of the three kinds of packet block.
pub(super) struct Packet<'a> {
    pub(super) interface: u32,
    /// Time in ticks of the interface.
    pub(super) count: Option<u64>,
    pub(super) wire: u32,
    pub(super) data: &'a [u8],
}

/// Reads a packet block's fields. `None`: the frame is longer than its block.
#[inline]
pub(super) fn packet<'a>(sections: &Sections, kind: u32, body: &'a [u8]) -> Option<Packet<'a>> {
    let big = sections.big;
    if kind == SIMPLE {
        let wire = word(body, 0, big)?;
        let snaplen = sections.interfaces.get(sections.first).map_or(0, |i| i.snaplen);
        let captured = if snaplen == 0 { wire } else { wire.min(snaplen) };
        let data = body.get(4..)?;
        // The block has no captured length: without a snap length the block's own end is the limit.
        let data = &data[..data.len().min(captured as usize)];
        return Some(Packet { interface: 0, count: None, wire, data });
    }
    let h = body.first_chunk::<20>()?;
    let read = |at: usize| {
        let b = [h[at], h[at + 1], h[at + 2], h[at + 3]];
        if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
    };
    let interface = if kind == PACKET { u32::from(half(body, 0, big)?) } else { read(0) };
    let captured = read(12) as usize;
    let data = body.get(20..)?.get(..captured)?;
    let count = u64::from(read(4)) << 32 | u64::from(read(8));
    Some(Packet { interface, count: Some(count), wire: read(16), data })
}

#[cfg(test)]
mod tests {
    use crate::capture::testkit::{Ng, Order, run};

    #[test]
    fn simple_and_obsolete_packets_are_frames() {
        for big in [false, true] {
            let order = Order(big);
            let mut ng = Ng::new(big);
            ng.interface(1, 5, &[]);
            let simple = [&order.u32(9)[..], b"abcde"].concat();
            ng.block(3, &simple);
            let mut old = [order.u16(0), order.u16(7)].concat();
            for n in [0, 4_000_000, 3, 60] {
                old.extend(order.u32(n));
            }
            old.extend(b"xyz");
            ng.block(2, &old);
            let (file, seen) = run(&ng.bytes).unwrap();
            assert!(file.damage.is_empty(), "{:?}", file.damage);
            assert_eq!((seen[0].wire, &seen[0].data[..], file.untimed), (9, &b"abcde"[..], 1));
            assert_eq!((seen[1].wire, &seen[1].data[..]), (60, &b"xyz"[..]));
            assert_eq!(file.start.map(|t| t.0), Some(4_000_000_000));
        }
    }

    #[test]
    fn broken_options_do_not_cost_the_frame() {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[]);
        let mut body = Vec::new();
        for n in [0u32, 0, 9, 4, 4] {
            body.extend(n.to_le_bytes());
        }
        body.extend(b"data\x01\x00\xff\xff");
        ng.block(6, &body);
        let (file, seen) = run(&ng.bytes).unwrap();
        assert!(file.damage.is_empty());
        assert_eq!(seen[0].data, b"data");
    }

    #[test]
    fn a_frame_that_does_not_fit_or_has_no_interface_costs_only_itself() {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[]).enhanced(0, 1, b"good");
        let mut body = Vec::new();
        for n in [0u32, 0, 9, 400, 400] {
            body.extend(n.to_le_bytes());
        }
        ng.block(6, &body).enhanced(3, 1, b"none").enhanced(0, 2, b"good");
        let (file, seen) = run(&ng.bytes).unwrap();
        assert_eq!(
            seen.iter().map(|f| (f.number, &f.data[..])).collect::<Vec<_>>(),
            [(1, &b"good"[..]), (2, &b"good"[..])]
        );
        let damage: Vec<_> = file.damage.iter().map(|d| (d.byte, d.frame_after)).collect();
        assert_eq!(damage, [(ng.ends[2] as u64, 1), (ng.ends[3] as u64, 1)]);
    }
}
