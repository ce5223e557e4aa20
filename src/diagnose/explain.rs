//! Which finding explains which: symptoms sorted under causes.
//!
//! A symptom's sightings are dealt out to the causes that name it and hold its
//! connection or address; what no cause takes stands on its own. A cause that
//! is only the consequence of another is folded under it. The result is a
//! directed graph, flattened into the order in which it reads.

use super::registry::{Advises, CAUSES, SYMPTOMS, SymptomDetector};
use super::{
    Candidate, Confidence, Facts, Finding, FindingId, Kind, Proof, Refuted, Severity, Sighting,
};
use crate::breaks::{Behind, Fate, Group, Manner};
use crate::trace::ConnectionId;
use crate::wire::Ip;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Sightings whose frames a finding shows.
const SHOWN: usize = 2;

pub(super) fn arrange(
    facts: &Facts,
    causes: Vec<Finding>,
    symptoms: Vec<(&SymptomDetector, Vec<Sighting>)>,
) -> Vec<Finding> {
    let mut graph: DiGraph<Finding, ()> = DiGraph::new();
    let causes: Vec<NodeIndex> = causes.into_iter().map(|cause| graph.add_node(cause)).collect();
    fold(&mut graph, &causes);
    let held = AllHeld::by(causes.iter().map(|cause| &graph[*cause]));
    for (detector, sightings) in symptoms {
        let mut left = Vec::new();
        let mut taken: BTreeMap<usize, Vec<Sighting>> = BTreeMap::new();
        for sighting in sightings {
            match held.first_to_explain(detector.id, &sighting) {
                Some(cause) => taken.entry(cause).or_default().push(sighting),
                None => left.push(sighting),
            }
        }
        for (cause, taken) in taken {
            add(facts, &mut graph, detector, taken, Some(causes[cause]));
        }
        for alike in super::unlike::split(facts, left) {
            add(facts, &mut graph, detector, alike, None);
        }
    }
    flatten(graph, &causes)
}

/// Causes that stand by themselves: they say what is so of a service, not what became of
/// its connections.
const CONDITIONS: [&str; 3] = ["scheduler-imbalance", "stated-not-seen", "director-bypassed"];

/// Whether a symptom says how connections broke, whatever the reason.
fn is_break(symptom: FindingId) -> bool {
    SYMPTOMS.iter().any(|s| s.id == symptom && s.of_breaks)
}

/// What a cause can explain.
struct Held {
    symptoms: &'static [&'static str],
    /// It accounts for whatever became of its connections.
    explains_breaks: bool,
}

impl Held {
    fn explains(&self, symptom: FindingId) -> bool {
        symptom.is_of(self.symptoms) || self.explains_breaks && is_break(symptom)
    }
}

/// What all causes can explain, by their places: there may be as many of them as of sightings.
#[derive(Default)]
struct AllHeld {
    each: Vec<Held>,
    connections: HashMap<ConnectionId, Vec<usize>>,
    addresses: HashMap<Ip, Vec<usize>>,
}

impl AllHeld {
    fn by<'a>(causes: impl Iterator<Item = &'a Finding>) -> Self {
        let mut all = Self::default();
        for (place, cause) in causes.enumerate() {
            all.each.push(Held {
                symptoms: explains(cause.id),
                explains_breaks: cause.is_loud() && !cause.id.is_of(&CONDITIONS),
            });
            for id in cause.connections.iter().chain(&cause.strays) {
                all.connections.entry(*id).or_default().push(place);
            }
            for ip in &cause.addresses {
                all.addresses.entry(*ip).or_default().push(place);
            }
        }
        all
    }

    /// The first cause that explains a sighting.
    fn first_to_explain(&self, symptom: FindingId, sighting: &Sighting) -> Option<usize> {
        let places = match sighting.connection {
            Some(id) => self.connections.get(&id),
            None => self.addresses.get(&sighting.address?),
        };
        places?.iter().copied().find(|place| self.each[*place].explains(symptom))
    }
}

fn explains(id: FindingId) -> &'static [&'static str] {
    CAUSES.iter().find(|d| d.id == id).map_or(&[], |d| d.explains)
}

