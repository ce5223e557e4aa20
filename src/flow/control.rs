//! What an observer keeps of ICMP, neighbour discovery and VRRP.

use super::observe::Observer;
use super::{Contest, Echo, Hop, IcmpError, IcmpErrorKind, Key, Mark, Takeovers, VrrpSpeaker};
use crate::capture::Known;
use crate::wire::{Icmp, IcmpKind, IpPacket, Packet, Quote, Vrrp};

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
                // What an overlay's hosts say is no claim on this network.
                if (ip.ttl == 255 || !packet.known.has(Known::TTL)) && !packet.link.overlay {
                    let ends = (ip.src, ip.dst);
                    self.neighbors.ndp(mark, packet.vlan, &packet.link, ends, icmp, packet.known);
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
            IcmpKind::TimeExceeded if icmp.code == 1 => IcmpErrorKind::Reassembly,
            IcmpKind::TimeExceeded => IcmpErrorKind::TimeExceeded,
            IcmpKind::Redirect => IcmpErrorKind::Redirect,
            IcmpKind::Other => {
                self.tally.icmp += 1;
                return;
            }
        };
        self.tally.icmp += 1;
        let Some(quote) = icmp.quote() else { return };
        self.answered_by_error(packet, ip, &quote, kind);
        if self.errors.len() >= MAX_ERRORS {
            self.errors_dropped += 1;
            return;
        }
        let hop = self.hop(Hop { link: packet.link, ttl: ip.ttl });
        let error = IcmpError { mark, hop, src: ip.src, dst: ip.dst, kind, quote };
        self.errors.push(error);
        // What is said of a tunnel's packet is said of what it carries.
        if matches!(kind, IcmpErrorKind::Unreachable { .. })
            && let Some(quote) = icmp.quote_inside()
        {
            self.errors.push(IcmpError { quote, ..error });
        }
    }

    /// Marks the stream whose packet an error quotes: it was answered.
    fn answered_by_error(
        &mut self,
        packet: &Packet<'_>,
        ip: &IpPacket<'_>,
        quote: &Quote,
        kind: IcmpErrorKind,
    ) {
        if matches!(kind, IcmpErrorKind::Redirect | IcmpErrorKind::TooBig { .. }) {
            return;
        }
        let (src, dst) = ((quote.src, quote.src_port), (quote.dst, quote.dst_port));
        let (key, _) = Key::of(quote.protocol, src, dst, packet.vlan, ip.outer.as_ref());
        if let Some(id) = self.known(&key) {
            self.streams[id as usize].error = true;
        }
    }

    fn echo(&mut self, mark: Mark, ip: &IpPacket<'_>, reply: bool) {
        let (src, dst) = if reply { (ip.dst, ip.src) } else { (ip.src, ip.dst) };
        let at = match self.echo_ids.get(&(src, dst)) {
            Some(at) => *at as usize,
            None if self.echoes.len() < MAX_ECHOES => {
                self.echo_ids.insert((src, dst), self.echoes.len() as u32);
                self.echoes.push(Echo { src, dst, requests: 0, replies: 0, first: mark });
                self.echoes.len() - 1
            }
            None => {
                self.echoes_dropped += 1;
                return;
            }
        };
        let echo = &mut self.echoes[at];
        *(if reply { &mut echo.replies } else { &mut echo.requests }) += 1;
    }

    pub(super) fn vrrp(
        &mut self,
        mark: Mark,
        packet: &Packet<'_>,
        ip: &IpPacket<'_>,
        vrrp: &Vrrp<'_>,
    ) {
        // RFC 5798, section 7.1: a TTL other than 255 must be discarded. Unicast may cross a
        // router, and keepalived takes it from peers whatever its TTL.
        let printed = packet.known.has(Known::TTL);
        if ip.ttl != 255 && printed && !ip.dst.is_host() {
            return;
        }
        let ttl = if printed { ip.ttl } else { 255 };
        let whole = packet.known.has(Known::SUM);
        let damaged = if whole && vrrp.is_damaged(ip.src, ip.dst) { mark } else { Mark::NONE };
        // Overlays of many owners pass one interface.
        let network = ip.outer.and_then(|outer| outer.id);
        let segment = (packet.vlan, network.map_or(packet.link.ifindex, |id| id | 1 << 31));
        let known = self
            .vrrp
            .iter()
            .position(|s| (s.src, s.vrid, s.segment) == (ip.src, vrrp.vrid, segment));
        let begins = |own: &VrrpSpeaker, others: &[VrrpSpeaker]| {
            let since = |s: &&VrrpSpeaker| s.last.frame() > own.last.frame();
            let mut rivals = others.iter().filter(|s| s.shares_router(own));
            vrrp.priority > 0 && own.is_away(mark) && rivals.any(|s| since(&s))
        };
        match known {
            Some(at) => {
                let own = self.vrrp[at];
                let takes_over = begins(&own, &self.vrrp);
                let mut others = self.vrrp.iter().filter(|s| s.shares_router(&own));
                let rival = others.any(|s| s.is_rival(own.last, mark));
                let own = &mut self.vrrp[at];
                own.ttl = own.ttl.min(ttl);
                if damaged.is_set() {
                    own.damaged.set_once(damaged);
                }
                if takes_over {
                    own.takes_over(mark);
                }
                own.advertised(mark, vrrp, rival);
            }
            None if self.vrrp.len() < MAX_SPEAKERS => {
                let mut own = VrrpSpeaker {
                    src: ip.src,
                    mac: packet.link.src,
                    vrid: vrrp.vrid,
                    segment,
                    version: vrrp.version,
                    addresses: vrrp.virtual_addresses(ip.src.is_v4()),
                    priority: (vrrp.priority, vrrp.priority),
                    interval_cs: vrrp.interval_cs,
                    auth: (vrrp.auth, vrrp.auth_data()),
                    ttl,
                    damaged,
                    count: 1,
                    first: mark,
                    last: mark,
                    silence: (Mark::NONE, Mark::NONE),
                    last_priority: vrrp.priority,
                    takeovers: Takeovers::default(),
                    resigned: u32::from(vrrp.priority == 0),
                    contest: Contest::default(),
                    contesting: Contest::default(),
                };
                let shared = |s: &&VrrpSpeaker| s.shares_router(&own);
                if vrrp.priority > 0 && self.vrrp.iter().any(|s| shared(&s)) {
                    own.takes_over(mark);
                }
                self.vrrp.push(own);
            }
            None => self.vrrp_dropped += 1,
        }
    }
}

