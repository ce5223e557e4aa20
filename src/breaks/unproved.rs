//! Silences that a capture which lacks frames may have made itself.
//!
//! How much each lacks is known ([`crate::trace::missed`]). A connection whose answer was taken by nobody looks like
//! one that was never answered: where as many of a service look so as the captures' own loss would make, what
//! became of them cannot be told. Where there are more than that, all of them stay what they are.

use super::{Break, Fate, Manner, Packet, chance};
use crate::correlate::Leg;
use crate::hashed::HashMap;
use crate::topology::{Mode, Ordinary, ServiceId};
use crate::trace::{ConnectionId, Trace};

/// Loss explains a count where one as high comes about more often than once in a thousand captures.
const LEVEL: f64 = 0.001;

/// Connections of one kind: of a service, clients' or checks.
type Kind = (ServiceId, bool);

/// Makes untold what the captures' own loss explains.
pub(super) fn doubt(trace: &Trace, fates: &mut [Fate], harmed: &mut Vec<Break>) {
    if harmed.is_empty() || trace.most_missed().is_none() {
        return;
    }
    let kind = |id: ConnectionId| {
        (trace.service_of(id), trace.ordinary(id) == Some(Ordinary::HealthCheck))
    };
    let mut doubtful: HashMap<Kind, Vec<(ConnectionId, f64)>> = HashMap::default();
    for broken in harmed.iter() {
        let odds = odds(trace, broken);
        if odds > 0.0 {
            doubtful.entry(kind(broken.connection)).or_default().push((broken.connection, odds));
        }
    }
    if doubtful.is_empty() {
        return;
    }
    let mut all: HashMap<Kind, u64> = HashMap::default();
    for (id, _) in trace.iter() {
        *all.entry(kind(id)).or_default() += 1;
    }
    let mut untold: Vec<ConnectionId> = Vec::new();
    for (kind, list) in &doubtful {
        let odds = list.iter().map(|(_, odds)| odds).sum::<f64>() / list.len() as f64;
        let of = all.get(kind).copied().unwrap_or(0);
        if chance::at_least(list.len() as u64, of, odds) >= LEVEL {
            untold.extend(list.iter().map(|(id, _)| *id));
        }
    }
    untold.sort_unstable();
    for id in &untold {
        fates[id.0 as usize] = Fate::Untold;
    }
    harmed.retain(|broken| untold.binary_search(&broken.connection).is_err());
}

/// How likely a connection that did well looks broken in this way, as its captures lack frames: 0 where they lack
/// none, or what they show proves that it is broken.
fn odds(trace: &Trace, broken: &Break) -> f64 {
    let Some(frames) = hidden_frames(trace, broken) else { return 0.0 };
    let id = broken.connection;
    let mut odds: Option<f64> = None;
    for leg in trace.legs(id).iter().filter(|leg| would_show(trace, id, leg)) {
        let share = trace.missed(leg.vantage).at_most();
        odds = Some(odds.unwrap_or(1.0) * share.powi(frames as i32));
    }
    odds.unwrap_or(0.0)
}

/// Whether a leg shows the question, and would show its answer.
fn would_show(trace: &Trace, id: ConnectionId, leg: &Leg) -> bool {
    let service = trace.service(id);
    let past = matches!(service.mode, Mode::Dr | Mode::Tun)
        && trace.host_of(leg).is_some_and(|host| service.is_director(host));
    trace.forward(leg).seen() && trace.vantage(leg).shows.both_ways && !past
}

/// The frames that each leg of a connection must lack at least, if all was well; `None` where that cannot be.
fn hidden_frames(trace: &Trace, broken: &Break) -> Option<u32> {
    let id = broken.connection;
    let p = trace.connection(id).progress;
    if !trace.connection(id).protocol.is_tcp() {
        // Who asks the same again was not answered before.
        let again = trace.legs(id).iter().any(|leg| trace.forward(leg).isns > 1);
        return (broken.manner.is_silence() && !again).then_some(1);
    }
    match broken.manner {
        // An acknowledgment that is missing makes a wait; a SYN that is sent again was not answered.
        Manner::Late if matches!(broken.packet, Packet::Syn | Packet::SynAck) => {
            (p.syns <= 1).then_some(1)
        }
        // What is sent again and again did not arrive.
        _ if p.repeats => None,
        Manner::Late if broken.packet == Packet::Response => lacks_bytes(trace, id).then_some(1),
        Manner::Cut(_) => (!is_reset_by_server(trace, id)).then_some(1),
        Manner::Closed => (!p.response && !has_heard_nothing(trace, id)).then_some(1),
        manner if manner.is_silence() && p.request => {
            (!p.response && !has_heard_nothing(trace, id)).then_some(1)
        }
        // Who is not answered asks again.
        manner if manner.is_silence() => (p.syns <= 1 && !is_offered_again(trace, id)).then_some(1),
        _ => None,
    }
}

fn is_offered_again(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| trace.reply(leg).syns > 1)
}

fn is_reset_by_server(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| trace.reply(leg).rst.is_set())
}

/// Whether a capture lacks bytes of the server's, which the client acknowledges.
fn lacks_bytes(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| {
        let vantage = trace.vantage(leg);
        vantage.links_of(trace.reply(leg)).any(|link| vantage.has_hole(link))
    })
}

/// Whether a client's last word, after the server's, says that it heard nothing but SYN and FIN.
fn has_heard_nothing(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let ends = there.fin.is_set() || there.reset == crate::flow::Reset::Abort;
        back.accepted()
            && ends
            && there.flags.ack()
            && there.last.frame() > back.last.frame()
            && there.max_ack.wrapping_sub(back.isn) <= 2
    })
}
