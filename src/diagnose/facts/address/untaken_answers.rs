//! Questions for an address that the capturing host answers each time, and that are asked again all the same.
//!
//! Who has learnt a MAC asks no more, or asks that MAC alone, and sends to it what it had to send. Who asks the
//! whole link on and on, and sends nothing to the MAC that it is told, did not get the answer or did not take
//! it. A monitor does the same (`arping -b`, the ARP monitor of bonding), so the repeats alone prove no harm:
//! they count where a virtual MAC answers or the address is a virtual router's, or where connections to it fail.

use super::asks::asked_here;
use crate::breaks::Fate;
use crate::diagnose::Facts;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{ARP_UNANSWERED_ON_AND_ON, QUESTIONS};
use crate::flow::{Ask, Binding, Claim, Observations, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::trace::{At, ConnectionId};
use crate::wire::{Ip, Mac};

/// An answer that is not taken.
#[derive(Debug)]
pub(in crate::diagnose) struct Untaken<'a> {
    /// Whose capture shows it: the one that answers.
    pub vantage: VantageId,
    /// The questions.
    pub ask: &'a Ask,
    /// The answer.
    pub answer: &'a Binding,
    /// The answer names another MAC than the one with which its host has conversations here.
    pub virtual_mac: Option<Talks>,
    /// The asker's own capture shows these questions and none of the answers.
    pub missed: Option<At>,
    /// Connections to the address that fail.
    pub failed: Vec<ConnectionId>,
}

/// A conversation of the answering host with its own MAC.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Talks {
    /// The MAC.
    pub mac: Mac,
    /// A frame that came for it.
    pub at: At,
}

/// All of them.
pub(in crate::diagnose) fn untaken<'a>(facts: &'a Facts) -> Vec<Untaken<'a>> {
    let mut all: Vec<Place<'a>> =
        VantageId::each(&facts.vantages).filter_map(|(v, _)| Place::of(facts, v)).collect();
    if all.is_empty() {
        return Vec::new();
    }
    let own = own_questions(facts);
    all.iter_mut()
        .flat_map(|place| {
            let asks = std::mem::take(&mut place.asks).into_iter();
            asks.filter_map(|ask| one(facts, place, ask, &own)).collect::<Vec<_>>()
        })
        .collect()
}

/// A vantage with such questions, and what they are held against, told once for all of them.
struct Place<'a> {
    v: VantageId,
    vantage: &'a Observations,
    asks: Vec<&'a Ask>,
    answers: HashMap<Ip, Vec<&'a Binding>>,
    /// Who sends frames to whom.
    sent: HashSet<(Mac, Mac)>,
    /// Who sends frames that arrive, without their receiver.
    arrived: HashSet<Mac>,
    /// Whom frames are for.
    reached: HashSet<Mac>,
    /// By the MAC that an answer names.
    talks: HashMap<Mac, Option<Talks>>,
}

impl<'a> Place<'a> {
    fn of(facts: &'a Facts, v: VantageId) -> Option<Self> {
        let vantage = &facts.vantages[v.index()];
        let asks: Vec<&Ask> = vantage
            .neighbors
            .asks
            .iter()
            .filter(|ask| {
                ask.again >= ARP_UNANSWERED_ON_AND_ON
                    && ask.answers >= QUESTIONS
                    && ask.asker.is_host()
                    && !asked_here(vantage, ask)
            })
            .collect();
        if asks.is_empty() {
            return None;
        }
        let mut place = Self {
            v,
            vantage,
            asks,
            answers: HashMap::default(),
            sent: HashSet::default(),
            arrived: HashSet::default(),
            reached: vantage.hops.iter().filter_map(|hop| hop.link.dst).collect(),
            talks: HashMap::default(),
        };
        for binding in &vantage.neighbors.bindings {
            place.answers.entry(binding.ip).or_default().push(binding);
        }
        for hop in vantage.hops.iter().filter(|hop| !hop.link.overlay) {
            match (hop.link.src, hop.link.dst) {
                (Some(src), Some(dst)) => {
                    place.sent.insert((src, dst));
                }
                (Some(src), None) if vantage.own.arrived(hop) == Some(true) => {
                    place.arrived.insert(src);
                }
                _ => {}
            }
        }
        Some(place)
    }

