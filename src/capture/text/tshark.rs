//! Lines of tshark, and of the list that Wireshark exports: number, time, source, destination,
//! protocol, length, and what it has to say of it.
//!
//! Its sequence numbers count from 0 whatever was seen, so what they were is unknown.

use std::net::{IpAddr, Ipv4Addr};

use super::dns;
use super::ends::{self, Names};
use super::listed::{head, is_arrow};
use super::open::{Open, over_udp};
use super::scan::Scan;
use super::shown::{Arp, Body, Carrier, Extent, Header, Layer, Quoted, Shown, Tcp};

/// Reads a line.
pub(super) fn parse(text: &str, names: &mut Names, open: &mut Open) -> Option<Shown> {
    let mut scan = Scan::new(text);
    let head = head(&mut scan)?;
    let mut shown = Shown { stamp: head.stamp, frame_len: head.length, ..Shown::default() };
    scan.blanks();
    if head.protocol == "ARP" {
        shown.src_mac = ends::mac(head.src);
        shown.dst_mac = ends::mac(head.dst);
        // Where no address is told of a cooked frame neither is of an Ethernet frame.
        shown.body = Body::Arp(arp(&mut scan, &shown)?);
        shown.clean = true;
        return Some(shown);
    }
    let (src, _) = ends::end(head.src, Some(names))?;
    let (dst, _) = ends::end(head.dst, Some(names))?;
    if src.is_ipv4() != dst.is_ipv4() {
        return None;
    }
    let mut header = Header::default();
    shown.body = body(&mut scan, head.protocol, &mut header, names);
    if let (Body::None, Some(ports), true) = (&shown.body, head.ports, over_udp(head.protocol)) {
        shown.body = Body::Udp { ports, length: None };
    }
    if let (Body::None, "DNS", None) = (&shown.body, head.protocol, head.ports) {
        shown.body = asked(&scan, &mut shown.payload, (src, dst), open);
        shown.stands_in = !matches!(shown.body, Body::None);
    }
    if let Body::None = shown.body {
        shown.body = open.carried((src, dst), head.ports, head.length, head.protocol);
        if let Body::Tcp(_) = shown.body {
            shown.payload = scan.rest().trim_end().bytes().take_while(|b| *b != b'[').collect();
        }
    } else if let Body::Tcp(tcp) = &shown.body {
        open.seen(src, dst, head.length, tcp);
    }
    shown.layers.push(Layer { src, dst, header, carrier: Carrier::Ip });
    shown.clean = true;
    Some(shown)
}

/// `Standard query 0x1a2b A www.example.com`: its ports are not printed. That of the server is the
/// protocol's; what stands for the client's is one for each question, as its identifier tells them apart.
fn asked(
    scan: &Scan<'_>,
    payload: &mut Vec<u8>,
    (src, dst): (IpAddr, IpAddr),
    open: &mut Open,
) -> Body {
    let Some(told) = dns::listed(scan.rest(), payload) else { return Body::None };
    let (client, server) = if told.response { (dst, src) } else { (src, dst) };
    let port = open.asker(client, server, told.id);
    let ports = if told.response { (dns::PORT, port) } else { (port, dns::PORT) };
    Body::Udp { ports, length: None }
}

fn body(scan: &mut Scan<'_>, protocol: &str, header: &mut Header, names: &mut Names) -> Body {
    // `[TCP Retransmission] `, `[TCP Dup ACK 5#1] `
    while scan.eat("[TCP ") {
        if scan.until("]").is_none() {
            return Body::None;
        }
        scan.blanks();
    }
    if let Some(ports) = ports(scan, names) {
        scan.blanks();
        if scan.peek() == Some(b'[') {
            return tcp(scan, ports).map_or(Body::None, Body::Tcp);
        }
        let length = field(scan.rest(), "Len=");
        return Body::Udp { ports, length };
    }
    match protocol {
        "ICMP" => icmp(scan.rest(), header).unwrap_or(Body::None),
        "VRRP" => Body::Proto { number: 112, bytes: Vec::new(), length: None },
        _ => Body::None,
    }
}

/// `52001 -> 80`, `52001 > http(80)`; what stands before flags is a port, whatever its name.
fn ports(scan: &mut Scan<'_>, names: &mut Names) -> Option<(u16, u16)> {
    let before = *scan;
    let (src, arrow, dst) = (scan.token(), scan.token(), scan.token());
    let told = |token: &str| {
        let number = token.split_once('(').map_or(token, |(_, number)| number);
        ends::port(number.trim_end_matches(')'))
    };
    let mut behind = *scan;
    let flags = behind.blanks().peek() == Some(b'[');
    let mut port = |token: &str| told(token).or_else(|| names.service(token).filter(|_| flags));
    let found = if is_arrow(arrow) || arrow == ">" { port(src).zip(port(dst)) } else { None };
    if found.is_none() {
        *scan = before;
    }
    found
}

