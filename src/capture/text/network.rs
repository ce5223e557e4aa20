//! IP headers as tcpdump prints them, with `-v` and without, and tunnels.

use super::ends::{self, Names};
use super::scan::Scan;
use super::shown::{Body, Carrier, Header, Layer, Shown, Sum};
use super::{anchor, build, ether, icmp, sctp, tcp, udp, vrrp};

/// Headers of tunnels inside each other at most.
const MAX_LAYERS: usize = 5;

/// An IP header and what it carries.
pub(super) fn network(
    scan: &mut Scan<'_>,
    shown: &mut Shown,
    names: &mut Names,
    depth: usize,
) -> Option<()> {
    if depth > MAX_LAYERS {
        return None;
    }
    scan.blanks();
    let v6 = scan.word("IP6");
    let said = v6 || scan.word("IP");
    if said {
        scan.eat(",");
        scan.blanks();
    }
    if scan.eat("truncated-ip") {
        scan.until("!");
        scan.blanks();
    }
    let header = if scan.peek() == Some(b'(') { header(scan)? } else { Header::default() };
    scan.blanks();
    let src = scan.token();
    let arrow = scan.token();
    let dst = scan.token();
    // Where a line was broken before it.
    scan.blanks().eat(":");
    let with_ports = has_ports(*scan);
    let mut end = |token: &str| match with_ports {
        true => ends::ported(token, names),
        false => ends::end(token, Some(names)),
    };
    let ((src, src_port), (dst, dst_port)) =
        (end(src)?, end(dst.strip_suffix(':').unwrap_or(dst))?);
    // Editors and people make another arrow of it.
    let arrow = arrow == ">" || said && matches!(arrow, "->" | "\u{2192}");
    let v6 = v6 || src.is_ipv6() || dst.is_ipv6();
    let (src, dst) = if v6 { (ends::in_v6(src), ends::in_v6(dst)) } else { (src, dst) };
    if !arrow || src.is_ipv4() != dst.is_ipv4() {
        return None;
    }
    shown.layers.push(Layer { src, dst, header, carrier: Carrier::Ip });
    let ports = src_port.zip(dst_port);
    carried(scan, shown, ports, names, depth)
}

/// Whether what follows the ends is of a protocol with ports, without a doubt.
fn has_ports(mut scan: Scan<'_>) -> bool {
    scan.blanks();
    scan.rest().starts_with("UDP, length") || tcp::begins(&scan) && !scan.rest().starts_with("tcp ")
}

/// What stands in brackets with `-v`.
fn header(scan: &mut Scan<'_>) -> Option<Header> {
    let mut header = Header::default();
    let inside = scan.group()?;
    let mut scan = Scan::new(inside);
    while !scan.is_empty() {
        scan.blanks();
        if scan.eat("tos ") || scan.eat("class ") {
            header.tos = scan.hex().and_then(|tos| u8::try_from(tos).ok());
        } else if scan.eat("ttl ") || scan.eat("hlim ") || scan.eat("ttl: ") {
            header.ttl = scan.blanks().num();
        } else if scan.eat("id ") || scan.eat("id: ") {
            header.id = scan.blanks().num();
        } else if scan.eat("offset ") || scan.eat("offset: ") {
            header.offset = scan.blanks().num();
        } else if scan.eat("flags [") || scan.eat("flags: [") {
            let flags = scan.until("]")?;
            header.more = flags.contains('+');
            header.dont = flags.contains("DF");
        } else if scan.eat("proto") || scan.eat("next-header") {
            // The number stands in brackets behind the name; `unknown` has it too.
            scan.until("(");
            header.proto = scan.num();
            scan.eat(")");
            scan.blanks();
            continue;
        } else if scan.eat("payload length") || scan.eat("length") || scan.eat("len") {
            scan.eat(":");
            header.length = scan.blanks().num();
        } else if scan.eat("options (") {
            header.options = true;
        }
        // On to the next.
        match scan.rest().find(',') {
            Some(at) => scan.skip(at + 1),
            None => break,
        }
    }
    Some(header)
}

