//! What the frames of a group show that speaks for or against several causes.

use super::Against;
use crate::breaks::apart::Trait;
use crate::breaks::{Fate, Group, Passage, pair_ended, takes_nothing, unfilled};
use crate::correlate::Leg;
use crate::diagnose::facts::address::split_vlans::{is_tag, tag};
use crate::diagnose::facts::way::interfaces::is_elsewhere;
use crate::diagnose::facts::way::moved_connections::foreign_reset;
use crate::diagnose::thresholds::{
    CONNECTION_RESET_SILENT_NS, JUDGE_ASKED_AGAIN_NS, JUDGE_PORTS, JUDGE_SAME_PART as SAME_PART,
    JUDGE_SHORT_TIMEOUT_NS, JUDGE_SMALL as SMALL, JUDGE_YOUNG_NS, PAIR,
};
use crate::diagnose::words::seconds;
use crate::diagnose::{Facts, Names};
use crate::flow::{Mark, Reset};
use crate::trace::{At, ConnectionId};
use crate::wire::{Outer, Tunnel};

/// Connections of a group that are asked: they are alike.
pub(super) const ASKED: usize = 64;

/// The first frame of the group's connections that a leg gives.
fn frame(facts: &Facts, group: &Group, of: impl Fn(&Leg) -> Option<Mark>) -> Option<At> {
    let ids = group.connections.iter().take(ASKED);
    ids.flat_map(|id| facts.legs(*id))
        .find_map(|leg| of(leg).map(|mark| At { vantage: leg.vantage, mark }))
}

/// A SYN-ACK was captured.
pub(super) fn answered(facts: &Facts, group: &Group) -> Option<Against> {
    let accepted = |leg: &Leg| {
        let back = facts.reply(leg);
        back.accepted().then_some(back.syn)
    };
    let at = frame(facts, group, accepted)?;
    Some(Against { why: "the server answers: its SYN-ACK was captured", at: Some(at) })
}

/// Where the SYN-ACKs of a group left with the service's address, put back by who had translated it.
pub(super) fn translated_back(facts: &Facts, group: &Group) -> Option<Against> {
    let last = group.last.filter(|last| last.tuple == 0)?;
    let all = group.connections.iter().take(ASKED).all(|id| facts.connection(*id).back.is_some());
    let why = "it left with the service's address, so it had come back to who translates";
    all.then_some(Against { why, at: Some(last.at) })
}

/// In which overlay the packet of a group came to where it ends.
pub(super) fn in_tunnel(facts: &Facts, group: &Group) -> Option<Tunnel> {
    let last = group.last?;
    let here = |leg: &&Leg| leg.vantage == last.at.vantage && leg.tuple == last.tuple;
    let mut legs = group.connections.iter().take(ASKED).flat_map(|id| facts.legs(*id)).filter(here);
    let answers = |leg: &&Leg| facts.reply(leg).seen();
    // One that shows it bare as well has opened it.
    let tunnels: Option<Vec<Tunnel>> = legs
        .by_ref()
        .filter(answers)
        .map(|leg| Outer::kind_of(leg.of(&facts.vantages).key.tunnel))
        .collect();
    tunnels.and_then(|all| all.first().copied())
}

/// The client went on after the SYN-ACK.
pub(super) fn connected(facts: &Facts, group: &Group) -> Option<Against> {
    let acknowledged = |leg: &Leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        (back.accepted() && there.ack.is_set()).then_some(there.ack)
    };
    let at = frame(facts, group, acknowledged)?;
    Some(Against { why: "the connection was established", at: Some(at) })
}

/// Nobody is served, where the cause lets some through.
pub(super) fn none_does_well(facts: &Facts, group: &Group) -> Option<Against> {
    let well = facts.breaks.accounts.services[group.service.0 as usize].well;
    let why = "no connection to this service did well, and it lets some through";
    (well == 0).then_some(Against { why, at: None })
}