/// A decimal number behind a name.
fn field<T: TryFrom<u64>>(text: &str, name: &str) -> Option<T> {
    let (_, after) = text.split_once(name)?;
    Scan::new(after).num()
}

fn tcp(scan: &mut Scan<'_>, ports: (u16, u16)) -> Option<Tcp> {
    scan.eat("[").then_some(())?;
    let mut flags = 0;
    for name in scan.until("]")?.split(',') {
        flags |= match name.trim() {
            "FIN" => 0x01,
            "SYN" => 0x02,
            "RST" => 0x04,
            "PSH" => 0x08,
            "ACK" => 0x10,
            "URG" => 0x20,
            "ECE" | "ECN" => 0x40,
            "CWR" => 0x80,
            _ => 0,
        };
    }
    let text = scan.rest();
    let mut tcp = Tcp { ports, flags: Some(flags), counted: true, ..Tcp::default() };
    tcp.seq = field(text, "Seq=");
    tcp.ack = field(text, "Ack=");
    // Scaled by what the SYN said: more than the field holds.
    tcp.window = field::<u32>(text, "Win=").map(|win| u16::try_from(win).unwrap_or(u16::MAX));
    tcp.length = field(text, "Len=");
    let bytes = &mut tcp.options.bytes;
    if let Some(mss) = field::<u16>(text, "MSS=") {
        bytes.extend([2, 4]);
        bytes.extend(mss.to_be_bytes());
    }
    if text.contains("SACK_PERM") {
        bytes.extend([4, 2]);
    }
    if let (Some(value), Some(echo)) = (field::<u32>(text, "TSval="), field::<u32>(text, "TSecr="))
    {
        bytes.extend(std::iter::repeat_n(1, (6 - bytes.len() % 4) % 4));
        bytes.extend([8, 10]);
        bytes.extend(value.to_be_bytes());
        bytes.extend(echo.to_be_bytes());
    }
    if let Some(scale) = field::<u32>(text, "WS=").filter(|ws| ws.is_power_of_two()) {
        bytes.extend([1, 3, 3, scale.trailing_zeros() as u8]);
    }
    let more = text.contains("SLE=") || text.trim_end().ends_with("...");
    tcp.options.extent = if more { Extent::Some } else { Extent::All };
    tcp.seq.map(|_| tcp)
}

fn icmp(text: &str, header: &mut Header) -> Option<Body> {
    let message = |kind: u8, code: u8, word: u32| {
        let mut bytes = vec![kind, code, 0, 0];
        bytes.extend(word.to_be_bytes());
        Some(Body::Icmp { bytes, length: None, quote: None })
    };
    header.ttl = field(text, "ttl=");
    if text.starts_with("Echo (ping) ") {
        let (_, id) = text.split_once("id=")?;
        let id = Scan::new(id).hex()?;
        let seq: u16 = field(text, "seq=")?;
        let kind = if text.contains("request") { 8 } else { 0 };
        return message(kind, 0, id << 16 | u32::from(seq));
    }
    let (_, (kind, code)) = ERRORS.iter().find(|(begins, _)| text.starts_with(begins))?;
    let bytes = vec![*kind, *code, 0, 0, 0, 0, 0, 0];
    Some(Body::Icmp { bytes, length: None, quote: Some(Quoted::default()) })
}

/// Errors as packet-icmp.c of Wireshark names them, with type and code; what they quote is in
/// the details alone.
const ERRORS: [(&str, (u8, u8)); 10] = [
    ("Destination unreachable (Network unreachable)", (3, 0)),
    ("Destination unreachable (Host unreachable)", (3, 1)),
    ("Destination unreachable (Protocol unreachable)", (3, 2)),
    ("Destination unreachable (Port unreachable)", (3, 3)),
    ("Destination unreachable (Fragmentation needed)", (3, 4)),
    ("Destination unreachable (Network administratively prohibited)", (3, 9)),
    ("Destination unreachable (Host administratively prohibited)", (3, 10)),
    ("Destination unreachable (Communication administratively filtered)", (3, 13)),
    ("Time-to-live exceeded (Time to live exceeded in transit)", (11, 0)),
    ("Time-to-live exceeded (Fragment reassembly time exceeded)", (11, 1)),
];

