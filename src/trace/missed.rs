//! What share of the frames that passed it a capture did not take.
//!
//! A kernel drops frames for a busy capture, and a mirror port that is full does. TCP tells: a connection that goes
//! on had a SYN and a SYN-ACK, and bytes that are acknowledged were there. So does an answer to a datagram that
//! no frame asks, and a pcapng file may say how many were dropped. Where so much is known to be missing, some more
//! of it is no silence of the network.

use super::{ConnectionId, Trace};
use crate::capture::Capture;
use crate::correlate::Leg;
use crate::flow::{Flow, Observations, VantageId};
use crate::topology::Ordinary;

/// Bytes of a full segment over Ethernet with timestamps: what is missing counts in these.
const SEGMENT: u64 = 1448;
/// A connection that began sooner after a capture did may have begun before it, nanoseconds.
const MARGIN_NS: i64 = 100_000_000;
/// Of a hundred frames that are known to have been there: who lacks more of one kind leaves them out on purpose, as
/// a filter does, or sees one way only.
const ON_PURPOSE: u64 = 60;
/// Standard deviations that the bound on a share lies above its estimate: one in forty is beyond.
const DEVIATIONS: f64 = 2.0;

/// Frames that must have passed a vantage, and how many of them its capture lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// Known to have been there.
    pub passed: u64,
    /// Of these, those that the capture lacks.
    pub lacking: u64,
}

impl Missed {
    /// The share that is lacking, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.passed == 0 { 0.0 } else { self.lacking as f64 / self.passed as f64 }
    }

    /// The share in frames of a hundred, one at least where any is lacking.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let percent = (self.share() * 100.0).round() as u64;
        percent.max(u64::from(self.lacking > 0))
    }

    /// The highest share that these counts leave likely; 0 where nothing is lacking. (E. B. Wilson, Probable
    /// inference, 1927: the upper end of his interval.)
    #[must_use]
    pub fn at_most(&self) -> f64 {
        if self.lacking == 0 {
            return 0.0;
        }
        let (n, share, z) = (self.passed as f64, self.share(), DEVIATIONS);
        let spread = (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        ((share + z * z / (2.0 * n) + z * spread) / (1.0 + z * z / n)).min(1.0)
    }

    fn count(&mut self, passed: u64, lacking: u64) {
        self.passed += passed;
        self.lacking += lacking;
    }

    /// Of a kind of which nearly all is lacking nothing can be said.
    fn unless_left_out(self) -> Self {
        if self.lacking * 100 > self.passed * ON_PURPOSE { Self::default() } else { self }
    }

    fn and(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, lacking: self.lacking + other.lacking }
    }
}

/// Kinds of frames that are known to have been there, which a filter may leave out one by one.
#[derive(Debug, Clone, Copy, Default)]
struct Kinds {
    syns: Missed,
    accepts: Missed,
    data: Missed,
    questions: Missed,
    answers: Missed,
}

/// What each vantage's capture lacks.
pub(super) fn all(trace: &Trace) -> Vec<Missed> {
    let mut kinds = vec![Kinds::default(); trace.vantages.len()];
    // The question of an answer from elsewhere is on another five-tuple.
    let told = |ordinary| {
        !matches!(ordinary, Some(Ordinary::Scan | Ordinary::Flood | Ordinary::StrayAnswer))
    };
    for (id, c) in trace.iter().filter(|(id, _)| told(trace.ordinary(*id))) {
        for leg in trace.legs(id) {
            let own = &mut kinds[leg.vantage.index()];
            if c.protocol.is_tcp() {
                segments(trace, leg, own);
            } else if c.protocol.is_udp() && c.progress.response {
                datagrams(trace, id, leg, own);
            }
        }
    }
    let said: Vec<Missed> = trace.captures.iter().map(dropped).collect();
    let sum = |(vantage, kinds): (&Observations, Kinds)| {
        let all = [kinds.syns, kinds.accepts, kinds.data, kinds.questions, kinds.answers];
        let seen = all.map(Missed::unless_left_out).into_iter().reduce(Missed::and);
        let (seen, said) = (seen.unwrap_or_default(), said[vantage.capture]);
        if said.share() > seen.share() { said } else { seen }
    };
    trace.vantages.iter().zip(kinds).map(sum).collect()
}