/// The same of the host where the group ends: what others are served elsewhere says nothing of
/// what this host drops.
pub(super) fn none_does_well_here(facts: &Facts, group: &Group) -> Option<Against> {
    if let Some(against) = none_does_well(facts, group) {
        return Some(against);
    }
    let here = group.last?.host?;
    let well = |id: ConnectionId| facts.breaks.fate(id) == Fate::Well;
    let passed = |id: ConnectionId| {
        facts.server(id).and_then(|s| s.host) == Some(here)
            || facts.legs(id).iter().any(|leg| facts.host_of(leg) == Some(here))
    };
    let some = facts.requests_to(group.service).any(|(id, _)| well(id) && passed(id));
    let why = "no connection to this service did well on the host where it ends, and it lets some through";
    (!some).then_some(Against { why, at: None })
}

/// The SYNs carry no timestamps, by which a server remembers a client.
pub(super) fn unstamped(facts: &Facts, group: &Group) -> Option<Against> {
    let stamped = |leg: &Leg| facts.forward(leg).shape.stamped();
    let first = group.connections.first()?;
    if facts.legs(*first).iter().any(stamped) {
        return None;
    }
    let syn = |leg: &Leg| facts.forward(leg).syn.get();
    let at = facts
        .legs(*first)
        .iter()
        .find_map(|leg| syn(leg).map(|mark| At { vantage: leg.vantage, mark }));
    Some(Against { why: "the SYN carries no timestamps", at })
}

/// No client port was used before.
pub(super) fn fresh_ports(facts: &Facts, group: &Group) -> Option<Against> {
    let apart = group.apart.iter().any(|apart| apart.what == Trait::PortUsedBefore);
    let before = |id: &crate::trace::ConnectionId| {
        let front = facts.connection(*id).front;
        let earlier = facts.requests_from(front.client.0).take_while(|(other, _)| other < id);
        earlier.into_iter().any(|(_, other)| other.front == front)
    };
    let used = apart || group.connections.iter().take(ASKED).any(before);
    let why = "no client port of these connections was used before in the captures";
    (!used).then_some(Against { why, at: None })
}

/// The place where the packet was last seen is the host that it came to.
pub(super) fn came_in(group: &Group) -> bool {
    let passage = group.last.map(|last| last.passage);
    matches!(passage, Some(Passage::In | Passage::Loopback))
}

/// No capture of a group shows more than one direction.
pub(super) fn shows_one_way(facts: &Facts, group: &Group) -> bool {
    group.connections.iter().take(ASKED).all(|id| facts.shows_one_way(*id))
}

/// The server sent its SYN-ACK again after the client went on.
pub(super) fn asked_again(facts: &Facts, group: &Group) -> bool {
    let legs = group.connections.iter().take(ASKED).flat_map(|id| facts.legs(*id));
    legs.into_iter().any(|leg| takes_nothing(facts, leg))
}

/// The most bytes that an answer of a group lacks while later ones came.
pub(super) fn missing(facts: &Facts, group: &Group) -> Option<u32> {
    let legs = group.connections.iter().take(ASKED).flat_map(|id| facts.legs(*id));
    legs.filter_map(|leg| unfilled(facts, leg)).map(|(bytes, _)| bytes).max()
}

