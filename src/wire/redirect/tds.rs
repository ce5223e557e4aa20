//! Where a gateway of SQL Server sends its clients: the change of environment "routing" in the answer to a login
//! (MS-TDS, section 2.2.7.9, type 20). Seen only where the login is not encrypted.

use super::{Endpoint, Redirector, host};

/// Length of a packet's header; its type, a table response.
const HEADER: usize = 8;
const RESPONSE: u8 = 4;
/// The token ENVCHANGE, and the type of it.
const ENVCHANGE: u8 = 0xe3;
const ROUTING: u8 = 20;
/// TCP, the only protocol that is named.
const TCP: u8 = 0;
/// Characters of a name at most that are read.
const LONGEST: usize = 253;

/// The server that a response names.
pub(super) fn routing(payload: &[u8]) -> Option<Endpoint> {
    let len = usize::from(u16::from_be_bytes([*payload.get(2)?, *payload.get(3)?]));
    if payload.first() != Some(&RESPONSE) || !(HEADER..=payload.len()).contains(&len) {
        return None;
    }
    let tokens = &payload[HEADER..len];
    tokens.iter().enumerate().filter(|(_, b)| **b == ENVCHANGE).find_map(|(at, _)| {
        // The token's length, its type, the length of the value, the value.
        let [_, _, _, ROUTING, _, _, TCP, low, high, few, many, rest @ ..] = &tokens[at..] else {
            return None;
        };
        let port = u16::from_le_bytes([*low, *high]);
        let chars = usize::from(u16::from_le_bytes([*few, *many]));
        if port == 0 || !(1..=LONGEST).contains(&chars) {
            return None;
        }
        let text: Vec<u16> = rest
            .get(..chars * 2)?
            .chunks_exact(2)
            .map(|two| u16::from_le_bytes([two[0], two[1]]))
            .collect();
        Some((Redirector::SqlServer, host(&String::from_utf16(&text).ok()?)?, port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Ip;
    use crate::wire::redirect::Host;

    fn response(kind: u8) -> Vec<u8> {
        let name: Vec<u8> = "10.90.4.17".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let value = [&[TCP, 0xfb, 0x2a, 10, 0][..], &name].concat();
        let token = [&[ENVCHANGE, 30, 0, kind, value.len() as u8, 0][..], &value].concat();
        let len = (HEADER + token.len()) as u16;
        [&[RESPONSE, 1][..], &len.to_be_bytes(), &[0, 0, 1, 0], &token].concat()
    }

    #[test]
    fn a_gateway_names_a_server() {
        let told = (Redirector::SqlServer, Host::Ip(Ip::v4([10, 90, 4, 17])), 11003);
        assert_eq!(routing(&response(ROUTING)), Some(told));
        assert_eq!(routing(&response(1)), None, "another database");
        assert_eq!(routing(&response(ROUTING)[..20]), None, "cut");
        assert_eq!(routing(b""), None);
    }
}