/// What an IP header carries.
fn carried(
    scan: &mut Scan<'_>,
    shown: &mut Shown,
    ports: Option<(u16, u16)>,
    names: &mut Names,
    depth: usize,
) -> Option<()> {
    scan.blanks();
    let v6 = shown.layers.last().is_some_and(|layer| layer.dst.is_ipv6());
    // `[icmp6 sum ok]`, `[udp sum ok]`, `[bad udp cksum 0x1234 -> 0x5678!]`, `HBH`, `RT6 (..)`
    while scan.peek() == Some(b'[') && !scan.rest().starts_with("[|") {
        let said = scan.until("]")?;
        if let Some(layer) = shown.layers.last_mut() {
            layer.header.datagram = layer.header.datagram.or_else(|| datagram(said));
        }
        scan.blanks();
    }
    scan.eat("HBH ");
    scan.eat("DSTOPT ");
    if scan.eat("RT6 ") {
        scan.group();
    }
    scan.blanks();
    if let Some(ports) = ports {
        if scan.eat("VXLAN, ") || scan.rest().starts_with("OTV, ") {
            return overlay(scan, shown, ports, names, depth);
        }
        if scan.eat("Geneve, ") {
            return geneve(scan, shown, ports, names, depth);
        }
        if tcp::begins(scan) {
            return tcp::tcp(scan, shown, ports);
        }
        // Ports, and none of UDP.
        if scan.rest().starts_with("sctp") {
            return sctp::sctp(scan, shown, ports);
        }
        if tcp::is_garbled(scan) || is_torn(scan) {
            return None;
        }
        return udp::udp(scan, shown, ports);
    }
    if scan.rest().starts_with("ICMP6") || v6 && scan.rest().starts_with("icmp6") {
        icmp::v6(scan, shown)?;
        quoted(scan, shown, names, depth);
        return Some(());
    }
    if scan.eat("ICMP ") || scan.eat("icmp: ") || scan.eat("icmp ") {
        icmp::v4(scan, shown, names)?;
        quoted(scan, shown, names, depth);
        return Some(());
    }
    if scan.rest().starts_with("VRRP") {
        return vrrp::vrrp(scan, shown);
    }
    if scan.eat("GRE") {
        return gre(scan, shown, names, depth);
    }
    if anchor::is_anchor(scan) {
        return network(scan, shown, names, depth + 1);
    }
    other(scan, shown)
}

/// Whether a line ends before it says what the packet is, as the last of a paste may.
fn is_torn(scan: &Scan<'_>) -> bool {
    let rest = scan.rest().trim();
    rest.is_empty() || "Flags [".starts_with(rest)
}

/// `[bad udp cksum 0xffff -> 0x76dc!`
fn datagram(said: &str) -> Option<Sum> {
    let mut scan = Scan::new(said);
    scan.eat("[bad udp cksum ").then_some(())?;
    let sent = u16::try_from(scan.hex()?).ok()?;
    scan.eat(" -> ").then_some(())?;
    Some(Sum::Incorrect(sent, u16::try_from(scan.hex()?).ok()?))
}

/// The packet that `-v` prints below an ICMP error. Where it is not printed, what the error's own
/// line says of it stands.
fn quoted(scan: &Scan<'_>, shown: &mut Shown, names: &mut Names, depth: usize) {
    let Body::Icmp { bytes, quote, .. } = &mut shown.body else { return };
    let Some((_, below)) = scan.rest().split_once('\n') else { return };
    let mut below = Scan::new(below);
    below.blanks();
    let mut inner = Shown::default();
    let printed = quote.is_some()
        && anchor::is_anchor(&below)
        && network(&mut below, &mut inner, names, depth + 1).is_some();
    if printed {
        build::quoted(&inner, bytes);
        *quote = None;
    }
}

