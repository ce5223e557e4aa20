//! Errors in protocols that are no lines of text: each gives its code, if it is one that is known.

use super::Service;
use super::codes::{AMQP, BGP, HTTP2, LDAP, MQTT, POSTGRES, RPC, UNIMPLEMENTED};

/// How HPACK writes the name `grpc-status`, with its length: plain, and in its Huffman code (RFC 7541,
/// section 5.2 and appendix B).
const GRPC_STATUS: [&[u8]; 2] =
    [b"\x0bgrpc-status", &[0x88, 0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f]];
/// A status behind the name, likewise.
const GRPC_VALUES: [(&[u8], u16); 14] = [
    (b"\x012", 2),
    (b"\x014", 4),
    (b"\x018", 8),
    (b"\x0212", UNIMPLEMENTED),
    (b"\x0213", 13),
    (b"\x0214", 14),
    (b"\x0215", 15),
    (&[0x81, 0x17], 2),
    (&[0x81, 0x6b], 4),
    (&[0x81, 0x7b], 8),
    (&[0x82, 0x08, 0xbf], UNIMPLEMENTED),
    (&[0x82, 0x0b, 0x3f], 13),
    (&[0x82, 0x0b, 0x5f], 14),
    (&[0x82, 0x0b, 0x7f], 15),
];

/// An ErrorResponse: its SQLSTATE (field C).
pub(super) fn postgres(payload: &[u8]) -> Option<u16> {
    // Who needs no password is let in, and told only then that there is no such role or database, or no room.
    let payload = payload.strip_prefix(b"R\0\0\0\x08\0\0\0\0").unwrap_or(payload);
    let [b'E', a, b, c, d, fields @ ..] = payload else { return None };
    let len = u32::from_be_bytes([*a, *b, *c, *d]);
    // Severity comes first, as text.
    if !(8..65_536).contains(&len) || fields.first() != Some(&b'S') {
        return None;
    }
    let mut fields = fields.split(|byte| *byte == 0);
    let state = fields.find_map(|field| field.strip_prefix(b"C"))?;
    POSTGRES.iter().find(|(name, ..)| name.as_bytes() == state).map(|(_, code, _)| *code)
}

/// CONNACK, of version 3.1.1 and of 5.
pub(super) fn connack(payload: &[u8]) -> Option<u16> {
    let [0x20, left, flags, code, rest @ ..] = payload else { return None };
    let fits = usize::from(*left) == rest.len() + 2 && *left < 0x80 && flags & 0xfe == 0;
    let code = u16::from(*code);
    (fits && MQTT.iter().any(|(known, _)| *known == code)).then_some(code)
}

/// A BindResponse whose lengths are in the short form.
pub(super) fn bind(payload: &[u8]) -> Option<u16> {
    let [0x30, _, 0x02, 0x01, _, 0x61, _, 0x0a, 0x01, code, ..] = payload else { return None };
    let code = u16::from(*code);
    LDAP.iter().any(|(known, _)| *known == code).then_some(code)
}

/// A notice of disconnection with which a server of LDAP ends a session on its own (RFC 4511, section 4.4.1), its
/// lengths in the short form.
pub(super) fn disconnection(payload: &[u8]) -> Option<u16> {
    let [0x30, _, 0x02, 0x01, 0x00, 0x78, _, 0x0a, 0x01, code, ..] = payload else { return None };
    let code = u16::from(*code);
    LDAP.iter().any(|(known, _)| *known == code).then_some(code)
}

/// Connection.Close of AMQP 0-9-1 (sections 2.3.5 and 1.4.2.10): a method frame of channel 0.
pub(super) fn close(payload: &[u8]) -> Option<u16> {
    let [1, 0, 0, _, _, _, _, 0, 10, 0, 50, a, b, ..] = payload else { return None };
    let code = u16::from_be_bytes([*a, *b]);
    AMQP.iter().any(|(known, _)| *known == code).then_some(code)
}

/// Reads the chunks with which a side of an SCTP association begins: an ABORT (RFC 9260, section 3.3.7), as a host
/// answers an INIT that nobody takes (section 5.1). Its code is the first cause in it, 0 where it gives none.
#[must_use]
pub fn of_sctp(chunks: &[u8]) -> Option<(Service, u16)> {
    const ABORT: u8 = 6;
    match chunks {
        [ABORT, _, _, _, a, b, ..] => Some((Service::Sctp, u16::from_be_bytes([*a, *b]))),
        [ABORT, ..] => Some((Service::Sctp, 0)),
        _ => None,
    }
}

