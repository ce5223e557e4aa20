//! What a host changed in a packet that it passed on.

use super::arrow::Arrow;
use super::cast::{Cast, Node};
use super::collect::Sighting;
use crate::correlate::Tuple;
use crate::topology::Mode;
use crate::wire::{Ip, Mac, Outer, Tunnel};

/// In words, if anything: addresses for NAT, the outer header for a tunnel, the
/// destination MAC where nothing else changes.
pub(super) fn describe(
    cast: &Cast<'_>,
    arrow: &Arrow,
    forward: bool,
    sightings: &[Sighting],
) -> Option<String> {
    let (before, after) = arrow.tuples;
    if before != after {
        let tuple = |at: u8| cast.tuples.get(usize::from(at));
        return addresses(tuple(before)?, tuple(after)?, forward);
    }
    let own = arrow.sightings.get(arrow.last_hop..).unwrap_or_default();
    let outer = |frames: &[usize]| {
        let mut outers = frames.iter().filter_map(|i| sightings[*i].outer);
        outers.find(Outer::is_forwarding)
    };
    let entered = outer(own).filter(|_| !arrow.came.is_empty() && outer(&arrow.came).is_none());
    if let Some(tunnel) = entered {
        let ends = format!("tunnel {} > {}", tunnel.src, tunnel.dst);
        return Some(match tunnel.kind {
            Tunnel::Ip => ends,
            kind => format!("{} {ends}", kind.name()),
        });
    }
    let director = cast.is_director(arrow.from);
    // A router's change of MACs is its trade; anybody else's is worth a word.
    let diverts = matches!(arrow.from, Node::Host(host) if cast.is_real_server(host))
        || arrow.from == Node::Server && forward;
    if !director && !diverts {
        return None;
    }
    let dst = |frames: &[usize]| frames.iter().find_map(|i| sightings[*i].link.dst);
    let (came, went) = (dst(&arrow.came)?, dst(own)?);
    // A director that translates, or passes on what is another director's, only routes.
    let balances = cast.service.mode == Mode::Dr && forward && !cast.is_director(arrow.to);
    let how = if director && balances { "DR" } else { "forwarded" };
    (came != went).then(|| macs(came, went, how))
}

fn macs(came: Mac, went: Mac, how: &str) -> String {
    format!("dst MAC {came} > {went} ({how})")
}

/// `203.0.113.8:80 > 172.16.0.11:80`; where both ends changed, both with their
/// names.
fn addresses(before: &Tuple, after: &Tuple, forward: bool) -> Option<String> {
    let ends = |t: &Tuple| if forward { (t.client, t.server) } else { (t.server, t.client) };
    let ((src, dst), (new_src, new_dst)) = (ends(before), ends(after));
    let change = |old: (Ip, u16), new: (Ip, u16)| {
        format!("{} > {}", old.0.with_port(old.1), new.0.with_port(new.1))
    };
    match (src != new_src, dst != new_dst) {
        (false, false) => None,
        (true, false) => Some(change(src, new_src)),
        (false, true) => Some(change(dst, new_dst)),
        (true, true) => Some(format!("src {}, dst {}", change(src, new_src), change(dst, new_dst))),
    }
}