fn arp(scan: &mut Scan<'_>, shown: &Shown) -> Option<Arp> {
    let text = scan.rest();
    let v4 = |word: &str| -> Option<[u8; 4]> {
        let (_, after) = text.split_once(word)?;
        let token = Scan::new(after).token().trim_end_matches(['?', '.']);
        token.parse::<Ipv4Addr>().ok().map(|a| a.octets())
    };
    let mut arp = Arp { sender_mac: shown.src_mac, ..Arp::default() };
    if text.starts_with("Who has ") {
        (arp.target, arp.sender) = (v4("Who has "), v4("Tell "));
        if text.contains("(ARP Probe)") {
            arp.sender = Some([0; 4]);
        }
        arp.target?;
    } else if let Some(own) = v4("Gratuitous ARP for ").or_else(|| v4("ARP Announcement for ")) {
        (arp.target, arp.sender) = (Some(own), Some(own));
        arp.reply = text.contains("(Reply)");
    } else {
        arp.reply = true;
        arp.sender = scan.token().parse::<Ipv4Addr>().ok().map(|a| a.octets());
        arp.sender_mac =
            text.split_once(" is at ").and_then(|(_, mac)| ends::mac(Scan::new(mac).token()));
        arp.target_mac = shown.dst_mac;
        arp.sender_mac?;
    }
    arp.sender.map(|_| arp)
}

#[cfg(test)]
mod tests {
    use super::super::listed::begins;
    use super::*;

    fn read(lines: &[&str]) -> Vec<Shown> {
        let (mut names, mut open) = (Names::default(), Open::default());
        lines.iter().map(|line| parse(line, &mut names, &mut open).unwrap()).collect()
    }

    #[test]
    fn columns_are_told_with_and_without_arrows() {
        let syn = "52001 \u{2192} 80 [SYN] Seq=0 Win=502 Len=0 MSS=1460 SACK_PERM TSval=53021021 TSecr=0 WS=128";
        for columns in [
            format!("    3   0.201800 198.51.100.20 \u{2192} 203.0.113.80 TCP 74 {syn}"),
            format!(
                "3 0.201800 198.51.100.20 -> 203.0.113.80 TCP 74 {}",
                syn.replace('\u{2192}', ">")
            ),
            format!(
                "      3 0.201800       198.51.100.20         203.0.113.80          TCP      74     {syn}"
            ),
        ] {
            assert!(begins(&columns), "{columns}");
            let shown = &read(&[&columns])[0];
            let Body::Tcp(tcp) = &shown.body else { panic!("{shown:?}") };
            assert_eq!((tcp.ports, tcp.flags, tcp.seq), ((52001, 80), Some(2), Some(0)));
            assert_eq!(tcp.options.bytes.len(), 20);
            assert!(tcp.counted);
        }
        let without = format!("08:42:18.387260 198.51.100.20 203.0.113.80 TCP 74 {syn}");
        let ports = format!("08:42:18.387260 198.51.100.20 203.0.113.80 80 TCP 74 {syn}");
        let both = format!("3 0.2 198.51.100.20 52001 203.0.113.80 80 TCP 74 {syn}");
        let times = format!(
            "3 2026-01-05 08:42:18.387260 15.254479 0.003676 198.51.100.20 203.0.113.80 TCP 74 {syn}"
        );
        let bare = format!("3 0.2 198.51.100.20 203.0.113.80 TCP {syn}");
        let ahead = format!("3 0.2 198.51.100.20 203.0.113.80 74 TCP [TCP Retransmission] {syn}");
        let old =
            format!("3 0.2 198.51.100.20 -> 203.0.113.80 TCP {}", syn.replace('\u{2192}', ">"));
        for columns in [&bare, &ahead, &old] {
            assert!(begins(columns), "{columns}");
            let shown = &read(&[columns])[0];
            let Body::Tcp(tcp) = &shown.body else { panic!("{columns}") };
            assert_eq!((tcp.ports, tcp.flags), ((52001, 80), Some(2)), "{columns}");
            assert_eq!(shown.frame_len, (*columns == ahead).then_some(74), "{columns}");
        }
        for columns in [without, ports, both, times] {
            assert!(begins(&columns), "{columns}");
            let Body::Tcp(tcp) = &read(&[&columns])[0].body else { panic!("{columns}") };
            assert_eq!((tcp.ports, tcp.flags), ((52001, 80), Some(2)), "{columns}");
        }
        assert!(!begins("12:00:00.123456 10.0.0.1.80 > 10.0.0.2.90: S 1:1(0) win 512"));
        assert!(!begins("12:00:00.123456 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S], seq 1"));
        assert!(!begins("  3 packets captured"));
    }