/// A later fragment, or a protocol that is only named.
fn other(scan: &mut Scan<'_>, shown: &mut Shown) -> Option<()> {
    let proto = shown.layers.last().and_then(|layer| layer.header.proto);
    let number = if scan.eat("ip-proto-") {
        scan.num()
    } else if scan.eat("frag (") {
        // `frag (1448|100)`: bytes before it, bytes of it.
        let offset = scan.num();
        scan.eat("|");
        let length = scan.num();
        if let Some(layer) = shown.layers.last_mut() {
            layer.header.offset = offset.filter(|o| *o > 0).or(layer.header.offset);
            shown.body = Body::Proto { number: proto.unwrap_or(44), bytes: Vec::new(), length };
            shown.clean = true;
        }
        return Some(());
    } else {
        match scan.token().trim_end_matches([',', ':']) {
            word if word == "igmp" || word.starts_with("igmp-") => Some(2),
            "tcp" => Some(6),
            "udp" => Some(17),
            "icmp" => Some(1),
            "sctp" => Some(132),
            "OSPFv2" | "OSPFv3" => Some(89),
            "PIMv2" | "PIMv1" => Some(103),
            "EIGRP" => Some(88),
            word if word.starts_with("ESP(") => Some(50),
            word if word.starts_with("AH(") => Some(51),
            word if word.starts_with("CARP") => Some(112),
            _ => None,
        }
    };
    shown.clean = number.is_some();
    let number = number.or(proto)?;
    shown.body = Body::Proto { number, bytes: Vec::new(), length: None };
    Some(())
}

/// `v0, Flags [key present], key=0x1, proto IPv4 (0x0800), length 84: IP ..`
fn gre(scan: &mut Scan<'_>, shown: &mut Shown, names: &mut Names, depth: usize) -> Option<()> {
    let head = scan.until("length ")?;
    let key = head.split_once("key=").and_then(|(_, key)| Scan::new(key).hex());
    scan.num::<u32>()?;
    scan.eat(":");
    scan.blanks();
    shown.layers.last_mut()?.carrier = Carrier::Gre { key };
    scan.eat("gre-proto-0x0800 ");
    network(scan, shown, names, depth + 1)
}

/// `VXLAN, flags [I] (0x08), vni 4096` and the frame inside. Port 8472 is printed as OTV, whose
/// instance is where VXLAN has its identifier.
fn overlay(
    scan: &mut Scan<'_>,
    shown: &mut Shown,
    ports: (u16, u16),
    names: &mut Names,
    depth: usize,
) -> Option<()> {
    if scan.until("vni ").is_none() {
        scan.until("instance ")?;
    }
    let vni = scan.num()?;
    let macs = ether::inner_frame(scan);
    shown.layers.last_mut()?.carrier = Carrier::Overlay { ports, vni, macs, geneve: false };
    inside(scan, shown, names, depth)
}

fn geneve(
    scan: &mut Scan<'_>,
    shown: &mut Shown,
    ports: (u16, u16),
    names: &mut Names,
    depth: usize,
) -> Option<()> {
    scan.until("vni ")?;
    let vni = scan.hex()?;
    let before = *scan;
    let bridged = scan.until("proto ").is_some_and(|p| p.len() < 8) && scan.eat("TEB");
    if !bridged {
        *scan = before;
    }
    // Options may hold colons; the packet stands behind the last bracket or colon of the line.
    if scan.until("options [").is_some() {
        scan.until("]")?;
    } else {
        *scan = before;
        let n = scan.rest().bytes().take_while(|b| !matches!(b, b':' | b'\n')).count();
        scan.skip(n);
    }
    scan.eat(":");
    let macs = ether::inner_frame(scan);
    shown.layers.last_mut()?.carrier = match macs.is_some() || bridged {
        true => Carrier::Overlay { ports, vni, macs, geneve: true },
        false => Carrier::GeneveIp { ports, vni },
    };
    inside(scan, shown, names, depth)
}

/// What an overlay carries: IP, or something that is passed over.
fn inside(scan: &mut Scan<'_>, shown: &mut Shown, names: &mut Names, depth: usize) -> Option<()> {
    scan.blanks();
    if anchor::is_anchor(scan) && !scan.rest().starts_with("ARP") {
        return network(scan, shown, names, depth + 1);
    }
    shown.clean = true;
    Some(())
}
