//! Connections that a director resets on both sides at once.

use crate::correlate::Leg;
use crate::diagnose::thresholds::{FULLNAT_DOUBLE_RESET_SOON_NS, FULLNAT_DOUBLE_RESET_TOGETHER_NS};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// A connection that a director reset on both sides.
pub(in crate::diagnose) struct Double<'a> {
    pub id: ConnectionId,
    pub host: HostId,
    pub front: &'a Leg,
    pub back: &'a Leg,
}

/// Whether a director reset a connection on both sides, by its own capture.
pub(in crate::diagnose) fn double(trace: &Trace, id: ConnectionId) -> Option<Double<'_>> {
    let last = trace.connection(id).tuples.saturating_sub(1);
    trace.service(id).directors.iter().find_map(|d| {
        let legs = || trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(d.host));
        let front = legs().find(|leg| leg.tuple == 0)?;
        let back = legs().find(|leg| leg.tuple == last && last > 0)?;
        if trace.vantage(front).capture != trace.vantage(back).capture {
            return None;
        }
        let (asked, told) = (trace.forward(front), trace.reply(front));
        let (sent, served) = (trace.forward(back), trace.reply(back));
        // What goes to the client and to the server, and nothing from either.
        let both = told.rst.is_set() && sent.rst.is_set();
        let quiet = !asked.rst.is_set() && !served.rst.is_set();
        let open = [asked, told, sent, served].iter().all(|flow| !flow.fin.is_set());
        let before = |mark: crate::flow::Mark| told.rst.since(mark);
        let used = sent.data.is_set() && served.flags.ack() && served.last.is_set();
        let soon = (0..FULLNAT_DOUBLE_RESET_SOON_NS).contains(&before(asked.last))
            || (0..FULLNAT_DOUBLE_RESET_SOON_NS).contains(&before(served.last));
        let together = told.rst.since(sent.rst).abs() < FULLNAT_DOUBLE_RESET_TOGETHER_NS;
        (both && quiet && open && used && soon && together).then_some(Double {
            id,
            host: d.host,
            front,
            back,
        })
    })
}
