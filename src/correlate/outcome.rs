//! How a connection ended, by what all vantages together saw of it.

use super::Leg;
use super::stalled::{FAREWELL, in_vain};
use crate::flow::{Flow, Observations, Reset, Words};
use crate::wire::{Protocol, seq_lt};

/// The end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Established and closed in order, or answered in full before a reset.
    Completed,
    /// Established and still open when the captures end.
    Open,
    /// Answered with a reset to the SYN.
    Refused,
    /// The SYN never got an answer.
    Unanswered,
    /// Answered, but the client never went on.
    Incomplete,
    /// Established and then cut off by a reset with a request unanswered or
    /// data lost.
    Reset,
    /// Established, and then one side's bytes were sent again and again and never
    /// acknowledged.
    Stalled,
    /// The captures do not show enough.
    Unknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Completed,
        Self::Open,
        Self::Refused,
        Self::Unanswered,
        Self::Incomplete,
        Self::Reset,
        Self::Stalled,
        Self::Unknown,
    ];

    /// The outcome of this name in reports.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Incomplete => "incomplete",
            Self::Reset => "reset",
            Self::Stalled => "stalled",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the client did not get what it connected for.
    #[must_use]
    pub fn failed(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Unanswered | Self::Incomplete | Self::Reset | Self::Stalled
        )
    }
}

/// How far a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// A SYN was seen.
    pub syn: bool,
    /// Any answer to it was seen.
    pub answered: bool,
    /// The client acknowledged the answer, which shows that it got one even
    /// where no capture shows the answer.
    pub established: bool,
    /// The client sent payload.
    pub request: bool,
    /// The server sent payload, which shows also by what the client acknowledged.
    pub response: bool,
    /// Transmissions of the SYN at the vantage that saw most.
    pub syns: u16,
    /// A reset was seen that a stack without a socket sends.
    pub no_socket: bool,
    /// Payload was sent again at some vantage.
    pub repeats: bool,
    /// What the client sent came in a balancer's tunnel somewhere, and no answer
    /// did; an overlay is none.
    pub tunnelled: bool,
}

pub(super) fn judge(vantages: &[Observations], legs: &[Leg]) -> (Outcome, Progress) {
    let mut progress = Progress::default();
    let mut ends = Ends::default();
    for leg in legs {
        let (there, back) = (leg.forward(vantages), leg.reply(vantages));
        progress.syn |= there.opened();
        progress.syns = progress.syns.max(if there.opened() { there.syns } else { 0 });
        progress.answered |= back.seen();
        progress.established |= there.ack.is_set();
        progress.request |= there.payload > 0;
        progress.response |= back.payload > 0 || has_heard(there, back);
        progress.no_socket |= there.reset == Reset::NoSocket || back.reset == Reset::NoSocket;
        progress.tunnelled |= leg.of(vantages).key.is_forwarded() && !back.seen();
        progress.repeats |= there.retransmissions > 0 || back.retransmissions > 0;
        ends.see(&vantages[leg.vantage.index()], there, back);
        ends.lost |= is_thrown_away(vantages, leg);
        let shows = vantages[leg.vantage.index()].shows;
        ends.both_ways |= shows.both_ways;
        // Who repeats has not got what it waits for, even if nothing else shows; where acknowledgments were left out,
        // that holds of who asks again after the answer alone.
        let again = there.syns > 1 && there.last.frame() > back.syn.frame();
        ends.beyond_syn |= match shows.acks {
            true => there.syns > 1 || back.syns > 1 || shows.beyond_syn,
            false => back.syn.is_set() && again,
        };
    }
    (ends.outcome(&progress, legs.first().map(|l| l.of(vantages).key.protocol)), progress)
}

/// Whether a client acknowledged more than its server's SYN and FIN: bytes that the capture lacks. A server that
/// begins again has not got the acknowledgment, or takes it for none.
fn has_heard(there: &Flow, back: &Flow) -> bool {
    let heard = there.max_ack.wrapping_sub(back.isn);
    back.accepted()
        && back.isns <= 1
        && back.syns <= 1
        && !back.counted
        && there.ack.is_set()
        && (3..=i32::MAX as u32).contains(&heard)
}

#[derive(Default)]
struct Ends {
    refused: bool,
    client_fin: bool,
    server_fin: bool,
    reset: bool,
    reply_seen: bool,
    /// The server's kernel knew nothing of the connection any more.
    forgotten: bool,
    /// The client's application ended it.
    aborted: bool,
    stalled: bool,
    /// What the client sent again and again never came to a server that had closed.
    unheard: bool,
    /// A reset in the server's name came before its answer, or data came to a server that
    /// had closed, or it was not let in: what the client asked for was lost.
    lost: bool,
    /// End of what the client sent and of what was acknowledged, at any vantage:
    /// what was lost on the way is not acknowledged.
    sent: Option<u32>,
    acked: Option<u32>,
    /// Some vantage shows both directions, and more than handshakes.
    both_ways: bool,
    beyond_syn: bool,
}

