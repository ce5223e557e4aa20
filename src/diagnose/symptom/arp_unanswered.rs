//! Two or more questions for an address that traffic needs, and no answer.

use super::super::words::list;
use super::super::{Facts, Names, Proof, Sighting, Subject, ToConfirm, Wording};
use crate::diagnose::facts::asks::{asked_here, given_up, is_all_there_is};
use crate::diagnose::thresholds::{ARP_UNANSWERED_ON_AND_ON, ARP_WAIT_NS};
use crate::flow::{Ask, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::topology::{HostId, Ordinary, Role};
use crate::trace::{At, Trace};
use crate::wire::Ip;
use std::cell::LazyCell;

/// Addresses that are looked for in turn: of many, what is behind one is behind the others.
const ASKED: usize = 4;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let Wanted { needed, scanned } = wanted(facts);
    let waiting = LazyCell::new(|| Waiting::of(facts));
    let mut found: Vec<Ip> = facts
        .unanswered()
        .iter()
        // Nobody is missing where a scan looks for everybody.
        .filter(|(_, ask)| !scanned.contains(&ask.target))
        .filter(|(vantage, ask)| {
            needed.contains(&ask.target)
                || asks_on_and_on(facts, *vantage, ask)
                || is_all_there_is(facts, ask)
                || given_up(&facts.vantages[vantage.index()], ask)
                || facts
                    .topology
                    .hosts
                    .by_mac(ask.asker_mac)
                    .is_some_and(|host| waiting.at(host, ask))
        })
        .map(|(_, ask)| ask.target)
        .collect();
    let silent = facts.fell_silent().iter().map(|(_, ask)| ask.target);
    found.extend(silent.filter(|target| needed.contains(target)));
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|ip| Sighting { connection: None, address: Some(ip), host: None, costly: true })
        .collect()
}

/// A host whose own capture shows it ask in vain, round after round, at the pace of a kernel: what its
/// programs want to send waits for the answer, and so shows nowhere. Who looks for hosts asks each
/// once or twice.
fn asks_on_and_on(facts: &Facts, vantage: VantageId, ask: &Ask) -> bool {
    ask.again >= ARP_UNANSWERED_ON_AND_ON
        && ask.asker.is_host()
        && asked_here(&facts.vantages[vantage.index()], ask)
}

/// Addresses that connections go to.
struct Wanted {
    needed: HashSet<Ip>,
    /// To which nothing goes but scans.
    scanned: HashSet<Ip>,
}

fn wanted(trace: &Trace) -> Wanted {
    let mut wanted = Wanted { needed: HashSet::default(), scanned: HashSet::default() };
    for (id, c) in trace.iter() {
        let scan = trace.ordinary(id) == Some(Ordinary::Scan);
        let set = if scan { &mut wanted.scanned } else { &mut wanted.needed };
        set.insert(c.front.server.0);
        set.extend(c.back.map(|back| back.server.0));
    }
    wanted.scanned.retain(|ip| !wanted.needed.contains(ip));
    wanted
}

/// When connections began that wait for somebody whom a host may look for, by host and sorted: at no other time does
/// its asking concern them.
struct Waiting(HashMap<HostId, Vec<i64>>);

impl Waiting {
    fn of(facts: &Facts) -> Self {
        let mut waiting: HashMap<HostId, Vec<i64>> = HashMap::default();
        for (id, c) in facts.requests().filter(|(_, c)| c.outcome.failed()) {
            // A director looks for a real server while a connection of its service waits.
            let server = facts.server(id);
            let service = facts.service(id);
            let directs = |host| server.is_none() && service.is_director(host);
            // A real server looks for its router while a connection that it got waits for its answer.
            let got = server.and_then(|server| server.host).filter(|_| !c.progress.answered);
            let got = got.filter(|host| facts.delivered(id, *host));
            for leg in facts.legs(id) {
                if let Some(host) = facts.host_of(leg).filter(|h| got == Some(*h) || directs(*h)) {
                    waiting.entry(host).or_default().push(facts.forward(leg).first.at().0);
                }
            }
        }
        waiting.values_mut().for_each(|times| times.sort_unstable());
        Self(waiting)
    }

