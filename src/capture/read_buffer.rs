//! A window over a byte stream: the one large buffer that records are parsed in.
//!
//! It grows only when it is full of bytes that really arrived, so no length that a file claims can
//! make it allocate.

use std::io::{self, Read};

/// The unread part of a stream, as far as it is in memory.
pub(super) struct ReadBuffer<'r> {
    source: Box<dyn Read + 'r>,
    buf: Vec<u8>,
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
    pub(super) fn new(source: Box<dyn Read + 'r>, offset: u64, chunk: usize) -> Self {
        let buf = vec![0; chunk.max(16)];
        Self {
            source,
            buf,
            start: 0,
            end: 0,
            base: offset,
            left: u64::MAX,
            ended: false,
            fault: None,
        }
    }

    /// Ends the stream after `bytes` more, whatever it holds.
    pub(super) fn limit(&mut self, bytes: u64) {
        self.left = bytes;
    }

    /// What is in memory and not consumed.
    #[inline]
    pub(super) fn data(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// Offset in the stream of the first byte of [`Self::data`].
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Forgets the first `n` bytes of [`Self::data`].
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }

    /// Why the stream broke, if it did; taken once.
    pub(super) fn take_fault(&mut self) -> Option<io::Error> {
        self.fault.take()
    }

    /// Reads until at least `need` bytes are in memory. `false`: the stream ends before that.
    pub(super) fn fill(&mut self, need: usize) -> bool {
        if self.end - self.start >= need {
            return true;
        }
        if self.ended {
            return false;
        }
        // Bytes are moved only when as many were consumed: many small steps through a long record
        // must not move it each time.
        let kept = self.end - self.start;
        if self.start >= kept {
            self.buf.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            (self.start, self.end) = (0, kept);
        }
        while self.end - self.start < need && !self.ended {
            if self.end == self.buf.len() {
                let more = self.buf.len().min(8 << 20);
                self.buf.resize(self.buf.len() + more, 0);
            }
            let room = usize::try_from(self.left).unwrap_or(usize::MAX);
            let to = self.buf.len().min(self.end.saturating_add(room));
            match self.source.read(&mut self.buf[self.end..to]) {
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

    /// Consumes up to the stream offset `target`. `false`: the stream ends before it.
    pub(super) fn skip_to(&mut self, target: u64) -> bool {
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