/// Whether the answers of a group leave its host by another interface than the one that the
/// SYNs came in by: which two, by number where the capture has it, else by MAC.
pub(super) fn other_exit(facts: &Facts, group: &Group) -> Option<(String, String)> {
    let mut known = None;
    for id in group.connections.iter().take(ASKED) {
        let pair = facts.legs(*id).iter().find_map(|leg| {
            let vantage = facts.vantage(leg);
            let own = &vantage.own;
            if is_elsewhere(vantage, facts.forward(leg), facts.reply(leg)) == Some(false) {
                return None;
            }
            let mut there = facts.path(leg, facts.forward(leg));
            let (_, came) =
                there.find(|(link, hop)| link.syns > 0 && own.arrived(hop) == Some(true))?;
            let mut back = facts.path(leg, facts.reply(leg));
            let (_, left) =
                back.find(|(link, hop)| link.syns > 0 && own.sent(hop) == Some(true))?;
            let (a, b) = (came.link, left.link);
            if a.ifindex != 0 && b.ifindex != 0 {
                let name = |number: u32| {
                    let printed = facts.printed_device(leg.vantage, number);
                    printed.map_or_else(|| format!("number {number}"), str::to_owned)
                };
                return Some((name(a.ifindex), name(b.ifindex)));
            }
            Some((a.dst?.to_string(), b.src?.to_string()))
        })?;
        if pair.0 == pair.1 {
            return None;
        }
        known.get_or_insert(pair);
    }
    known
}

/// The VLANs in which the SYNs of a group came and its SYN-ACKs were seen at the same vantage, as
/// people write them, where these are others for all.
pub(super) fn other_vlan(facts: &Facts, group: &Group) -> Option<(String, String)> {
    let mut known = None;
    for id in group.connections.iter().take(ASKED) {
        let legs = facts.legs(*id).iter();
        let pair = legs.clone().find_map(|asked| {
            let there = asked.of(&facts.vantages).key.vlan;
            let answers = |leg: &&Leg| leg.vantage == asked.vantage && facts.reply(leg).accepted();
            let answered = legs.clone().find(answers)?.of(&facts.vantages).key.vlan;
            let tags = is_tag(there) && is_tag(answered) && there != answered;
            (tags && facts.forward(asked).opened()).then(|| (tag(there), tag(answered)))
        })?;
        known.get_or_insert(pair);
    }
    known
}

/// Frames that sent bytes of a group again, with the bytes of each.
fn sent_again<'a>(facts: &'a Facts<'_>, group: &'a Group) -> impl Iterator<Item = (At, u32)> + 'a {
    let legs = group.connections.iter().take(ASKED).flat_map(|id| facts.legs(*id));
    legs.flat_map(move |leg| {
        let flow = if group.packet.is_forward() { facts.forward(leg) } else { facts.reply(leg) };
        let of_flow = facts.vantage(leg).repeats_of(flow).into_iter();
        of_flow.map(move |r| (At { vantage: leg.vantage, mark: r.mark }, r.to.wrapping_sub(r.from)))
    })
}

/// What is sent again is small, so its size is not why it is lost.
pub(super) fn small(facts: &Facts, group: &Group) -> Option<Against> {
    let (at, _) = sent_again(facts, group).next()?;
    let small = sent_again(facts, group).all(|(_, bytes)| bytes < SMALL);
    small.then_some(Against { why: "what is sent again is small", at: Some(at) })
}

/// Bytes of the smallest segment of a group that came again. What a card has yet to cut is
/// longer than any packet.
pub(super) fn smallest_again(facts: &Facts, group: &Group) -> Option<u32> {
    let smallest = sent_again(facts, group).map(|(_, bytes)| bytes).min();
    smallest.filter(|bytes| *bytes < u32::from(u16::MAX))
}

/// A SYN-ACK that its client reset as none of its own, before it was accepted with its next SYN,
/// in every connection of a group: the first of them.
pub(super) fn strange_syn_ack(facts: &Facts, group: &Group) -> Option<At> {
    let strange = |id: &ConnectionId| {
        facts.legs(*id).iter().find_map(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let reset = there.reset == Reset::NoSocket && there.rst_answers == back.syn;
            let again = there.syns > 1 && there.ack.frame() > there.rst.frame();
            (back.accepted() && reset && again).then_some(facts.at(leg, back.syn))
        })
    };
    let all: Option<Vec<At>> = group.connections.iter().take(ASKED).map(strange).collect();
    all?.first().copied()
}