/// The later of two sequence numbers.
fn later(known: Option<u32>, new: u32) -> u32 {
    match known {
        Some(known) if seq_lt(new, known) => known,
        _ => new,
    }
}

/// An answer that comes later than this after a reset of its own side was not put behind it by the
/// capture, nanoseconds: frames of several queues of a network card change places by less.
const BEHIND_NS: i64 = 1_000_000;

/// Whether the client was reset in the server's name, and the answer came after that: another one sent
/// the reset, and the client's kernel took nothing of the answer.
#[must_use]
pub fn is_forestalled(there: &Flow, back: &Flow) -> bool {
    let (Some(rst), Some(answer)) = (back.rst.get(), back.data.get()) else { return false };
    back.accepted()
        && there.data.is_set()
        && there.data.frame() < rst.frame()
        && !there.fin.is_set()
        && answer.since(rst) >= BEHIND_NS
        && there.max_ack == back.isn.wrapping_add(1)
}

/// A last frame of WebSocket without a reason (RFC 6455, section 5.5.1): shorter than any request of HTTP/1.
const LAST_FRAME: u32 = 16;

/// A farewell of a client that found a connection closed long ago, at most: QUIT, in the form of Redis
/// 14 bytes.
const LATE_FAREWELL: u32 = 17;
/// What is sent later than this after the FIN is none of the answers to it, nanoseconds. Judgement.
const LATE_NS: i64 = 1_000_000_000;

/// Bytes of a request of HTTP/1 that crossed its server's FIN, with the client's own FIN: no shorter one names its host
/// (RFC 9112, section 3.2), and what is longer may be the rest of an upload. Judgement.
const SHORTEST: u32 = 30;
const LONGEST: u32 = 4_096;
/// A server that closes so long after its first answer has kept the connection for further requests, nanoseconds.
/// Judgement.
const KEPT_NS: i64 = 100_000_000;

/// Whether data of the client came to a server that had closed, and was reset: more than a farewell, which
/// HTTP/1 has none of.
#[must_use]
pub fn is_thrown_away(vantages: &[Observations], leg: &Leg) -> bool {
    let (there, back) = (leg.forward(vantages), leg.reply(vantages));
    if !(back.fin.is_set() && back.rst.is_set()) {
        return false;
    }
    let first = vantages[leg.vantage.index()].side_tables.first_request(leg.stream);
    let http = first.is_some_and(|request| !matches!(request.method, "" | "CONNECT"));
    // Who closes in turn sends its FIN with the farewell.
    let late = back.rst_answers.is_set() && back.rst_answers.since(back.fin) >= LATE_NS;
    let farewell = match (http, late) {
        (true, _) => LAST_FRAME,
        (false, true) => LATE_FAREWELL,
        (false, false) => FAREWELL,
    };
    // Who resets by itself before it is reset waits for no answer.
    let leaves = late && there.rst.is_set() && there.rst.frame() < back.rst.frame();
    let lost = there.end_seq.wrapping_sub(back.max_ack);
    // Who closes in turn, told of the end by the FIN, had asked once more before if what is lost is as long as a
    // request, and is none of an upload that was answered before it was whole.
    let crossed = || {
        let spoken = vantages[leg.vantage.index()].side_tables.spoken(leg.stream);
        http && there.fin.frame() > back.fin.frame()
            && back.fin.since(back.data) >= KEPT_NS
            && (SHORTEST..=LONGEST).contains(&lost)
            && spoken.iter().all(|said| said.words != Words::NoAnswerDue)
    };
    back.fin.frame() < back.rst.frame()
        && back.payload > 0
        && (!there.fin.is_set() || crossed())
        && !leaves
        && there.seen()
        && back.flags.ack()
        && seq_lt(back.max_ack.wrapping_add(farewell), there.end_seq)
}

/// A connection that is reset in the server's name so soon after it stands was not let in, nanoseconds.
/// Judgement: who lets idle connections go waits for longer.
const AT_ONCE_NS: i64 = 1_000_000_000;

/// Whether a client that had neither said a word nor taken its leave is reset in the server's name as
/// soon as the connection stands: nobody behind a SYN proxy or a balancer takes it, or the server does not
/// want this client.
fn is_turned_away(there: &Flow, back: &Flow) -> bool {
    // By the numbers, so that what a capture leaves out counts.
    let nothing = |flow: &Flow| flow.payload == 0 && flow.end_seq == flow.isn.wrapping_add(1);
    back.rst.is_set()
        && there.opened()
        && back.accepted()
        && there.ack.is_set()
        && nothing(there)
        && nothing(back)
        && back.max_ack == there.isn.wrapping_add(1)
        && !there.fin.is_set()
        && !there.rst.is_set()
        && !back.fin.is_set()
        && (0..AT_ONCE_NS).contains(&back.rst.since(there.ack))
}

