//! Tables of /proc/net as `cat` prints them: sockets, ARP, routes, IPVS' connections. Numbers are
//! hexadecimal; addresses of sockets and routes stand as the processor has them in memory, which
//! is taken to be little-endian, those of IPVS as on the wire (net/ipv4/tcp_ipv4.c,
//! net/ipv4/fib_trie.c, net/netfilter/ipvs/ip_vs_conn.c of Linux).

use crate::state::context::{Block, Cx, ProcTable};
use crate::state::model::{Entry, Neighbour, Route};
use crate::state::records::Listener;
use crate::state::text::{ip, protocol, wire_endpoint};
use crate::wire::{Ip, Protocol};

/// State of a socket that waits for connections (include/net/tcp_states.h).
const LISTEN: &str = "0A";
/// State of a UDP socket that is not connected.
const CLOSE: &str = "07";
/// Flags of an ARP entry: there is an answer, it was set by hand (include/uapi/linux/if_arp.h).
const COMPLETE: u32 = 2;
const PERMANENT: u32 = 4;
/// Flag of a route that refuses (include/uapi/linux/route.h).
const REJECT: u32 = 0x200;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    if let Some(table) = heading(words) {
        cx.block = Block::Proc(table);
        return true;
    }
    let Block::Proc(table) = cx.block else { return false };
    let read = match table {
        ProcTable::Tcp | ProcTable::Udp => socket(cx, words, table == ProcTable::Udp),
        ProcTable::Arp => neighbour(cx, words),
        ProcTable::Routes => route(cx, words),
        ProcTable::IpvsConnections => entry(cx, words),
    };
    read.is_some()
}

fn heading(words: &[&str]) -> Option<ProcTable> {
    Some(match words {
        ["sl", "local_address", "rem_address" | "remote_address", "st", .., "drops"] => {
            ProcTable::Udp
        }
        ["sl", "local_address", "rem_address" | "remote_address", "st", ..] => ProcTable::Tcp,
        ["IP", "address", "HW", "type", "Flags", "HW", "address", ..] => ProcTable::Arp,
        ["Iface", "Destination", "Gateway", "Flags", ..] => ProcTable::Routes,
        ["Pro", "FromIP", "FPrt", "ToIP", "TPrt", ..] => ProcTable::IpvsConnections,
        _ => return None,
    })
}

/// Eight digits of an IPv4 address in memory, or 32 of four such words.
fn address(text: &str) -> Option<Ip> {
    let word = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::to_le_bytes);
    match text.len() {
        8 => Some(Ip::v4(word(text)?)),
        32 => {
            let mut bytes = [0; 16];
            for (n, part) in bytes.chunks_mut(4).enumerate() {
                part.copy_from_slice(&word(text.get(n * 8..n * 8 + 8)?)?);
            }
            Some(Ip::from(std::net::IpAddr::from(bytes).to_canonical()))
        }
        _ => None,
    }
}

/// `0: 0100007F:0CEA 00000000:0000 0A 00000000:00000005 ..`
fn socket(cx: &mut Cx<'_>, words: &[&str], udp: bool) -> Option<()> {
    let [number, local, _, state, queues, ..] = words else { return None };
    number.strip_suffix(':')?.parse::<u32>().ok()?;
    let (own, port) = local.split_once(':')?;
    let (own, port) = (address(own)?, u16::from_str_radix(port, 16).ok()?);
    if *state != if udp { CLOSE } else { LISTEN } {
        return Some(());
    }
    let waiting = queues.split_once(':').and_then(|(_, n)| u32::from_str_radix(n, 16).ok())?;
    let row = Listener {
        protocol: if udp { Protocol::UDP } else { Protocol::TCP },
        local: ((!own.is_unspecified()).then_some(own), port),
        waiting,
        backlog: None,
        at: cx.at,
    };
    cx.keep(row);
    Some(())
}

/// `172.16.0.2  0x1  0x2  52:54:00:25:ad:53  *  eth0`
fn neighbour(cx: &mut Cx<'_>, words: &[&str]) -> Option<()> {
    let [address, _, flags, hardware, ..] = words else { return None };
    let flags = u32::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?;
    let mac = hardware.parse().ok().filter(|_| flags & COMPLETE != 0);
    let state = match mac {
        None => "INCOMPLETE",
        Some(_) if flags & PERMANENT != 0 => "PERMANENT",
        Some(_) => "",
    };
    let row = Neighbour { ip: ip(address)?, mac, state: state.to_owned(), at: cx.at };
    cx.keep(row);
    Some(())
}

