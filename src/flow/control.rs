//! What an observer keeps of ICMP, neighbour discovery and VRRP.

use super::observe::Observer;
use super::{Echo, Hop, IcmpError, IcmpErrorKind, Mark, VrrpSpeaker};
use crate::wire::{Icmp, IcmpKind, IpPacket, LinkHeader, Packet, Vrrp};

/// ICMP errors, echo pairs and VRRP speakers that are kept.
const MAX_ERRORS: usize = 1 << 16;
const MAX_ECHOES: usize = 4096;
const MAX_SPEAKERS: usize = 1024;

impl Observer {
    pub(super) fn icmp(
        &mut self,
        mark: Mark,
        packet: &Packet<'_>,
        ip: &IpPacket<'_>,
        icmp: &Icmp<'_>,
    ) {
        let kind = match icmp.kind {
            IcmpKind::NeighborSolicitation { .. } | IcmpKind::NeighborAdvertisement { .. } => {
                self.tally.neighbor += 1;
                // RFC 4861, section 7.1: hop limit 255 or it came from afar.
                if ip.ttl == 255 {
                    let ends = (ip.src, ip.dst);
                    self.neighbors.ndp(mark, packet.vlan, &packet.link, ends, icmp);
                }
                return;
            }
            IcmpKind::Echo { reply, .. } => {
                self.tally.icmp += 1;
                return self.echo(mark, ip, reply);
            }
            IcmpKind::Unreachable => {
                IcmpErrorKind::Unreachable { kind: icmp.kind_number, code: icmp.code }
            }
            IcmpKind::TooBig { mtu } => IcmpErrorKind::TooBig { mtu },
            IcmpKind::TimeExceeded => IcmpErrorKind::TimeExceeded,
            IcmpKind::Redirect => IcmpErrorKind::Redirect,
            IcmpKind::Other => {
                self.tally.icmp += 1;
                return;
            }
        };
        self.tally.icmp += 1;
        let Some(quote) = icmp.quote() else { return };
        if self.errors.len() >= MAX_ERRORS {
            self.errors_dropped += 1;
            return;
        }
        let hop = self.hop(Hop { link: packet.link, ttl: ip.ttl });
        self.errors.push(IcmpError { mark, hop, src: ip.src, dst: ip.dst, kind, quote });
    }

    fn echo(&mut self, mark: Mark, ip: &IpPacket<'_>, reply: bool) {
        let (src, dst) = if reply { (ip.dst, ip.src) } else { (ip.src, ip.dst) };
        let at = match self.echoes.iter().position(|e| (e.src, e.dst) == (src, dst)) {
            Some(at) => at,
            None if self.echoes.len() < MAX_ECHOES => {
                self.echoes.push(Echo { src, dst, requests: 0, replies: 0, first: mark });
                self.echoes.len() - 1
            }
            None => return,
        };
        let echo = &mut self.echoes[at];
        *(if reply { &mut echo.replies } else { &mut echo.requests }) += 1;
    }

    pub(super) fn vrrp(&mut self, mark: Mark, link: &LinkHeader, ip: &IpPacket<'_>, vrrp: &Vrrp) {
        // RFC 5798, section 7.1: a TTL other than 255 must be discarded.
        if ip.ttl != 255 {
            return;
        }
        let known = self.vrrp.iter().position(|s| (s.src, s.vrid) == (ip.src, vrrp.vrid));
        match known {
            Some(at) => {
                let speaker = &mut self.vrrp[at];
                speaker.count += 1;
                speaker.last = mark;
                speaker.priority.0 = speaker.priority.0.min(vrrp.priority);
                speaker.priority.1 = speaker.priority.1.max(vrrp.priority);
            }
            None if self.vrrp.len() < MAX_SPEAKERS => self.vrrp.push(VrrpSpeaker {
                src: ip.src,
                mac: link.src,
                vrid: vrrp.vrid,
                priority: (vrrp.priority, vrrp.priority),
                interval_cs: vrrp.interval_cs,
                count: 1,
                first: mark,
                last: mark,
            }),
            None => {}
        }
    }
}
