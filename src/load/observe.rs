//! One input through the observers of its interfaces, in the order of its frames.

use crate::capture::{self, CaptureError, CaptureFile, Frame, Input, Known, Timestamp};
use crate::flow::{Mark, Observer};
use crate::window::Window;
use crate::wire;
use std::sync::atomic::AtomicU64;

/// What one pass over an input gave.
pub(super) struct Observed {
    pub files: Vec<CaptureFile>,
    /// By interface.
    pub observers: Vec<Option<Observer>>,
    pub failures: Vec<CaptureError>,
    /// Frames outside of the window.
    pub left_out: u64,
}

/// Reads an input.
/// Reads an input; a text without a date is taken to be of the time `near`.
pub(super) fn observe(
    input: &Input,
    window: &Window,
    near: Option<Timestamp>,
    progress: &AtomicU64,
) -> Observed {
    let mut observers: Vec<Option<Observer>> = Vec::new();
    let mut files = Vec::new();
    let mut failures = Vec::new();
    let mut base = 0u32;
    let mut left_out = 0u64;
    let mut bounds = window.is_open().then_some((Timestamp(i64::MIN), Timestamp(i64::MAX)));
    for source in &input.files {
        let mut sink = |frame: &Frame<'_>| {
            let at = frame.interface as usize;
            if at >= observers.len() {
                observers.resize_with(at + 1, || None);
            }
            // An interface is a vantage also where the window leaves nothing of it.
            let observer = observers[at].get_or_insert_with(|| Observer::new(frame.link_type));
            let (since, until) = *bounds.get_or_insert_with(|| window.bounds(frame.time));
            if frame.time < since || frame.time > until {
                left_out += 1;
                return;
            }
            let mark = Mark::new(base.saturating_add(frame.number), frame.time);
            let cut = (frame.data.len() as u32) < frame.wire_len;
            let packet = wire::decode(frame);
            observer.observe(mark, &packet, cut);
            if frame.known.has(Known::SUM) {
                observer.check_syn(mark, frame.data, &packet);
            }
        };
        match capture::read_near(source, near, progress, &mut sink) {
            Ok(file) => {
                base = base.saturating_add(file.last);
                files.push(file);
            }
            Err(error) => failures.push(error),
        }
    }
    Observed { files, observers, failures, left_out }
}