/// The protocol header with which a server of AMQP 0-9-1 or before turns another version down (AMQP 0-9-1, section
/// 4.2.2), as its minor version and revision. In 1.0 each server begins with one.
pub(super) fn amqp(payload: &[u8]) -> Option<u16> {
    match payload {
        [b'A', b'M', b'Q', b'P', 0, 0, 9, 1] => Some(91),
        [b'A', b'M', b'Q', b'P', 1, 1, 0, 9] => Some(90),
        [b'A', b'M', b'Q', b'P', 1, 1, 8, 0] => Some(80),
        _ => None,
    }
}

/// GOAWAY with an error.
pub(super) fn goaway(payload: &[u8]) -> Option<u16> {
    let [0, a, b, 7, 0, 0, 0, 0, 0, last, _, _, _, 0, 0, 0, code, rest @ ..] = payload else {
        return None;
    };
    let debug = usize::from(u16::from_be_bytes([*a, *b])).checked_sub(8)?;
    let code = u16::from(*code);
    let known = HTTP2.iter().any(|(known, _)| *known == code);
    (known && last & 0x80 == 0 && rest.len() >= debug).then_some(code)
}

/// A NOTIFICATION among the messages that a segment begins with (RFC 4271, section 4.1): a marker of sixteen ones,
/// a length, a type. What an operator brings about, and which of two sessions goes on, is no error of the service.
pub(super) fn notification(mut payload: &[u8]) -> Option<u16> {
    const HEADER: usize = 19;
    const NOTIFICATION: u8 = 3;
    loop {
        let header = payload.get(..HEADER).filter(|h| h[..16].iter().all(|b| *b == 0xff))?;
        let len = usize::from(u16::from_be_bytes([header[16], header[17]]));
        if header[18] != NOTIFICATION {
            payload = payload.get(len.max(HEADER)..)?;
            continue;
        }
        let (code, sub) = (u16::from(*payload.get(HEADER)?), u16::from(*payload.get(HEADER + 1)?));
        let known = |code: &u16| BGP.iter().any(|(known, _)| known == code);
        return [code << 8 | sub, code << 8].into_iter().find(known);
    }
}

/// The status in a HEADERS frame (RFC 9113, section 6.2), where it is written out: so the first of a
/// connection is, and later ones may be an index of it.
pub(super) fn grpc(payload: &[u8]) -> Option<u16> {
    let [0, a, b, 1, flags, rest @ ..] = payload else { return None };
    let len = usize::from(u16::from_be_bytes([*a, *b]));
    // A last one ends the stream.
    let block = rest.get(4..4 + len).filter(|_| flags & 0x01 != 0)?;
    let after = |name: &[u8]| {
        let at = block.windows(name.len()).position(|seen| seen == name)?;
        block.get(at + name.len()..)
    };
    let value = GRPC_STATUS.iter().find_map(|name| after(name))?;
    GRPC_VALUES.iter().find(|(written, _)| value.starts_with(written)).map(|(_, code)| *code)
}

/// A call of ONC RPC over TCP that is denied for its credentials: one last fragment (RFC 5531, sections 9 and 11), a
/// reply, denied, `AUTH_ERROR`, and why.
pub(super) fn rpc(payload: &[u8]) -> Option<u16> {
    let [0x80, 0, 0, 20, _, _, _, _, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, why] = payload
    else {
        return None;
    };
    RPC.iter().map(|(known, _)| *known).find(|known| *known == u16::from(*why))
}

#[cfg(test)]
mod tests {
    use super::postgres;

    #[test]
    fn an_error_behind_the_word_that_lets_a_client_in_is_read() {
        let error = b"E\0\0\0\x13SFATAL\0C53300\0\0";
        let let_in = b"R\0\0\0\x08\0\0\0\0";
        assert_eq!(postgres(error), Some(53_300));
        assert_eq!(postgres(&[&let_in[..], error].concat()), Some(53_300));
        assert_eq!(postgres(let_in), None);
    }
}
