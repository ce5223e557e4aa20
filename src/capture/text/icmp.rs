//! ICMP and ICMPv6 as tcpdump prints them (RFC 792, RFC 4443, RFC 4861), with what an error
//! says of the packet that it quotes.

use std::net::IpAddr;

use super::ends::{self, Names};
use super::scan::Scan;
use super::shown::{Body, Quoted, Shown};

/// A message with a header of eight bytes.
fn message(kind: u8, code: u8, word: u32) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes
}

fn length(line: &str) -> Option<u32> {
    let (_, after) = line.rsplit_once("length ")?;
    Scan::new(after).num()
}

/// A message; of an error, what its line says of the packet that it is about.
pub(super) fn v4(scan: &Scan<'_>, shown: &mut Shown, names: &mut Names) -> Option<()> {
    let line = scan.rest().lines().next().unwrap_or("");
    let (bytes, quote) = match echo(line, 8, 0) {
        Some(bytes) => (bytes, None),
        None => {
            let (kind, code, word, quote) = error(line, names)?;
            (message(kind, code, word), Some(quote))
        }
    };
    shown.clean = true;
    shown.body = Body::Icmp { bytes, length: length(line), quote };
    Some(())
}

/// `echo request, id 1, seq 2`; versions before 4 write `seq` alone.
fn echo(line: &str, request: u8, reply: u8) -> Option<Vec<u8>> {
    let kind = match line {
        _ if line.starts_with("echo request") => request,
        _ if line.starts_with("echo reply") => reply,
        _ => return None,
    };
    let field = |name: &str| {
        let (_, after) = line.split_once(name)?;
        Scan::new(after).num::<u16>()
    };
    let id = field("id ").unwrap_or(0);
    let seq = field("seq ").unwrap_or(0);
    Some(message(kind, 0, u32::from(id) << 16 | u32::from(seq)))
}

/// Type, code and second word of an error, with what is said of the packet in it.
fn error(line: &str, names: &mut Names) -> Option<(u8, u8, u32, Quoted)> {
    let mut scan = Scan::new(line);
    let to = |dst| Quoted { dst, ..Quoted::default() };
    if scan.eat("time exceeded") {
        return Some((11, 0, 0, to(None)));
    }
    if scan.eat("ip reassembly time exceeded") {
        return Some((11, 1, 0, to(None)));
    }
    if scan.eat("redirect ") {
        let dst = ends::end(scan.token(), Some(names)).map(|end| end.0);
        let to_net = scan.blanks().eat("to net ");
        if !to_net {
            scan.eat("to host ");
        }
        let gateway = match ends::end(scan.token(), Some(names))?.0 {
            IpAddr::V4(gateway) => u32::from(gateway),
            IpAddr::V6(_) => return None,
        };
        return Some((5, u8::from(!to_net), gateway, to(dst)));
    }
    let host = scan.eat("host ");
    let net = !host && scan.eat("net ");
    let dst = ends::end(scan.token(), Some(names)).map(|end| end.0);
    scan.blanks();
    if scan.eat("unreachable") {
        let (_, mtu) = line.split_once("(mtu ").unwrap_or(("", ""));
        let code = match line {
            _ if line.contains("need to frag") => 4,
            _ if line.contains("admin prohibited filter") => 13,
            _ if line.contains("admin prohibited") => 10 - u8::from(net),
            _ => u8::from(!net),
        };
        let mtu: u32 = Scan::new(mtu).num().unwrap_or(0);
        return Some((3, code, mtu, to(dst)));
    }
    let protocol = match scan.token() {
        "tcp" => 6,
        "udp" => 17,
        "protocol" => {
            let protocol = scan.blanks().num();
            scan.blanks();
            if scan.eat("unreachable") {
                return Some((3, 2, 0, Quoted { protocol, ..to(dst) }));
            }
            protocol?
        }
        _ => return None,
    };
    scan.blanks().eat("port ");
    let port = ends::port(scan.token());
    let quote = Quoted { dst, protocol: Some(protocol), port };
    scan.blanks().eat("unreachable").then_some((3, 3, 0, quote))
}

