//! Each frame of an input to the observer of its interface.

use crate::capture::{Frame, Sink, Timestamp};
use crate::flow::{Look, Looker, Mark, Observer};
use crate::window::Window;

/// The observers of an input, one an interface.
pub(super) struct Observers<'w> {
    window: &'w Window,
    /// Times that the window lets in; a window may count from the first frame.
    bounds: Option<(Timestamp, Timestamp)>,
    /// Looks at frames for all observers.
    pub looker: Looker,
    list: Vec<Option<Observer>>,
    /// Frames of the files before this one.
    pub base: u32,
    left_out: u64,
}

impl<'w> Observers<'w> {
    /// None yet.
    pub fn new(window: &'w Window) -> Self {
        Self {
            window,
            bounds: window.is_open().then_some((Timestamp(i64::MIN), Timestamp(i64::MAX))),
            looker: Looker::default(),
            list: Vec::new(),
            base: 0,
            left_out: 0,
        }
    }

    /// Those that took in something, by interface, and how many frames lay outside of the window.
    pub fn into_parts(self) -> (Vec<Option<Observer>>, u64) {
        (self.list, self.left_out)
    }

    #[inline(always)]
    fn observer(&mut self, frame: &Frame<'_>) -> &mut Observer {
        let at = frame.interface as usize;
        if at >= self.list.len() {
            self.list.resize_with(at + 1, || None);
        }
        self.list[at].get_or_insert_with(|| Observer::with(frame.link_type, self.looker.clone()))
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

impl Sink for Observers<'_> {
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