impl VrrpSpeaker {
    /// Nanoseconds between its advertisements; a second where it says 0.
    #[must_use]
    pub fn interval_ns(&self) -> i64 {
        i64::from(if self.interval_cs == 0 { 100 } else { self.interval_cs }) * 10_000_000
    }

    /// Whether it is master too, for one that advertised at `since` and does again now. One that advertises
    /// less often is none the less there.
    fn is_rival(&self, since: Mark, now: Mark) -> bool {
        let due = self.count > 1 && now.since(self.last) <= self.interval_ns() / 4 * 5;
        self.last_priority > 0 && (self.last.frame() > since.frame() || due)
    }

    /// Whether it was not the master between its last advertisement and now: it had resigned, or was silent.
    fn is_away(&self, now: Mark) -> bool {
        self.last_priority == 0 || now.since(self.last) > 2 * self.interval_ns()
    }

    fn takes_over(&mut self, mark: Mark) {
        self.takeovers.count += 1;
        self.takeovers.first.set_once(mark);
        self.takeovers.last = mark;
    }

    /// Takes in one more advertisement; another speaker may have advertised
    /// since the one before.
    fn advertised(&mut self, mark: Mark, vrrp: &Vrrp<'_>, rival: bool) {
        // After a longer silence it was not the master in between.
        let goes_on = self.last_priority > 0
            && vrrp.priority > 0
            && mark.since(self.last) <= 2 * self.interval_ns();
        if goes_on && rival {
            self.contesting.count += 1;
            self.contesting.first.set_once(self.last);
            self.contesting.last = mark;
            if self.contesting.count > self.contest.count {
                self.contest = self.contesting;
            }
        } else {
            self.contesting = Contest::default();
        }
        if self.last.is_set() && mark.since(self.last) > self.silence_ns() {
            self.silence = (self.last, mark);
        }
        // Who gives up says so several times.
        self.resigned += u32::from(vrrp.priority == 0 && self.last_priority > 0);
        self.count += 1;
        self.last = mark;
        self.last_priority = vrrp.priority;
        self.priority.0 = self.priority.0.min(vrrp.priority);
        self.priority.1 = self.priority.1.max(vrrp.priority);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::wire::Ip;

    fn advertisement(priority: u8) -> Vrrp<'static> {
        Vrrp {
            version: 2,
            vrid: 51,
            priority,
            addresses: 0,
            interval_cs: 100,
            auth: Some(0),
            rest: &[],
            message: &[],
        }
    }

