//! One capture on two threads: one walks it and packs frames, the other observes them.
//!
//! Frames are observed in their order, so that nothing depends on it. It pays where a capture is to be
//! unpacked: of others, handing the bytes from core to core costs more than reading them.

use super::observe::Taking;
use crate::capture::{Frame, Known, LinkType, Sink, Timestamp};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes and frames that are handed on together. Where tests look, few, so that small captures have
/// many lots.
const LOT: usize = if cfg!(debug_assertions) { 1 << 9 } else { 1 << 18 };
const FRAMES: usize = if cfg!(debug_assertions) { 7 } else { 1 << 11 };
/// Lots that are on their way at one time.
const LOTS: usize = 4;
/// Frames that are observed together.
const TOGETHER: usize = 32;

/// Frames with their bytes.
#[derive(Default)]
struct Lot {
    bytes: Vec<u8>,
    frames: Vec<Packed>,
    /// Frames of the files before.
    base: u32,
}

/// A frame whose bytes end at a place in the lot, and begin where the one before ends.
struct Packed {
    number: u32,
    time: Timestamp,
    interface: u32,
    link_type: LinkType,
    wire_len: u32,
    known: Known,
    end: usize,
}

impl Lot {
    fn push(&mut self, frame: &Frame<'_>) {
        self.bytes.extend_from_slice(frame.data);
        self.frames.push(Packed {
            number: frame.number,
            time: frame.time,
            interface: frame.interface,
            link_type: frame.link_type,
            wire_len: frame.wire_len,
            known: frame.known,
            end: self.bytes.len(),
        });
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= LOT || self.frames.len() >= FRAMES
    }

    /// Hands its frames on, and is empty then.
    fn unpack(&mut self, taking: &mut Taking<'_>) {
        taking.base = self.base;
        let mut begin = 0;
        let mut frames = Vec::with_capacity(TOGETHER);
        for some in self.frames.chunks(TOGETHER) {
            frames.clear();
            frames.extend(some.iter().map(|packed| {
                let data = &self.bytes[begin..packed.end];
                begin = packed.end;
                Frame {
                    number: packed.number,
                    time: packed.time,
                    interface: packed.interface,
                    link_type: packed.link_type,
                    wire_len: packed.wire_len,
                    data,
                    known: packed.known,
                }
            }));
            taking.frames(&frames);
        }
        self.bytes.clear();
        self.frames.clear();
    }
}

/// Packs the frames of a pass and sends them.
pub(super) struct Packing {
    lot: Lot,
    full: SyncSender<Lot>,
    empty: Receiver<Lot>,
    base: u32,
}

impl Packing {
    /// A file has ended, whose last frame had this number.
    pub(super) fn ended(&mut self, last: u32) {
        self.send();
        self.base = self.base.saturating_add(last);
    }

    fn send(&mut self) {
        if self.lot.frames.is_empty() {
            return;
        }
        self.lot.base = self.base;
        // Where nobody takes it any more the other thread has panicked, which is told when it is joined.
        let next = self.empty.try_recv().unwrap_or_default();
        let _ = self.full.send(std::mem::replace(&mut self.lot, next));
    }
}

impl Sink for Packing {
    fn frame(&mut self, frame: &Frame<'_>) {
        self.lot.push(frame);
        if self.lot.is_full() {
            self.send();
        }
    }
}

/// Walks with `walk` on this thread, and observes on another; gives `taking` back where there is none
/// to be had.
pub(super) fn apart<'w, T>(
    mut taking: Taking<'w>,
    walk: impl FnOnce(&mut Packing) -> T,
) -> Result<(Taking<'w>, T), Taking<'w>> {
    let (full, taken) = sync_channel::<Lot>(LOTS);
    let (back, empty) = sync_channel::<Lot>(LOTS);
    thread::scope(|scope| {
        let (give, given) = sync_channel::<Taking<'w>>(1);
        let observing = thread::Builder::new().spawn_scoped(scope, move || {
            let mut taking = given.recv().ok()?;
            for mut lot in taken {
                lot.unpack(&mut taking);
                // Nobody waits for it at the end.
                let _ = back.try_send(lot);
            }
            Some(taking)
        });
        let Ok(observing) = observing else { return Err(taking) };
        if let Err(refused) = give.send(taking) {
            return Err(refused.0);
        }
        let mut packing = Packing { lot: Lot::default(), full, empty, base: 0 };
        let walked = walk(&mut packing);
        packing.send();
        drop(packing);
        match observing.join() {
            Ok(Some(observed)) => taking = observed,
            // It was given before anything was sent.
            Ok(None) => {
                std::panic::resume_unwind(Box::new("the observing thread was given nothing"))
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok((taking, walked))
    })
}
