//! Sources that scan: one address that tries many services and is answered by none.
//!
//! A source that tries very many is one by itself. Of several that try the same dark
//! services, each a part, every one needs to try few: whoever has a reason to connect
//! mostly connects to what answers, so after four first contacts in vain and none that
//! succeeds a source is a scanner with an error of one in a hundred (sequential test with
//! success rates of 0.8 and 0.2, 4^4 > 99: Jung, Paxson, Berger and Balakrishnan, "Fast
//! Portscan Detection Using Sequential Hypothesis Testing", IEEE S&P 2004). A service that
//! answers anybody, or that somebody asks again and again, is not what a scan finds dark.
//!
//! One that tries so few by one port of its own needs no others: a kernel gives each connection a port, and who makes
//! SYNs himself takes one for all (nmap's SYN scan, masscan).

use super::tries::Try;
use crate::hashed::HashSet;
use crate::wire::Ip;

/// Services that one source must try, mostly in vain, to be scanning by itself; and that
/// several must try in vain together.
const MANY: usize = 16;
/// Services that each of several must try, all in vain. See the module.
const FEW: usize = 4;
/// Times that a source tries a service before it wants that one service.
const AGAIN: u32 = 2;

/// Who scans.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scans {
    lone: HashSet<Ip>,
    joint: HashSet<Ip>,
    /// Who tries dark services by one port of its own.
    by_one_port: HashSet<Ip>,
    dark: HashSet<(Ip, u16)>,
    /// Services that strangers alone try, each of them once.
    strange: HashSet<(Ip, u16)>,
}

/// An attempt in vain or without a word, by who made it: in a flood as many as there are connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Idle {
    source: Ip,
    service: (Ip, u16),
    port: u16,
    /// How often it counts as tried in vain.
    vain: u32,
}

impl Scans {
    /// Looks at all attempts; `tries` is walked up to five times.
    pub(super) fn of(tries: impl Iterator<Item = Try> + Clone) -> Self {
        let idle = |one: Try| Idle {
            source: one.source,
            service: one.service,
            port: one.port,
            vain: if one.vain { 1 + u32::from(one.syns > 2) * AGAIN } else { 0 },
        };
        let mut idle: Vec<Idle> =
            tries.clone().filter(|one| one.vain || one.empty).map(idle).collect();
        idle.sort_unstable();
        let strange = super::strangers::tried(tries.clone());
        let mut found = Self { strange, ..Self::default() };
        let by_source = || idle.chunk_by(|a, b| a.source == b.source);
        let services = |tries: &[Idle], counts: &dyn Fn(&Idle) -> bool| {
            let each = tries.chunk_by(|a, b| a.service == b.service);
            each.filter(|same| same.iter().any(counts)).count()
        };
        for tries in by_source() {
            if services(tries, &|_| true) >= MANY {
                found.lone.insert(tries[0].source);
            }
        }
        // Nearly always nobody tries enough, and who is answered need not be asked.
        let in_vain = |tries: &&[Idle]| services(tries, &|one| one.vain > 0) >= FEW;
        let wanted: HashSet<(Ip, u16)> =
            by_source().filter(in_vain).flatten().map(|one| one.service).collect();
        if wanted.is_empty() {
            return found;
        }
        let sources: HashSet<Ip> = by_source().filter(in_vain).map(|of| of[0].source).collect();
        let lucky = tries.clone().filter(|one| !one.vain && sources.contains(&one.source));
        let lucky: HashSet<Ip> = lucky.map(|one| one.source).collect();
        let answered = tries.filter(|one| !one.vain && wanted.contains(&one.service));
        let answered: HashSet<(Ip, u16)> = answered.map(|one| one.service).collect();
        let is_dark = |one: &Idle| one.vain > 0 && !answered.contains(&one.service);
        for tries in by_source().filter(in_vain) {
            let times = tries.iter().fold(0u32, |all, one| all.saturating_add(one.vain));
            let dark = services(tries, &is_dark);
            let source = tries[0].source;
            if !lucky.contains(&source) && dark >= FEW && times <= dark as u32 * AGAIN {
                let one_port = tries.iter().all(|one| one.port == tries[0].port);
                let set = if one_port { &mut found.by_one_port } else { &mut found.joint };
                set.insert(source);
                found.dark.extend(tries.iter().filter(|one| is_dark(one)).map(|one| one.service));
            }
        }
        if found.dark.len() < MANY {
            found.joint.clear();
        }
        found
    }

