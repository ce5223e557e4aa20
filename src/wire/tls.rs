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

/// Bytes of a record that carries one alert of TLS 1.3: level and description, the content type, and the tag
/// of AES-GCM or ChaCha20-Poly1305 (RFC 8446, sections 5.2 and 6).
const SEALED_ALERT: [u8; 2] = [0, 2 + 1 + 16];
/// A ChangeCipherSpec record, which TLS 1.3 sends for the sake of devices on the way (appendix D.4).
const CHANGE_CIPHER_SPEC: &[u8] = &[20, 3, 3, 0, 1, 1];

/// Whether a segment's payload is an encrypted record as long as an alert of TLS 1.3, and no more, with how many bytes
/// of a ChangeCipherSpec stand before it. What it says cannot be read; a Finished is longer.
#[inline]
#[must_use]
pub fn sealed_alert(payload: &[u8], len: u32) -> Option<u32> {
    let record = payload.strip_prefix(CHANGE_CIPHER_SPEC).unwrap_or(payload);
    let before = payload.len() - record.len();
    let [23, 3, 3, a, b, ..] = record else { return None };
    let whole = before as u32 + 5 + u32::from(SEALED_ALERT[1]);
    ([*a, *b] == SEALED_ALERT && len == whole).then_some(before as u32)
}

/// Where the record ends that a ClientHello at the start of a payload is in, counted from its first byte.
#[must_use]
pub fn hello_ends(payload: &[u8]) -> Option<u32> {
    let [HANDSHAKE, 3, 0..=4, a, b, CLIENT_HELLO, ..] = payload else { return None };
    Some(5 + u32::from(u16::from_be_bytes([*a, *b])))
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

/// What a ClientHello asks for, as far as the segment that begins it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asks<'a> {
    /// The host name of `server_name` (RFC 6066, section 3).
    pub server_name: Option<&'a [u8]>,
    /// The newest version that it offers (RFC 8446, section 4.2.1), 0x0304 for TLS 1.3.
    pub version: Option<u16>,
}

/// RFC 6066, section 1.1; RFC 8446, section 4.2.
const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;

/// What the ClientHello at the start of a segment's payload asks for. An extension that lies in a later
/// segment is not known.
#[must_use]
pub fn asks(payload: &[u8]) -> Option<Asks<'_>> {
    client_random(payload)?;
    let legacy = u16::from_be_bytes([payload[9], payload[10]]);
    let mut asks = Asks { server_name: None, version: None };
    let mut rest = Rest(payload.get(BEFORE + 32..)?);
    let head = (|| {
        rest.listed(1)?;
        rest.listed(2)?;
        rest.listed(1)
    })();
    let all = head.and_then(|_| rest.number(2));
    let whole = match all {
        Some(all) => rest.0.len() >= all,
        // Extensions may be missing (RFC 5246, section 7.4.1.2).
        None => head.is_some() && rest.0.is_empty() && payload.len() >= ends_at(payload),
    };
    while let (Some(kind), Some(body)) = (rest.number(2), rest.listed(2)) {
        match kind as u16 {
            SERVER_NAME => asks.server_name = host_name(body),
            SUPPORTED_VERSIONS => {
                let offered = body.get(1..).unwrap_or_default().chunks_exact(2);
                let offered = offered.map(|two| u16::from_be_bytes([two[0], two[1]]));
                // Values of RFC 8701 are there to be skipped.
                asks.version = offered.filter(|version| version >> 8 == 3).max();
            }
            _ => {}
        }
    }
    if asks.version.is_none() && whole {
        asks.version = Some(legacy);
    }
    Some(asks)
}

/// Where the message of the handshake ends that a payload begins with: behind its header of four bytes, which
/// has its length, and the record's of five.
fn ends_at(payload: &[u8]) -> usize {
    Rest(payload.get(6..).unwrap_or_default()).number(3).map_or(usize::MAX, |length| 9 + length)
}

/// Name type 0 is a host name; nobody defined another.
fn host_name(body: &[u8]) -> Option<&[u8]> {
    let mut list = Rest(Rest(body).listed(2)?);
    (list.number(1)? == 0).then(|| list.listed(2)).flatten()
}

/// Bytes that are read from the front.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn number(&mut self, bytes: usize) -> Option<usize> {
        let (head, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(head.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
    }

    /// What a length of so many bytes stands before.
    fn listed(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let length = self.number(bytes)?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
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
    fn what_is_as_long_as_an_alert_is_told_from_a_finished() {
        let sealed = |len: u8| [vec![23, 3, 3, 0, len], vec![7; usize::from(len)]].concat();
        let behind = |record: Vec<u8>| [CHANGE_CIPHER_SPEC, &record[..]].concat();
        let of = |bytes: &[u8]| sealed_alert(bytes, bytes.len() as u32);
        assert_eq!(of(&sealed(19)), Some(0));
        assert_eq!(of(&behind(sealed(19))), Some(6));
        assert_eq!(of(&sealed(53)), None);
        assert_eq!(of(&[sealed(19), sealed(19)].concat()), None, "more follows");
        assert_eq!(of(&[21, 3, 3, 0, 2, 2, 40]), None, "in the clear");
        assert_eq!(sealed_alert(&sealed(19)[..9], 24), Some(0), "cut");
        let bytes = hello();
        assert_eq!(hello_ends(&bytes), Some(bytes.len() as u32));
        assert_eq!(hello_ends(&bytes[..5]), None);
    }

    /// A hello with these extensions.
    fn asking(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut own = Vec::new();
        for (kind, body) in extensions {
            own.extend(kind.to_be_bytes());
            own.extend((body.len() as u16).to_be_bytes());
            own.extend(*body);
        }
        let mut bytes = hello();
        bytes.truncate(bytes.len() - 2);
        bytes.extend((own.len() as u16).to_be_bytes());
        bytes.extend(own);
        let length = bytes.len() as u16;
        bytes[3..5].copy_from_slice(&(length - 5).to_be_bytes());
        bytes[7..9].copy_from_slice(&(length - 9).to_be_bytes());
        bytes
    }

    #[test]
    fn a_hello_tells_the_name_and_the_version_that_it_asks_for() {
        let name = [&[0, 9, 0, 0, 6][..], b"a.test"].concat();
        let versions = [6, 0x4a, 0x4a, 3, 4, 3, 3];
        let bytes = asking(&[(0x1a1a, &[]), (0, &name), (43, &versions)]);
        let asked = asks(&bytes).unwrap();
        assert_eq!((asked.server_name, asked.version), (Some(&b"a.test"[..]), Some(0x0304)));
        assert_eq!(asks(&asking(&[(0, &name)])).unwrap().version, Some(0x0303));
        assert_eq!(asks(&hello()).unwrap(), Asks { server_name: None, version: Some(0x0303) });
        let mut plain = hello();
        plain.truncate(plain.len() - 2);
        plain[8] -= 2;
        assert_eq!(asks(&plain).unwrap().version, Some(0x0303));
        for cut in 0..bytes.len() {
            let asked = asks(&bytes[..cut]);
            assert!(asked.is_none_or(|asked| asked.version.is_none()), "cut at {cut}");
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
