//! Two or more questions for an address that traffic needs, and no answer.

use super::super::words::list;
use super::super::{Facts, Names, Proof, Sighting, Subject, ToConfirm, Wording};
use crate::correlate::Leg;
use crate::diagnose::facts::address::asks::{
    answered_late, asked_here, asks_alone, given_up, is_all_there_is, is_announced, is_asked_beside,
};
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
                || is_announced(&facts.vantages[vantage.index()], ask)
                || is_asked_beside(&facts.vantages[vantage.index()], ask)
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
    let late = answered_late(facts).into_iter().map(|(_, ask)| ask).filter(|ask| {
        facts.topology.hosts.by_mac(ask.asker_mac).is_some_and(|host| waiting.during(host, ask))
    });
    found.extend(late.map(|ask| ask.target));
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|ip| {
            // Of whom no more is known than that he asks it is not known either what he lacks.
            let alone = |(vantage, ask): (VantageId, &Ask)| {
                let vantage = &facts.vantages[vantage.index()];
                is_asked_beside(vantage, ask)
                    || asks_alone(vantage, ask)
                        && !asked_here(vantage, ask)
                        && !is_all_there_is(facts, ask)
            };
            let mut asks = facts.unanswered_for(ip).peekable();
            let little = asks.peek().is_some() && asks.all(alone) && !needed.contains(&ip);
            Sighting { connection: None, address: Some(ip), host: None, costly: !little }
        })
        .collect()
}

/// A host whose own capture shows it ask in vain, round after round, at the pace of a kernel: what its
/// programs want to send waits for the answer, and so shows nowhere. Who looks for hosts asks each
/// once or twice.
fn asks_on_and_on(facts: &Facts, vantage: VantageId, ask: &Ask) -> bool {
    ask.again >= ARP_UNANSWERED_ON_AND_ON
        && ask.asker.is_host()
        && (asked_here(&facts.vantages[vantage.index()], ask)
            || asks_alone(&facts.vantages[vantage.index()], ask))
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
            // So does whoever kept its SYN, whatever its part is.
            let kept = |leg: &Leg| !c.progress.answered && facts.kept_at(id, leg.vantage);
            for leg in facts.legs(id) {
                let waits = |h: &HostId| got == Some(*h) || directs(*h) || kept(leg);
                if let Some(host) = facts.host_of(leg).filter(waits) {
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

    /// Whether one waited there that began while the host asked.
    fn during(&self, host: HostId, ask: &Ask) -> bool {
        let Some(times) = self.0.get(&host) else { return false };
        let from = ask.first.at().0.saturating_sub(ARP_WAIT_NS);
        let next = times.get(times.partition_point(|at| *at < from));
        next.is_some_and(|at| *at <= ask.last.at().0)
    }
}

/// A question for an address that nobody answers, or nobody any more.
fn asked<'a>(facts: &'a Facts<'_>, target: Option<Ip>) -> Option<(VantageId, &'a Ask)> {
    let target = target?;
    let found = facts.unanswered_for(target).next().or_else(|| {
        let silent = facts.fell_silent();
        let at = silent.partition_point(|(_, ask)| ask.target < target);
        silent.get(at).copied().filter(|(_, ask)| ask.target == target)
    });
    found.or_else(|| answered_late(facts).into_iter().find(|(_, ask)| ask.target == target))
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some((vantage, ask)) = asked(facts, sighting.address) else { return Vec::new() };
    let late = is_late(facts, ask);
    let before = match (late, ask.answers) {
        (true, _) => ", most of them in vain",
        (false, 0) => "",
        (false, _) => ", which was answered",
    };
    let last = if late { "the last of them" } else { "the last, still no answer" };
    let first =
        format!("who-has {} tell {}: the first of {}{before}", ask.target, ask.asker, ask.count);
    vec![
        Proof { at: At { vantage, mark: ask.first }, note: first },
        Proof { at: At { vantage, mark: ask.last }, note: last.to_owned() },
    ]
}

/// Whether a question got an answer in the end.
fn is_late(facts: &Facts, ask: &Ask) -> bool {
    ask.answers > 0
        && facts.unanswered_for(ask.target).next().is_none()
        && facts.fell_silent().iter().all(|(_, silent)| silent.target != ask.target)
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
    let late = lost
        && ips.iter().all(|ip| asked(facts, Some(*ip)).is_some_and(|(_, a)| is_late(facts, a)));
    let (any_more, explanation) = if late {
        (" for a time", "The address is asked for again and again in vain, and answered in the end: until then, packets for it cannot be sent.".to_owned())
    } else {
        (any_more, explanation)
    };
    let elsewhere = ips.iter().all(|ip| answered_elsewhere(facts, *ip));
    let explanation = if elsewhere {
        "The address is asked for again and again and whoever asks gets no answer, while others do: questions or answers are lost between these two alone. So it is between a host and a macvlan or ipvlan of its own, at ports that a switch keeps apart (private VLAN, port isolation, an access point's clients), and in another VLAN.".to_owned()
    } else {
        explanation
    };
    Wording {
        title: match elsewhere {
            true => format!(
                "{} for {} stays unanswered to some, and is answered to others",
                question(&ips),
                list(&names)
            ),
            false => format!("nobody answers {} for {}{any_more}", question(&ips), list(&names)),
        },
        explanation,
        subjects: ips
            .iter()
            .map(|ip| Subject { role: Role::Host, address: Some(*ip), ..Subject::default() })
            .collect(),
    }
}

/// Whether somebody claims an address to others, at a vantage where it is not asked for in vain.
fn answered_elsewhere(facts: &Facts, ip: Ip) -> bool {
    let vain = |vantage: VantageId| facts.unanswered_for(ip).any(|(v, _)| v == vantage);
    let claimed = |vantage: VantageId| {
        let bindings = &facts.vantages[vantage.index()].neighbors.bindings;
        bindings.iter().any(|binding| binding.ip == ip)
    };
    facts.unanswered_for(ip).next().is_some()
        && VantageId::each(&facts.vantages).any(|(v, _)| !vain(v) && claimed(v))
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
