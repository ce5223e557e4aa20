//! DNS as tcpdump prints it. The line of an answer has the name that was asked for only with `-v`, and never whether
//! the client asked for recursion: both stand in the line of the question, which is remembered.

use std::collections::HashMap;
use std::net::IpAddr;

use super::scan::Scan;
use super::shown::{Body, Shown};

/// The port of DNS.
pub(super) const PORT: u16 = 53;
/// Bytes of a header (RFC 1035, section 4.1.1).
const HEADER: usize = 12;
/// Questions that are remembered; beyond this all are forgotten.
const QUESTIONS: usize = 1 << 14;
/// Bits of the third byte: response, authoritative, recursion desired; and of the fourth: recursion available.
const RESPONSE: u8 = 0x80;
const AUTHORITATIVE: u8 = 0x04;
const RECURSION: u8 = 0x01;
const AVAILABLE: u8 = 0x80;

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

/// What is printed of a response code, where there is one (`ns_resp` in print-domain.c).
const CODES: &[(&str, u8)] = &[
    ("FormErr", 1),
    ("ServFail", 2),
    ("NXDomain", 3),
    ("NotImp", 4),
    ("Refused", 5),
    ("YXDomain", 6),
    ("YXRRSet", 7),
    ("NXRRSet", 8),
    ("NotAuth", 9),
    ("NotZone", 10),
];

/// What is printed of a DNS message (RFC 1035, section 4.1): identifier, whether it is a response and with which
/// code, the question.
pub(super) fn message(text: &str, shown: &mut Shown) {
    let mut scan = Scan::new(text);
    let Some(id) = scan.num::<u16>() else { return };
    let marks = scan.token();
    let asked_for = text.split_whitespace().find_map(|word| {
        TYPES.iter().find(|(name, _)| *name == word).map(|(name, kind)| (*name, *kind))
    });
    // `1/0/0`: answers, authorities, additional records.
    let counts = |word: &str| word.split('/').filter(|n| n.parse::<u16>().is_ok()).count() == 3;
    let response = text.split_whitespace().take(4).any(counts);
    let name = asked_for
        .and_then(|(name, _)| text.split_once(name))
        .map(|(_, after)| Scan::new(after).token().trim_end_matches(['.', ',']).to_owned());
    let (flags, code) = match response {
        true => answer(marks),
        false => (if marks.contains('+') { RECURSION } else { 0 }, 0),
    };
    let asked = u8::from(asked_for.is_some() || response);
    let bytes = &mut shown.payload;
    bytes.extend(id.to_be_bytes());
    bytes.extend([flags, code, 0, asked, 0, 0, 0, 0, 0, 0]);
    if let (Some((_, kind)), Some(name)) = (asked_for, name) {
        question(&name, kind, bytes);
    }
}

/// What Wireshark prints of a response code (`rcode_vals` in packet-dns.c).
const LISTED_CODES: &[(&str, u8)] = &[
    ("Format error ", 1),
    ("Server failure ", 2),
    ("No such name ", 3),
    ("Not implemented ", 4),
    ("Refused ", 5),
];

/// What a line of Wireshark's list tells of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: u16,
    pub(super) response: bool,
}

/// `Standard query 0x1a2b A www.example.com`, `Standard query response 0x1a2b No such name A ..`: the message as
/// far as it is told.
pub(super) fn listed(text: &str, bytes: &mut Vec<u8>) -> Option<Listed> {
    let mut scan = Scan::new(text.strip_prefix("Standard query ")?);
    let response = scan.eat("response ");
    let id = scan.blanks().rest().starts_with("0x").then(|| scan.hex())??;
    let id = u16::try_from(id).ok()?;
    scan.blanks();
    let code = LISTED_CODES.iter().find(|(name, _)| scan.eat(name)).map_or(0, |(_, code)| *code);
    let (flags, code) = if response { (RESPONSE, AVAILABLE | code) } else { (RECURSION, 0) };
    bytes.extend(id.to_be_bytes());
    bytes.extend([flags, code, 0, 1, 0, 0, 0, 0, 0, 0]);
    let kind = scan.blanks().token();
    let kind =
        TYPES.iter().find(|(name, _)| name.strip_suffix('?') == Some(kind)).map(|(_, kind)| *kind);
    if let Some(kind) = kind {
        question(scan.blanks().token(), kind, bytes);
    }
    Some(Listed { id, response })
}

