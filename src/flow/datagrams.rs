//! The way of a datagram: what it asks, and whether it asks again.

use super::asked::Alone;
use super::{Key, Mark, Observer, Side, StreamId, Unopened};
use crate::wire::{IpPacket, Packet, Protocol, Udp, fault};
use std::hash::BuildHasher;

/// Bytes of a datagram's payload that go into its token.
const DATAGRAM_HEAD: usize = 128;

impl Observer {
    /// Takes in a datagram.
    #[inline]
    pub(super) fn udp(
        &mut self,
        mark: Mark,
        packet: &Packet<'_>,
        ip: &IpPacket<'_>,
        udp: &Udp<'_>,
    ) {
        self.tally.udp += 1;
        let sctp = ip.protocol == Protocol::SCTP;
        if let Some(tunnel) = Unopened::datagram(udp.dst_port).filter(|_| !sctp) {
            self.unopened.count(tunnel);
        }
        let ends = ((ip.src, udp.src_port), (ip.dst, udp.dst_port));
        let (key, side) = Key::of(ip.protocol, ends.0, ends.1, packet.vlan, ip.outer.as_ref());
        let id = self.stream(key);
        self.fragments.begin(ip, id, side);
        self.alone(id, side, mark, udp);
        let link = self.link(id, side, packet.link, ip.ttl, mark);
        self.links[link].datagram(mark, ip.id);
        self.fragments.count(ip, link, mark);
        if ip.options {
            self.side_tables.options.count(link, mark);
        }
        let first = !self.streams[id as usize].flow(side).data.is_set();
        let token = if first { self.datagram(ip, udp) } else { 0 };
        // Who is not answered asks the same again.
        let unheard = !self.streams[id as usize].flow(side.other()).seen();
        let payload = if unheard { self.payload(udp) } else { 0 };
        let flow = &mut self.streams[id as usize].flows[side.index()];
        if first {
            flow.isn = token;
            flow.last_ack = payload;
        }
        if unheard && flow.last_ack == payload {
            flow.isns = flow.isns.saturating_add(1);
            if !first {
                let began = flow.data;
                self.side_tables.asked.again(id, side, began, mark, udp);
            }
        }
        flow.payload += u64::from(udp.payload_len);
        flow.data.set_once(mark);
        if sctp {
            // An ABORT turns down what the other side has said.
            let answers = self.streams[id as usize].flow(side.other()).data.is_set();
            if first && answers {
                self.side_tables.spoken.make().association(id, side, mark, udp.payload);
            }
            return;
        }
        self.dns(id, mark, ip, udp, first);
        if first || super::spoken::goes_on(udp) {
            self.side_tables.spoken.make().datagram((id, side), mark, ip.src, udp);
        } else if udp.src_port == fault::NTP_PORT {
            self.side_tables.spoken.make().time(id, udp.payload);
        }
    }

    /// What a datagram is recognised by on both sides of a rewrite: its payload
    /// and, in IPv4, its identification.
    pub(super) fn datagram(&self, ip: &IpPacket<'_>, udp: &Udp<'_>) -> u32 {
        let head = udp.payload.get(..DATAGRAM_HEAD).unwrap_or(udp.payload);
        self.hasher.hash_one((head, udp.payload_len, ip.id)) as u32
    }

    /// What a question is recognised by when it is asked again.
    fn payload(&self, udp: &Udp<'_>) -> u32 {
        let head = udp.payload.get(..DATAGRAM_HEAD).unwrap_or(udp.payload);
        self.hasher.hash_one((head, udp.payload_len)) as u32
    }

    /// Looks at a datagram of which the stream has seen both sides before, whether it follows a pause.
    #[inline]
    fn alone(&mut self, id: StreamId, side: Side, mark: Mark, udp: &Udp<'_>) {
        let stream = &self.streams[id as usize];
        let (before, theirs) = (stream.flow(side).last, stream.flow(side.other()).last);
        if !before.is_set() || !theirs.is_set() {
            return;
        }
        if before.frame() > theirs.frame() {
            if Alone::is_pause(mark.since(before)) {
                let digest = self.payload(udp);
                let one = Alone { before, mark, theirs, digest };
                self.side_tables.asked.alone(id, side, one, udp);
            }
        } else if !self.side_tables.asked.is_empty() && Alone::is_pause(mark.since(theirs)) {
            self.side_tables.asked.broken(id, side.other(), theirs, mark);
        }
    }
}