    /// Whether an attempt is part of a scan.
    pub(super) fn has(&self, source: Ip, service: (Ip, u16)) -> bool {
        self.strange.contains(&service)
            || self.lone.contains(&source)
            || (self.joint.contains(&source) || self.by_one_port.contains(&source))
                && self.dark.contains(&service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> Ip {
        Ip::from(std::net::IpAddr::from([192, 0, 2, last]))
    }

    fn vain(source: u8, service: u16) -> Try {
        // As kernels choose them: another for each connection.
        let (service, port) = ((ip(200), service), 40_000 + service * 7 + u16::from(source));
        Try { source: ip(source), port, service, vain: true, empty: false, syns: 1 }
    }

    fn scans(tries: &[Try]) -> Scans {
        Scans::of(tries.iter().copied())
    }

    #[test]
    fn many_sources_that_try_a_part_each_scan_together() {
        let tries: Vec<Try> =
            (1..=4).flat_map(|s| (0..5).map(move |n| vain(s, u16::from(s) * 5 + n))).collect();
        let found = scans(&tries);
        assert_eq!(found.joint.len(), 4);
        assert!(found.has(ip(1), (ip(200), 5)) && !found.has(ip(1), (ip(200), 99)));
        // Too few services in all.
        assert_eq!(scans(&tries[..15]).joint.len(), 0);
    }

    #[test]
    fn who_tries_few_by_one_port_of_its_own_scans_alone() {
        let one_port = |tries: Vec<Try>| tries.into_iter().map(|one| Try { port: 61_234, ..one });
        let few: Vec<Try> = one_port((0..5).map(|n| vain(1, n)).collect()).collect();
        let found = scans(&few);
        assert!(found.has(ip(1), (ip(200), 3)) && !found.has(ip(2), (ip(200), 3)));
        // Too few; each by a port of its own; one of them answered.
        assert!(!scans(&few[..3]).has(ip(1), (ip(200), 1)));
        let own: Vec<Try> = (0..5).map(|n| vain(1, n)).collect();
        assert!(!scans(&own).has(ip(1), (ip(200), 3)));
        let lucky = [few, vec![Try { vain: false, ..vain(1, 80) }]].concat();
        assert!(!scans(&lucky).has(ip(1), (ip(200), 3)));
    }

    #[test]
    fn clients_of_services_that_are_down_do_not_scan() {
        // Each asks for its own service, again and again.
        let own: Vec<Try> =
            (1..=40).flat_map(|s| (0..8).map(move |_| vain(s, u16::from(s)))).collect();
        assert_eq!(scans(&own), Scans { dark: HashSet::default(), ..Scans::default() });
        // Few clients that want all of few services.
        let few: Vec<Try> = (1..=9).flat_map(|s| (0..9).map(move |n| vain(s, n))).collect();
        assert_eq!(scans(&few).joint.len(), 0);
        // Many services, each asked for again and again.
        let again: Vec<Try> =
            (1..=9).flat_map(|s| (0..60).map(move |n| vain(s, n % 15 + u16::from(s)))).collect();
        assert_eq!(scans(&again).joint.len(), 0);
    }

    #[test]
    fn who_succeeds_anywhere_and_what_answers_anybody_are_out_of_it() {
        let mut tries: Vec<Try> =
            (1..=6).flat_map(|s| (0..5).map(move |n| vain(s, u16::from(s) * 5 + n))).collect();
        tries.push(Try { vain: false, ..vain(4, 80) });
        tries.push(Try { vain: false, ..vain(99, 5) });
        let found = scans(&tries);
        assert!(!found.has(ip(4), (ip(200), 20)) && !found.has(ip(1), (ip(200), 5)));
        assert!(found.has(ip(1), (ip(200), 6)) && found.has(ip(5), (ip(200), 25)));
    }
}