fn segments(trace: &Trace, leg: &Leg, own: &mut Kinds) {
    let vantage = trace.vantage(leg);
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    if !vantage.shows.both_ways || !there.seen() || !back.seen() {
        return;
    }
    let began = there.first.at().0.min(back.first.at().0);
    // Of what goes on both ways: a SYN alone, or a refusal, proves nothing.
    if began.saturating_sub(vantage.start.0) >= MARGIN_NS && there.ack.is_set() {
        if back.accepted() && back.isns <= 1 {
            own.syns.count(1, u64::from(!there.opened()));
        }
        if there.opened() && (back.payload > 0 || back.accepted()) {
            own.accepts.count(1, u64::from(!back.accepted()));
        }
    }
    for (flow, other) in [(there, back), (back, there)] {
        let lacks = if vantage.has_troubles() { hole(trace, leg, flow, other) } else { 0 };
        own.data.count(flow.payload.div_ceil(SEGMENT) + lacks, lacks);
    }
}

/// Segments that are missing between those of a flow, although the other side acknowledges them here.
fn hole(trace: &Trace, leg: &Leg, flow: &Flow, other: &Flow) -> u64 {
    let vantage = trace.vantage(leg);
    let mut links = vantage.links_of(flow);
    // On several links each shows a part, and holes where the others do not.
    let Some(link) = links.next().filter(|_| links.next().is_none()) else { return 0 };
    let Some((bytes, end)) = vantage.hole(link) else { return 0 };
    let acknowledged = other.flags.ack() && !crate::wire::seq_gt(end, other.max_ack);
    if acknowledged { u64::from(bytes).div_ceil(SEGMENT) } else { 0 }
}

fn datagrams(trace: &Trace, id: ConnectionId, leg: &Leg, own: &mut Kinds) {
    let vantage = trace.vantage(leg);
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let began = leg.of(&trace.vantages).first().at().0;
    if !vantage.shows.both_ways || began.saturating_sub(vantage.start.0) < MARGIN_NS {
        return;
    }
    if back.seen() {
        own.questions.count(1, u64::from(!there.seen()));
    }
    // A host that translates shows each answer twice.
    let twin = |other: &&Leg| other.vantage == leg.vantage && other.tuple != leg.tuple;
    let passed = trace.legs(id).iter().filter(twin).any(|other| trace.reply(other).seen());
    if there.seen() && (back.seen() || passed) {
        own.answers.count(1, u64::from(!back.seen()));
    }
}

/// What the files of a capture themselves say that was dropped.
fn dropped(capture: &Capture) -> Missed {
    let mut said = Missed::default();
    for interface in capture.files.iter().flat_map(|file| &file.interfaces) {
        let dropped = interface.dropped.unwrap_or(0);
        said.count(interface.frames.saturating_add(dropped), dropped);
    }
    said
}

impl Trace {
    /// What share of the frames that passed a vantage its capture did not take.
    #[must_use]
    pub fn missed(&self, vantage: VantageId) -> Missed {
        self.missed.get_or_init(|| all(self)).get(vantage.index()).copied().unwrap_or_default()
    }

    /// The most that any vantage's capture did not take.
    #[must_use]
    pub fn most_missed(&self) -> Option<(VantageId, Missed)> {
        let all = VantageId::all(&self.vantages).map(|v| (v, self.missed(v)));
        let lacking = all.filter(|(_, missed)| missed.lacking > 0);
        lacking.max_by(|(_, a), (_, b)| a.share().total_cmp(&b.share()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_frames_leave_a_wide_bound_and_many_a_narrow_one() {
        let few = Missed { passed: 4, lacking: 1 };
        let many = Missed { passed: 4000, lacking: 1000 };
        assert!(
            few.at_most() > 0.6 && many.at_most() < 0.27,
            "{} {}",
            few.at_most(),
            many.at_most()
        );
        assert!(many.at_most() > many.share());
        assert_eq!(Missed { passed: 9, lacking: 0 }.at_most(), 0.0);
        assert_eq!(Missed::default().share(), 0.0);
    }

    #[test]
    fn what_a_filter_leaves_out_is_not_lost() {
        let filtered = Missed { passed: 100, lacking: 100 };
        assert_eq!(filtered.unless_left_out(), Missed::default());
        let lossy = Missed { passed: 100, lacking: 40 };
        assert_eq!(lossy.unless_left_out(), lossy);
    }
}