    /// Whether a host asked while one waited there.
    fn at(&self, host: HostId, ask: &Ask) -> bool {
        let Some(times) = self.0.get(&host) else { return false };
        let asked = ask.first.at().0;
        let from = times.partition_point(|at| *at <= asked.saturating_sub(ARP_WAIT_NS));
        times.get(from).is_some_and(|at| at.saturating_sub(asked) < ARP_WAIT_NS)
    }
}

/// A question for an address that nobody answers, or nobody any more.
fn asked<'a>(facts: &'a Facts<'_>, target: Option<Ip>) -> Option<(VantageId, &'a Ask)> {
    let target = target?;
    facts.unanswered_for(target).next().or_else(|| {
        let silent = facts.fell_silent();
        let at = silent.partition_point(|(_, ask)| ask.target < target);
        silent.get(at).copied().filter(|(_, ask)| ask.target == target)
    })
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some((vantage, ask)) = asked(facts, sighting.address) else { return Vec::new() };
    let before = if ask.answers > 0 { ", which was answered" } else { "" };
    let first =
        format!("who-has {} tell {}: the first of {}{before}", ask.target, ask.asker, ask.count);
    vec![
        Proof { at: At { vantage, mark: ask.first }, note: first },
        Proof { at: At { vantage, mark: ask.last }, note: "the last, still no answer".to_owned() },
    ]
}

/// Who asks knows by what route it takes the address for a neighbour's.
pub(in crate::diagnose) fn next(facts: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let look = |sighting: &Sighting| {
        let target = sighting.address?;
        let (_, ask) = asked(facts, Some(target))?;
        let host = facts.topology.hosts.by_mac(ask.asker_mac);
        Some(ToConfirm {
            host: host.map_or_else(|| ask.asker.to_string(), |host| Names(facts).place(host)),
            command: format!("ip neigh show {target}; ip route get {target}; ping -c 3 {target}"),
            why: format!(
                "FAILED or INCOMPLETE: {target} is down, or on another network than the interface that the route names"
            ),
        })
    };
    sightings.iter().filter_map(look).take(ASKED).collect()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    let ips: Vec<Ip> = sightings.iter().filter_map(|s| s.address).collect();
    let names: Vec<String> = ips.iter().map(Ip::to_string).collect();
    // An address that somebody asks for and that never answered at all is not lost.
    let lost = ips.iter().all(|ip| facts.unanswered_for(*ip).next().is_none());
    let (any_more, explanation) = if lost {
        let v6 = if ips.iter().all(|ip| ip.is_v4()) {
            ""
        } else {
            " Solicitations are multicast: a switch that follows groups (MLD snooping) delivers them only to who asks for the group of the address, and goes on asking itself."
        };
        (
            " any more",
            format!(
                "The address was answered for, and then asked for again and again in vain: its host is gone, or the questions or the answers no longer get through, so packets for it cannot be sent.{v6}"
            ),
        )
    } else {
        ("", "The address is asked for again and again and no host claims it, so packets for it cannot be sent.".to_owned())
    };
    Wording {
        title: format!("nobody answers {} for {}{any_more}", question(&ips), list(&names)),
        explanation,
        subjects: ips
            .iter()
            .map(|ip| Subject { role: Role::Host, address: Some(*ip), ..Subject::default() })
            .collect(),
    }
}

/// What asks for addresses of these families.
fn question(ips: &[Ip]) -> &'static str {
    match (ips.iter().any(|ip| ip.is_v4()), ips.iter().any(|ip| !ip.is_v4())) {
        (false, true) => "neighbour solicitations",
        (true, true) => "ARP or neighbour solicitations",
        _ => "ARP",
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::vip_arp_conflict::blind(facts)
}
