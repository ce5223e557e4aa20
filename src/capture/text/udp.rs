//! UDP as tcpdump prints it: the length, or what it makes of the payload.

use super::scan::Scan;
use super::shown::{Body, Shown};

pub(super) fn udp(scan: &mut Scan<'_>, shown: &mut Shown, ports: (u16, u16)) -> Option<()> {
    scan.blanks();
    let length = if scan.eat("UDP, length ") || scan.eat("UDP, length: ") || scan.eat("udp ") {
        scan.blanks().num()
    } else {
        let line = scan.rest().lines().next().unwrap_or("");
        said(line).or_else(|| last_in_brackets(scan.rest()))
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
