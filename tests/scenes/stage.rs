//! The stage: hosts with their captures, and frames that pass between them.
//!
//! A frame that passes from one host to another stands in both captures, if both
//! capture; one that is lost stands in the sender's alone. Time is told in
//! microseconds since the scene began; passing a link takes [`LINK_US`].

use crate::packet::Packet;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// The second at which every scene begins.
const EPOCH: u64 = 1_790_000_000;
/// Microseconds that a frame takes from one host to the next.
pub const LINK_US: u64 = 120;

/// An interface of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nic {
    pub host: &'static str,
    pub mac: [u8; 6],
    /// The interface's number in the host's `any` capture, from 2; 1 is lo.
    pub index: u8,
    /// The VLAN whose tag its frames have in an Ethernet capture; 0 for none.
    pub vlan: u16,
}

impl Nic {
    /// A host's first interface; `n` makes its MAC its own.
    pub const fn new(host: &'static str, n: u8) -> Self {
        Self { host, mac: [0x52, 0x54, 0x00, 0x5c, 0x00, n], index: 2, vlan: 0 }
    }

    /// The same interface, with its frames of one VLAN of a trunk.
    pub const fn tagged(self, vlan: u16) -> Self {
        Self { vlan, ..self }
    }

    /// Another interface of the same host.
    pub const fn second(self, n: u8) -> Self {
        Self { mac: [0x52, 0x54, 0x00, 0x5c, 0x01, n], index: 3, ..self }
    }
}

/// What a host's capture records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// Ethernet frames of all its interfaces.
    Ethernet,
    /// `tcpdump -i any` (LINUX_SLL2), lo with it.
    Any,
}

/// Which way a frame passes a capture, as LINUX_SLL2 numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    In = 0,
    Broadcast = 1,
    Multicast = 2,
    Other = 3,
    Out = 4,
}

/// A frame's body: EtherType and bytes.
type Content = (u16, Vec<u8>);

#[derive(Debug, Clone)]
struct Recorded {
    us: u64,
    order: usize,
    bytes: Vec<u8>,
}

/// Hosts, their captures, and the clock.
#[derive(Debug, Default)]
pub struct Stage {
    /// Microseconds since the scene began.
    pub now: u64,
    taken: BTreeMap<&'static str, Taken>,
    frames: BTreeMap<&'static str, Vec<Recorded>>,
    order: usize,
}

