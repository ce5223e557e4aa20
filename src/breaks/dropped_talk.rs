//! Talk by datagrams that one side drops: it was heard before, and then what the other side sends
//! again after longer and longer waits stays without a word.

use super::journey::{Journey, Milestone, silence};
use super::judged::{Judged, QUIC};
use super::{Break, Fate, Manner, Packet};
use crate::correlate::Leg;
use crate::flow::{Asked, IcmpErrorKind};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Protocol;

/// Ports of protocols in which each datagram of a client's is a question that has an answer (IANA): DNS,
/// Kerberos, NTP, SNMP, LDAP, RADIUS.
const EACH_ANSWERED: [u16; 9] = [53, 88, 123, 161, 389, 1645, 1646, 1812, 1813];

/// What was sent again and again, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Dropped<'a> {
    /// The leg that shows it.
    pub leg: &'a Leg,
    /// The client sent it.
    pub forward: bool,
    /// When.
    pub asked: &'a Asked,
}

/// The last place that shows one side go on alone in vain: the client's if both do.
#[must_use]
pub fn dropped(trace: &Trace, id: ConnectionId) -> Option<Dropped<'_>> {
    let port = trace.connection(id).front.server.1;
    let quic = port == QUIC;
    // What an association sends alone after a pause, data or a heartbeat, has an answer (RFC 9260, sections 6.2
    // and 8.3).
    let sctp = trace.connection(id).protocol == Protocol::SCTP;
    let of = |forward: bool| {
        trace.legs(id).iter().rev().find_map(|leg| {
            let vantage = trace.vantage(leg);
            let side = if forward { leg.client } else { leg.client.other() };
            let back = if forward { trace.reply(leg) } else { trace.forward(leg) };
            let asked = vantage.side_tables.asked(leg.stream, side)?;
            let end = vantage.end;
            let vain = asked.later_in_vain(back, end)
                || quic && asked.doubles_in_vain(back, end)
                || sctp && asked.asks_on_in_vain(back)
                || forward && EACH_ANSWERED.contains(&port) && asked.asks_on_in_vain(back);
            vain.then_some(Dropped { leg, forward, asked })
        })
    };
    of(true).or_else(|| of(false).filter(|_| !is_gone(trace, id)))
}

/// Whether the client's kernel says that nobody has its port any more: it had what it wanted, and
/// what the server goes on sending is for nobody.
fn is_gone(trace: &Trace, id: ConnectionId) -> bool {
    let port = trace.connection(id).front.client.1;
    trace.errors_of(id).any(|(_, e)| {
        let nobody = matches!(
            e.kind,
            IcmpErrorKind::Unreachable { kind: 3, code: 3 }
                | IcmpErrorKind::Unreachable { kind: 1, code: 4 }
        );
        nobody && e.quote.dst_port == port
    })
}

pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Judged {
    let Some(dropped) = dropped(trace, id) else { return Judged::Well };
    let packet = if dropped.forward { Packet::Datagram } else { Packet::ServerDatagram };
    let mut next = None;
    let (mut manner, mut last) = if dropped.forward {
        silence(trace, id, packet)
    } else {
        (Manner::UnseenBeyond, Journey::of(trace, id, false, Milestone::Data).last().copied())
    };
    // Where datagrams that were answered went on, and the place where these ended is seen.
    if dropped.forward {
        let places = Journey::of(trace, id, true, Milestone::Data).0;
        let here = |s: &super::Sighting| {
            (s.at.vantage, s.tuple) == (dropped.leg.vantage, dropped.leg.tuple)
        };
        if let Some(at) = places.iter().rposition(here)
            && let Some(beyond) = places.get(at + 1)
        {
            (manner, last, next) = (Manner::UnseenBeyond, Some(places[at]), beyond.host);
        }
    }
    let (first, again) = (dropped.asked.first(), dropped.asked.last());
    if let Some(last) = &mut last
        && (last.at.vantage, last.tuple) == (dropped.leg.vantage, dropped.leg.tuple)
    {
        last.at.mark = first;
    }
    let cost_ns = again.since(first);
    let broken = Break { connection: id, packet, manner, last, next, cost_ns, behind: None };
    Judged::Harm(Fate::Failed, broken)
}
