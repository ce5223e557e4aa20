//! What ARP, neighbour discovery and VRRP print without hardware addresses and contents.

use super::{Fits, is_untold};
use crate::diagnose::facts::Facts;
use crate::flow::{Mark, Observations, VantageId, VrrpSpeaker};
use crate::topology::{Mode, Service};
use crate::trace::At;

/// Intervals without an advertisement after which a backup takes over (RFC 9568, section 6.1).
const PATIENCE: i64 = 3;

/// Captures without hardware addresses.
fn untold<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = (VantageId, &'a Observations)> {
    VantageId::each(&facts.vantages).filter(|(_, v)| is_untold(v))
}

fn at(vantage: VantageId, mark: Mark) -> At {
    At { vantage, mark }
}

/// Services that a real server may have the address of.
fn direct<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a Service> {
    let open = |s: &&Service| matches!(s.mode, Mode::Unknown | Mode::Dr) && !s.is_backend;
    facts.topology.services.iter().filter(open)
}

/// Somebody asks for its neighbours in the service's name.
pub(super) fn asks_as_the_service(facts: &Facts<'_>) -> Fits {
    direct(facts).find_map(|s| {
        untold(facts).find_map(|(v, seen)| {
            let ask = seen.neighbors.asks.iter().find(|a| a.asker == s.vip && a.target != s.vip)?;
            let why = format!("somebody asks for {} and names {} as its own address: it is this if that is a real server", ask.target, s.vip);
            Some((at(v, ask.first), why))
        })
    })
}

/// Neighbours ask for the service's address, and who answers is not printed.
pub(super) fn two_advertisements(facts: &Facts<'_>) -> Fits {
    direct(facts).filter(|s| !s.vip.is_v4()).find_map(|s| {
        untold(facts).find_map(|(v, seen)| {
            let ask = seen.neighbors.asks.iter().find(|ask| ask.target == s.vip)?;
            let why = format!("neighbours ask for {}, and the hardware addresses in the answers are not printed: it is this if there are two", s.vip);
            Some((at(v, ask.first), why))
        })
    })
}

/// Speakers of one virtual router whose addresses are not printed, in one capture.
pub(super) fn two_speakers(facts: &Facts<'_>) -> Fits {
    let nameless = |s: &&VrrpSpeaker| s.addresses.list().is_empty() && s.priority.0 > 0;
    VantageId::each(&facts.vantages).find_map(|(v, seen)| {
        let mut speakers = seen.vrrp.iter().filter(nameless);
        let pair = speakers.find_map(|a| {
            let same = |b: &&VrrpSpeaker| b.vrid == a.vrid && b.src != a.src && b.count > 1;
            seen.vrrp.iter().filter(nameless).filter(|_| a.count > 1).find(same).map(|b| (a, b))
        })?;
        let (a, b) = pair;
        let why = format!("{} and {} both advertise virtual router {}, and not printed is which addresses: it is this if they have none in common", a.src, b.src, a.vrid);
        Some((at(v, b.first), why))
    })
}

/// Advertisements that one capture has and another one, of a speaker of the same virtual router,
/// lacks for longer than a backup waits.
pub(super) fn advertisements_missing(facts: &Facts<'_>) -> Fits {
    let all = || {
        VantageId::each(&facts.vantages)
            .flat_map(|(v, seen)| seen.vrrp.iter().map(move |s| (v, seen, s)))
    };
    all().filter(|(.., s)| s.count > 1).find_map(|(v, _, s)| {
        let patience = i64::from(s.interval_cs.max(1)) * 10_000_000 * PATIENCE;
        all().find_map(|(w, there, other)| {
            let rival = w != v && other.vrid == s.vrid && other.src != s.src;
            if !rival {
                return None;
            }
            match there.vrrp.iter().find(|h| h.vrid == s.vrid && h.src == s.src) {
                None => {
                    let why = format!("{} advertises virtual router {} here, and {}, in which {} does, has none of it: it is this if each was captured on its own speaker", s.src, s.vrid, there.label, other.src);
                    Some((at(v, s.first), why))
                }
                Some(heard) if heard.silence_ns() > patience => {
                    let (before, after) = heard.silence;
                    let gone = before.at() < other.first.at() && other.first.at() < after.at();
                    let why = format!("{} is not heard here for {} s, and {} takes over meanwhile: it is this if it went on advertising", s.src, heard.silence_ns() / 1_000_000_000, other.src);
                    gone.then(|| (at(w, before), why))
                }
                Some(_) => None,
            }
        })
    })
}