impl Stage {
    /// A stage whose hosts capture Ethernet frames.
    pub fn capturing(hosts: &[&'static str]) -> Self {
        let mut stage = Self::default();
        for host in hosts {
            stage.taken.insert(host, Taken::Ethernet);
            stage.frames.insert(host, Vec::new());
        }
        stage
    }

    /// A host captures with `-i any` instead.
    pub fn any(mut self, host: &'static str) -> Self {
        self.taken.insert(host, Taken::Any);
        self.frames.entry(host).or_default();
        self
    }

    /// Time passes.
    pub fn wait_ms(&mut self, ms: u64) -> &mut Self {
        self.now += ms * 1000;
        self
    }

    /// A packet and its repeats at TCP's first timeouts (RFC 6298: after a second, then after twice as
    /// long each time), each with the identification after the one before. `send` says what becomes of
    /// each; the last one ends it.
    pub fn sent_again(
        &mut self,
        packet: &Packet,
        times: u16,
        mut send: impl FnMut(&mut Self, &Packet),
    ) -> &mut Self {
        let begun = self.now;
        for k in 0..times {
            self.now = begun + ((1 << k) - 1) * 1_000_000;
            send(self, &packet.clone().id(packet.id + k));
        }
        self
    }

    /// A packet goes from one host to another.
    pub fn pass(&mut self, from: Nic, to: Nic, packet: &Packet) -> &mut Self {
        self.unicast(from, to, &content(packet), true)
    }

    /// A packet leaves a host and arrives nowhere.
    pub fn lose(&mut self, from: Nic, to: Nic, packet: &Packet) -> &mut Self {
        self.unicast(from, to, &content(packet), false)
    }

    /// A packet arrives whose leaving the sender's capture lacks (a capture that
    /// dropped it, or a sender that is not the one it names).
    pub fn arrive(&mut self, from: Nic, to: Nic, packet: &Packet) -> &mut Self {
        let content = content(packet);
        self.now += LINK_US;
        self.record(to, from.mac, to.mac, Seen::In, &content);
        self
    }

    /// A packet passes a link that a third host sees too (a hub, a SPAN port).
    pub fn overheard(&mut self, by: Nic, from: Nic, to: Nic, packet: &Packet) -> &mut Self {
        self.overheard_frame(by, from, to, &content(packet))
    }

    /// The same for a frame of any content.
    pub fn overheard_frame(&mut self, by: Nic, from: Nic, to: Nic, content: &Content) -> &mut Self {
        self.record(by, from.mac, to.mac, Seen::Other, content);
        self
    }

    /// A packet over a host's lo: an `any` capture shows it, another does not.
    pub fn loopback(&mut self, host: Nic, packet: &Packet) -> &mut Self {
        self.now += 20;
        if self.taken.get(host.host) == Some(&Taken::Any) {
            let lo = Nic { mac: [0; 6], index: 1, ..host };
            self.record(lo, [0; 6], [0; 6], Seen::In, &content(packet));
        }
        self
    }

    /// A broadcast or multicast frame to hosts of a link.
    pub fn flood(&mut self, from: Nic, to: &[Nic], dst: [u8; 6], content: Content) -> &mut Self {
        self.record(from, from.mac, dst, Seen::Out, &content);
        self.now += LINK_US;
        let how = if dst == [0xff; 6] { Seen::Broadcast } else { Seen::Multicast };
        for nic in to.iter().filter(|nic| nic.mac != from.mac) {
            self.record(*nic, from.mac, dst, how, &content);
        }
        self
    }

    /// A frame of any content from one host to another; lost on the way if it does
    /// not arrive.
    pub fn unicast(&mut self, from: Nic, to: Nic, content: &Content, arrives: bool) -> &mut Self {
        self.record(from, from.mac, to.mac, Seen::Out, content);
        self.now += LINK_US;
        if arrives {
            self.record(to, from.mac, to.mac, Seen::In, content);
        }
        self
    }

    fn record(&mut self, at: Nic, src: [u8; 6], dst: [u8; 6], seen: Seen, content: &Content) {
        let Some(taken) = self.taken.get(at.host) else { return };
        let mut bytes = Vec::new();
        match taken {
            Taken::Ethernet => {
                bytes.extend(dst);
                bytes.extend(src);
                if at.vlan != 0 {
                    bytes.extend([0x81, 0x00]);
                    bytes.extend(at.vlan.to_be_bytes());
                }
                bytes.extend(content.0.to_be_bytes());
            }
            Taken::Any => {
                bytes.extend(content.0.to_be_bytes());
                bytes.extend([0, 0, 0, 0, 0, at.index]);
                let hardware: u16 = if at.index == 1 { 772 } else { 1 };
                bytes.extend(hardware.to_be_bytes());
                bytes.extend([seen as u8, 6]);
                bytes.extend(src);
                bytes.extend([0, 0]);
            }
        }
        bytes.extend(&content.1);
        self.order += 1;
        let frame = Recorded { us: self.now, order: self.order, bytes };
        self.frames.entry(at.host).or_default().push(frame);
    }

    /// Each frame of a host's `any` capture shows by a second interface too: one that lies on the first, as a bond on
    /// its member, or a port to which a bridge hands on what comes in by the first, and the other way round.
    pub fn doubled(mut self, host: &'static str, second: u8, bridged: bool) -> Self {
        let frames = self.frames.insert(host, Vec::new()).unwrap();
        let mut both: Vec<Recorded> = Vec::new();
        for frame in frames.into_iter().filter(|frame| frame.bytes[7] != 1) {
            let leaves = frame.bytes[10] == Seen::Out as u8;
            let (mut outer, mut inner) = (frame.clone(), frame);
            inner.bytes[7] += second;
            let (first, last) =
                if leaves { (&mut inner, &mut outer) } else { (&mut outer, &mut inner) };
            last.us += 3;
            if bridged {
                last.bytes[10] = Seen::Out as u8;
                let came = [Seen::In as u8, Seen::Out as u8].contains(&first.bytes[10]);
                // A question goes to all.
                let asks = first.bytes[..2] == [8, 6] && first.bytes[27] == 1;
                let seen = if asks { Seen::Broadcast } else { Seen::Other };
                first.bytes[10] = if came { seen as u8 } else { first.bytes[10] };
            }
            both.extend([outer, inner]);
        }
        self.frames.insert(host, both);
        self
    }

    /// Each host's capture as a pcap file of microseconds, by its file name.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let file = |(host, taken): (&&'static str, &Taken)| {
            let mut frames = self.frames[host].clone();
            frames.sort_by_key(|frame| (frame.us, frame.order));
            let link_type = if *taken == Taken::Any { 276 } else { 1 };
            (format!("{host}.pcap"), pcap(link_type, &frames))
        };
        self.taken.iter().map(file).collect()
    }

    /// Writes each host's capture into a folder.
    pub fn write(&self, folder: &Path) {
        for (name, bytes) in self.files() {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

fn content(packet: &Packet) -> Content {
    (if packet.src.is_ipv4() { 0x0800 } else { 0x86dd }, packet.bytes())
}

fn pcap(link_type: u32, frames: &[Recorded]) -> Vec<u8> {
    let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    for half in [2u16, 4, 0, 0, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [262_144, link_type] {
        bytes.extend(word.to_le_bytes());
    }
    for frame in frames {
        let (seconds, us) = (EPOCH + frame.us / 1_000_000, frame.us % 1_000_000);
        let len = frame.bytes.len() as u32;
        for word in [seconds as u32, us as u32, len, len] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(&frame.bytes);
    }
    bytes
}

/// An ARP packet (RFC 826): 1 asks, 2 answers.
pub fn arp(operation: u16, sender: (Nic, Ipv4Addr), target: ([u8; 6], Ipv4Addr)) -> Content {
    let mut bytes = vec![0, 1, 8, 0, 6, 4];
    bytes.extend(operation.to_be_bytes());
    bytes.extend(sender.0.mac);
    bytes.extend(sender.1.octets());
    bytes.extend(target.0);
    bytes.extend(target.1.octets());
    (0x0806, bytes)
}

/// A neighbour discovery message (RFC 4861): type, the word of flags after the
/// checksum, the target, and its link-layer address option (1 source, 2 target).
pub fn discovery(
    src: Ipv6Addr,
    dst: Ipv6Addr,
    kind: u8,
    flags: u32,
    target: Ipv6Addr,
    option: Option<(u8, [u8; 6])>,
) -> Packet {
    let mut rest = flags.to_be_bytes().to_vec();
    rest.extend(target.octets());
    if let Some((number, mac)) = option {
        rest.extend([number, 1]);
        rest.extend(mac);
    }
    let body = crate::packet::Body::Icmp { kind, code: 0, rest };
    Packet::new(IpAddr::V6(src), IpAddr::V6(dst), body).ttl(255)
}

/// The Ethernet address of an IPv4 multicast group (RFC 1112, section 6.4).
pub fn group(ip: Ipv4Addr) -> [u8; 6] {
    let [_, b, c, d] = ip.octets();
    [0x01, 0x00, 0x5e, b & 0x7f, c, d]
}

/// The Ethernet address of an IPv6 multicast group (RFC 2464, section 7).
pub fn group6(ip: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = ip.octets();
    [0x33, 0x33, a, b, c, d]
}

impl Stage {
    /// One host asks for an address on a link, its owner answers.
    pub fn resolve(
        &mut self,
        (asker, asks): (Nic, Ipv4Addr),
        (owner, owns): (Nic, Ipv4Addr),
        link: &[Nic],
    ) -> &mut Self {
        self.flood(asker, link, [0xff; 6], arp(1, (asker, asks), ([0; 6], owns)));
        self.unicast(owner, asker, &arp(2, (owner, owns), (asker.mac, asks)), true)
    }

    /// One host asks for an address on a link, nobody answers.
    pub fn ask(&mut self, asker: Nic, asks: Ipv4Addr, target: Ipv4Addr, link: &[Nic]) -> &mut Self {
        self.flood(asker, link, [0xff; 6], arp(1, (asker, asks), ([0; 6], target)))
    }

    /// A gratuitous ARP (RFC 5227, section 3): who-has for its own address.
    pub fn announce(&mut self, owner: Nic, owns: Ipv4Addr, link: &[Nic]) -> &mut Self {
        self.flood(owner, link, [0xff; 6], arp(1, (owner, owns), ([0; 6], owns)))
    }

    /// The IPv6 form of [`Stage::resolve`].
    pub fn resolve6(
        &mut self,
        (asker, asks): (Nic, Ipv6Addr),
        (owner, owns): (Nic, Ipv6Addr),
        link: &[Nic],
    ) -> &mut Self {
        let [.., a, b, c] = owns.octets();
        let to =
            Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
        let asked = discovery(asks, to, 135, 0, owns, Some((1, asker.mac)));
        self.flood(asker, link, group6(to), content(&asked));
        let answer = discovery(owns, asks, 136, 0x6000_0000, owns, Some((2, owner.mac)));
        self.pass(owner, asker, &answer)
    }

    /// The IPv6 form of [`Stage::ask`].
    pub fn ask6(
        &mut self,
        asker: Nic,
        asks: Ipv6Addr,
        target: Ipv6Addr,
        link: &[Nic],
    ) -> &mut Self {
        let [.., a, b, c] = target.octets();
        let to =
            Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
        let asked = discovery(asks, to, 135, 0, target, Some((1, asker.mac)));
        self.flood(asker, link, group6(to), content(&asked))
    }

    /// A VRRPv2 advertisement (RFC 3768, section 5.1) with its addresses.
    pub fn advertise(
        &mut self,
        (router, ip): (Nic, Ipv4Addr),
        (vrid, priority): (u8, u8),
        vips: &[Ipv4Addr],
        link: &[Nic],
    ) -> &mut Self {
        self.advertise_as((router, ip), (vrid, priority), vips, (0, &[0; 8]), link)
    }

    /// The same with authentication: its type and data.
    pub fn advertise_as(
        &mut self,
        (router, ip): (Nic, Ipv4Addr),
        (vrid, priority): (u8, u8),
        vips: &[Ipv4Addr],
        (auth, data): (u8, &[u8; 8]),
        link: &[Nic],
    ) -> &mut Self {
        let mut bytes = vec![0x21, vrid, priority, vips.len() as u8, auth, 1, 0, 0];
        bytes.extend(vips.iter().flat_map(|vip| vip.octets()));
        bytes.extend(data);
        let sum = etherparse::checksum::Sum16BitWords::new().add_slice(&bytes).ones_complement();
        bytes[6..8].copy_from_slice(&sum.to_ne_bytes());
        let all = Ipv4Addr::new(224, 0, 0, 18);
        let packet =
            Packet::new(ip.into(), all.into(), crate::packet::Body::Raw(112, bytes)).ttl(255);
        self.flood(router, link, group(all), content(&packet))
    }
}