    /// Whether the asker sends anything to the MAC that it is told.
    fn takes(&self, ask: &Ask, told: Mac) -> bool {
        self.sent.contains(&(ask.asker_mac, told))
            || self.arrived.contains(&ask.asker_mac)
            || self.vantage.echoes.iter().any(|e| (e.src, e.dst) == (ask.asker, ask.target))
    }

    fn talks(&mut self, told: Mac) -> Option<Talks> {
        *self.talks.entry(told).or_insert_with(|| talks(self.vantage, self.v, told))
    }
}

/// Who asks for what.
type Question = (Ip, Ip, Mac);

fn question(ask: &Ask) -> Question {
    (ask.target, ask.asker, ask.asker_mac)
}

/// Questions by the captures of those who ask them.
fn own_questions<'a>(facts: &'a Facts) -> HashMap<Question, (VantageId, &'a Ask)> {
    let mut found = HashMap::default();
    for (v, vantage) in VantageId::each(&facts.vantages) {
        for ask in vantage.neighbors.asks.iter().filter(|ask| vantage.own.has(ask.asker_mac)) {
            found.entry(question(ask)).or_insert((v, ask));
        }
    }
    found
}

fn one<'a>(
    facts: &'a Facts,
    place: &mut Place<'a>,
    ask: &'a Ask,
    own: &HashMap<Question, (VantageId, &'a Ask)>,
) -> Option<Untaken<'a>> {
    let answers = place.answers.get(&ask.target)?;
    let answer = *answers.iter().find(|b| b.claim == Claim::Reply)?;
    // Of several hosts one may be taken.
    if answers.iter().any(|b| b.mac != answer.mac) || !place.vantage.own.has(answer.mac) {
        return None;
    }
    if place.takes(ask, answer.mac) {
        return None;
    }
    let missed = match own.get(&question(ask)) {
        Some((_, there)) if there.answers > 0 => return None,
        Some((w, there)) => Some(At { vantage: *w, mark: there.last }),
        None => None,
    };
    let to: Vec<_> = facts.requests_to_address(ask.target).map(|(id, _)| id).collect();
    let fails = |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Failed;
    let failed: Vec<_> = to.iter().copied().filter(fails).collect();
    // What comes for it from somebody shows that it is let in.
    let reached = place.reached.contains(&answer.mac);
    let virtual_mac = place.talks(answer.mac).filter(|_| !reached);
    let moves = place.vantage.vrrp.iter().any(|s| s.addresses.list().contains(&ask.target));
    if failed.len() < to.len()
        || failed.is_empty() && virtual_mac.is_none() && missed.is_none() && !moves
    {
        return None;
    }
    Some(Untaken { vantage: place.v, ask, answer, virtual_mac, missed, failed })
}

/// A conversation that the host has with another MAC of its own, in both directions.
fn talks(vantage: &Observations, v: VantageId, told: Mac) -> Option<Talks> {
    let own = |mac: &Mac| *mac != told && !mac.is_vrrp() && vantage.own.has(*mac);
    vantage.streams.iter().find_map(|stream| {
        let [a, b] = stream.flows.each_ref();
        [(a, b), (b, a)].into_iter().find_map(|(out, back)| {
            let (_, left) = vantage.path(out).next()?;
            let (link, came) = vantage.path(back).next()?;
            let mac = left.link.src.filter(own)?;
            let its = came.link.dst.is_none_or(|dst| dst == mac);
            let arrived = vantage.own.arrived(came) == Some(true);
            (its && arrived).then_some(Talks { mac, at: At { vantage: v, mark: link.first } })
        })
    })
}

/// Frames that show it.
pub(in crate::diagnose) fn proofs(untaken: &Untaken<'_>) -> Vec<Proof> {
    let (ask, v) = (untaken.ask, untaken.vantage);
    let mut proofs = vec![
        Proof::on(
            v,
            ask.first,
            format!("who-has {} tell {}: the first of {}", ask.target, ask.asker, ask.count),
        ),
        Proof::on(
            v,
            untaken.answer.first,
            format!("{} is at {}: the first answer", ask.target, untaken.answer.mac),
        ),
        Proof::on(v, ask.last, "it is asked again, though it was answered"),
    ];
    proofs.extend(untaken.virtual_mac.map(|talks| {
        Proof::at(talks.at, format!("what comes for {}, its own MAC, does arrive", talks.mac))
    }));
    proofs.extend(
        untaken
            .missed
            .map(|at| Proof::at(at, "the asker's own capture: the question again, and no answer")),
    );
    proofs
}
