//! One packet, read back from every capture that shows it.
//!
//! A step of the ladder names frames by vantage and number; this reads their bytes and
//! decodes them into fields that can be laid side by side. Work is bounded: a few frames,
//! a bounded part of each. A frame that cannot be read again says why.

use super::dissect::{Field, dissect};
use crate::capture::{self, Frame, Timestamp};
use crate::flow::{Mark, VantageId};
use crate::redact::Mask;
use crate::report::ladder::Ladder;
use crate::trace::{At, ConnectionId, Trace};

/// Frames that are laid side by side.
pub const MAX_FRAMES: usize = 12;

/// Bytes of a frame that are kept.
const MAX_BYTES: usize = 65_536;

/// A frame of a packet at one vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Label of the vantage.
    pub vantage: String,
    /// Number within its file, as Wireshark numbers it.
    pub frame: u64,
    /// The decoded fields, or why there are none.
    pub fields: Result<Vec<Field>, String>,
    /// What was captured.
    pub bytes: Vec<u8>,
}

/// The frames of the packet that step `n` of a ladder is of, in the ladder's order; of a
/// packet that went round, those next to the step.
#[must_use]
pub fn of_step(ladder: &Ladder, n: usize) -> Vec<(String, u64)> {
    let Some(step) = ladder.steps.get(n) else { return Vec::new() };
    let mut frames: Vec<(String, u64)> = Vec::new();
    for other in ladder.steps.iter().filter(|other| other.packet == step.packet) {
        for frame in &other.frames {
            if !frames.contains(frame) {
                frames.push(frame.clone());
            }
        }
    }
    let own = frames.iter().position(|frame| step.frames.contains(frame)).unwrap_or(0);
    let first = own.saturating_sub(MAX_FRAMES / 2).min(frames.len().saturating_sub(MAX_FRAMES));
    frames.into_iter().skip(first).take(MAX_FRAMES).collect()
}

/// Reads one frame again, of a connection or not.
#[must_use]
pub fn at(trace: &Trace, mask: &Mask, at: At) -> Sight {
    let gone = || Err("the capture is gone or has changed".to_owned());
    let mut sight = Sight { vantage: String::new(), frame: 0, fields: gone(), bytes: Vec::new() };
    let Some(vantage) = trace.vantages.get(at.vantage.index()) else { return sight };
    sight.vantage.clone_from(&vantage.label);
    let Some(capture) = trace.captures.get(vantage.capture) else { return sight };
    let (file, number) = capture.locate(at.mark.frame());
    sight.frame = u64::from(number);
    let Some(file) = capture.files.get(file) else { return sight };
    let time = trace.time(at);
    let mut sink = |frame: &Frame<'_>| sight.take(frame, mask, time);
    if let Err(error) = capture::read_range(file, number..=number, &mut sink) {
        sight.fields = Err(error.to_string());
    }
    sight
}

/// Reads frames of a connection again.
#[must_use]
pub fn read(trace: &Trace, mask: &Mask, id: ConnectionId, frames: &[(String, u64)]) -> Vec<Sight> {
    frames.iter().map(|(vantage, frame)| one(trace, mask, id, vantage, *frame)).collect()
}

impl Sight {
    /// Takes what was read, as it may be shown.
    fn take(&mut self, frame: &Frame<'_>, mask: &Mask, time: Timestamp) {
        let masked = mask.frame(frame.link_type, frame.data);
        let data = masked.as_deref().unwrap_or(frame.data);
        self.fields = Ok(dissect(&Frame { data, ..*frame }, time));
        self.bytes = data.get(..MAX_BYTES).unwrap_or(data).to_vec();
    }
}

fn one(trace: &Trace, mask: &Mask, id: ConnectionId, label: &str, number: u64) -> Sight {
    let mut sight = Sight {
        vantage: label.to_owned(),
        frame: number,
        fields: Err("the capture is gone or has changed".to_owned()),
        bytes: Vec::new(),
    };
    let mut all = VantageId::each(&trace.vantages);
    let Some((vantage, seen)) = all.find(|(_, v)| v.label == label) else { return sight };
    let Some(capture) = trace.captures.get(seen.capture) else {
        return sight;
    };
    let Ok(within) = u32::try_from(number) else { return sight };
    // A rotated capture numbers the frames of each file from 1: the connection tells which.
    let legs = || trace.legs(id).iter().filter(|leg| leg.vantage == vantage);
    let mut base = 0u32;
    let mut place = None;
    for file in &capture.files {
        let counted = base.saturating_add(within);
        let lives = || {
            legs().any(|leg| {
                let stream = leg.of(&trace.vantages);
                (stream.first().frame()..=stream.last().frame()).contains(&counted)
            })
        };
        if within <= file.last && (place.is_none() || lives()) {
            let found = lives();
            place = Some((file, base));
            if found {
                break;
            }
        }
        base = base.saturating_add(file.last);
    }
    let Some((file, base)) = place else { return sight };
    let mut sink = |frame: &Frame<'_>| {
        let mark = Mark::new(base.saturating_add(frame.number), frame.time);
        sight.take(frame, mask, trace.time(At { vantage, mark }));
    };
    if let Err(error) = capture::read_range(file, within..=within, &mut sink) {
        sight.fields = Err(error.to_string());
    }
    sight
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder;
    use crate::tui::testkit::sample;

    #[test]
    fn a_packet_is_read_wherever_it_was_seen() {
        let data = sample("hairpin-cloud-slb");
        let chosen = ladder::most_telling(&data.trace, &data.diagnosis).unwrap();
        let drawn = ladder::draw(&data.trace, &data.diagnosis, chosen, true).unwrap();
        let frames = of_step(&drawn, 0);
        let named: Vec<&str> = frames.iter().map(|(v, _)| v.as_str()).collect();
        assert_eq!(named, ["rs1", "director", "director", "rs1"], "there and back to the caller");
        let read = read(&data.trace, &data.mask, chosen.connection, &frames);
        for sight in &read {
            let fields = sight.fields.as_ref().unwrap();
            assert!(!sight.bytes.is_empty());
            let flags = fields.iter().find(|f| f.name == "flags").unwrap();
            assert_eq!(flags.value, "SYN");
        }
        let target = |sight: &Sight| {
            let fields = sight.fields.as_ref().unwrap();
            fields
                .iter()
                .find(|f| f.name == "destination" && f.layer == "IP")
                .unwrap()
                .value
                .clone()
        };
        assert_eq!(target(&read[0]), "203.0.113.8");
        assert_eq!(target(&read[3]), "172.16.100.11");
    }

    #[test]
    fn what_is_not_there_says_so() {
        let data = sample("healthy-nat");
        let id = ConnectionId(0);
        for (vantage, frame) in [("nowhere", 1), ("rs1", 0), ("rs1", u64::MAX), ("rs1", 4_000_000)]
        {
            let read = read(&data.trace, &data.mask, id, &[(vantage.to_owned(), frame)]);
            assert!(read[0].fields.is_err() && read[0].bytes.is_empty(), "{vantage} {frame}");
        }
        assert!(of_step(&ladder_of_nothing(), 3).is_empty());
    }

    fn ladder_of_nothing() -> Ladder {
        Ladder {
            connection: 1,
            title: String::new(),
            columns: Vec::new(),
            steps: Vec::new(),
            folded: 0,
            folds: Vec::new(),
            start: None,
            time_note: String::new(),
        }
    }
}