/// `ICMP6, neighbor solicitation, who has 2001:db8::8, length 32`
pub(super) fn v6(scan: &mut Scan<'_>, shown: &mut Shown) -> Option<()> {
    scan.skip(5);
    scan.eat(",");
    scan.eat(":");
    scan.blanks();
    let text = scan.rest();
    let line = text.lines().next().unwrap_or("");
    let (bytes, quote) = match echo(line, 128, 129).or_else(|| neighbor(line, text)) {
        Some(bytes) => (bytes, None),
        None => error6(line)?,
    };
    shown.clean = true;
    let length = length(line).or_else(|| inner_length(line));
    shown.body = Body::Icmp { bytes, length, quote };
    Some(())
}

/// `neighbor advertisement, length 32, tgt is ..`: versions put the length before the rest.
fn inner_length(line: &str) -> Option<u32> {
    let (_, after) = line.split_once("length ")?;
    Scan::new(after).num()
}

fn neighbor(line: &str, text: &str) -> Option<Vec<u8>> {
    let target = |word: &str| {
        let (_, after) = line.split_once(word)?;
        let token = Scan::new(after).token().trim_end_matches(',');
        match ends::end(token, None)?.0 {
            IpAddr::V6(address) => Some(address.octets()),
            IpAddr::V4(_) => None,
        }
    };
    let (mut bytes, option, named) = if line.starts_with("neighbor solicitation") {
        let mut bytes = message(135, 0, 0);
        bytes.extend(target("who has ")?);
        (bytes, 1, "source link-address option")
    } else if line.starts_with("neighbor advertisement") {
        // Without `-v` the flags are not printed.
        let (_, flags) = line.split_once("Flags [").unwrap_or(("", ""));
        let flags = flags.split(']').next().unwrap_or("");
        let bit = |name: &str, bit: u32| if flags.contains(name) { bit } else { 0 };
        let word = bit("router", 1 << 31) | bit("solicited", 1 << 30) | bit("override", 1 << 29);
        let mut bytes = message(136, 0, word);
        bytes.extend(target("tgt is ")?);
        (bytes, 2, "destination link-address option")
    } else if line.starts_with("router solicitation") {
        return Some(message(133, 0, 0));
    } else if line.starts_with("router advertisement") {
        return Some(message(134, 0, 0));
    } else if line.starts_with("multicast listener") {
        return Some(message(143, 0, 0));
    } else {
        return None;
    };
    let told = text.split_once(named).and_then(|(_, after)| after.split_once("): "));
    // `destination link-address option (2), length 8 (1): 52:54:00:0a:a1:91`
    if let Some(mac) = told.and_then(|(_, mac)| ends::mac(Scan::new(mac).token())) {
        bytes.extend([option, 1]);
        bytes.extend(mac);
    }
    Some(bytes)
}

/// An error, with what is said of the packet in it; a redirect quotes it in an option.
fn error6(line: &str) -> Option<(Vec<u8>, Option<Quoted>)> {
    if line.starts_with("packet too big") {
        let (_, mtu) = line.split_once("mtu ")?;
        return Some((message(2, 0, Scan::new(mtu).num()?), Some(Quoted::default())));
    }
    if line.starts_with("time exceeded") {
        let code = u8::from(line.contains("reassembly"));
        return Some((message(3, code, 0), Some(Quoted::default())));
    }
    if line.starts_with("destination unreachable") {
        let code = match line {
            _ if line.contains("unreachable port") => 4,
            _ if line.contains("unreachable route") => 0,
            _ if line.contains("prohibited") => 1,
            _ => 3,
        };
        return Some((message(1, code, 0), Some(about6(line))));
    }
    line.starts_with("redirect").then(|| (message(137, 0, 0), None))
}

/// `unreachable address 2001:db8::8`, `unreachable port, 2001:db8::8 tcp port 80`.
fn about6(line: &str) -> Quoted {
    let words = line.split([' ', ',']).filter(|word| !word.is_empty());
    let mut quote = Quoted::default();
    let mut before = "";
    for word in words {
        match before {
            "tcp" if word == "port" => quote.protocol = Some(6),
            "udp" if word == "port" => quote.protocol = Some(17),
            "port" if quote.protocol.is_some() => quote.port = ends::port(word),
            _ => {}
        }
        if let (None, Some((dst @ IpAddr::V6(_), None))) = (quote.dst, ends::end(word, None)) {
            quote.dst = Some(dst);
        }
        before = word;
    }
    quote
}
