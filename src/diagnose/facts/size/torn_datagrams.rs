//! Datagrams of which only the first fragments get through.

use crate::correlate::Leg;
use crate::flow::{Hop, IcmpError, IcmpErrorKind, Pieces};
use crate::topology::{HostId, Mode};
use crate::trace::{ConnectionId, Trace};

/// A connection whose later fragments did not get through.
pub(in crate::diagnose) struct Torn<'a> {
    /// The director that took them in and did not send them on.
    pub at: Option<HostId>,
    pub came: Option<(&'a Leg, &'a Pieces)>,
    pub left: (&'a Leg, &'a Pieces),
    /// They are the server's answers.
    pub answers: bool,
    /// All fragments are seen to leave who asks, and nothing further on.
    pub whole: bool,
}

/// Answers that came in first fragments alone.
pub(in crate::diagnose) fn of_answers(trace: &Trace, id: ConnectionId) -> Option<Torn<'_>> {
    let left = crate::breaks::torn(trace, id)?;
    Some(Torn { at: None, came: None, left, answers: true, whole: false })
}

/// Fragments of what the client sent, on links that satisfy a test.
fn pieces<'a>(
    trace: &'a Trace,
    leg: &'a Leg,
    test: impl Fn(&Hop) -> bool,
) -> Option<(&'a Leg, &'a Pieces)> {
    let vantage = trace.vantage(leg);
    let mut of = vantage.fragments_of(trace.forward(leg));
    of.find(|(hop, _)| test(hop)).map(|(_, pieces)| (leg, pieces))
}

/// Fragments of a client's datagrams that a director took in and did not send on, or of
/// which a real server says that they are missing.
pub(in crate::diagnose) fn judge(trace: &Trace, id: ConnectionId) -> Option<Torn<'_>> {
    let service = trace.service(id);
    if service.mode == Mode::Unknown {
        return at_the_asked(trace, id);
    }
    for director in &service.directors {
        let legs = || trace.legs(id).iter().filter(|l| trace.host_of(l) == Some(director.host));
        let own = |leg: &Leg, hop: &Hop, arrived: bool| {
            let own = &trace.vantage(leg).own;
            (if arrived { own.arrived(hop) } else { own.sent(hop) }) == Some(true)
        };
        let came = legs().find_map(|leg| pieces(trace, leg, |hop| own(leg, hop, true)));
        let mut out = legs().filter_map(|leg| pieces(trace, leg, |hop| own(leg, hop, false)));
        if let (Some(came), Some(left)) = (came, out.next()) {
            // Later ones on any way out were sent on, if to another host.
            let whole = left.1.laters > 0 || got_whole(trace, id);
            let split = came.1.laters > 0 && left.1.firsts > 0 && !whole;
            return split.then_some(Torn {
                at: Some(director.host),
                came: Some(came),
                left,
                answers: false,
                whole: false,
            });
        }
    }
    if !told(trace, id) {
        return None;
    }
    let server = trace.server(id)?.host?;
    let mut legs = trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(server));
    let own = |leg: &Leg, hop: &Hop| trace.vantage(leg).own.arrived(hop) == Some(true);
    let left = legs.find_map(|leg| pieces(trace, leg, |hop| own(leg, hop)))?;
    (left.1.firsts > 0 && left.1.laters == 0).then_some(Torn {
        at: None,
        came: None,
        left,
        answers: false,
        whole: false,
    })
}

/// Where nothing shows how a service is forwarded: who was asked says itself that fragments are
/// missing, and first ones came in alone, or all of them left who asks.
fn at_the_asked(trace: &Trace, id: ConnectionId) -> Option<Torn<'_>> {
    let front = trace.connection(id).front;
    let asked = front.server.0;
    let gave_up =
        |(_, error): (_, &IcmpError)| error.kind == IcmpErrorKind::Reassembly && error.src == asked;
    if !trace.errors_of(id).any(gave_up) {
        return None;
    }
    let came = |leg: &Leg, hop: &Hop| trace.vantage(leg).own.arrived(hop) == Some(true);
    let mut legs = trace.legs(id).iter();
    if let Some(left) = legs.find_map(|leg| pieces(trace, leg, |hop| came(leg, hop))) {
        let alone = left.1.firsts > 0 && left.1.laters == 0;
        return alone.then_some(Torn { at: None, came: None, left, answers: false, whole: false });
    }
    let mut legs = trace.legs(id).iter();
    let left = legs.find_map(|leg| pieces(trace, leg, |_| true))?;
    let answered = trace.connection(id).progress.response;
    let whole = left.1.firsts > 0 && left.1.laters > 0 && !answered;
    whole.then_some(Torn { at: None, came: None, left, answers: false, whole })
}

/// Whether the real server shows that the others came: it answers, or its own capture has them.
fn got_whole(trace: &Trace, id: ConnectionId) -> bool {
    let server = trace.server(id).and_then(|s| s.host);
    let at_server =
        trace.legs(id).iter().filter(|leg| server.is_some() && trace.host_of(leg) == server);
    let mut later = at_server.filter(|leg| {
        let vantage = trace.vantage(leg);
        vantage.fragments_of(trace.forward(leg)).any(|(_, pieces)| pieces.laters > 0)
    });
    trace.connection(id).progress.response || later.next().is_some()
}

/// Whether somebody gave up waiting for later fragments.
pub(in crate::diagnose) fn told(trace: &Trace, id: ConnectionId) -> bool {
    trace.errors_of(id).any(|(_, error)| error.kind == IcmpErrorKind::Reassembly)
}
