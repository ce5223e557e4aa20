//! One input through the observers of its interfaces, in the order of its frames.

use super::observers::Observers;
use super::pipeline::on_two_threads;
use crate::capture::{self, CaptureError, CaptureFile, Input, Timestamp};
use crate::flow::Observer;
use crate::window::Window;
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

/// Reads an input; a text without a date is taken to be of the time `near`; `two`: on two threads.
pub(super) fn observe(
    input: &Input,
    window: &Window,
    near: Option<Timestamp>,
    progress: &AtomicU64,
    two: bool,
) -> Observed {
    let mut files = Vec::new();
    let mut failures = Vec::new();
    let mut observers = Observers::new(window);
    if two {
        let walked = on_two_threads(observers, |packing| {
            for source in &input.files {
                match capture::read_near(source, near, progress, packing) {
                    Ok(file) => {
                        packing.ended(file.last);
                        files.push(file);
                    }
                    Err(error) => failures.push(error),
                }
            }
        });
        match walked {
            Ok((observers, ())) => {
                let (observers, left_out) = observers.into_parts();
                return Observed { files, observers, failures, left_out };
            }
            Err(back) => observers = back,
        }
    }
    for source in &input.files {
        match capture::read_near(source, near, progress, &mut observers) {
            Ok(file) => {
                observers.base = observers.base.saturating_add(file.last);
                files.push(file);
            }
            Err(error) => failures.push(error),
        }
    }
    let (observers, left_out) = observers.into_parts();
    Observed { files, observers, failures, left_out }
}
