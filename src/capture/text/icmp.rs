//! ICMP and ICMPv6 as tcpdump prints them (RFC 792, RFC 4443, RFC 4861), with what an error
//! says of the packet that it quotes.

use std::net::{IpAddr, Ipv4Addr};

use super::ends::{self, Names};
use super::scan::Scan;
use super::shown::{Body, Shown};
use super::{build, network, packet};

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

pub(super) fn v4(
    scan: &mut Scan<'_>,
    shown: &mut Shown,
    names: &mut Names,
    depth: usize,
) -> Option<()> {
    let line = scan.rest().lines().next().unwrap_or("");
    let sender = shown.layers.last().map(|layer| layer.dst)?;
    let bytes = match echo(line, 8, 0) {
        Some(bytes) => bytes,
        None => {
            let (kind, code, word, quote) = error(line, names)?;
            let mut bytes = message(kind, code, word);
            if !quoted(scan, &mut bytes, names, depth) {
                bytes.extend(guess(sender, quote));
            }
            bytes
        }
    };
    shown.clean = true;
    shown.body = Body::Icmp { bytes, length: length(line) };
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

/// What a line says of a quoted packet: where it went, its protocol and port there.
type Quoted = (Option<IpAddr>, Option<u8>, Option<u16>);

/// Type, code and second word of an error, with what is said of the packet in it.
fn error(line: &str, names: &mut Names) -> Option<(u8, u8, u32, Quoted)> {
    let mut scan = Scan::new(line);
    let none: Quoted = (None, None, None);
    if scan.eat("time exceeded") {
        return Some((11, 0, 0, none));
    }
    if scan.eat("ip reassembly time exceeded") {
        return Some((11, 1, 0, none));
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
        return Some((5, u8::from(!to_net), gateway, (dst, None, None)));
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
        return Some((3, code, mtu, (dst, None, None)));
    }
    let protocol = match scan.token() {
        "tcp" => 6,
        "udp" => 17,
        "protocol" => {
            let protocol = scan.blanks().num();
            scan.blanks();
            if scan.eat("unreachable") {
                return Some((3, 2, 0, (dst, protocol, None)));
            }
            protocol?
        }
        _ => return None,
    };
    scan.blanks().eat("port ");
    let port = ends::port(scan.token());
    scan.blanks().eat("unreachable").then_some((3, 3, 0, (dst, Some(protocol), port)))
}

/// The packet that `-v` prints below an error; `false` where it is not printed.
fn quoted(scan: &mut Scan<'_>, bytes: &mut Vec<u8>, names: &mut Names, depth: usize) -> bool {
    let Some((_, below)) = scan.rest().split_once('\n') else { return false };
    let mut below = Scan::new(below);
    below.blanks();
    if !packet::is_anchor(&below) {
        return false;
    }
    let mut inner = Shown::default();
    if network::network(&mut below, &mut inner, names, depth + 1).is_none() {
        return false;
    }
    build::quoted(&inner, bytes);
    true
}

/// The beginning of the quoted packet as far as the line tells it: it came from who the error
/// goes to. Its own port there is not printed, so the header ends before it is complete.
fn guess(sender: IpAddr, (dst, protocol, port): Quoted) -> Vec<u8> {
    let (IpAddr::V4(src), Some(IpAddr::V4(dst))) = (sender, dst) else {
        return Vec::new();
    };
    let mut bytes = header(src, dst, protocol.unwrap_or(0));
    if let Some(port) = port {
        bytes.extend([0, 0]);
        bytes.extend(port.to_be_bytes());
    }
    bytes
}

fn header(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    bytes.extend(src.octets());
    bytes.extend(dst.octets());
    bytes
}

/// `ICMP6, neighbor solicitation, who has 2001:db8::8, length 32`
pub(super) fn v6(
    scan: &mut Scan<'_>,
    shown: &mut Shown,
    names: &mut Names,
    depth: usize,
) -> Option<()> {
    scan.skip(5);
    scan.eat(",");
    scan.eat(":");
    scan.blanks();
    let text = scan.rest();
    let line = text.lines().next().unwrap_or("");
    let bytes = match echo(line, 128, 129) {
        Some(bytes) => bytes,
        None => match neighbor(line, text) {
            Some(bytes) => bytes,
            None => {
                let mut bytes = error6(line)?;
                quoted(scan, &mut bytes, names, depth);
                bytes
            }
        },
    };
    shown.clean = true;
    shown.body = Body::Icmp { bytes, length: length(line).or_else(|| inner_length(line)) };
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

fn error6(line: &str) -> Option<Vec<u8>> {
    if line.starts_with("packet too big") {
        let (_, mtu) = line.split_once("mtu ")?;
        return Some(message(2, 0, Scan::new(mtu).num()?));
    }
    if line.starts_with("time exceeded") {
        return Some(message(3, u8::from(line.contains("reassembly")), 0));
    }
    if line.starts_with("destination unreachable") {
        let code = match line {
            _ if line.contains("unreachable port") => 4,
            _ if line.contains("unreachable route") => 0,
            _ if line.contains("prohibited") => 1,
            _ => 3,
        };
        return Some(message(1, code, 0));
    }
    line.starts_with("redirect").then(|| message(137, 0, 0))
}
