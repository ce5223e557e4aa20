//! The ClientHello of TLS, as far as ties need it: its random.
//!
//! A proxy that passes TLS through sends the client's hello on as it came, so the
//! random is on both of its connections and on no other. Nothing is decrypted, and
//! nothing is said of a hello whose random was cut.

/// The 32 bytes that a client draws anew for each hello.
pub type Random = [u8; 32];

/// An alert record (RFC 8446, section 5.1).
const ALERT: u8 = 21;
/// The level of an alert that ends the connection (section 6).
const FATAL: u8 = 2;
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

/// The description of a fatal alert at the start of a segment's payload, if it is sent in the
/// clear, as both sides do before they have keys: an encrypted one is longer.
#[inline]
#[must_use]
pub fn fatal_alert(payload: &[u8]) -> Option<u8> {
    match payload {
        [ALERT, 3, 0..=4, 0, 2, FATAL, description, ..] => Some(*description),
        _ => None,
    }
}

/// The name of an alert's description (RFC 8446, section 6, and the registry of TLS alerts).
#[must_use]
pub fn alert_name(description: u8) -> &'static str {
    match description {
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "an alert without a name",
    }
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
    fn a_fatal_alert_in_the_clear_is_read() {
        assert_eq!(fatal_alert(&[21, 3, 3, 0, 2, 2, 40]), Some(40));
        assert_eq!(fatal_alert(&[21, 3, 1, 0, 2, 2, 48, 21, 3]), Some(48));
        // A warning, an encrypted one, one cut off, another record.
        assert_eq!(fatal_alert(&[21, 3, 3, 0, 2, 1, 0]), None);
        assert_eq!(fatal_alert(&[21, 3, 3, 0, 26, 2, 40]), None);
        assert_eq!(fatal_alert(&[21, 3, 3, 0, 2, 2]), None);
        assert_eq!(fatal_alert(&[23, 3, 3, 0, 2, 2, 40]), None);
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
