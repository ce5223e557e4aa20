//! The ClientHello of TLS, as far as ties need it: its random.
//!
//! A proxy that passes TLS through sends the client's hello on as it came, so the
//! random is on both of its connections and on no other. Nothing is decrypted, and
//! nothing is said of a hello whose random was cut.

/// The 32 bytes that a client draws anew for each hello.
pub type Random = [u8; 32];

/// A handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// RFC 8446, section 4.
const CLIENT_HELLO: u8 = 1;
/// Bytes of the record header, of the handshake header, and of the version before
/// the random.
const BEFORE: usize = 5 + 4 + 2;
/// The least that a hello can be: version, random, session identifier, one cipher
/// suite, one compression method (RFC 5246, section 7.4.1.2).
const LEAST: usize = 2 + 32 + 1 + 2 + 2 + 2;

/// Whether a payload begins as a TLS handshake does, whole or cut.
#[inline]
#[must_use]
pub fn is_handshake(payload: &[u8]) -> bool {
    matches!(payload, [HANDSHAKE, 3, 0..=4, ..])
}

/// The random of a ClientHello at the start of a segment's payload (RFC 8446, section
/// 4.1.2; RFC 5246, section 7.4.1.2). The rest of the hello may follow in further
/// segments or records.
#[must_use]
pub fn client_random(payload: &[u8]) -> Option<Random> {
    let (head, rest) = payload.split_first_chunk::<BEFORE>()?;
    let [HANDSHAKE, 3, 0..=4, _, _, CLIENT_HELLO, a, b, c, 3, 0..=4] = *head else { return None };
    if (u32::from_be_bytes([0, a, b, c]) as usize) < LEAST {
        return None;
    }
    rest.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Vec<u8> {
        let mut bytes = vec![22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3];
        bytes.extend(1..=32);
        bytes.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 0]);
        bytes
    }

    #[test]
    fn the_random_is_read_where_it_is_whole() {
        let bytes = hello();
        for len in 0..=bytes.len() {
            let random = client_random(&bytes[..len]);
            assert_eq!(random.is_some(), len >= 43, "cut at {len}");
            assert!(random.is_none_or(|r| r[0] == 1 && r[31] == 32));
        }
    }

    #[test]
    fn other_records_have_none() {
        // A ServerHello, application data, another version, a hello too short to be one.
        for (at, byte) in [(5, 2), (0, 23), (1, 2), (9, 2), (8, 20)] {
            let mut bytes = hello();
            bytes[at] = byte;
            assert_eq!(client_random(&bytes), None, "byte {at}");
        }
    }
}
