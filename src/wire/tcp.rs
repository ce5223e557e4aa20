//! TCP headers and options (RFC 9293, RFC 7323, RFC 2018, TOA).

use super::Ip;
use crate::capture::Known;

/// The control bits of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN
    pub const FIN: u8 = 0x01;
    /// SYN
    pub const SYN: u8 = 0x02;
    /// RST
    pub const RST: u8 = 0x04;
    /// PSH
    pub const PSH: u8 = 0x08;
    /// ACK
    pub const ACK: u8 = 0x10;

    /// ECE and CWR, by both of which a SYN asks for ECN (RFC 3168, section 6.1.1).
    pub const ECN_SETUP: u8 = 0xc0;

    /// FIN is set.
    #[inline]
    #[must_use]
    pub fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }
    /// SYN is set.
    #[inline]
    #[must_use]
    pub fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }
    /// None of SYN, FIN and RST is set: without payload such a segment only acknowledges.
    #[inline]
    #[must_use]
    pub fn only_acknowledges(self) -> bool {
        self.0 & (Self::SYN | Self::FIN | Self::RST) == 0
    }
    /// ECE and CWR are both set.
    #[must_use]
    pub fn asks_for_ecn(self) -> bool {
        self.0 & Self::ECN_SETUP == Self::ECN_SETUP
    }
    /// RST is set.
    #[inline]
    #[must_use]
    pub fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }
    /// ACK is set.
    #[inline]
    #[must_use]
    pub fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
    /// PSH is set.
    #[inline]
    #[must_use]
    pub fn psh(self) -> bool {
        self.0 & Self::PSH != 0
    }

    /// As engineers write them: `SYN`, `SYN-ACK`, `RST`, `RST,ACK`, `FIN,ACK`,
    /// `PSH,ACK`, `ACK`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.syn(), self.fin(), self.rst(), self.psh(), self.ack()) {
            (true, _, false, _, true) => "SYN-ACK",
            (true, _, false, _, false) => "SYN",
            (_, _, true, _, true) => "RST,ACK",
            (_, _, true, _, false) => "RST",
            (_, true, _, true, true) => "FIN,PSH,ACK",
            (_, true, _, _, true) => "FIN,ACK",
            (_, true, _, _, false) => "FIN",
            (_, _, _, true, _) => "PSH,ACK",
            (.., true) => "ACK",
            _ => "no flags",
        }
    }
}

/// A TCP segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tcp<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; meaningful with ACK.
    pub ack: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Window as sent, unscaled.
    pub window: u16,
    /// Option bytes that were captured.
    pub options: &'a [u8],
    /// The header goes on beyond what was captured, so options may be missing.
    pub header_cut: bool,
    /// Payload bytes that were captured.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire.
    pub payload_len: u32,
    /// Which of its numbers are those of the wire, and what else is known of its packet.
    pub known: Known,
}

impl Tcp<'_> {
    /// Sequence space that the segment takes: payload, SYN and FIN.
    #[inline]
    #[must_use]
    pub fn seq_len(&self) -> u32 {
        self.payload_len + u32::from(self.flags.syn()) + u32::from(self.flags.fin())
    }

    /// Whether a balancer may have written the client's address into it: its option
    /// kinds are bytes that few other options hold, which is quicker asked than parsed.
    #[inline]
    #[must_use]
    pub fn may_name_client(&self) -> bool {
        let (words, rest) = self.options.as_chunks::<4>();
        words.iter().any(|word| any_high(u32::from_ne_bytes(*word)))
            || rest.iter().any(|byte| *byte >= HIGH)
    }

    /// Whether it may name bytes that came beyond a gap (SACK): more options than timestamps, or what stands in
    /// their place is that one. Quicker asked than parsed.
    #[inline]
    #[must_use]
    pub fn may_sack(&self) -> bool {
        may_sack(self.options)
    }

    /// The options, as far as they were captured.
    #[must_use]
    pub fn parse_options(&self) -> TcpOptions {
        TcpOptions::parse(self.options)
    }
}

/// Bytes of the timestamps option, padded (RFC 7323, appendix A).
pub(crate) const TIMESTAMPS: usize = 12;
/// The kind of the SACK option (RFC 2018, section 3), and where it stands without timestamps, behind two bytes of
/// padding.
const SACK: u8 = 5;
const SACK_AT: usize = 2;

/// Whether options may hold SACK blocks.
#[inline(always)]
pub(super) fn may_sack(options: &[u8]) -> bool {
    options.len() > TIMESTAMPS || options.len() == TIMESTAMPS && options.get(SACK_AT) == Some(&SACK)
}

/// Kinds of options from here on may name a client.
const HIGH: u8 = 0b1111_1100;

/// Whether any of four bytes is as high as such a kind, whose six highest bits are set.
#[inline]
fn any_high(word: u32) -> bool {
    // Where they are, nothing is left of the byte; and taking one from each shows whether a byte is nought.
    let left = !word & u32::from_ne_bytes([HIGH; 4]);
    left.wrapping_sub(u32::from_ne_bytes([1; 4])) & !left & u32::from_ne_bytes([0x80; 4]) != 0
}

/// `a > b` in sequence space (RFC 9293, section 3.4).
#[inline]
#[must_use]
pub fn seq_gt(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

/// `a < b` in sequence space.
#[inline]
#[must_use]
pub fn seq_lt(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// A client address that a balancer wrote into the segment ("TCP option
/// address"): kinds 254 (LVS FullNAT, dpvs), 253 and 252 (vendors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Toa {
    /// The client's address.
    pub addr: Ip,
    /// The client's port.
    pub port: u16,
}

/// By what a segment is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signing {
    /// The MD5 signature option (kind 19, RFC 2385).
    Md5,
    /// The TCP authentication option (kind 29, RFC 5925).
    Authentication,
}

