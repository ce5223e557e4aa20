//! One capture on two threads: one walks it and looks at frames, the other finds their streams and takes them in.
//!
//! Frames are observed in their order, so that nothing depends on it. Bytes that cross from core to core cost
//! more than reading them does, so they stay where they are: the buffer that was read is handed on as it is, and of
//! nearly all frames the other thread reads what the first one made of them ([`Look`]).

use super::observers::Observers;
use crate::capture::{Frame, Known, LinkType, Sink, Timestamp};
use crate::flow::{Look, Looker};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes of frames that lie in no buffer, and frames, that are handed on together. Where tests look, few, so
/// that small captures have many lots.
const LOT: usize = if cfg!(debug_assertions) { 1 << 9 } else { 1 << 18 };
const FRAMES: usize = if cfg!(debug_assertions) { 7 } else { 1 << 11 };
/// Lots that are on their way at one time.
const LOTS: usize = 4;
/// Frames that are observed together.
const TOGETHER: usize = 32;

/// Frames with what was read of them.
#[derive(Default)]
struct Lot {
    /// Where most frames lie.
    buffer: Option<Arc<Vec<u8>>>,
    /// The bytes of those that do not.
    bytes: Vec<u8>,
    frames: Vec<Packed>,
    looks: Vec<Look>,
    /// Frames of the files before.
    base: u32,
}

/// A frame without its bytes.
struct Packed {
    number: u32,
    time: Timestamp,
    interface: u32,
    wire_len: u32,
    /// Where its bytes begin, and how many there are.
    at: u32,
    len: u32,
    link_type: LinkType,
    known: Known,
    /// They are in the buffer.
    shared: bool,
}

/// Where some bytes begin in a buffer; `None` where they are not in it.
fn place(buffer: &[u8], bytes: &[u8]) -> Option<usize> {
    let at = bytes.as_ptr().addr().checked_sub(buffer.as_ptr().addr())?;
    (at.checked_add(bytes.len())? <= buffer.len()).then_some(at)
}

impl Lot {
    fn push(&mut self, frame: &Frame<'_>, looker: &Looker) {
        let shared = self.buffer.as_ref().and_then(|buffer| place(buffer, frame.data));
        let at = shared.unwrap_or(self.bytes.len());
        if shared.is_none() {
            self.bytes.extend_from_slice(frame.data);
        }
        // Read to where it stays: copied at once, it would wait for what was just written.
        self.looks.push(Look::NOTHING);
        if let Some(look) = self.looks.last_mut() {
            looker.look(frame, look);
        }
        self.frames.push(Packed {
            number: frame.number,
            time: frame.time,
            interface: frame.interface,
            wire_len: frame.wire_len,
            at: at as u32,
            len: frame.data.len() as u32,
            link_type: frame.link_type,
            known: frame.known,
            shared: shared.is_some(),
        });
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= LOT || self.frames.len() >= FRAMES
    }

    /// Hands its frames on, and is empty then.
    fn unpack(&mut self, observers: &mut Observers<'_>) {
        observers.base = self.base;
        let buffer = self.buffer.as_deref().map_or(&[][..], Vec::as_slice);
        let mut frames = Vec::with_capacity(TOGETHER);
        for (some, looks) in self.frames.chunks(TOGETHER).zip(self.looks.chunks(TOGETHER)) {
            frames.clear();
            frames.extend(some.iter().map(|packed| {
                let bytes = if packed.shared { buffer } else { &self.bytes };
                let (from, len) = (packed.at as usize, packed.len as usize);
                Frame {
                    number: packed.number,
                    time: packed.time,
                    interface: packed.interface,
                    link_type: packed.link_type,
                    wire_len: packed.wire_len,
                    data: &bytes[from..from + len],
                    known: packed.known,
                }
            }));
            observers.looked(&frames, looks);
        }
        self.buffer = None;
        self.bytes.clear();
        self.frames.clear();
        self.looks.clear();
    }
}

/// Looks at the frames of a pass, packs and sends them.
pub(super) struct Packing {
    looker: Looker,
    lot: Lot,
    full: SyncSender<Lot>,
    empty: Receiver<Lot>,
    base: u32,
}

impl Packing {
    /// A file has ended, whose last frame had this number.
    pub(super) fn ended(&mut self, last: u32) {
        self.send();
        self.lot.buffer = None;
        self.base = self.base.saturating_add(last);
    }

    fn send(&mut self) {
        if self.lot.frames.is_empty() {
            return;
        }
        self.lot.base = self.base;
        // Where nobody takes it any more the other thread has panicked, which is told when it is joined.
        let mut next = self.empty.try_recv().unwrap_or_default();
        next.buffer.clone_from(&self.lot.buffer);
        let _ = self.full.send(std::mem::replace(&mut self.lot, next));
    }
}

impl Sink for Packing {
    fn buffer(&mut self, buffer: &Arc<Vec<u8>>) {
        if !self.lot.buffer.as_ref().is_some_and(|own| Arc::ptr_eq(own, buffer)) {
            self.send();
            self.lot.buffer = Some(Arc::clone(buffer));
        }
    }

    #[inline]
    fn frame(&mut self, frame: &Frame<'_>) {
        self.lot.push(frame, &self.looker);
        if self.lot.is_full() {
            self.send();
        }
    }
}

/// Walks with `walk` on this thread, and observes on another; gives `observers` back where no other
/// thread is to be had.
pub(super) fn on_two_threads<'w, T>(
    mut observers: Observers<'w>,
    walk: impl FnOnce(&mut Packing) -> T,
) -> Result<(Observers<'w>, T), Observers<'w>> {
    let (full, taken) = sync_channel::<Lot>(LOTS);
    let (back, empty) = sync_channel::<Lot>(LOTS);
    let looker = observers.looker.clone();
    thread::scope(|scope| {
        let (give, given) = sync_channel::<Observers<'w>>(1);
        let observing = thread::Builder::new().spawn_scoped(scope, move || {
            let mut observers = given.recv().ok()?;
            for mut lot in taken {
                lot.unpack(&mut observers);
                // Nobody waits for it at the end.
                let _ = back.try_send(lot);
            }
            Some(observers)
        });
        let Ok(observing) = observing else { return Err(observers) };
        if let Err(refused) = give.send(observers) {
            return Err(refused.0);
        }
        let mut packing = Packing { looker, lot: Lot::default(), full, empty, base: 0 };
        let walked = walk(&mut packing);
        packing.send();
        drop(packing);
        match observing.join() {
            Ok(Some(observed)) => observers = observed,
            // It was given before anything was sent.
            Ok(None) => {
                std::panic::resume_unwind(Box::new("the observing thread was given nothing"))
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok((observers, walked))
    })
}
