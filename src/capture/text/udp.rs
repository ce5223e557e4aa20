//! UDP as tcpdump prints it: the length, or what it makes of the payload.

use super::scan::Scan;
use super::shown::{Body, Shown};

pub(super) fn udp(scan: &mut Scan<'_>, shown: &mut Shown, ports: (u16, u16)) -> Option<()> {
    scan.blanks();
    let length = if scan.eat("UDP, length ") || scan.eat("UDP, length: ") || scan.eat("udp ") {
        scan.blanks().num()
    } else {
        let line = scan.rest().lines().next().unwrap_or("");
        said(line).or_else(|| last_in_brackets(scan.rest())).or_else(|| snmp(scan.rest()))
    };
    if ports.0 == 53 || ports.1 == 53 {
        dns(scan.rest(), shown);
    }
    shown.clean = length.is_some();
    shown.body = Body::Udp { ports, length };
    Some(())
}

/// `NTPv4, Client, length 48`, `domain [length 0 < 12] (invalid)`
fn said(line: &str) -> Option<u32> {
    let (_, after) = line.split_once("length ").or_else(|| line.split_once("length: "))?;
    Scan::new(after).blanks().num()
}

/// `12345+ A? www.example.com. (33)`
fn last_in_brackets(text: &str) -> Option<u32> {
    let before = text.trim_end().strip_suffix(')')?;
    let (_, number) = before.rsplit_once('(')?;
    number.parse().ok()
}

/// What tcpdump calls the PDUs of SNMP (RFC 3416, section 3), with the length of what is in each.
const PDUS: &[&str] = &[
    "GetRequest(",
    "GetNextRequest(",
    "GetResponse(",
    "SetRequest(",
    "GetBulk(",
    "Inform(",
    "V2Trap(",
    "Report(",
];
/// The community that is not printed.
const COMMUNITY: &str = "public";
/// INTEGER, length and value of a version of SNMP.
const VERSION: u32 = 3;

/// `GetRequest(28)  .1.3.6.1.2.1.1.3.0`: the message around it is a sequence of version, community and the
/// PDU (RFC 1901, section 3), each with its tag and length (X.690, section 8.1).
fn snmp(text: &str) -> Option<u32> {
    let (at, name) = PDUS.iter().find_map(|name| Some((text.find(name)?, name)))?;
    let inside: u32 = Scan::new(&text[at + name.len()..]).num()?;
    let named = text[..at].split_once("C=\"").and_then(|(_, rest)| rest.split_once('"'));
    let community = named.map_or(COMMUNITY, |(name, _)| name).len() as u32;
    Some(tagged(tagged(inside) + tagged(community) + VERSION))
}

/// With its tag and its length.
fn tagged(length: u32) -> u32 {
    let of_length = match length {
        0..128 => 1,
        128..256 => 2,
        _ => 3,
    };
    length.saturating_add(1 + of_length)
}

/// Types of questions that are told apart.
const TYPES: &[(&str, u16)] = &[
    ("A?", 1),
    ("NS?", 2),
    ("CNAME?", 5),
    ("SOA?", 6),
    ("PTR?", 12),
    ("MX?", 15),
    ("TXT?", 16),
    ("AAAA?", 28),
    ("SRV?", 33),
    ("HTTPS?", 65),
];

/// What is printed of a DNS message (RFC 1035, section 4.1): identifier, whether it is a
/// response, the question.
fn dns(text: &str, shown: &mut Shown) {
    let mut scan = Scan::new(text);
    let Some(id) = scan.num::<u16>() else { return };
    let marks = scan.token();
    let question = text.split_whitespace().find_map(|word| {
        TYPES.iter().find(|(name, _)| *name == word).map(|(name, kind)| (*name, *kind))
    });
    // `1/0/0`: answers, authorities, additional records.
    let counts = |word: &str| word.split('/').filter(|n| n.parse::<u16>().is_ok()).count() == 3;
    let response = text.split_whitespace().take(4).any(counts);
    let name = question
        .and_then(|(name, _)| text.split_once(name))
        .map(|(_, after)| Scan::new(after).token().trim_end_matches(['.', ',']).to_owned());
    let recursion = u8::from(marks.contains('+'));
    let asked = u8::from(question.is_some() || response);
    let bytes = &mut shown.payload;
    bytes.extend(id.to_be_bytes());
    bytes.extend([u8::from(response) << 7 | recursion, 0, 0, asked, 0, 0, 0, 0, 0, 0]);
    let (Some((_, kind)), Some(name)) = (question, name) else { return };
    if name.len() > 253 || name.split('.').any(|label| label.len() > 63) {
        return;
    }
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
}

#[cfg(test)]
mod tests {
    use super::snmp;

    #[test]
    fn the_length_of_a_message_of_snmp_is_that_of_its_parts() {
        assert_eq!(snmp(" GetRequest(28)  .1.3.6.1.2.1.1.3.0"), Some(43));
        assert_eq!(snmp(" C=\"fleet-ro\" GetResponse(30)  .1.3.6.1=7"), Some(47));
        assert_eq!(snmp(" GetResponse(200)  .1.3"), Some(217));
        assert_eq!(snmp(" GetMore(28)"), None);
    }
}