/// What a server says by itself is short, bytes: of an answer that a client aborts more is on its way.
const ONE_SEGMENT: u32 = 1_460;
/// It is no part of the first answer that comes so long after that has begun, nanoseconds. Judgement.
const BY_ITSELF_NS: i64 = 1_000_000_000;

/// Whether the client's kernel knows nothing of a connection of which neither side had taken its leave, and says so to
/// a word that the server sent by itself: the client never hears of it. Who ends a connection himself closes it, or
/// resets with an acknowledgment; some abort without one, in the middle of an answer.
fn is_disowned(there: &Flow, back: &Flow) -> bool {
    there.reset == Reset::NoSocket
        && there.ack.is_set()
        && there.payload > 0
        && !there.fin.is_set()
        && !back.fin.is_set()
        && !back.rst.is_set()
        && back.payload > 0
        && there.max_ack != 0
        && seq_lt(there.max_ack, back.end_seq)
        && back.end_seq.wrapping_sub(there.max_ack) <= ONE_SEGMENT
        && there.rst.since(back.data) >= BY_ITSELF_NS
}

/// SYNs of one connection after which nobody answered, also where the capture may show
/// one direction alone: one may be repeated while its answer is on the way.
const CERTAIN_SYNS: u16 = 3;

impl Ends {
    fn see(&mut self, vantage: &Observations, there: &Flow, back: &Flow) {
        self.refused |= back.reset == Reset::Refused;
        self.client_fin |= there.fin.is_set();
        self.server_fin |= back.fin.is_set();
        self.reset |= there.rst.is_set() || (back.rst.is_set() && back.reset != Reset::Refused);
        self.reply_seen |= back.seen();
        self.lost |=
            is_forestalled(there, back) || is_turned_away(there, back) || is_disowned(there, back);
        let unheard = in_vain(vantage, there, back);
        self.stalled |= unheard || in_vain(vantage, back, there);
        // More than a farewell was to come to a server that had closed.
        let lost = there.end_seq.wrapping_sub(back.max_ack);
        self.unheard |= unheard && back.fin.is_set() && (FAREWELL..1 << 31).contains(&lost);
        self.forgotten |= back.reset == Reset::NoSocket;
        self.aborted |= there.reset == Reset::Abort;
        if there.seen() {
            self.sent = Some(later(self.sent, there.end_seq));
        }
        if back.flags.ack() {
            self.acked = Some(later(self.acked, back.max_ack));
        }
    }

    fn outcome(&self, progress: &Progress, protocol: Option<Protocol>) -> Outcome {
        if protocol != Some(Protocol::TCP) {
            return match (progress.request, progress.response) {
                (_, true) => Outcome::Completed,
                _ => Outcome::Unknown,
            };
        }
        if self.refused && !progress.established {
            return Outcome::Refused;
        }
        let established =
            progress.established || (!progress.syn && (progress.request || progress.response));
        if !established {
            return match (progress.syn, progress.answered) {
                // Who asks a third time was not answered the first times, whatever the
                // capture leaves out.
                (true, false) if self.both_ways || progress.syns >= CERTAIN_SYNS => {
                    Outcome::Unanswered
                }
                (true, true) if self.beyond_syn => Outcome::Incomplete,
                _ => Outcome::Unknown,
            };
        }
        if self.stalled && (self.unheard || !(self.client_fin && self.server_fin)) {
            let cut = self.reset && progress.response && !self.unheard;
            return if cut { Outcome::Reset } else { Outcome::Stalled };
        }
        if self.lost {
            return Outcome::Reset;
        }
        let closed = self.client_fin && (self.server_fin || !self.reply_seen);
        if closed {
            return Outcome::Completed;
        }
        // Whether it was answered first is where its answers pass.
        if self.reset && !self.reply_seen && !progress.repeats {
            return Outcome::Unknown;
        }
        if self.reset {
            let acked = match (self.sent, self.acked) {
                (Some(sent), Some(acked)) => !seq_lt(acked, sent),
                _ => true,
            };
            let in_vain = self.forgotten && progress.request && !self.client_fin;
            // A client that aborts after the answer has what it wanted.
            let satisfied = !progress.request
                || progress.response
                    && (acked || self.aborted || self.client_fin || self.server_fin);
            return if satisfied && !in_vain { Outcome::Completed } else { Outcome::Reset };
        }
        if self.client_fin || self.server_fin {
            return Outcome::Completed;
        }
        Outcome::Open
    }
}