/// A cause that another one brings about is an explanation, not a fault of its
/// own.
fn fold(graph: &mut DiGraph<Finding, ()>, causes: &[NodeIndex]) {
    let ids: BTreeSet<FindingId> = causes.iter().map(|cause| graph[*cause].id).collect();
    for &outer in causes {
        let folds = explains(graph[outer].id);
        if ids.iter().all(|id| !id.is_of(folds)) {
            continue;
        }
        for &inner in causes {
            let (a, b) = (&graph[outer], &graph[inner]);
            let same = a.addresses.iter().any(|ip| b.addresses.contains(ip));
            if outer != inner && b.id.is_of(folds) && same {
                graph.update_edge(outer, inner, ());
            }
        }
    }
}

/// What causes are to something that none explains: judged by the break of the first of its
/// groups, else those that the symptom itself names.
fn suspects(
    facts: &Facts,
    detector: &SymptomDetector,
    sightings: &[Sighting],
) -> (Vec<Candidate>, Vec<Refuted>) {
    if sightings.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let own = |s: &&Sighting| {
        let fate = s.connection.map(|id| facts.breaks.fate(id));
        fate.is_some_and(Fate::is_harm)
    };
    let group = sightings.iter().find(own).and_then(|s| facts.breaks.group_of(s.connection?));
    let judged = group.map(|group| {
        let group = facts.breaks.group(group);
        let own = super::judge::of_group(facts, group);
        // What a proxy said of it is no reason; what became of its own connection is.
        let late = |behind: &Behind| behind.manner == Manner::Late;
        match group.behind.filter(|b| own.possible.is_empty() || late(b)) {
            Some(behind) => super::judge::of_group(facts, &opened_for(facts, group, behind)),
            None => own,
        }
    });
    let super::judge::Opinions { mut possible, refuted } = judged.unwrap_or_default();
    if possible.is_empty() {
        possible = advise(detector.advice.suspects, facts, sightings);
        possible.retain(|one| refuted.iter().all(|other| other.id != one.id));
    }
    (possible, refuted)
}

/// The break of what a proxy opened for the clients of a group, as a group of its own.
fn opened_for(facts: &Facts, group: &Group, behind: Behind) -> Group {
    let pairs = &facts.pairs;
    let opened = group.connections.iter().filter_map(|id| {
        let mut legs =
            [&pairs.attempts, &pairs.backends].into_iter().filter_map(|of| of.get(&id.0));
        legs.find_map(|legs| legs.last()).map(|leg| ConnectionId(*leg))
    });
    let mut connections: Vec<ConnectionId> = opened.collect();
    connections.sort_unstable();
    connections.dedup();
    Group {
        packet: behind.packet,
        manner: behind.manner,
        last: Some(behind.last),
        next: None,
        behind: None,
        connections,
        apart: Vec::new(),
        ..group.clone()
    }
}

/// What a sighting that no cause explains costs: a client's failed connection is lost; one
/// that suffered, or that went past the balancer, and a health check that failed, is a
/// warning, as is an address in dispute.
fn severity(facts: &Facts, detector: &SymptomDetector, sighting: &Sighting) -> Severity {
    let Some(id) = sighting.connection else {
        return if sighting.costly { Severity::Warning } else { Severity::Info };
    };
    let request = facts.ordinary(id).is_none();
    match facts.breaks.fate(id) {
        Fate::Failed if sighting.costly && request => Severity::Critical,
        Fate::Failed if sighting.costly => Severity::Warning,
        // Who was refused and went on elsewhere is told of by what tells of all that are refused.
        Fate::Suffered if detector.of_breaks || is_refused(facts, id) => Severity::Warning,
        _ => Severity::Info,
    }
}

fn is_refused(facts: &Facts, id: ConnectionId) -> bool {
    facts.breaks.broken(id).is_some_and(|broken| broken.manner == Manner::Refused)
}

