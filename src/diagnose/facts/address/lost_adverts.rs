//! Advertisements of a VRRP master that one capture shows and another does not.

use super::vrrp;
use crate::flow::{Mark, VantageId, VrrpSpeaker};
use crate::trace::{At, Trace};

/// Speakers that are compared; a hostile capture holds more.
pub(in crate::diagnose) const MAX_SPEAKERS: usize = 32;

/// Two masters of one address are one cluster, also on captures that share no link.
pub(in crate::diagnose) fn shares_address(a: &VrrpSpeaker, b: &VrrpSpeaker) -> bool {
    a.addresses.list().iter().any(|ip| b.addresses.list().contains(ip))
}

/// Whether a vantage hears a speaker.
pub(in crate::diagnose) fn hears(trace: &Trace, vantage: VantageId, s: &VrrpSpeaker) -> bool {
    let heard = &trace.vantages[vantage.index()].vrrp;
    heard.iter().any(|h| (h.vrid, h.src) == (s.vrid, s.src))
}

/// Advertisements of a master that one capture shows and another does not, where another
/// speaker took over in between.
pub(in crate::diagnose) struct Gap {
    /// The master, where it is heard all along.
    pub sent: (VantageId, VrrpSpeaker),
    /// The same, where it is not.
    pub heard: (VantageId, VrrpSpeaker),
    /// The other, as the second capture has it.
    pub other: VrrpSpeaker,
    /// Its advertisement with which it took over, there.
    pub takes_over: Mark,
}

/// All of them, one a master.
pub(in crate::diagnose) fn gaps(trace: &Trace) -> Vec<Gap> {
    let speakers = |v: VantageId| trace.vantages[v.index()].vrrp.iter().take(MAX_SPEAKERS);
    let all = || VantageId::all(&trace.vantages).flat_map(|v| speakers(v).map(move |s| (v, s)));
    let mut gaps: Vec<Gap> = Vec::new();
    for (there, heard) in all().filter(|(_, s)| s.silence_ns() > vrrp::patience_ns(s)) {
        let found = speakers(there).find_map(|o| {
            let takes_over = began_within(o, heard.silence)?;
            let rival = o.vrid == heard.vrid && o.src != heard.src && shares_address(o, heard);
            let (here, sent) = all().find(|(v, s)| {
                *v != there
                    && (s.vrid, s.src) == (heard.vrid, heard.src)
                    && goes_on(trace, *v, s, o)
            })?;
            let (sent, heard) = ((here, *sent), (there, *heard));
            rival.then_some(Gap { sent, heard, other: *o, takes_over })
        });
        let known = |gap: &Gap| {
            gaps.iter().any(|g| (g.sent.1.vrid, g.sent.1.src) == (gap.sent.1.vrid, gap.sent.1.src))
        };
        let found = found.filter(|gap| !known(gap));
        gaps.extend(found);
    }
    gaps
}

/// The advertisement with which a speaker began, or began again, between two others.
fn began_within(s: &VrrpSpeaker, (from, to): (Mark, Mark)) -> Option<Mark> {
    let within = |m: &Mark| m.is_set() && from.frame() < m.frame() && m.frame() < to.frame();
    [s.first, s.silence.1].into_iter().find(within)
}

/// Whether a capture that hears both has the master advertise without a pause, long before
/// the other took over, and after. No clock of another capture is asked.
fn goes_on(trace: &Trace, v: VantageId, master: &VrrpSpeaker, other: &VrrpSpeaker) -> bool {
    let here =
        trace.vantages[v.index()].vrrp.iter().find(|s| (s.vrid, s.src) == (other.vrid, other.src));
    master.silence_ns() <= 2 * master.interval_ns()
        && here.and_then(|s| began_within(s, (master.first, master.last))).is_some_and(|began| {
            began.since(master.first) > vrrp::patience_ns(master)
                && master.last.since(began) > master.interval_ns()
        })
}

/// How long both advertised, nanoseconds: by one capture that hears both, else by the
/// clocks.
pub(in crate::diagnose) fn overlap_ns(
    trace: &Trace,
    a: &(VantageId, VrrpSpeaker),
    b: &(VantageId, VrrpSpeaker),
) -> i64 {
    for (at, other) in [(a, b), (b, a)] {
        let heard = trace.vantages[at.0.index()].vrrp.iter();
        if let Some(h) = heard.clone().find(|h| (h.vrid, h.src) == (other.1.vrid, other.1.src)) {
            let begin = at.1.first.at().0.max(h.first.at().0);
            return at.1.last.at().0.min(h.last.at().0) - begin;
        }
    }
    let time = |of: &(VantageId, VrrpSpeaker), mark| trace.time(At { vantage: of.0, mark }).0;
    time(a, a.1.last).min(time(b, b.1.last)) - time(a, a.1.first).max(time(b, b.1.first))
}