impl Signing {
    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "TCP MD5",
            Self::Authentication => "TCP-AO",
        }
    }
}

/// Options of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Maximum segment size (kind 2).
    pub mss: Option<u16>,
    /// Window scale shift (kind 3).
    pub window_scale: Option<u8>,
    /// SACK permitted (kind 4).
    pub sack_permitted: bool,
    /// First SACK block (kind 5).
    pub sack: Option<(u32, u32)>,
    /// TSval and TSecr (kind 8).
    pub timestamps: Option<(u32, u32)>,
    /// By what it is signed.
    pub signing: Option<Signing>,
    /// Client address inserted by a balancer.
    pub toa: Option<Toa>,
    /// The option list ends in the middle of an option: cut by the snapshot
    /// length, or malformed.
    pub cut: bool,
}

impl TcpOptions {
    /// Reads an option list; whatever cannot be read ends it.
    #[must_use]
    pub fn parse(mut bytes: &[u8]) -> Self {
        let mut options = Self::default();
        // What SYNs have is read as it stands: every connection has two of them.
        while let [kind, rest @ ..] = bytes {
            bytes = match (kind, rest) {
                (0, _) => break,
                (1, rest) => rest,
                (2, [4, a, b, rest @ ..]) => {
                    options.mss = Some(u16::from_be_bytes([*a, *b]));
                    rest
                }
                (3, [3, shift, rest @ ..]) => {
                    options.window_scale = Some(*shift);
                    rest
                }
                (4, [2, rest @ ..]) => {
                    options.sack_permitted = true;
                    rest
                }
                (8, [10, a, b, c, d, e, f, g, h, rest @ ..]) => {
                    let (val, ecr) = ([*a, *b, *c, *d], [*e, *f, *g, *h]);
                    options.timestamps = Some((u32::from_be_bytes(val), u32::from_be_bytes(ecr)));
                    rest
                }
                (kind, [len, ..]) if (2..=bytes.len()).contains(&usize::from(*len)) => {
                    let (option, rest) = bytes.split_at(usize::from(*len));
                    options.take(*kind, &option[2..]);
                    rest
                }
                _ => {
                    options.cut = true;
                    break;
                }
            };
        }
        options
    }

    /// Takes in one of the others.
    fn take(&mut self, kind: u8, value: &[u8]) {
        let u32_at = |at: usize| {
            value.get(at..at + 4).and_then(|b| b.first_chunk()).map(|b| u32::from_be_bytes(*b))
        };
        match (kind, value) {
            (5, _) => self.sack = u32_at(0).zip(u32_at(4)),
            (19, [_, ..]) => self.signing = Some(Signing::Md5),
            (29, [_, ..]) => self.signing = Some(Signing::Authentication),
            (252..=254, [p, q, addr @ ..]) => {
                let port = u16::from_be_bytes([*p, *q]);
                let addr = match addr.len() {
                    4 => addr.first_chunk().map(|b| Ip::v4(*b)),
                    16 | 18 => addr.first_chunk().map(|b| Ip::v6(*b)),
                    _ => None,
                };
                // Balancers put theirs first; what follows the client may have written.
                self.toa = self.toa.or(addr.map(|addr| Toa { addr, port }));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX_SYN: &[u8] = &[2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 7];

    #[test]
    fn reads_what_linux_sends() {
        let options = TcpOptions::parse(LINUX_SYN);
        assert_eq!(options.mss, Some(1460));
        assert_eq!(options.timestamps, Some((7, 9)));
        assert_eq!(options.window_scale, Some(7));
        assert!(options.sack_permitted && !options.cut);
    }

    #[test]
    fn a_cut_list_keeps_what_was_whole() {
        for len in 0..LINUX_SYN.len() {
            let options = TcpOptions::parse(&LINUX_SYN[..len]);
            assert_eq!(options.mss.is_some(), len >= 4, "cut at {len}");
            assert_eq!(options.timestamps.is_some(), len >= 16, "cut at {len}");
        }
        assert!(TcpOptions::parse(&LINUX_SYN[..12]).cut);
    }

    #[test]
    fn toa_names_the_client() {
        let options = TcpOptions::parse(&[254, 8, 0x1f, 0x90, 192, 0, 2, 7]);
        assert_eq!(options.toa, Some(Toa { addr: Ip::v4([192, 0, 2, 7]), port: 8080 }));
    }

    #[test]
    fn any_byte_of_the_options_may_be_such_a_kind() {
        let named = |options: &[u8]| Tcp { options, ..Tcp::example(&[]) }.may_name_client();
        for byte in 0..=255 {
            for (len, at) in (1..=9).flat_map(|len| (0..len).map(move |at| (len, at))) {
                for beside in [0, 1, 128, 251] {
                    let mut options = [beside; 9];
                    options[at] = byte;
                    assert_eq!(named(&options[..len]), byte >= 252, "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn lengths_that_lie_end_the_list() {
        assert!(TcpOptions::parse(&[2, 0, 1, 1]).cut);
        assert!(TcpOptions::parse(&[8, 200, 1]).cut);
        assert_eq!(TcpOptions::parse(&[0, 2, 4, 5, 180]).mss, None);
    }

    #[test]
    fn sequence_space_wraps() {
        assert!(seq_gt(5, u32::MAX - 5) && seq_lt(u32::MAX, 0) && !seq_gt(7, 7));
    }
}