/// The last word of whoever was to take the bytes of a group says that it takes no more: the first of these words.
pub(super) fn shut(facts: &Facts, group: &Group) -> Option<At> {
    let shut = |id: &ConnectionId| {
        facts.legs(*id).iter().find_map(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let (sender, taker) =
                if group.packet.is_forward() { (there, back) } else { (back, there) };
            let waits = taker.closed && sender.last.frame() > taker.last.frame();
            waits.then_some(facts.at(leg, taker.last))
        })
    };
    let all: Option<Vec<At>> = group.connections.iter().take(ASKED).map(shut).collect();
    all?.first().copied()
}

/// The packet came in at the host that called, so nothing kept it from it.
pub(super) fn came_to_caller(facts: &Facts, group: &Group) -> Option<Against> {
    let last = group.last.filter(|_| came_in(group))?;
    let client = facts.connection(*group.connections.first()?).front.client.0;
    let own = last.host.is_some() && last.host == facts.host_by_ip(client);
    own.then_some(Against { why: "it came to the client's own host", at: Some(last.at) })
}

/// For how long, at least, SYN-ACKs of a group were sent again while no client sent its SYN again.
pub(super) fn has_it(facts: &Facts, group: &Group) -> Option<String> {
    let once = |id: &ConnectionId| {
        facts.legs(*id).iter().find_map(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let waited = back.last.since(back.syn.get()?);
            (there.opened() && there.syns == 1 && waited >= JUDGE_ASKED_AGAIN_NS).then_some(waited)
        })
    };
    let all: Option<Vec<i64>> = group.connections.iter().take(ASKED).map(once).collect();
    all?.into_iter().min().map(seconds)
}

/// The packet came in at the host where it ended, so it was not lost before.
pub(super) fn arrived(group: &Group) -> Option<Against> {
    let last = group.last?;
    came_in(group).then_some(Against { why: "it arrived where it ends", at: Some(last.at) })
}

/// None of the connections was silent for long before it broke.
pub(super) fn never_idle(facts: &Facts, group: &Group) -> Option<Against> {
    // What lies between one repeat and the next is no silence before what is lost.
    let idle = |leg: &Leg| {
        let vantage = facts.vantage(leg);
        let again = [facts.forward(leg), facts.reply(leg)].map(|flow| vantage.repeats_of(flow));
        let repeat = |mark: Mark| again.iter().flatten().any(|r| r.mark == mark);
        let idle = vantage.side_tables.idle(leg.stream);
        idle.is_some_and(|idle| idle.outlived_ns > 0 || !repeat(idle.last.before))
    };
    let mut ids = group.connections.iter().take(ASKED);
    let silent = ids.any(|id| facts.legs(*id).iter().any(idle));
    let why = "none of these connections was silent for half a minute";
    (!silent).then_some(Against { why, at: group.last.map(|last| last.at) })
}

/// The TTL of the resets in a server's name, where every one has another than all that the
/// server sent before on its connection, and that one's.
pub(super) fn foreign_ttl(facts: &Facts, group: &Group) -> Option<(u8, u8)> {
    let mut found = None;
    for id in group.connections.iter().take(ASKED) {
        let leg = facts.legs(*id).iter().find(|leg| facts.reply(leg).rst.is_set())?;
        let both = foreign_reset(facts, leg)?;
        found = found.or(Some(both));
    }
    found
}

/// Where one of two questions that were asked together went on no further, and its twin did: the
/// next host, which is another one, and the frame.
pub(super) fn kept_before(facts: &Facts, group: &Group) -> Option<(String, At)> {
    let (last, next) = pair_ended(facts, *group.connections.first()?)?;
    let host = next?.host.filter(|host| last.host.is_some_and(|here| here != *host))?;
    Some((Names(facts).place(host), last.at))
}

