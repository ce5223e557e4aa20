//! Sizes for ping(8), which is told the bytes behind its own header.

/// Headers of IPv4 and ICMP, without options.
const HEADERS: u32 = 28;
/// By so much the headers of a segment with timestamps, as nearly all have them, are longer than a ping's:
/// 32 bytes of TCP, 8 of ICMP, whatever the family.
const MORE_OF_TCP: u32 = 24;

/// A ping that makes an IPv4 packet of so many bytes.
#[must_use]
pub fn of_packet(bytes: u32) -> u32 {
    bytes.saturating_sub(HEADERS)
}

/// A ping whose packet is as long as that of a segment with so many bytes of payload.
#[must_use]
pub fn of_segment(payload: u32) -> u32 {
    payload.saturating_add(MORE_OF_TCP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_segment_fills_the_packet_that_a_full_ping_does() {
        // 1500 bytes less the headers of IPv4, and of TCP with timestamps.
        assert_eq!(of_segment(1448), of_packet(1500));
        assert_eq!(of_packet(1500), 1472);
    }
}
