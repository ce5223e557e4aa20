//! What is printed of SCTP: the first chunk of a packet, by its name.

use super::scan::Scan;
use super::shown::{Body, Shown};

/// Names of chunks as tcpdump prints them, with their types (RFC 9260, section 3.2). Longer names of one beginning
/// come first.
const CHUNKS: [(&str, u8); 13] = [
    ("[DATA]", 0),
    ("[INIT ACK]", 2),
    ("[INIT]", 1),
    ("[SACK]", 3),
    ("[HB REQ]", 4),
    ("[HB ACK]", 5),
    ("[ABORT]", 6),
    ("[SHUTDOWN ACK]", 8),
    ("[SHUTDOWN COMPLETE]", 14),
    ("[SHUTDOWN]", 7),
    ("[OP ERR]", 9),
    ("[COOKIE ECHO]", 10),
    ("[COOKIE ACK]", 11),
];
const INIT: u8 = 1;

/// `sctp (1) [INIT] [init tag: 3344689091] [rwnd: 106496] ..`, or the chunks on lines of their own with `-v`.
pub(super) fn sctp(scan: &mut Scan<'_>, shown: &mut Shown, (src, dst): (u16, u16)) -> Option<()> {
    scan.eat("sctp");
    let said = scan.rest();
    let mut bytes = [src.to_be_bytes(), dst.to_be_bytes()].concat();
    // A tag and a sum, which are not printed, and which nobody reads.
    bytes.extend([0; 8]);
    let first = |name: &str| said.find(name);
    let chunk = CHUNKS.iter().filter_map(|(name, kind)| Some((first(name)?, *kind))).min();
    if let Some((_, kind)) = chunk {
        bytes.extend([kind, 0, 0, 4]);
        let tag = said.split_once("[init tag: ").filter(|_| kind == INIT);
        let digits = tag.map(|(_, rest)| rest.split(']').next().unwrap_or_default());
        if let Some(tag) = digits.and_then(|digits| digits.parse::<u32>().ok()) {
            bytes.extend(tag.to_be_bytes());
        }
    }
    shown.clean = chunk.is_some();
    shown.body = Body::Proto { number: 132, bytes, length: None };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<u8> {
        let mut shown = Shown::default();
        sctp(&mut Scan::new(text), &mut shown, (47606, 30487)).unwrap();
        let Body::Proto { number: 132, bytes, .. } = shown.body else { panic!("{text}") };
        bytes[12..].to_vec()
    }

    #[test]
    fn the_first_chunk_is_read_on_its_line_or_below() {
        assert_eq!(
            read("sctp (1) [INIT] [init tag: 258] [rwnd: 106496]"),
            [1, 0, 0, 4, 0, 0, 1, 2]
        );
        assert_eq!(read("sctp\n\t1) [ABORT] "), [6, 0, 0, 4]);
        assert_eq!(read("sctp (1) [SACK] [cum ack 7] , (2) [DATA] (B)(E)"), [3, 0, 0, 4]);
        assert_eq!(read("sctp (1) [INIT ACK] [init tag: 9]"), [2, 0, 0, 4]);
        assert!(read("sctp[|sctp]").is_empty());
    }
}
