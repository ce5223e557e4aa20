//! Where connections broke, on the map: between which hosts, or at which.

use super::super::breaks::label;
use super::{Link, Mark, Node, Way};
use crate::breaks::{Group, Manner, Passage};
use crate::diagnose::words::{agree, thousands};
use crate::topology::HostId;
use std::collections::BTreeMap;

/// The places of a group's break: the host that had the packet last, and the one that
/// should have had it, or that answered it with an error. The second is absent where the
/// packet came to the first and no further.
fn places(group: &Group) -> Option<(HostId, Option<HostId>)> {
    // Behind a proxy, where it broke there.
    let last = group.behind.map(|behind| behind.last).or(group.last)?;
    let manner = group.behind.map_or(group.manner, |behind| behind.manner);
    let at = last.host.or(last.from)?;
    let left = matches!(last.passage, Passage::Out | Passage::Passing);
    let to = match manner {
        Manner::Swallowed => None,
        Manner::LostBetween | Manner::UnseenBeyond | Manner::Late => group.next.or(last.to),
        // Who refuses it is the one that it was sent to.
        _ if left => last.to,
        _ => None,
    };
    Some((at, to.filter(|to| *to != at)))
}

/// `✗ SYN-ACK: 18 fail`.
fn words(packet: &str, fate: &str, connections: u64) -> String {
    let n = usize::try_from(connections).unwrap_or(usize::MAX);
    let verb =
        if fate == "failed" { agree(n, "fails", "fail") } else { agree(n, "suffers", "suffer") };
    format!("✗ {packet}: {} {verb}", thousands(connections))
}

/// The mark of a group on a way that some of its connections took; `id` gives a host's
/// node.
pub(super) fn mark(
    n: u32,
    group: &Group,
    connections: u64,
    id: impl Fn(HostId) -> Option<String>,
) -> Option<Mark> {
    let (at, to) = places(group)?;
    let (packet, fate) = (label(group.packet).to_owned(), group.fate.name().to_owned());
    Some(Mark {
        n,
        at: id(at)?,
        to: to.and_then(id),
        forward: group.packet.is_forward(),
        said: words(&packet, &fate, connections),
        packet,
        fate,
        connections,
    })
}

/// Puts the marks of all ways on the hosts and on the links between them; a link that no
/// way has, since nothing passed it, is added.
pub(super) fn place(ways: &[Way], nodes: &mut [Node], links: &mut Vec<Link>) {
    let mut sums: BTreeMap<(&str, Option<&str>, &str, &str), u64> = BTreeMap::new();
    for mark in ways.iter().flat_map(|way| &way.marks) {
        let key = (mark.at.as_str(), mark.to.as_deref(), mark.packet.as_str(), mark.fate.as_str());
        *sums.entry(key).or_default() += mark.connections;
    }
    for ((at, to, packet, fate), connections) in sums {
        let said = words(packet, fate, connections);
        let Some(to) = to else {
            if let Some(node) = nodes.iter_mut().find(|node| node.id == at) {
                node.broken.push(said);
            }
            continue;
        };
        let is = |link: &&mut Link| link.from == at && link.to == to;
        match links.iter_mut().filter(is).max_by_key(|link| link.seen) {
            Some(link) => link.broken.push(said),
            None => links.push(Link {
                from: at.to_owned(),
                to: to.to_owned(),
                there: 0,
                back: 0,
                seen: false,
                rewrites: Vec::new(),
                broken: vec![said],
            }),
        }
    }
}