fn add(
    facts: &Facts,
    graph: &mut DiGraph<Finding, ()>,
    detector: &SymptomDetector,
    sightings: Vec<Sighting>,
    cause: Option<NodeIndex>,
) {
    if sightings.is_empty() {
        return;
    }
    let severity = match cause {
        Some(_) => Severity::Info,
        None => {
            sightings.iter().map(|s| severity(facts, detector, s)).max().unwrap_or(Severity::Info)
        }
    };
    let wording = (detector.word)(facts, &sightings);
    // What failed shows it better than what had it and did well.
    let mut shown: Vec<&Sighting> = sightings.iter().collect();
    shown.sort_by_key(|s| std::cmp::Reverse(self::severity(facts, detector, s)));
    let mut proofs: Vec<Proof> = Vec::new();
    for proof in shown.into_iter().take(SHOWN).flat_map(|s| (detector.proofs)(facts, s)) {
        if proofs.iter().all(|known| known.at != proof.at) {
            proofs.push(proof);
        }
    }
    // What a cause explains needs no advice of its own.
    let stands = if cause.is_none() { sightings.as_slice() } else { &[] };
    // What costs nothing by itself is another symptom's, which says what to do.
    let own = if severity > Severity::Info { stands } else { &[] };
    let (candidates, refuted) = suspects(facts, detector, own);
    let mut to_confirm = advise(detector.advice.next, facts, own);
    if to_confirm.is_empty() && !own.is_empty() {
        to_confirm = super::symptom::next::settles(facts, own);
    }
    let finding = Finding {
        id: detector.id,
        kind: Kind::Symptom,
        severity,
        confidence: Confidence::Certain,
        title: wording.title,
        titles: Vec::new(),
        explanation: wording.explanation,
        settled: Vec::new(),
        subjects: wording.subjects,
        connections: sightings.iter().filter_map(|s| s.connection).collect(),
        proofs,
        fixes: advise(detector.advice.fixes, facts, stands),
        candidates,
        refuted,
        to_confirm,
        strays: Vec::new(),
        addresses: sightings.iter().filter_map(|s| s.address).collect(),
        explains: Vec::new(),
        names_checks: false,
    };
    let node = graph.add_node(finding);
    if let Some(cause) = cause {
        graph.update_edge(cause, node, ());
    }
}

/// What a symptom advises for sightings that no cause explains.
fn advise<T>(of: Advises<T>, facts: &Facts, sightings: &[Sighting]) -> Vec<T> {
    of.filter(|_| !sightings.is_empty()).map_or_else(Vec::new, |of| of(facts, sightings))
}

/// Loud before quiet, causes before symptoms, what is at least likely before what may be,
/// and then by harm: much before little, sure before unsure. What a finding explains follows
/// it.
fn flatten(graph: DiGraph<Finding, ()>, causes: &[NodeIndex]) -> Vec<Finding> {
    let mut roots: Vec<NodeIndex> = graph
        .node_indices()
        .filter(|n| graph.neighbors_directed(*n, petgraph::Incoming).next().is_none())
        .collect();
    roots.sort_by_key(|n| {
        let f = &graph[*n];
        std::cmp::Reverse((
            f.is_loud(),
            f.kind == Kind::Cause,
            f.severity,
            f.confidence > Confidence::Possible,
            f.connections.len(),
            f.confidence,
        ))
    });
    let causes: HashSet<NodeIndex> = causes.iter().copied().collect();
    let mut order: Vec<NodeIndex> = Vec::new();
    let mut place: HashMap<NodeIndex, usize> = HashMap::new();
    let mut open: Vec<NodeIndex> = roots.into_iter().rev().collect();
    while let Some(node) = open.pop() {
        if place.contains_key(&node) {
            continue;
        }
        place.insert(node, order.len());
        order.push(node);
        let mut children: Vec<NodeIndex> = graph.neighbors(node).collect();
        children.sort_by_key(|n| (!causes.contains(n), *n));
        open.extend(children.into_iter().rev());
    }
    let mut explained: Vec<Vec<usize>> = order
        .iter()
        .map(|node| {
            let mut places: Vec<usize> =
                graph.neighbors(*node).filter_map(|node| place.get(&node).copied()).collect();
            places.sort_unstable();
            places
        })
        .collect();
    let is_folded: Vec<bool> = order
        .iter()
        .map(|n| graph.neighbors_directed(*n, petgraph::Incoming).next().is_some())
        .collect();
    let mut findings: Vec<Option<Finding>> =
        graph.into_nodes_edges().0.into_iter().map(|n| Some(n.weight)).collect();
    order
        .iter()
        .enumerate()
        .filter_map(|(i, node)| {
            let mut finding = findings[node.index()].take()?;
            finding.explains = std::mem::take(&mut explained[i]);
            if is_folded[i] && finding.kind == Kind::Cause {
                finding.severity = Severity::Info;
            }
            Some(finding)
        })
        .collect()
}
