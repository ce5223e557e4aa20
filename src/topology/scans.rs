//! Sources that scan: one address that tries many services and is answered by none.
//!
//! A source that tries very many is one by itself. Of several that try the same dark
//! services, each a part, every one needs to try few: whoever has a reason to connect
//! mostly connects to what answers, so after four first contacts in vain and none that
//! succeeds a source is a scanner with an error of one in a hundred (sequential test with
//! success rates of 0.8 and 0.2, 4^4 > 99: Jung, Paxson, Berger and Balakrishnan, "Fast
//! Portscan Detection Using Sequential Hypothesis Testing", IEEE S&P 2004). A service that
//! answers anybody, or that somebody asks again and again, is not what a scan finds dark.

use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// Services that one source must try, mostly in vain, to be scanning by itself; and that
/// several must try in vain together.
const MANY: usize = 16;
/// Services that each of several must try, all in vain. See the module.
const FEW: usize = 4;
/// Times that a source tries a service before it wants that one service.
const AGAIN: u32 = 2;

/// One attempt to connect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    /// Who.
    pub source: Ip,
    /// What.
    pub service: (Ip, u16),
    /// It was refused, or nobody answered.
    pub vain: bool,
    /// It was opened and closed without a word.
    pub empty: bool,
    /// SYNs of it.
    pub syns: u16,
}

/// Who scans.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scans {
    lone: HashSet<Ip>,
    joint: HashSet<Ip>,
    dark: HashSet<(Ip, u16)>,
}

impl Scans {
    /// Looks at all attempts; `tries` is walked twice.
    pub(super) fn of(tries: impl Iterator<Item = Try> + Clone) -> Self {
        let mut lone: HashMap<Ip, HashSet<(Ip, u16)>> = HashMap::default();
        let mut answered: HashSet<(Ip, u16)> = HashSet::default();
        let mut lucky: HashSet<Ip> = HashSet::default();
        for one in tries.clone() {
            if one.vain || one.empty {
                let services = lone.entry(one.source).or_default();
                if services.len() < MANY {
                    services.insert(one.service);
                }
            }
            if !one.vain {
                answered.insert(one.service);
                lucky.insert(one.source);
            }
        }
        // By source: the dark services that it tries, and how often in all.
        let mut tried: HashMap<Ip, (HashSet<(Ip, u16)>, u32)> = HashMap::default();
        for one in tries.filter(|one| one.vain && !lucky.contains(&one.source)) {
            let known = tried.entry(one.source).or_default();
            known.1 = known.1.saturating_add(1 + u32::from(one.syns > 2) * AGAIN);
            if !answered.contains(&one.service) {
                known.0.insert(one.service);
            }
        }
        tried.retain(|_, (dark, times)| dark.len() >= FEW && *times <= dark.len() as u32 * AGAIN);
        let dark: HashSet<(Ip, u16)> = tried.values().flat_map(|(dark, _)| dark).copied().collect();
        let joint =
            if dark.len() >= MANY { tried.into_keys().collect() } else { HashSet::default() };
        lone.retain(|_, services| services.len() >= MANY);
        Self { lone: lone.into_keys().collect(), joint, dark }
    }

    /// Whether an attempt is part of a scan.
    pub(super) fn has(&self, source: Ip, service: (Ip, u16)) -> bool {
        self.lone.contains(&source) || self.joint.contains(&source) && self.dark.contains(&service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> Ip {
        Ip::from(std::net::IpAddr::from([192, 0, 2, last]))
    }

    fn vain(source: u8, service: u16) -> Try {
        Try { source: ip(source), service: (ip(200), service), vain: true, empty: false, syns: 1 }
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
