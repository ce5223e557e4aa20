//! Questions on a connection that had answered others: acknowledged, and never answered, until the client gave up.
//!
//! Or an answer stops before it is whole, and the client waits as long and gives up.
//!
//! All bytes are acknowledged and earlier answers came, so by sums such a connection did well. What tells is who spoke
//! last before the client's long silence: whoever is told something acknowledges it at once, so where the last
//! frame is the server's acknowledgment, the last word was the client's.

use super::journey::silence;
use super::judged::Judged;
use super::pace::GREETED;
use super::said::words;
use super::{Break, Fate, Packet};
use crate::correlate::Leg;
use crate::flow::{Flow, Mark, Silence, Spoken, Words};
use crate::trace::{ConnectionId, Trace};

/// From the first segment after the silence to the client's end at most, nanoseconds: a FIN, a reset, or before them
/// a last word that it does not wait for.
const LEAVES_NS: i64 = 1_000_000_000;
/// Ports of services that answer each question, of those that greet: not SSH, nor MySQL, which closes a prepared
/// statement without a word (COM_STMT_CLOSE). And PostgreSQL.
const NOT_EACH: [u16; 2] = [22, 3306];
const POSTGRESQL: u16 = 5432;

/// The silence after a client's last question, and the frame by which it gave up.
#[must_use]
pub fn hung(trace: &Trace, id: ConnectionId) -> Option<(&Leg, Silence, Mark)> {
    let p = trace.connection(id).progress;
    if !p.request || !p.response {
        return None;
    }
    trace.legs(id).iter().find_map(|leg| {
        let idle = trace.vantage(leg).side_tables.idle(leg.stream)?;
        let silence = idle.last;
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let left = [there.fin, there.rst].into_iter().filter_map(Mark::get);
        let left = left.min_by_key(|mark| mark.frame())?;
        let midway = !there.closed && is_left_midway(trace, id, leg);
        let gave_up = silence.by == leg.client
            && (midway || silence.heard_by != leg.client)
            // What lives on through silences may be a stream of news that nobody answers.
            && idle.outlived_ns == 0
            && (0..LEAVES_NS).contains(&left.since(silence.after))
            && back.fin.get().is_none_or(|fin| fin.frame() > left.frame())
            && (!back.rst.is_set() || back.rst.frame() > left.frame())
            && (there.retransmissions == 0 || trace.vantage(leg).repeats_only_fin(there))
            && is_whole(back);
        let due = gave_up && (midway || answers_each(trace, id, leg) || lacks_keys(trace, id, leg));
        due.then_some((leg, silence, left))
    })
}

/// The port of SSH, and the longest line in which a side says its version (RFC 4253, section 4.2): each follows it with
/// what it proposes for keys, which is longer, and waits for nothing to do so (section 7.1).
const SSH: u16 = 22;
const VERSION_LINE: u64 = 255;

/// Whether a client of SSH proposed its keys and the server, which had said its version, did not.
fn lacks_keys(trace: &Trace, id: ConnectionId, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let ssh = trace.connection(id).front.server.1 == SSH && there.opened();
    ssh && there.payload > VERSION_LINE && (1..=VERSION_LINE).contains(&back.payload)
}

/// Whether a capture has each byte of a side: an answer may be among what it lacks.
fn is_whole(flow: &Flow) -> bool {
    let counts = u32::from(flow.syn.is_set()) + u32::from(flow.fin.is_set());
    let sent = flow.end_seq.wrapping_sub(flow.isn).wrapping_sub(counts);
    u64::from(sent) <= flow.payload
}

/// Whether a client left in the middle of an answer that announces how long it is.
#[must_use]
pub fn is_left_midway(trace: &Trace, id: ConnectionId, leg: &Leg) -> bool {
    let midway =
        |(_, said): (&Leg, &Spoken)| said.words == Words::LeftMidway && said.side != leg.client;
    words(trace, id).any(midway)
}

/// Whether a client speaks a protocol in which each question has its answer: HTTP/1 without what is made of it
/// (CONNECT, HTTP/2, an upgrade), mail, FTP, PostgreSQL.
fn answers_each(trace: &Trace, id: ConnectionId, leg: &Leg) -> bool {
    let table = &trace.vantage(leg).side_tables;
    let opens_tls = table.hello_of(leg.stream).is_some();
    let other = |words: Words| matches!(words, Words::Http2 | Words::NoAnswerDue);
    if opens_tls || words(trace, id).any(|(_, said)| other(said.words)) {
        return false;
    }
    let port = trace.connection(id).front.server.1;
    let asks = |method: &str| !matches!(method, "" | "CONNECT");
    port == POSTGRESQL
        || !NOT_EACH.contains(&port) && GREETED.contains(&port)
        || table.first_request(leg.stream).is_some_and(|first| asks(first.method))
}

/// Judges a connection that stood and was closed.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    let (leg, quiet, _) = hung(trace, id)?;
    let midway = is_left_midway(trace, id, leg);
    let packet = if midway { Packet::Response } else { Packet::Request };
    let (manner, last) = silence(trace, id, packet);
    let cost_ns = quiet.ns();
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Some(Judged::Harm(Fate::Failed, broken))
}
