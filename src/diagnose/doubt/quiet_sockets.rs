//! Web sockets that the server's side ends after a silence, each after the same, without the frame by which one is
//! closed (RFC 6455, section 5.5.1), and sessions of MQTT that it ends before their client has been silent for as long as it
//! said that it may be: so ends what stands between and has a limit for silence. One that nothing was said on was not in
//! use, and its client opens another; so it is a word, and no failure.

use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::flow::{Mark, Words};
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Silences are of one limit if they differ by no more than a part of the longest: what a timer that is looked at
/// each second makes of half a minute.
const PART: i64 = 30;

/// A broker waits for half as long again as a client says (MQTT 3.1.1, section 3.1.2.10).
const WAITS: (i64, i64) = (3, 2);

/// What was meant to go on in silence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    WebSocket,
    /// The keep-alive that the client announces, seconds.
    Mqtt(u16),
}

/// A connection that ended so: the silence, nanoseconds, and the frame of its end.
type Ended<'a> = (i64, &'a Leg, Mark);

pub(super) fn quiet_sockets(facts: &Facts) -> Option<String> {
    if !facts.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return None;
    }
    let mut all: BTreeMap<(ServiceId, Kind), Vec<Ended<'_>>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.response) {
        if let Some((kind, ended)) = ended(facts, id) {
            all.entry((facts.service_of(id), kind)).or_default().push(ended);
        }
    }
    all.into_iter().find_map(|((service, kind), list)| {
        let longest = list.iter().map(|(ns, ..)| *ns).max()?;
        let alike = |(ns, ..): &&Ended<'_>| longest - ns <= longest / PART;
        if list.len() < NO_COINCIDENCE || !list.iter().all(|one| alike(&one)) {
            return None;
        }
        let (_, leg, mark) = list.first()?;
        let (n, name) = (list.len(), facts.topology.service(service).name());
        let what = match kind {
            Kind::WebSocket => format!("{n} connections of {name} that went on as web sockets or the like (HTTP 101) are ended by its side"),
            Kind::Mqtt(seconds) => format!("{n} sessions of MQTT with {name}, whose clients say that they may be silent for {seconds} s, are ended by its side"),
        };
        let how = if kind == Kind::WebSocket { ", and without a Close frame" } else { "" };
        Some(format!(
            "{what}, each after {:.0} s in which nothing was said{how} ({} #{}): so does a limit for idle connections between the two",
            longest as f64 / 1e9,
            facts.vantage(leg).label,
            mark.frame()
        ))
    })
}

/// How a connection ended that its server's side closed out of a silence, and what it was.
fn ended<'a>(facts: &'a Facts, id: ConnectionId) -> Option<(Kind, Ended<'a>)> {
    facts.legs(id).iter().find_map(|leg| {
        let spoken = facts.spoken(leg);
        let kind = spoken.iter().find_map(|s| match s.words {
            Words::NoAnswerDue if s.side != leg.client => Some(Kind::WebSocket),
            Words::KeepAlive(seconds) if s.side == leg.client => Some(Kind::Mqtt(seconds)),
            _ => None,
        })?;
        if spoken.iter().any(|s| s.words == Words::CloseFrame) {
            return None;
        }
        let silence = facts.vantage(leg).side_tables.idle(leg.stream)?.last;
        let end = facts.reply(leg).fin.get()?;
        let soon = match kind {
            Kind::WebSocket => true,
            Kind::Mqtt(seconds) => {
                silence.ns() < i64::from(seconds) * 1_000_000_000 * WAITS.0 / WAITS.1
            }
        };
        let closed = silence.by != leg.client && silence.after == end;
        (closed && soon).then_some((kind, (silence.ns(), leg, end)))
    })
}
