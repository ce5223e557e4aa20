//! UDP as tcpdump prints it: the length, or what it makes of the payload.

use super::dns;
use super::scan::Scan;
use super::shown::{Body, Shown};

/// The port of NTP (RFC 5905, section 7.2).
const NTP: u16 = 123;

pub(super) fn udp(scan: &mut Scan<'_>, shown: &mut Shown, ports: (u16, u16)) -> Option<()> {
    scan.blanks();
    let length = if scan.eat("UDP, length ") || scan.eat("UDP, length: ") || scan.eat("udp ") {
        scan.blanks().num()
    } else {
        let line = scan.rest().lines().next().unwrap_or("");
        said(line).or_else(|| last_in_brackets(scan.rest())).or_else(|| snmp(scan.rest()))
    };
    if length.is_none() {
        ike(scan.rest(), shown);
    }
    if ports.0 == dns::PORT || ports.1 == dns::PORT {
        dns::message(scan.rest(), shown);
    }
    if ports.0 == NTP || ports.1 == NTP {
        ntp(scan.rest(), shown);
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

/// Bytes of a header of IKE (RFC 7296, section 3.1), and where in it the type of the exchange stands.
const IKE: usize = 28;
const EXCHANGE: usize = 18;
/// Types of exchanges as they are printed (RFC 7296, section 3.1; RFC 2408, section 3.1).
const EXCHANGES: &[(&str, u8)] = &[
    ("ikev2_init", 34),
    ("ikev2_auth", 35),
    ("child_sa", 36),
    ("inf2", 37),
    ("I ident", 2),
    ("R ident", 2),
    ("I agg", 4),
    ("R agg", 4),
    ("oakley-quick", 32),
];

/// `isakmp: parent_sa ikev2_init[I]`: how long the message is is not printed, and shorter than its header none is.
/// Behind the port for NAT four bytes of zero stand before it (RFC 3948, section 2.2), and a keep-alive is one
/// byte (section 2.3).
fn ike(text: &str, shown: &mut Shown) {
    let text = text.lines().next().unwrap_or("");
    if text.contains("isakmp-nat-keep-alive") {
        shown.payload.push(0xff);
        return;
    }
    let Some((_, message)) = text.split_once("isakmp: ") else { return };
    let marker = if text.starts_with("NONESP-encap: ") { 4 } else { 0 };
    shown.payload.resize(marker + IKE, 0);
    let known = EXCHANGES.iter().find(|(name, _)| message.contains(name));
    shown.payload[marker + EXCHANGE] = known.map_or(0, |(_, kind)| *kind);
}

/// Bytes of a message of NTP (RFC 5905, section 7.3), and where the identifier of its reference stands.
const NTP_MESSAGE: usize = 48;
const REFERENCE: usize = 12;
/// What the modes are called (RFC 5905, section 3).
const MODES: &[(&str, u8)] = &[
    ("symmetric active", 1),
    ("symmetric passive", 2),
    ("Client", 3),
    ("Server", 4),
    ("Broadcast", 5),
];

/// What `-v` prints of a message of NTP: whether its sender's clock is set, and by what. Without `-v` none of it
/// is told.
fn ntp(text: &str, shown: &mut Shown) {
    let Some((_, after)) = text.split_once("NTPv") else { return };
    let mut scan = Scan::new(after);
    let Some(version) = scan.num::<u8>().filter(|version| *version < 8) else { return };
    let said = scan.rest().trim_start_matches(',').trim_start();
    let mode = MODES.iter().find(|(name, _)| said.starts_with(name)).map(|(_, mode)| *mode);
    // `Leap indicator: clock unsynchronized (192), Stratum 0 (unspecified)`
    let bits = |(_, leap): (&str, &str)| leap.split_once('(').and_then(|(_, n)| Scan::new(n).num());
    let leap: Option<u8> = said.split_once("Leap indicator:").and_then(bits);
    let stratum: Option<u8> =
        said.split_once("Stratum ").and_then(|(_, stratum)| Scan::new(stratum).num());
    let (Some(mode), Some(leap), Some(stratum)) = (mode, leap, stratum) else { return };
    shown.payload.resize(NTP_MESSAGE, 0);
    shown.payload[0] = leap & 0xc0 | version << 3 | mode;
    shown.payload[1] = stratum;
    let code = said.split_once("Reference-ID: ").map(|(_, id)| Scan::new(id).token());
    if let Some(code) = code.filter(|code| code.len() == 4 && code.is_ascii()) {
        shown.payload[REFERENCE..REFERENCE + 4].copy_from_slice(code.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_ike_has_a_header_at_least() {
        let read = |text: &str| {
            let mut shown = Shown::default();
            ike(text, &mut shown);
            shown.payload
        };
        let init = read("isakmp: parent_sa ikev2_init[I]");
        assert_eq!((init.len(), init[18]), (28, 34));
        let auth = read("NONESP-encap: isakmp: child_sa  ikev2_auth[I]");
        assert_eq!((auth.len(), auth[22]), (32, 35));
        assert_eq!(read("isakmp-nat-keep-alive"), [0xff]);
        assert!(read("SIP, length: 4").is_empty());
    }

    #[test]
    fn whether_a_clock_is_set_is_read_where_it_is_printed() {
        let read = |text: &str| {
            let mut shown = Shown::default();
            ntp(text, &mut shown);
            shown.payload
        };
        let told = read(
            "NTPv4, Server, length 48\n\tLeap indicator: clock unsynchronized (192), Stratum 16 (unspecified), poll 6 (64s), precision -20\n\tRoot Delay: 0.000000, Root dispersion: 0.000015, Reference-ID: (unspec)",
        );
        assert_eq!((told.len(), &told[..2]), (48, &[0xe4, 16][..]));
        let kiss = "NTPv4, Server, length 48\n\tLeap indicator: clock unsynchronized (192), Stratum 0 (unspecified), poll 10 (1024s), precision -23\n\tRoot Delay: 0.0, Root dispersion: 0.0, Reference-ID: RATE";
        assert_eq!(&read(kiss)[12..16], b"RATE");
        assert!(read("NTPv4, Server, length 48").is_empty());
    }

    #[test]
    fn the_length_of_a_message_of_snmp_is_that_of_its_parts() {
        assert_eq!(snmp(" GetRequest(28)  .1.3.6.1.2.1.1.3.0"), Some(43));
        assert_eq!(snmp(" C=\"fleet-ro\" GetResponse(30)  .1.3.6.1=7"), Some(47));
        assert_eq!(snmp(" GetResponse(200)  .1.3"), Some(217));
        assert_eq!(snmp(" GetMore(28)"), None);
    }
}
