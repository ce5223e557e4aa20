//! One input through the observers of its interfaces, in the order of its frames.

use crate::capture::{self, CaptureError, CaptureFile, Frame, Input, Sink, Timestamp};
use crate::flow::{Look, Looker, Mark, Observer};
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

/// Hands the frames of an input to the observers of their interfaces.
pub(super) struct Taking<'w> {
    window: &'w Window,
    /// Times that the window lets in; a window may count from the first frame.
    bounds: Option<(Timestamp, Timestamp)>,
    /// Looks at frames for all observers.
    pub looker: Looker,
    /// By interface.
    observers: Vec<Option<Observer>>,
    /// Frames of the files before this one.
    pub base: u32,
    left_out: u64,
}

impl Taking<'_> {
    #[inline(always)]
    fn observer(&mut self, frame: &Frame<'_>) -> &mut Observer {
        let at = frame.interface as usize;
        if at >= self.observers.len() {
            self.observers.resize_with(at + 1, || None);
        }
        self.observers[at]
            .get_or_insert_with(|| Observer::with(frame.link_type, self.looker.clone()))
    }

    /// Takes in frames that its looker has looked at.
    pub fn looked(&mut self, frames: &[Frame<'_>], mut looks: &[Look]) {
        if !self.window.is_open() {
            return self.frames(frames);
        }
        let base = self.base;
        for same in frames.chunk_by(|a, b| a.interface == b.interface) {
            let (own, rest) = looks.split_at(same.len().min(looks.len()));
            looks = rest;
            self.observer(&same[0]).observe_looked(same, own, base);
        }
    }
}

impl Sink for Taking<'_> {
    #[inline]
    fn frames(&mut self, frames: &[Frame<'_>]) {
        if !self.window.is_open() {
            frames.iter().for_each(|frame| self.frame(frame));
            return;
        }
        let base = self.base;
        for same in frames.chunk_by(|a, b| a.interface == b.interface) {
            self.observer(&same[0]).observe_all(same, base);
        }
    }

    #[inline(always)]
    fn frame(&mut self, frame: &Frame<'_>) {
        let (since, until) = *self.bounds.get_or_insert_with(|| self.window.bounds(frame.time));
        let mark = Mark::new(self.base.saturating_add(frame.number), frame.time);
        // An interface is a vantage also where the window leaves nothing of it.
        let observer = self.observer(frame);
        if frame.time < since || frame.time > until {
            self.left_out += 1;
            return;
        }
        observer.observe_frame(mark, frame);
    }
}

/// Reads an input; a text without a date is taken to be of the time `near`; `apart`: on two threads.
pub(super) fn observe(
    input: &Input,
    window: &Window,
    near: Option<Timestamp>,
    progress: &AtomicU64,
    apart: bool,
) -> Observed {
    let mut files = Vec::new();
    let mut failures = Vec::new();
    let mut taking = Taking {
        window,
        bounds: window.is_open().then_some((Timestamp(i64::MIN), Timestamp(i64::MAX))),
        looker: Looker::default(),
        observers: Vec::new(),
        base: 0,
        left_out: 0,
    };
    if apart {
        let walked = super::apart::apart(taking, |packing| {
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
            Ok((Taking { observers, left_out, .. }, ())) => {
                return Observed { files, observers, failures, left_out };
            }
            Err(back) => taking = back,
        }
    }
    for source in &input.files {
        match capture::read_near(source, near, progress, &mut taking) {
            Ok(file) => {
                taking.base = taking.base.saturating_add(file.last);
                files.push(file);
            }
            Err(error) => failures.push(error),
        }
    }
    let Taking { observers, left_out, .. } = taking;
    Observed { files, observers, failures, left_out }
}
