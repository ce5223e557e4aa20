//! What a pass over a capture keeps besides the frames that it hands on.

use super::source::ReadBuffer;
use super::types::{Mark, SecretsAt};
use super::{Damage, Frame, Timestamp};
use std::sync::Arc;

/// Frames between two marks of the index.
pub(super) const STRIDE: u32 = 1024;
/// Damaged places that are told one by one.
const TOLD: usize = 32;
/// Blocks of secrets whose places are kept.
const SECRETS: usize = 1024;

/// Frames that are handed on together.
pub(super) const BATCH: usize = 32;

/// Who takes the frames of a pass, in order.
pub trait Sink {
    /// The next frame.
    fn frame(&mut self, frame: &Frame<'_>);

    /// The buffer in which the bytes of the next frames lie, of most if not of all. Who keeps it keeps them.
    #[inline(always)]
    fn buffer(&mut self, _buffer: &Arc<Vec<u8>>) {}

    /// The next frames: what they ask for in memory may be fetched for all of them at once.
    #[inline(always)]
    fn frames(&mut self, frames: &[Frame<'_>]) {
        frames.iter().for_each(|frame| self.frame(frame));
    }
}

impl<F: FnMut(&Frame<'_>)> Sink for F {
    #[inline(always)]
    fn frame(&mut self, frame: &Frame<'_>) {
        self(frame);
    }
}

/// Hands frames to the sink and keeps the books.
pub(super) struct Collector<'s, F> {
    sink: &'s mut F,
    first: u32,
    last: u32,
    /// Number of the last record read.
    pub(super) number: u32,
    /// Records that have a number and are no frames.
    pub(super) others: u32,
    pub(super) index: Vec<Mark>,
    indexing: bool,
    earliest: i64,
    latest: i64,
    pub(super) untimed: u64,
    pub(super) damage: Vec<Damage>,
    pub(super) damage_omitted: u64,
    compression: Option<&'static str>,
    pub(super) secrets: Vec<SecretsAt>,
}

impl<'s, F: Sink> Collector<'s, F> {
    /// A whole pass, which builds the index.
    pub(super) fn whole(sink: &'s mut F, compression: Option<&'static str>) -> Self {
        let mut all = Self::range(sink, 0, 1, u32::MAX);
        all.indexing = true;
        all.compression = compression;
        all
    }

    /// A pass that begins after frame `number` and gives frames `first` to `last`.
    pub(super) fn range(sink: &'s mut F, number: u32, first: u32, last: u32) -> Self {
        Self {
            sink,
            first,
            last,
            number,
            others: 0,
            index: Vec::new(),
            indexing: false,
            earliest: i64::MAX,
            latest: i64::MIN,
            untimed: 0,
            damage: Vec::new(),
            damage_omitted: 0,
            compression: None,
            secrets: Vec::new(),
        }
    }

    /// Whether the frame after the next `waiting` ones begins a stride and is to be marked.
    #[inline(always)]
    pub(super) fn wants_mark(&self, waiting: usize) -> bool {
        (self.number + waiting as u32).is_multiple_of(STRIDE) && self.indexing
    }

    /// Frames that come lie in the buffer of this window.
    pub(super) fn look_in(&mut self, window: &ReadBuffer<'_>) {
        self.sink.buffer(window.buffer());
    }

    /// Frames that wait, all of them with times. `false`: no further frame is wanted.
    #[inline(always)]
    pub(super) fn frames(&mut self, frames: &mut Vec<Frame<'_>>) -> bool {
        let wanted = if self.indexing {
            // A whole pass wants all.
            for frame in &*frames {
                self.earliest = self.earliest.min(frame.time.0);
                self.latest = self.latest.max(frame.time.0);
            }
            self.number = frames.last().map_or(self.number, |last| last.number);
            self.sink.frames(frames);
            true
        } else {
            frames.iter().all(|frame| self.frame(frame, true))
        };
        frames.clear();
        wanted
    }

    /// One frame more, whose number is `self.number + 1`. `false`: no further frame is wanted.
    #[inline(always)]
    pub(super) fn frame(&mut self, frame: &Frame<'_>, timed: bool) -> bool {
        self.number = frame.number;
        if timed {
            self.earliest = self.earliest.min(frame.time.0);
            self.latest = self.latest.max(frame.time.0);
        } else {
            self.untimed += 1;
        }
        if frame.number >= self.first {
            self.sink.frame(frame);
        }
        frame.number < self.last
    }

    /// A record that has a number but is no frame (a system log entry, for example).
    pub(super) fn no_frame(&mut self) -> bool {
        self.number += 1;
        self.others += 1;
        self.number < self.last
    }

    /// A block of secrets, which a whole pass notes the place of.
    pub(super) fn secrets(&mut self, at: SecretsAt) {
        if self.indexing && self.secrets.len() < SECRETS {
            self.secrets.push(at);
        }
    }

    /// Time of the earliest and of the latest frame.
    pub(super) fn times(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let any = self.earliest <= self.latest;
        (any.then_some(Timestamp(self.earliest)), any.then_some(Timestamp(self.latest)))
    }

    /// States a loss at `byte`; the sentence is completed with what was kept.
    pub(super) fn damaged(&mut self, byte: u64, what: &str, kept: &str) {
        if self.damage.len() < TOLD {
            let what = format!("{what}; {kept}");
            self.damage.push(Damage { byte, frame_after: self.number, what });
        } else {
            self.damage_omitted += 1;
        }
    }

    /// The same where nothing after the loss can be read.
    pub(super) fn lost_rest(&mut self, byte: u64, what: &str) {
        let kept = before(self.number - self.others);
        self.damaged(byte, what, &kept);
    }

    /// The stream has ended and what is left of it is not a whole record.
    pub(super) fn ended(&mut self, window: &mut ReadBuffer<'_>, unit: &str, size: Option<usize>) {
        let (byte, left) = (window.offset(), window.data().len());
        if let Some(e) = window.take_fault() {
            let at = byte + left as u64;
            let what = match self.compression {
                Some(name) => format!("the {name} data breaks after {at} unpacked bytes ({e})"),
                None => format!("reading fails after {at} bytes ({e})"),
            };
            self.lost_rest(byte, &what);
        } else if left > 0 {
            let of = size.map_or(String::new(), |size| format!(" of {size}"));
            let what = format!("the file ends {left} bytes{of} into a {unit}");
            self.lost_rest(byte, &what);
        }
    }
}

/// "the 3 frames before it were kept"
pub(super) fn before(frames: u32) -> String {
    match frames {
        0 => "no frame was kept".to_owned(),
        1 => "the 1 frame before it was kept".to_owned(),
        n => format!("the {n} frames before it were kept"),
    }
}