/// Writes what was asked.
fn question(name: &str, kind: u16, bytes: &mut Vec<u8>) {
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

/// The flags of an answer, from what is printed behind its identifier: the code, `*` if it is authoritative, `-` if
/// the server offers no recursion.
fn answer(marks: &str) -> (u8, u8) {
    // Counts stand there where nothing else is to be said.
    let marks = if marks.contains('/') { "" } else { marks };
    let code = CODES.iter().find(|(name, _)| marks.starts_with(name)).map_or(0, |(_, code)| *code);
    let authoritative = if marks.contains('*') { AUTHORITATIVE } else { 0 };
    let available = if marks.contains('-') { 0 } else { AVAILABLE };
    (RESPONSE | authoritative, available | code)
}

/// Who asked whom, and by which identifier.
type Who = ((IpAddr, u16), (IpAddr, u16), [u8; 2]);

/// Questions that were printed, each as its message.
#[derive(Debug, Default)]
pub(super) struct Questions(HashMap<Who, Vec<u8>>);

impl Questions {
    /// Remembers a question, or completes an answer by what was asked.
    pub(super) fn take(&mut self, shown: &mut Shown) {
        let (Body::Udp { ports, .. }, Some(layer)) = (&shown.body, shown.layers.last()) else {
            return;
        };
        let &[a, b, flags, ..] = shown.payload.as_slice() else { return };
        let ((src, sport), (dst, dport)) = ((layer.src, ports.0), (layer.dst, ports.1));
        if dport == PORT && flags & RESPONSE == 0 && shown.payload.len() > HEADER {
            if self.0.len() >= QUESTIONS {
                self.0.clear();
            }
            self.0.insert(((src, sport), (dst, dport), [a, b]), shown.payload.clone());
        } else if sport == PORT
            && flags & RESPONSE != 0
            && let Some(asked) = self.0.get(&((dst, dport), (src, sport), [a, b]))
        {
            shown.payload[2] |= asked[2] & RECURSION;
            if shown.payload.len() == HEADER {
                shown.payload.extend_from_slice(&asked[HEADER..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<u8> {
        let mut shown = Shown::default();
        message(text, &mut shown);
        shown.payload
    }

    #[test]
    fn the_code_of_an_answer_and_its_flags_are_read() {
        let flags = |text: &str| <[u8; 2]>::try_from(&read(text)[2..4]).ok();
        assert_eq!(flags("31000 Refused- 0/0/1 (45)"), Some([0x80, 5]));
        assert_eq!(flags("31000 ServFail 0/0/0 (45)"), Some([0x80, 0x82]));
        assert_eq!(flags("31000 NXDomain*- 0/1/0 (90)"), Some([0x84, 3]));
        assert_eq!(flags("31000* 1/0/0 A 192.0.2.1 (61)"), Some([0x84, 0x80]));
        assert_eq!(flags("31000 1/0/0 A 192.0.2.1 (61)"), Some([0x80, 0x80]));
        assert_eq!(flags("31000+ [1au] A? db0.example. (45)"), Some([1, 0]));
        assert_eq!(flags("31000 [1au] A? db0.example. (45)"), Some([0, 0]));
    }

    #[test]
    fn an_answer_has_the_name_of_its_question() {
        let line = |text: &str, answers: bool| {
            let ends = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 53])];
            let (src, dst, ports) = match answers {
                false => (ends[0], ends[1], (40_000, PORT)),
                true => (ends[1], ends[0], (PORT, 40_000)),
            };
            let mut shown = Shown::default();
            message(text, &mut shown);
            shown.body = Body::Udp { ports, length: Some(45) };
            shown.layers.push(super::super::shown::Layer {
                src,
                dst,
                header: super::super::shown::Header::default(),
                carrier: super::super::shown::Carrier::Ip,
            });
            shown
        };
        let mut questions = Questions::default();
        let mut asked = line("7+ A? a.example. (27)", false);
        questions.take(&mut asked);
        let mut told = line("7 ServFail 0/0/0 (27)", true);
        questions.take(&mut told);
        assert_eq!(told.payload[12..], asked.payload[12..]);
        assert_eq!(told.payload[2..4], [0x81, 0x82]);
        let mut other = line("8 ServFail 0/0/0 (27)", true);
        questions.take(&mut other);
        assert_eq!(other.payload.len(), HEADER, "nobody was seen to ask");
    }
}