/// `eth0 00000000 FE0010AC 0003 0 0 100 00000000 0 0 0`
fn route(cx: &mut Cx<'_>, words: &[&str]) -> Option<()> {
    let [dev, to, gateway, flags, _, _, metric, mask, ..] = words else { return None };
    let (to, gateway, mask) = (address(to)?, address(gateway)?, address(mask)?);
    let flags = u32::from_str_radix(flags, 16).ok()?;
    let kind = if flags & REJECT != 0 { "unreachable" } else { "unicast" };
    let row = Route {
        to: (to, ones(mask)?),
        via: (!gateway.is_unspecified()).then_some(gateway),
        dev: Some((*dev).to_owned()),
        src: None,
        metric: metric.parse().ok()?,
        kind: kind.to_owned(),
        table: None,
        at: cx.at,
    };
    cx.keep(row);
    Some(())
}

/// Bits of a mask.
pub(in crate::state) fn ones(mask: Ip) -> Option<u8> {
    match mask.addr() {
        std::net::IpAddr::V4(mask) => {
            let bits = u32::from(mask);
            (bits.leading_ones() + bits.trailing_zeros() >= 32 || bits == 0)
                .then_some(bits.leading_ones() as u8)
        }
        std::net::IpAddr::V6(_) => None,
    }
}

/// `TCP C0000232 9C40 0A000064 0050 0A00010B 0050 ESTABLISHED 899`
fn entry(cx: &mut Cx<'_>, words: &[&str]) -> Option<()> {
    let [pro, client, cport, service, vport, server, sport, state, _, ..] = words else {
        return None;
    };
    let end = |ip: &str, port: &str| wire_endpoint(&format!("{ip}:{port}"));
    let row = Entry {
        protocol: protocol(pro)?,
        state: (*state).to_owned(),
        client: end(client, cport)?,
        service: end(service, vport)?,
        local: None,
        server: end(server, sport)?,
        at: cx.at,
    };
    cx.keep(row);
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::state::testkit::read;
    use crate::wire::Ip;

    #[test]
    fn sockets_that_wait_are_listeners() {
        let state = read(
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 00000000:1F90 00000000:0000 0A 00000000:00000081 00:00000000 00000000     0        0 22001 1 0000000000000000 100 0 0 10 0\n   1: 0B01000A:1F90 0501000A:A028 01 00000000:00000000 00:00000000 00000000     0        0 22002 1 0000000000000000 20 4 30 10 -1\n  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22003 1 0000000000000000 100 0 0 10 0\n",
        );
        let seen: Vec<_> = state.listeners.iter().map(|l| (l.local, l.waiting)).collect();
        let lo = Ip::from(std::net::IpAddr::V6(std::net::Ipv6Addr::LOCALHOST));
        assert_eq!(seen, [((None, 8080), 129), ((Some(lo), 22), 0)]);
    }

    #[test]
    fn tables_of_addresses_are_read() {
        let state = read(
            "IP address       HW type     Flags       HW address            Mask     Device\n10.0.1.1         0x1         0x2         52:54:00:25:ad:53     *        eth0\n10.0.1.9         0x1         0x0         00:00:00:00:00:00     *        eth0\n",
        );
        let seen: Vec<_> =
            state.neighbours.iter().map(|n| (n.mac.is_some(), n.state.as_str())).collect();
        assert_eq!(seen, [(true, ""), (false, "INCOMPLETE")]);
        let state = read(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\neth0\t00000000\tFE01000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\neth0\t0001000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n",
        );
        assert_eq!(state.routes[0].via, Some(Ip::v4([10, 0, 1, 254])));
        assert_eq!(state.routes[1].to, (Ip::v4([10, 0, 1, 0]), 24));
    }

    #[test]
    fn tables_of_ipvs_are_read() {
        let state = read(
            "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\nTCP  0A000064:0050 wlc  \n  -> 0A00010B:1F90      Masq    1      3          4         \nTCP  [2001:0db8:0000:0000:0000:0000:0000:0007]:0050 rr \n",
        );
        let service = &state.services[0];
        let server = &service.servers[0];
        assert_eq!((server.address, server.port), (Ip::v4([10, 0, 1, 11]), 8080));
        assert_eq!((server.weight, server.active), (Some(1), Some(3)));
        assert!(format!("{:?}", state.services[1].front).contains("port: 80"));
        let state = read(
            "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\nTCP C0000232 9C40 0A000064 0050 0A00010B 0050 SYN_RECV         57\n",
        );
        let entry = &state.entries[0];
        assert_eq!(entry.client, (Ip::v4([192, 0, 2, 50]), 40000));
        assert_eq!((entry.server.1, entry.state.as_str()), (80, "SYN_RECV"));
    }
}
