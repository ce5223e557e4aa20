//! What each cause is to a group of breaks that none of them explains: possible, or refuted.
//!
//! A cause is held against what the frames of the group show: the packet, what became of it,
//! where it was last seen, and what sets the group apart. What stays possible is offered as
//! a candidate, with what would tell; what a frame speaks against is offered nowhere, and is
//! listed with that frame. What needs another capture or command to be told stays possible.

mod accepted;
mod datagram;
mod established;
mod evidence;
mod marks;
mod place;
mod refused;
mod renewed;
mod stalled;
mod syn;
mod syn_ack;
mod two_owners;

use super::finding::Refuted;
use super::{Candidate, Facts, FindingId};
use crate::breaks::{Group, Manner, Packet};
use crate::diagnose::thresholds::CANDIDATES_MOST;

/// The opinions of a group.
#[derive(Debug, Default)]
pub(super) struct Opinions {
    /// What fits, most fitting first.
    pub possible: Vec<Candidate>,
    /// What does not.
    pub refuted: Vec<Refuted>,
}

impl Opinions {
    /// One that was said before fits better than by what is said of it now.
    fn possible(&mut self, id: impl Into<FindingId>, tell_apart: impl Into<String>) {
        let id = id.into();
        if !self.has(id.as_str()) {
            self.possible.push(Candidate { id, tell_apart: tell_apart.into() });
        }
    }

    fn has(&self, id: &str) -> bool {
        self.possible.iter().any(|known| known.id == id)
    }

    fn refuted(&mut self, ids: &[&'static str], against: &Against) {
        let (why, at) = (against.why, against.at);
        self.refuted.extend(ids.iter().map(|id| Refuted {
            id: (*id).into(),
            why: why.to_owned(),
            at,
        }));
    }

    /// Possible, unless something speaks against it.
    fn unless(
        &mut self,
        against: Option<Against>,
        id: impl Into<FindingId>,
        tell_apart: impl Into<String>,
    ) {
        match against {
            Some(against) => self.refuted(&[id.into().as_str()], &against),
            None => self.possible(id, tell_apart),
        }
    }
}

/// What speaks against a cause.
#[derive(Debug, Clone, Copy)]
struct Against {
    why: &'static str,
    /// The frame; none where it is the sum of many.
    at: Option<crate::trace::At>,
}

/// What each cause is to the breaks of a group.
pub(super) fn of_group(facts: &Facts, group: &Group) -> Opinions {
    let mut opinions = Opinions::default();
    match (group.packet, group.manner) {
        // A check that was answered failed as any other handshake does.
        (Packet::HealthCheck, manner)
            if manner.is_silence() && evidence::answered(facts, group).is_some() =>
        {
            syn_ack::judge(facts, group, &mut opinions);
        }
        (Packet::Syn | Packet::HealthCheck, Manner::Swallowed) => {
            syn::swallowed(facts, group, &mut opinions);
        }
        (Packet::Syn, Manner::Late) => {
            two_owners::called_in_turn(facts, group, &mut opinions);
            syn::late(facts, group, &mut opinions);
        }
        (Packet::Syn | Packet::HealthCheck, Manner::OwnSource) => {
            syn::from_its_receiver(facts, group, &mut opinions);
        }
        (Packet::Syn | Packet::HealthCheck, Manner::UnseenBeyond)
            if evidence::shows_one_way(facts, group) =>
        {
            syn::one_way(&mut opinions);
        }
        // What came in and is not seen again was dropped there, or left by a way that the
        // capture lacks.
        (Packet::Syn | Packet::HealthCheck, Manner::UnseenBeyond) if evidence::came_in(group) => {
            syn::swallowed(facts, group, &mut opinions);
        }
        (Packet::Syn | Packet::HealthCheck, Manner::UnseenBeyond) => {
            two_owners::called_in_turn(facts, group, &mut opinions);
            syn::unseen(facts, group, &mut opinions);
        }
        (Packet::Syn, Manner::Rejected) => syn::rejected(facts, group, &mut opinions),
        (Packet::Syn, Manner::Refused) => refused::judge(facts, group, &mut opinions),
        (Packet::Datagram, Manner::Late) => datagram::late(facts, group, &mut opinions),
        (Packet::Request | Packet::Response, Manner::Late) => {
            established::late(facts, group, &mut opinions);
        }
        (Packet::SynAck, _) if evidence::shows_one_way(facts, group) => {
            syn_ack::one_way(&mut opinions);
        }
        (Packet::SynAck, _) => syn_ack::judge(facts, group, &mut opinions),
        (Packet::Ack | Packet::Greeting, manner)
            if !matches!(manner, Manner::Late | Manner::Error | Manner::Closed) =>
        {
            established::silent(facts, group, &mut opinions);
        }
        (Packet::Greeting, Manner::Closed) => {
            established::turned_away(facts, group, &mut opinions);
        }
        (Packet::Greeting, Manner::Late) => {
            established::greeted_late(facts, group, &mut opinions);
        }
        (_, Manner::Cut(by)) => {
            two_owners::accepted_twice(facts, group, &mut opinions);
            established::cut(facts, group, by, &mut opinions);
        }
        (Packet::Request, Manner::Closed) => established::closed(facts, group, &mut opinions),
        (Packet::Response, manner)
            if manner.is_silence()
                && facts.topology.service(group.service).protocol.is_datagrams() =>
        {
            datagram::answers(facts, group, &mut opinions);
        }
        (Packet::Response, manner)
            if manner.is_silence() && evidence::missing(facts, group).is_some() =>
        {
            established::torn(facts, group, &mut opinions);
        }
        (Packet::Request | Packet::Response, manner) if manner.is_silence() => {
            stalled::stalled(facts, group, &mut opinions);
        }
        (Packet::Datagram, manner) if manner.is_silence() => {
            datagram::judge(facts, group, &mut opinions);
        }
        (Packet::ServerDatagram, manner) if manner.is_silence() => {
            datagram::servers(facts, group, &mut opinions);
        }
        _ => {}
    }
    opinions.possible.truncate(CANDIDATES_MOST);
    opinions
}
