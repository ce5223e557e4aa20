//! Brokers that a Kafka broker names to its clients: `advertised.listeners`, as its answer to Metadata has them
//! (Kafka protocol guide, API key 3).

use super::{Endpoint, FEW, Host, Redirector, host};

/// Bytes of a payload that are read: brokers stand before topics.
const MOST: usize = 4096;
/// A response is not longer (`message.max.bytes` and its kin are far below).
const LONGEST: usize = 1 << 28;
/// Brokers of a cluster at most.
const BROKERS: usize = 1024;

/// What stands before a list of brokers, and behind each.
#[derive(Clone, Copy)]
struct Layout {
    /// Milliseconds for which the client was held back: version 3 and later.
    throttle: bool,
    /// A rack behind each broker: version 1 and later.
    rack: bool,
    /// Lengths as variable integers, and tags: version 9 and later.
    flexible: bool,
}

const LAYOUTS: [Layout; 4] = [
    Layout { throttle: true, rack: true, flexible: true },
    Layout { throttle: true, rack: true, flexible: false },
    Layout { throttle: false, rack: true, flexible: false },
    Layout { throttle: false, rack: false, flexible: false },
];

/// The brokers of a response that a segment begins with. The request is not at hand, and with it the version:
/// each layout is tried, and one that does not fit to the last broker is none.
pub(super) fn brokers(payload: &[u8]) -> Vec<Endpoint> {
    let Some((len, rest)) = payload.split_first_chunk() else { return Vec::new() };
    let len = u32::from_be_bytes(*len) as usize;
    // A length that is shorter than what follows is something else's; one that is longer goes on in later segments.
    if len < rest.len() || len > LONGEST || rest.len() < 16 {
        return Vec::new();
    }
    let read = &rest[..rest.len().min(MOST)];
    LAYOUTS.iter().find_map(|layout| layout.read(read)).unwrap_or_default()
}

impl Layout {
    fn read(self, bytes: &[u8]) -> Option<Vec<Endpoint>> {
        let mut at = Reader(bytes);
        at.int()?; // correlation id
        if self.flexible {
            at.tags()?;
        }
        if self.throttle {
            at.int()?;
        }
        let count = if self.flexible { at.varint()?.checked_sub(1)? } else { at.int()? as usize };
        if !(1..=BROKERS).contains(&count) {
            return None;
        }
        let mut found = Vec::new();
        for _ in 0..count.min(FEW) {
            at.int()?; // node id
            let name = at.text(self.flexible)??;
            let port = u16::try_from(at.int()?).ok().filter(|port| *port != 0)?;
            if self.rack {
                at.text(self.flexible)?;
            }
            if self.flexible {
                at.tags()?;
            }
            found.push((Redirector::Kafka, plausible(name)?, port));
        }
        Some(found)
    }
}

/// A host of some length: a list of one-letter names is a chance.
fn plausible(name: &[u8]) -> Option<Host> {
    let name = std::str::from_utf8(name).ok()?;
    host(name).filter(|_| name.len() > 1)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn int(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// An unsigned variable integer of two bytes at most: nothing here is longer.
    fn varint(&mut self) -> Option<usize> {
        let low = self.take(1)?[0];
        if low < 0x80 {
            return Some(usize::from(low));
        }
        let high = self.take(1)?[0];
        (high < 0x80).then(|| usize::from(low & 0x7f) | usize::from(high) << 7)
    }

    /// None are known that a client would have to read.
    fn tags(&mut self) -> Option<()> {
        (self.varint()? == 0).then_some(())
    }

    /// A string, which may be absent.
    fn text(&mut self, flexible: bool) -> Option<Option<&'a [u8]>> {
        let len = if flexible {
            match self.varint()? {
                0 => return Some(None),
                n => n - 1,
            }
        } else {
            match u16::from_be_bytes(self.take(2)?.try_into().ok()?) {
                u16::MAX => return Some(None),
                n => usize::from(n),
            }
        };
        self.take(len).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Ip, dns};

    fn framed(body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32).to_be_bytes()[..], body].concat()
    }

    fn two(layout: Layout) -> Vec<u8> {
        let mut body = vec![0, 0, 0, 7];
        body.extend(layout.flexible.then_some(0));
        body.extend(if layout.throttle { &[0; 4][..] } else { &[] });
        body.extend(if layout.flexible { &[3][..] } else { &[0, 0, 0, 2] });
        for (id, name) in ["10.10.0.3", "kafka-1.kafka"].iter().enumerate() {
            body.extend([0, 0, 0, id as u8]);
            let len = name.len() as u8;
            body.extend(if layout.flexible { vec![len + 1] } else { vec![0, len] });
            body.extend(name.as_bytes());
            body.extend(9092_u32.to_be_bytes());
            if layout.rack {
                body.extend(if layout.flexible { &[0][..] } else { &[0xff, 0xff] });
            }
            body.extend(layout.flexible.then_some(0));
        }
        body.extend([0; 12]);
        framed(&body)
    }

    #[test]
    fn brokers_are_read_in_each_version() {
        let told = [
            (Redirector::Kafka, Host::Ip(Ip::v4([10, 10, 0, 3])), 9092),
            (Redirector::Kafka, Host::Name(dns::digest_of("kafka-1.kafka")), 9092),
        ];
        for layout in LAYOUTS {
            assert_eq!(brokers(&two(layout)), told);
        }
    }

    #[test]
    fn other_responses_and_protocols_name_nobody() {
        let versions = framed(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 9, 0, 3, 0, 0, 0, 9]);
        let frame = [0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100, 0, 4, 0, 0, 255, 255, 0, 5, 0];
        for other in [&versions[..], &frame, &two(LAYOUTS[1])[..40], b"\0\0", &[0; 200]] {
            assert!(brokers(other).is_empty(), "{other:?}");
        }
    }
}
