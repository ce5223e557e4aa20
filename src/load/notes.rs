//! What is to be said of a capture beside what it shows.

use super::observe::Observed;
use crate::capture::{CaptureFile, LinkType, Unkept};
use crate::flow::{Answer, MAX_EMBRYOS, MAX_REFUSED, Observations};
use crate::window::{self, Window};

/// What a window left out, so that a short report is not taken for a short capture.
pub(super) fn note_window(observed: &Observed, window: &Window, notes: &mut Vec<String>) {
    let start = observed.files.iter().filter_map(|file| file.start).min();
    let end = observed.files.iter().filter_map(|file| file.end).max();
    let (Some(start), Some(end)) = (start, end) else { return };
    if observed.left_out == 0 {
        return;
    }
    let all: u64 = observed.files.iter().map(|file| u64::from(file.frames)).sum();
    let asked = window.describe(start);
    notes.push(if observed.left_out >= all {
        format!(
            "none of its {all} frames lies in the window {asked}: they span {} to {} by its own clock",
            window::text(start),
            window::text(end)
        )
    } else {
        let left = observed.left_out;
        format!("{left} of {all} frames lie outside of the window {asked} and were not taken in")
    });
}

/// What of a stream cannot be read again.
pub(super) fn note_unkept(files: &[CaptureFile], notes: &mut Vec<String>) {
    for file in files {
        let Some(Unkept { kept, why, folder }) = file.unkept() else { continue };
        notes.push(format!(
            "{}: only its first {kept} bytes could be kept ({why}, in {}), so no later frame can be read again: drawings, extracts and requests through proxies are without them; free space there, set TMPDIR to another folder, or save the stream to a file",
            file.path,
            folder.display()
        ));
    }
}

pub(super) fn note_tally(
    vantage: &Observations,
    link_type: Option<LinkType>,
    notes: &mut Vec<String>,
) {
    let tally = &vantage.tally;
    if tally.unsupported > 0 {
        let name = link_type.map_or_else(|| "unknown".into(), |t| t.name());
        notes.push(format!("{} frames of link type {name} were not decoded", tally.unsupported));
    }
    if tally.stopped > 0 {
        notes.push(format!(
            "{} frames are cut or malformed in a header; what could be read of them was used",
            tally.stopped
        ));
    }
    note_unopened(vantage, notes);
    note_evicted(vantage, notes);
    if tally.rounds_dropped > 0 {
        notes.push(format!(
            "packets go round in a loop, or their MACs keep changing: {} frames are of rounds beyond those that are kept apart for a flow, and are counted with the last of these",
            tally.rounds_dropped
        ));
    }
    let beyond = [
        (vantage.neighbors.dropped, "address claims and questions"),
        (vantage.errors_dropped, "ICMP errors"),
        (tally.hops_dropped, "link headers"),
        (vantage.echoes_dropped, "pings of further pairs"),
        (vantage.vrrp_dropped, "VRRP advertisements of further speakers"),
        (vantage.side_tables.repeats_dropped, "segments that were sent again"),
        (vantage.side_tables.closed_dropped(), "flows whose window closed"),
        (vantage.side_tables.tokens_dropped(), "segments without a handshake"),
    ];
    for (n, what) in beyond.into_iter().filter(|(n, _)| *n > 0) {
        notes.push(format!("{n} {what} are more than are kept; they are counted, nothing else"));
    }
}

/// Kinds that one note names.
const NAMED: usize = 6;

/// What may hide connections.
fn note_unopened(vantage: &Observations, notes: &mut Vec<String>) {
    let hiding = vantage.unopened.hiding();
    if hiding.is_empty() {
        return;
    }
    let named = hiding.iter().take(NAMED).map(|(what, n)| format!("{n} of {what}"));
    let named: Vec<String> = named.collect();
    let rest = hiding.iter().skip(NAMED).map(|(_, n)| n).sum::<u64>() + vantage.unopened.beyond;
    let rest = if rest > 0 { format!(", and {rest} of others") } else { String::new() };
    notes.push(format!(
        "what is inside these frames is not read, and connections in them are in no count: {}{rest}",
        named.join(", ")
    ));
}

/// What was counted and not kept, by answer: it is in no list of connections.
fn note_evicted(vantage: &Observations, notes: &mut Vec<String>) {
    let evicted = &vantage.evicted;
    if evicted.all.streams == 0 {
        return;
    }
    let of = |answer| evicted.answered(answer);
    if of(Answer::None) > 0 {
        notes.push(format!(
            "a flood: {} streams, never answered nor repeated, were counted and let go (at most {MAX_EMBRYOS} are kept at one time)",
            of(Answer::None)
        ));
    }
    if of(Answer::Accepted) > 0 {
        notes.push(format!(
            "a flood: {} half-open streams, answered by a SYN-ACK on which nobody went on, were counted and let go; a sample is kept",
            of(Answer::Accepted)
        ));
    }
    for (answer, how) in [(Answer::Reset, "a reset"), (Answer::Error, "an ICMP error")] {
        if of(answer) > 0 {
            notes.push(format!(
                "{} streams that were answered by {how} are more than are kept ({MAX_REFUSED}); they were counted by service and real server, and a sample is kept",
                of(answer)
            ));
        }
    }
    if evicted.beyond_kinds > 0 {
        notes.push(format!(
            "{} more streams, to endpoints that are too many to count apart, were let go",
            evicted.beyond_kinds
        ));
    }
}
