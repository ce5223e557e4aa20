//! Connections that a text of tshark has open. Its lines of what TCP carries have no ports and no
//! numbers: they are of the one connection that the two hosts have, where they have only one.

use std::collections::HashMap;
use std::net::IpAddr;

use super::shown::{Body, Extent, Options, Tcp};

/// Pairs of hosts whose connections are followed; beyond this all are forgotten.
const MAX_PAIRS: usize = 1 << 16;
/// Connections of a pair that are told apart.
const MAX_OF_PAIR: usize = 8;

/// Bytes of a frame around a payload at most where TCP has no options: Ethernet, a tag, IPv4, TCP.
const BARE: u32 = 58;

/// Connections that have a line of TCP, by their hosts: lines of what TCP carries have no ports.
#[derive(Debug, Default)]
pub(super) struct Open {
    pairs: HashMap<(IpAddr, IpAddr), Vec<Conversation>>,
    /// Questions of DNS whose ports are not printed.
    askers: HashMap<(IpAddr, IpAddr, u16), u16>,
}

/// What stands for the port of the first question that has none printed; the next stand for the next
/// (dynamic ports, RFC 6335, section 6).
const FIRST_ASKER: u16 = 49152;

/// Whether a conversation is kept under its ends turned round: each has one place, whoever speaks.
fn is_turned((src, dst): (IpAddr, IpAddr), ports: (u16, u16)) -> bool {
    (src, ports.0) > (dst, ports.1)
}

#[derive(Copy, Clone, Debug)]
struct Conversation {
    ports: (u16, u16),
    /// Bytes of a frame of it that are not payload.
    around: u32,
    /// Bits of FIN that were seen, of either side.
    fins: u8,
    /// The latest timestamps of either side, as an option.
    times: [Option<[u8; 12]>; 2],
}

impl Open {
    /// Takes in a line of TCP.
    pub(super) fn seen(&mut self, src: IpAddr, dst: IpAddr, frame: Option<u32>, tcp: &Tcp) {
        let Some(around) =
            frame.zip(tcp.length).and_then(|(frame, length)| frame.checked_sub(length))
        else {
            return;
        };
        if self.pairs.len() >= MAX_PAIRS {
            self.pairs.clear();
        }
        let turned = is_turned((src, dst), tcp.ports);
        let (pair, ports) = match turned {
            true => ((dst, src), (tcp.ports.1, tcp.ports.0)),
            false => ((src, dst), tcp.ports),
        };
        let flags = tcp.flags.unwrap_or(0);
        let list = self.pairs.entry(pair).or_default();
        let at = list.iter().position(|c| c.ports == ports);
        if flags & 0x04 != 0 {
            list.retain(|c| c.ports != ports);
            return;
        }
        let mut one = at.map_or(Conversation { ports, around, fins: 0, times: [None; 2] }, |at| {
            list.remove(at)
        });
        let times = tcp.options.bytes.windows(12).find(|w| w.starts_with(&[1, 1, 8, 10]));
        one.times[usize::from(turned)] = times.and_then(|w| w.try_into().ok());
        if flags & 0x02 == 0 {
            one.around = around;
        }
        one.fins |= (flags & 1) << u8::from(turned);
        if one.fins != 3 {
            list.push(one);
        }
        if list.len() > MAX_OF_PAIR {
            list.remove(0);
        }
    }

    /// The port that stands for whoever asks a question of DNS, by its identifier.
    pub(super) fn asker(&mut self, client: IpAddr, server: IpAddr, id: u16) -> u16 {
        if self.askers.len() > usize::from(u16::MAX - FIRST_ASKER) {
            self.askers.clear();
        }
        let next = FIRST_ASKER + self.askers.len() as u16;
        *self.askers.entry((client, server, id)).or_insert(next)
    }

    /// What a line of something that TCP carries is of: the connection whose ports stand in columns of their
    /// own, else the one that the two hosts have open.
    pub(super) fn carried(
        &self,
        (src, dst): (IpAddr, IpAddr),
        ports: Option<(u16, u16)>,
        frame: Option<u32>,
        protocol: &str,
    ) -> Body {
        let turned = ports.map_or(src > dst, |ports| is_turned((src, dst), ports));
        let pair = if turned { (dst, src) } else { (src, dst) };
        let none = Body::Proto { number: 255, bytes: Vec::new(), length: None };
        if over_udp(protocol) || ["ICMP", "IGMP", "STP"].iter().any(|p| protocol.starts_with(p)) {
            return none;
        }
        let list = self.pairs.get(&pair).map_or(&[][..], Vec::as_slice);
        let turn = |ports: (u16, u16)| if turned { (ports.1, ports.0) } else { ports };
        let one = match (ports, list) {
            (Some(ports), _) => match list.iter().find(|one| one.ports == turn(ports)) {
                Some(one) => one,
                None => return said(ports),
            },
            // Of a host that talks with itself either end may have said it.
            (None, [one]) if src != dst => one,
            _ => return none,
        };
        let ports = turn(one.ports);
        Body::Tcp(Tcp {
            ports,
            flags: Some(0x18),
            counted: true,
            length: frame.and_then(|frame| frame.checked_sub(one.around)),
            options: match one.times[usize::from(turned)] {
                // Every segment has them, if one has (RFC 7323): it cannot be older than the last.
                Some(times) => Options { bytes: times.to_vec(), extent: Extent::All, edges: 0..0 },
                None if one.around <= BARE => {
                    Options { bytes: Vec::new(), extent: Extent::All, edges: 0..0 }
                }
                None => Options::default(),
            },
            ..Tcp::default()
        })
    }
}

/// A segment of which the ends alone are told.
fn said(ports: (u16, u16)) -> Body {
    Body::Tcp(Tcp { ports, flags: Some(0x18), counted: true, ..Tcp::default() })
}

/// What UDP carries rather than TCP.
pub(super) fn over_udp(protocol: &str) -> bool {
    let known = ["DNS", "NTP", "DHCP", "LLMNR", "MDNS", "SNMP", "QUIC", "SIP", "RADIUS", "Syslog"];
    known.iter().any(|p| protocol.starts_with(p))
}
