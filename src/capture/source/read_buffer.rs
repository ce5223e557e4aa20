//! A window over a byte stream: the one large buffer that records are parsed in.
//!
//! It grows only when it is full of bytes that really arrived, so no length that a file claims can
//! make it allocate.

use std::io::{self, Read};
use std::sync::Arc;

/// The unread part of a stream, as far as it is in memory.
pub(in crate::capture) struct ReadBuffer<'r> {
    source: Box<dyn Read + 'r>,
    /// Shared with who takes frames and has not done with them; such a buffer stays as it is.
    buf: Arc<Vec<u8>>,
    /// Others, which are written to again when nobody has them any more.
    spares: Vec<Arc<Vec<u8>>>,
    start: usize,
    end: usize,
    /// Offset in the stream of `buf[0]`.
    base: u64,
    /// Bytes that may still be read.
    left: u64,
    ended: bool,
    fault: Option<io::Error>,
}

impl<'r> ReadBuffer<'r> {
    /// A window at `offset` of a stream that `source` continues from there, with a first buffer of
    /// `chunk` bytes.
    pub(in crate::capture) fn new(source: Box<dyn Read + 'r>, offset: u64, chunk: usize) -> Self {
        let buf = Arc::new(vec![0; chunk.max(16)]);
        Self {
            source,
            buf,
            spares: Vec::new(),
            start: 0,
            end: 0,
            base: offset,
            left: u64::MAX,
            ended: false,
            fault: None,
        }
    }

    /// Ends the stream after `bytes` more, whatever it holds.
    pub(in crate::capture) fn limit(&mut self, bytes: u64) {
        self.left = bytes;
    }

    /// What is in memory and not consumed.
    #[inline]
    pub(in crate::capture) fn data(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// The buffer in which [`Self::data`] lies.
    pub(in crate::capture) fn buffer(&self) -> &Arc<Vec<u8>> {
        &self.buf
    }

    /// Offset in the stream of the first byte of [`Self::data`].
    #[inline]
    pub(in crate::capture) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Forgets the first `n` bytes of [`Self::data`].
    #[inline]
    pub(in crate::capture) fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }

    /// Why the stream broke, if it did; taken once.
    pub(in crate::capture) fn take_fault(&mut self) -> Option<io::Error> {
        self.fault.take()
    }

    /// Reads until at least `need` bytes are in memory. `false`: the stream ends before that.
    pub(in crate::capture) fn fill(&mut self, need: usize) -> bool {
        if self.end - self.start >= need {
            return true;
        }
        if self.ended {
            return false;
        }
        // Bytes are moved only when as many were consumed: many small steps through a long record
        // must not move it each time.
        let kept = self.end - self.start;
        if let Some(own) = Arc::get_mut(&mut self.buf) {
            if self.start >= kept {
                own.copy_within(self.start..self.end, 0);
                self.base += self.start as u64;
                (self.start, self.end) = (0, kept);
            }
        } else {
            let mut other = self.spare();
            Arc::make_mut(&mut other)[..kept].copy_from_slice(&self.buf[self.start..self.end]);
            self.spares.push(std::mem::replace(&mut self.buf, other));
            self.base += self.start as u64;
            (self.start, self.end) = (0, kept);
        }
        // Nobody else has it now, so that nothing is copied.
        let buf = Arc::make_mut(&mut self.buf);
        while self.end - self.start < need && !self.ended {
            if self.end == buf.len() {
                let more = buf.len().min(8 << 20);
                buf.resize(buf.len() + more, 0);
            }
            let room = usize::try_from(self.left).unwrap_or(usize::MAX);
            let to = buf.len().min(self.end.saturating_add(room));
            match self.source.read(&mut buf[self.end..to]) {
                Ok(0) => self.ended = true,
                Ok(n) => {
                    self.end += n;
                    self.left -= n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.fault = Some(e);
                    self.ended = true;
                }
            }
        }
        self.end - self.start >= need
    }

    /// A buffer as long as this one that nobody has.
    fn spare(&mut self) -> Arc<Vec<u8>> {
        let is_free = |spare: &mut Arc<Vec<u8>>| Arc::get_mut(spare).is_some();
        let free = self.spares.iter_mut().position(is_free);
        let mut spare = free.map_or_else(Arc::default, |at| self.spares.swap_remove(at));
        if spare.len() < self.buf.len() {
            Arc::make_mut(&mut spare).resize(self.buf.len(), 0);
        }
        spare
    }

    /// Consumes up to the stream offset `target`. `false`: the stream ends before it.
    pub(in crate::capture) fn skip_to(&mut self, target: u64) -> bool {
        while self.offset() < target {
            let left = target - self.offset();
            if self.start == self.end && !self.fill(1) {
                return false;
            }
            let n = (self.end - self.start).min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(n);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::ReadBuffer;
    use std::sync::Arc;

    /// Who takes frames may keep the buffer in which they lie.
    #[test]
    fn a_buffer_that_somebody_has_stays_as_it_is() {
        let bytes: Vec<u8> = (0..100u8).collect();
        let mut w = ReadBuffer::new(Box::new(&bytes[..]), 0, 16);
        let mut kept = Vec::new();
        for at in 0..9 {
            assert!(w.fill(12));
            assert_eq!(
                (w.offset(), w.data()[0], w.data()[11]),
                (at * 10, at as u8 * 10, at as u8 * 10 + 11)
            );
            kept.push((Arc::clone(w.buffer()), w.buffer().to_vec()));
            w.consume(10);
            if at > 3 {
                // The oldest comes back, and is written to again.
                kept.remove(0);
            }
            assert!(kept.iter().all(|(buffer, before)| **buffer == *before));
        }
        assert!(w.spares.len() < 7, "{}", w.spares.len());
    }

    #[test]
    fn fills_across_buffers_and_keeps_count() {
        let bytes: Vec<u8> = (0..100u8).collect();
        let mut w = ReadBuffer::new(Box::new(&bytes[..]), 0, 16);
        assert!(w.fill(10));
        w.consume(9);
        assert!(w.fill(40));
        assert_eq!((w.offset(), w.data()[0], w.data()[39]), (9, 9, 48));
        assert!(w.skip_to(99));
        assert_eq!(w.data(), [99]);
        assert!(!w.fill(2));
        assert!(!w.skip_to(101));
    }
}
