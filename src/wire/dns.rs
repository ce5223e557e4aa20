//! The head of a DNS message: identifier, query or response, and the type asked for.
//!
//! No more is read than tells two questions apart; names are stepped over.

/// Length of the header (RFC 1035, section 4.1.1).
const HEADER: usize = 12;
/// Bytes of a name at most (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 255;

/// The port of DNS.
pub const PORT: u16 = 53;
/// Type A (RFC 1035, section 3.2.2).
pub const A: u16 = 1;
/// Type AAAA (RFC 3596, section 2.1).
pub const AAAA: u16 = 28;

/// What a DNS message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Identifier, which the response repeats.
    pub id: u16,
    /// A response (QR is 1).
    pub response: bool,
    /// Type of the first question (QTYPE); 0 where it was cut off.
    pub kind: u16,
}

/// The first question of a datagram's payload; `None` where it is no DNS message with one
/// question.
#[must_use]
pub fn question(payload: &[u8]) -> Option<Question> {
    let header = payload.get(..HEADER)?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    // Any opcode but a standard query is something else (section 4.1.1).
    if word(4) != 1 || word(2) & 0x7800 != 0 {
        return None;
    }
    Some(Question {
        id: word(0),
        response: word(2) & 0x8000 != 0,
        kind: kind(&payload[HEADER..]).unwrap_or(0),
    })
}

/// Whether a message has the name of its question.
#[must_use]
pub fn is_named(payload: &[u8]) -> bool {
    payload.len() > HEADER
}

/// Whether a question's name ends in a zone, given as its labels.
#[must_use]
pub fn asks_for(payload: &[u8], zone: &[&str]) -> bool {
    let Some(mut rest) = payload.get(HEADER..).filter(|_| question(payload).is_some()) else {
        return false;
    };
    let mut left = MAX_NAME;
    let mut matched = 0;
    while let Some((&length, after)) = rest.split_first() {
        let length = usize::from(length);
        if length == 0 {
            return matched == zone.len();
        }
        let (Some(label), Some(room)) = (after.get(..length), left.checked_sub(1 + length)) else {
            return false;
        };
        let is = |at: usize| zone.get(at).is_some_and(|z| label.eq_ignore_ascii_case(z.as_bytes()));
        matched = if is(matched) { matched + 1 } else { usize::from(is(0)) };
        (rest, left) = (&after[length..], room);
    }
    false
}

/// A digest of the name that is asked for, the same on every machine: FNV-1a, folded. Case does not count (RFC
/// 1035, section 2.3.3).
#[must_use]
pub fn digest(payload: &[u8]) -> u16 {
    let mut hash = 0x811c_9dc5_u32;
    let mut rest = payload.get(HEADER..).unwrap_or_default();
    let mut left = MAX_NAME;
    while let Some((&length, after)) = rest.split_first() {
        let label = after.get(..usize::from(length)).unwrap_or_default();
        let room = left.checked_sub(1 + label.len());
        let (Some(room), false) = (room, label.is_empty()) else { break };
        for byte in std::iter::once(length).chain(label.iter().map(u8::to_ascii_lowercase)) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        (rest, left) = (&after[label.len()..], room);
    }
    (hash ^ hash >> 16) as u16
}

/// The same of a name that is written with dots.
#[must_use]
pub fn digest_of(name: &str) -> u16 {
    let mut message = vec![0; HEADER];
    for label in name.trim_end_matches('.').split('.').filter(|label| label.len() < 64) {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.push(0);
    digest(&message)
}

fn kind(mut rest: &[u8]) -> Option<u16> {
    let mut left = MAX_NAME;
    loop {
        let length = usize::from(*rest.first()?);
        rest = rest.get(1 + length..)?;
        if length == 0 {
            return Some(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
        }
        left = left.checked_sub(1 + length)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_the_end_of_a_name() {
        let asks = |name: &[u8]| {
            let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            message.extend(name);
            message.extend(b"\x00\x00\x01\x00\x01");
            asks_for(&message, &["cluster", "local"])
        };
        assert!(asks(b"\x03api\x03svc\x07Cluster\x05local"));
        assert!(!asks(b"\x07cluster\x05local\x07example"));
        assert!(!asks(b"\x07cluster\x03org"));
        assert!(!asks_for(b"\x00", &["local"]));
    }

    #[test]
    fn a_name_that_is_written_has_the_digest_of_its_question() {
        let mut message = vec![0; HEADER];
        message.extend(b"\x07broker0\x05Kafka\x00\x00\x01\x00\x01");
        assert_eq!(digest_of("Broker0.kafka."), digest(&message));
        assert_ne!(digest_of("broker1.kafka"), digest(&message));
    }

    #[test]
    fn a_question_is_read_and_anything_else_refused() {
        let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        message.extend(b"\x03www\x07example\x00\x00\x1c\x00\x01");
        let asked = Question { id: 0x1234, response: false, kind: AAAA };
        assert_eq!(question(&message), Some(asked));
        assert_eq!(question(&message[..20]), Some(Question { kind: 0, ..asked }), "cut");
        assert_eq!(question(&message[..11]), None);
        message[2] = 0x81;
        assert_eq!(question(&message), Some(Question { response: true, ..asked }));
        message[2] = 0x28;
        assert_eq!(question(&message), None, "an update");
        message[2] = 1;
        message[5] = 0;
        assert_eq!(question(&message), None, "no question");
        message[5] = 1;
        message.truncate(12);
        message.extend([63; 400]);
        assert_eq!(question(&message).map(|q| q.kind), Some(0), "a name without end");
    }
}