    fn speaker(n: u8) -> VrrpSpeaker {
        VrrpSpeaker {
            src: Ip::v4([192, 0, 2, n]),
            mac: None,
            vrid: 51,
            segment: (0, 0),
            version: 2,
            addresses: advertisement(100).virtual_addresses(true),
            priority: (100, 100),
            interval_cs: 100,
            auth: (Some(0), None),
            ttl: 255,
            damaged: Mark::NONE,
            count: 0,
            first: Mark::NONE,
            last: Mark::NONE,
            silence: (Mark::NONE, Mark::NONE),
            last_priority: 0,
            takeovers: Takeovers::default(),
            resigned: 0,
            contest: Contest::default(),
            contesting: Contest::default(),
        }
    }

    /// Two speakers of one virtual router, who advertises when, in milliseconds.
    fn contest(adverts: &[(u8, i64, u8)]) -> [Contest; 2] {
        contest_of([speaker(0), speaker(1)], adverts)
    }

    fn contest_of(mut speakers: [VrrpSpeaker; 2], adverts: &[(u8, i64, u8)]) -> [Contest; 2] {
        for (i, (who, ms, priority)) in adverts.iter().enumerate() {
            let mark = Mark::new(i as u32 + 1, Timestamp(ms * 1_000_000));
            let vrrp = advertisement(*priority);
            let (own, other) = (usize::from(*who), usize::from(1 - *who));
            let rival = speakers[other].is_rival(speakers[own].last, mark);
            speakers[own].advertised(mark, &vrrp, rival);
        }
        speakers.map(|s| s.contest)
    }

    #[test]
    fn two_masters_in_turn_are_a_contest() {
        let adverts: Vec<(u8, i64, u8)> =
            (0..12).map(|i| ((i % 2) as u8, i * 500, 90 + (i % 2) as u8)).collect();
        let [a, b] = contest(&adverts);
        assert_eq!((a.count, b.count), (5, 5));
        assert_eq!(a.last.since(a.first), 5_000_000_000);
    }

    #[test]
    fn masters_with_unlike_intervals_are_a_contest() {
        let slow = VrrpSpeaker { interval_cs: 300, ..speaker(1) };
        let often = (0..30).map(|i| (0, i * 1000, 150));
        let seldom = (0..10).map(|i| (1, i * 3000 + 400, 100));
        let mut both: Vec<(u8, i64, u8)> = often.chain(seldom).collect();
        both.sort_by_key(|advert| advert.1);
        let [a, b] = contest_of([speaker(0), slow], &both);
        assert!(a.count > 20 && b.count == 9, "{} {}", a.count, b.count);
    }

    #[test]
    fn routers_of_two_families_share_nothing() {
        let six = VrrpSpeaker { src: Ip::v6([0xfe; 16]), ..speaker(1) };
        assert!(speaker(0).shares_router(&speaker(1)) && !speaker(0).shares_router(&speaker(0)));
        assert!(!speaker(0).shares_router(&six));
    }

    #[test]
    fn a_hand_over_there_and_back_is_none() {
        let first = (0..4).map(|i| (0, i * 1000, 100));
        let second = (0..6).map(|i| (1, 7000 + i * 1000, 90));
        let back = (0..6).map(|i| (0, 12_500 + i * 1000, 100));
        let [a, b] = contest(&first.chain(second).chain(back).collect::<Vec<_>>());
        assert_eq!((a.count, b.count), (0, 0));
    }

    #[test]
    fn the_longest_silence_is_kept() {
        let times = [0, 1000, 7000, 8000, 11_000];
        let mut s = speaker(1);
        for (i, ms) in times.into_iter().enumerate() {
            let mark = Mark::new(i as u32 + 1, Timestamp(ms * 1_000_000));
            s.advertised(mark, &advertisement(100), false);
        }
        assert_eq!(s.silence_ns(), 6_000_000_000);
        assert_eq!((s.silence.0.frame(), s.silence.1.frame()), (2, 3));
    }

    #[test]
    fn one_that_resigned_is_no_rival() {
        let adverts = [(0, 0, 100), (1, 100, 90), (0, 1000, 0), (1, 1100, 90), (1, 2100, 90)];
        let [a, b] = contest(&adverts);
        assert_eq!((a.count, b.count), (0, 0));
    }
}