    #[test]
    fn an_arrow_may_have_got_lost_and_a_port_may_have_any_name() {
        let syn = "51000 A nosuch-svc [SYN] Seq=0 Win=8192 Len=0 MSS=1460";
        for arrow in ["\u{2192}", "->", "?", "\u{e2}\u{2020}\u{2019}"] {
            let line =
                format!("1 0.1 10.0.0.1 {arrow} 10.0.0.2 TCP 66 {}", syn.replace('A', arrow));
            assert!(begins(&line), "{line}");
            let Body::Tcp(tcp) = &read(&[&line])[0].body else { panic!("{line}") };
            assert_eq!((tcp.ports, tcp.flags), ((51000, 1020), Some(2)), "{line}");
        }
    }

    #[test]
    fn what_tcp_carries_is_of_the_only_connection_of_the_two() {
        let shown = read(&[
            "1 0.1 10.0.0.1 \u{2192} 10.0.0.2 TCP 66 5000 \u{2192} 80 [ACK] Seq=1 Ack=1 Win=5 Len=0 TSval=1 TSecr=1",
            "2 0.2 10.0.0.1 \u{2192} 10.0.0.2 HTTP 109 GET /status HTTP/1.1 ",
        ]);
        let Body::Tcp(tcp) = &shown[1].body else { panic!("{shown:?}") };
        assert_eq!((tcp.ports, tcp.length), ((5000, 80), Some(43)));
        assert_eq!(shown[1].payload, b"GET /status HTTP/1.1");
    }

    #[test]
    fn columns_of_ports_tell_the_connection_of_what_tcp_carries() {
        let shown = read(&[
            "08:00:00.1 127.0.0.1 5000 127.0.0.1 80 TCP 68 5000 \u{2192} 80 [SYN] Seq=0 Win=5 Len=0",
            "08:00:00.2 127.0.0.1 80 127.0.0.1 5000 TCP 56 80 \u{2192} 5000 [ACK] Seq=1 Ack=1 Win=5 Len=0",
            "08:00:00.3 127.0.0.1 80 127.0.0.1 5000 HTTP 99 HTTP/1.1 200 OK",
            "08:00:00.4 127.0.0.1 6000 127.0.0.1 80 HTTP 99 GET / HTTP/1.1",
        ]);
        let Body::Tcp(tcp) = &shown[2].body else { panic!("{shown:?}") };
        assert_eq!((tcp.ports, tcp.length), ((80, 5000), Some(43)));
        let Body::Tcp(tcp) = &shown[3].body else { panic!("{shown:?}") };
        assert_eq!((tcp.ports, tcp.length), ((6000, 80), None));
    }

    #[test]
    fn a_question_of_dns_has_a_port_of_its_own() {
        let shown = read(&[
            "1 0.1 10.0.0.1 \u{2192} 10.0.0.2 DNS 94 Standard query 0x00ab A db.example",
            "2 0.2 10.0.0.1 \u{2192} 10.0.0.2 DNS 94 Standard query 0x00ac AAAA db.example",
            "3 5.1 10.0.0.1 \u{2192} 10.0.0.2 DNS 94 Standard query 0x00ab A db.example",
            "4 5.2 10.0.0.2 \u{2192} 10.0.0.1 DNS 120 Standard query response 0x00ab No such name A db.example SOA ns.example",
        ]);
        let ports = |at: usize| match shown[at].body {
            Body::Udp { ports, .. } => ports,
            _ => panic!("{:?}", shown[at]),
        };
        assert_eq!(ports(0).1, 53);
        assert!(ports(0) == ports(2) && ports(0) != ports(1));
        assert_eq!(ports(3), (53, ports(0).0));
        assert_eq!(shown[0].payload, shown[2].payload);
        assert_eq!(shown[3].payload[..4], [0, 0xab, 0x80, 0x83]);
        assert_eq!(shown[3].payload[12..], shown[0].payload[12..]);
    }

    #[test]
    fn arp_is_read() {
        let shown = read(&[
            "2 0.9 RealtekU_bb:cb:3f \u{2192}              ARP 44 Who has 172.16.100.253? Tell 172.16.100.11",
        ]);
        let Body::Arp(arp) = shown[0].body else { panic!("{shown:?}") };
        assert_eq!((arp.target, arp.sender), (Some([172, 16, 100, 253]), Some([172, 16, 100, 11])));
    }
}