/// Every client asks from several ports, a new one for each question: what is remembered of one
/// port does not keep the others from a server.
pub(super) fn many_ports(facts: &Facts, group: &Group) -> Option<Against> {
    let several = |id: &ConnectionId| {
        let client = facts.connection(*id).front.client.0;
        let own = facts.requests_from(client);
        own.into_iter().filter(|(id, _)| facts.service_of(*id) == group.service).count()
            >= JUDGE_PORTS
    };
    let all = group.connections.iter().take(ASKED).all(several);
    let why = "each of these clients asks from a new port every time, so no entry is older";
    all.then_some(Against { why, at: group.last.map(|last| last.at) })
}

/// How long connections were silent before they were reset, nanoseconds, and the first reset,
/// where that is the same for several that were reset at different times: a timer.
pub(super) fn same_silence(facts: &Facts, group: &Group) -> Option<(i64, At)> {
    let silent = |id: &ConnectionId| {
        facts.legs(*id).iter().find_map(|leg| {
            let back = facts.reply(leg);
            let rst = back.rst.get()?;
            let ns = rst.since(back.rst_answers.get()?);
            (ns >= CONNECTION_RESET_SILENT_NS)
                .then_some((ns, At { vantage: leg.vantage, mark: rst }))
        })
    };
    let ids = group.connections.iter().take(ASKED);
    let all: Vec<(i64, At)> = ids.map(silent).collect::<Option<_>>()?;
    let (least, most) = (all.iter().map(|x| x.0).min()?, all.iter().map(|x| x.0).max()?);
    let (first, last) = (all.first()?.1, all.last()?.1);
    let apart = last.mark.at().0.abs_diff(first.mark.at().0) > most.abs_diff(least);
    (all.len() >= PAIR && apart && most - least <= most / SAME_PART).then_some((most, first))
}

/// Each was reset a moment after it had been opened, by a server that had just taken what the
/// client said: nothing that was kept of it can have gone, and nothing of it went elsewhere.
pub(super) fn cut_young(facts: &Facts, group: &Group) -> Option<Against> {
    let young = |id: &ConnectionId| {
        facts.legs(*id).iter().any(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            there.opened()
                && back.accepted()
                && back.ack.is_set()
                && back.rst.is_set()
                && back.ack.frame() < back.rst.frame()
                && back.rst.since(there.syn) < JUDGE_YOUNG_NS
        })
    };
    let all = group.connections.iter().take(ASKED).all(young);
    let why = "the server acknowledged what was said on a connection that was just opened, and reset it then";
    all.then_some(Against { why, at: group.last.map(|last| last.at) })
}

/// Where a text hides who forgot a connection: they lasted long enough for a short timeout.
pub(super) fn may_have_waited(facts: &Facts, group: &Group) -> bool {
    let lasted = |id: &ConnectionId| {
        facts.legs(*id).iter().any(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let end = back.rst.get().or(there.rst.get());
            there.first.get().zip(end).is_some_and(|(a, b)| b.since(a) >= JUDGE_SHORT_TIMEOUT_NS)
        })
    };
    facts.unprinted().hardware && group.connections.iter().take(ASKED).all(lasted)
}

/// A capture that shows a server's reset leave, and not that it accepted the connection, as another
/// capture does: its label.
pub(super) fn reset_elsewhere(facts: &Facts, group: &Group) -> Option<String> {
    group.connections.iter().take(ASKED).find_map(|id| {
        let legs = facts.legs(*id);
        let resets = |leg: &&Leg| {
            let own = &facts.vantage(leg).own;
            let back = facts.reply(leg);
            let left = facts.path(leg, back).any(|(_, hop)| own.sent(hop) == Some(true));
            left && back.rst.is_set() && !back.accepted() && !facts.forward(leg).opened()
        };
        let there = legs.iter().find(resets)?;
        let accepted = |leg: &Leg| facts.reply(leg).accepted();
        let elsewhere = legs.iter().any(|leg| leg.vantage != there.vantage && accepted(leg));
        let here = legs.iter().any(|leg| leg.vantage == there.vantage && accepted(leg));
        (elsewhere && !here).then(|| facts.vantage(there).label.clone())
    })
}
