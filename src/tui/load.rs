//! Reading the captures while the screen already lives.

use super::data::Data;
use super::work::{Event, Watch};
use crate::redact::Mask;
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::Sender;

/// What was read.
#[derive(Debug)]
pub struct Taken {
    /// All that the captures show.
    pub trace: Trace,
    /// What could not be read and what was done that may not be expected.
    pub notes: Vec<String>,
    /// What everything passes before it is shown; it has gone over the trace.
    pub mask: Arc<Mask>,
}

/// Reads the captures, counting bytes; or says in a sentence why it cannot.
pub type Read = Box<dyn FnOnce(&AtomicU64) -> Result<Taken, String> + Send>;

/// Reads on a thread of its own and tells `events`.
pub fn start(read: Read, name: String, counter: Arc<AtomicU64>, events: Sender<Event>) {
    std::thread::spawn(move || {
        let watch = Watch(events);
        let loaded = read(&counter).and_then(|taken| prepared(taken, name));
        // Whoever no longer listens has quit.
        let _ = watch.0.send(Event::Loaded(loaded));
    });
}

fn prepared(taken: Taken, name: String) -> Result<Arc<Data>, String> {
    let data = Data::new(taken.trace, taken.notes, name);
    if !taken.mask.is_on() {
        return Ok(Arc::new(data));
    }
    let masked = data.masked(taken.mask).map(Arc::new);
    masked.ok_or_else(|| "the result cannot be redacted; this is a bug in lbdiag".to_owned())
}
