//! First words of clients that each server answers, by their protocol: where none comes, something failed.

/// Whether a client's first words are of such a kind: LDAP, PostgreSQL, MQTT, AMQP, Redis, MongoDB, Diameter, Kafka, DNS
/// and calls of ONC RPC. HTTP and TLS are told elsewhere.
#[must_use]
pub fn is_due_an_answer(payload: &[u8]) -> bool {
    match payload {
        // BindRequest and SearchRequest (RFC 4511, sections 4.2 and 4.5.1), in the short form of lengths.
        [0x30, len, 2, 1, _, 0x60 | 0x63, ..] => usize::from(*len) + 2 == payload.len(),
        // CONNECT (MQTT 3.1.1, section 3.1).
        [0x10, _, 0, 4, b'M', b'Q', b'T', b'T', ..] => true,
        [b'A', b'M', b'Q', b'P', ..] => payload.len() == 8,
        // A command in RESP.
        [b'*', b'1'..=b'9', b'\r', b'\n', b'$', ..] => payload.ends_with(b"\r\n"),
        // The last fragment of a call: version 2 of RPC (RFC 5531, section 9).
        [0x80, _, a, b, _, _, _, _, 0, 0, 0, 0, 0, 0, 0, 2, ..] => {
            is_long(payload, 4, [0, 0, *a, *b])
        }
        // Capabilities-Exchange-Request (RFC 6733, sections 3 and 5.3.1).
        [1, a, b, c, 0x80 | 0xc0, 0, 1, 1, ..] => is_long(payload, 0, [0, *a, *b, *c]),
        // A StartupMessage of PostgreSQL, version 3, and its request for TLS. Kafka: ApiVersions or Metadata, as a Produce
        // may want no answer.
        [a, b, c, d, 0, 3, 0, 0 | 2, ..]
        | [a, b, c, d, 4, 0xd2, 0x16, 0x2f]
        | [a, b, c, d, 0, 3 | 18, 0, _, ..] => {
            let len = [*a, *b, *c, *d];
            is_long(payload, 0, len) || payload[4] == 0 && is_long(payload, 4, len)
        }
        _ => is_mongodb(payload) || is_dns(payload),
    }
}

/// Whether a message of which so many bytes do not count is as long as it says.
fn is_long(payload: &[u8], before: usize, len: [u8; 4]) -> bool {
    u32::from_be_bytes(len) as usize + before == payload.len()
}

/// OP_MSG and OP_QUERY of MongoDB, which ask; a flag says that more comes and nothing is to be answered (Wire Protocol).
fn is_mongodb(payload: &[u8]) -> bool {
    let number =
        |at: usize| payload.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let whole = number(0) == Some(payload.len() as u32) && number(8) == Some(0);
    match number(12) {
        Some(2013) => whole && payload.get(16).is_some_and(|flags| flags & 2 == 0),
        Some(2004) => whole,
        _ => false,
    }
}

/// A question of DNS behind its length (RFC 1035, section 4.2.2).
fn is_dns(payload: &[u8]) -> bool {
    let [a, b, message @ ..] = payload else { return false };
    let whole = usize::from(u16::from_be_bytes([*a, *b])) == message.len();
    whole && super::dns::question(message).is_some_and(|question| !question.response)
}

#[cfg(test)]
mod tests {
    use super::is_due_an_answer;

    #[test]
    fn questions_of_protocols_that_answer_each_are_known() {
        for asks in [
            &[0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0][..],
            b"AMQP\0\0\x09\x01",
            b"*1\r\n$4\r\nPING\r\n",
            b"\0\0\0\x08\x04\xd2\x16\x2f",
            b"\0\0\0\x12\0\x03\0\0user\0app\0\0",
            b"\0\0\0\x0a\0\x12\0\x03\0\0\0\x01\xff\xff",
            b"\x01\0\0\x14\x80\0\x01\x01\0\0\0\0\0\0\0\x01\0\0\0\x01",
        ] {
            assert!(is_due_an_answer(asks), "{asks:?}");
        }
        for other in [
            &[0x30, 5, 2, 1, 1, 0x42, 0][..],
            b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02",
            b"<34>1 2025 a log",
            b"servers.a 1 1700000000\n",
            b"",
        ] {
            assert!(!is_due_an_answer(other), "{other:?}");
        }
    }
}
