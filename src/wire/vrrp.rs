//! VRRP advertisements, versions 2 and 3 (RFC 3768, RFC 5798).

use super::Ip;
use super::checksum::{self, Sum};

/// Addresses of an advertisement that are kept; more are counted.
const MAX_ADDRESSES: usize = 8;

/// One advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vrrp<'a> {
    /// 2 or 3.
    pub version: u8,
    /// Virtual router identifier.
    pub vrid: u8,
    /// Priority; 0 when the master resigns.
    pub priority: u8,
    /// Advertised addresses.
    pub addresses: u8,
    /// Interval between advertisements, in centiseconds.
    pub interval_cs: u16,
    /// Authentication of version 2 (RFC 3768, section 5.3.6): its type; version 3 has none.
    pub auth: Option<u8>,
    /// What follows the header: the addresses.
    pub rest: &'a [u8],
    /// All of it, from the version on.
    pub message: &'a [u8],
}

/// The addresses of a virtual router, in the order in which it sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VirtualAddresses {
    list: [Ip; MAX_ADDRESSES],
    len: u8,
    /// All that it advertises are in the list.
    pub whole: bool,
}

impl VirtualAddresses {
    /// These, as many as are kept.
    #[must_use]
    pub fn of(addresses: &[Ip], whole: bool) -> Self {
        let len = addresses.len().min(MAX_ADDRESSES);
        let mut list = [Ip::v4([0; 4]); MAX_ADDRESSES];
        list[..len].copy_from_slice(&addresses[..len]);
        Self { list, len: len as u8, whole: whole && len == addresses.len() }
    }

    /// The addresses.
    #[must_use]
    pub fn list(&self) -> &[Ip] {
        &self.list[..usize::from(self.len)]
    }
}

impl Vrrp<'_> {
    /// The authentication data of version 2, which follow the addresses (RFC 2338, section
    /// 5.3.10), where they are there whole.
    #[must_use]
    pub fn auth_data(&self) -> Option<[u8; 8]> {
        self.auth?;
        self.rest.get(4 * usize::from(self.addresses)..)?.first_chunk().copied()
    }

    /// Whether the checksum of version 3 is wrong, with the pseudo-header (RFC 5798, section
    /// 5.2.8) and without, as some leave it out. Of version 2, and of what was not captured whole, it is not told.
    #[must_use]
    pub fn is_damaged(&self, src: Ip, dst: Ip) -> bool {
        let size = if src.is_v4() { 4 } else { 16 };
        let whole = self.message.get(..8 + size * usize::from(self.addresses));
        let Some(message) = whole.filter(|_| self.version == 3) else { return false };
        let ends = (src.addr(), dst.addr());
        checksum::of_message(ends, 112, message, 6) == Some(Sum::Wrong)
    }

    /// Its addresses, of the family of the packet that carried it (RFC 5798, section
    /// 5.2.9).
    #[must_use]
    pub fn virtual_addresses(&self, v4: bool) -> VirtualAddresses {
        let mut all = VirtualAddresses {
            list: [Ip::v4([0; 4]); MAX_ADDRESSES],
            len: 0,
            whole: usize::from(self.addresses) <= MAX_ADDRESSES,
        };
        let read = |bytes: &[u8]| match v4 {
            true => bytes.first_chunk().map(|b| Ip::v4(*b)),
            false => bytes.first_chunk().map(|b| Ip::v6(*b)),
        };
        let chunks = self.rest.chunks(if v4 { 4 } else { 16 }).map(read);
        let wanted = usize::from(self.addresses).min(MAX_ADDRESSES);
        for (slot, ip) in all.list.iter_mut().zip(chunks.map_while(|ip| ip)).take(wanted) {
            *slot = ip;
            all.len += 1;
        }
        // A short snapshot length cut the list.
        all.whole &= usize::from(all.len) == wanted;
        all
    }
}

pub(super) fn decode(bytes: &[u8]) -> Option<Vrrp<'_>> {
    let (header, rest) = bytes.split_first_chunk::<8>()?;
    let version = header[0] >> 4;
    if !(2..=3).contains(&version) || header[0] & 0x0f != 1 {
        return None;
    }
    Some(Vrrp {
        version,
        vrid: header[1],
        priority: header[2],
        addresses: header[3],
        auth: (version == 2).then_some(header[4]),
        interval_cs: if version == 2 {
            u16::from(header[5]) * 100
        } else {
            u16::from_be_bytes([header[4] & 0x0f, header[5]])
        },
        rest,
        message: bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_is_centiseconds_in_both_versions() {
        assert_eq!(decode(&[0x21, 51, 100, 1, 0, 1, 0, 0]).map(|v| v.interval_cs), Some(100));
        assert_eq!(decode(&[0x31, 51, 100, 1, 0, 100, 0, 0]).map(|v| v.interval_cs), Some(100));
        assert_eq!(decode(&[0x31, 51, 100]), None);
        assert_eq!(decode(&[0x22, 51, 100, 1, 0, 1, 0, 0]), None);
    }

    #[test]
    fn authentication_is_that_of_version_2() {
        let mut bytes = vec![0x21, 51, 100, 1, 1, 1, 0, 0, 192, 0, 2, 8];
        bytes.extend(b"1111\0\0\0\0");
        let with = decode(&bytes).unwrap();
        assert_eq!((with.auth, with.auth_data()), (Some(1), Some(*b"1111\0\0\0\0")));
        assert_eq!(decode(&bytes[..19]).unwrap().auth_data(), None);
        bytes[0] = 0x31;
        let without = decode(&bytes).unwrap();
        assert_eq!((without.auth, without.auth_data()), (None, None));
    }

    #[test]
    fn a_sum_is_wrong_where_the_source_was_changed() {
        let (src, dst) = (Ip::v4([192, 0, 2, 21]), Ip::v4([224, 0, 0, 18]));
        let sums = |pseudo: bool| {
            let mut bytes = vec![0x31, 51, 100, 1, 0, 100, 0, 0, 192, 0, 2, 8];
            let mut words: Vec<u8> = bytes.clone();
            if pseudo {
                words.extend([192, 0, 2, 21, 224, 0, 0, 18, 0, 112, 0, 12]);
            }
            let sum: u32 =
                words.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
            let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
            bytes[6..8].copy_from_slice(&sum.to_be_bytes());
            bytes
        };
        let damaged = |bytes: &[u8], src| decode(bytes).unwrap().is_damaged(src, dst);
        for bytes in [sums(true), sums(false)] {
            assert!(!damaged(&bytes, src));
        }
        assert!(damaged(&sums(true), Ip::v4([192, 0, 2, 22])));
        assert!(!damaged(&sums(true)[..11], Ip::v4([192, 0, 2, 22])), "cut");
    }

    #[test]
    fn addresses_are_those_that_are_there_whole() {
        let bytes = [0x21, 51, 100, 2, 0, 1, 0, 0, 192, 0, 2, 8, 192, 0, 2, 9, 0, 0];
        let all = decode(&bytes).unwrap().virtual_addresses(true);
        assert_eq!(all.list(), [Ip::v4([192, 0, 2, 8]), Ip::v4([192, 0, 2, 9])]);
        assert!(all.whole);
        for len in 8..16 {
            let cut = decode(&bytes[..len]).unwrap().virtual_addresses(true);
            assert!(!cut.whole && cut.list().len() < 2);
        }
    }
}
