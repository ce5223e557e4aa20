//! Gzip (RFC 1952) over raw inflate, several members in a row.
//!
//! flate2's own reader drops what it had unpacked in the call that meets damage. Here the bytes
//! before the damage are given first and the error comes with the next call, so that a broken
//! capture keeps every frame before the break. Zero padding after the last member is accepted, as
//! gzip(1) does.

use std::io::{self, BufRead, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const HEADER_CRC: u8 = 2;

enum State {
    Header { first: bool },
    Body,
    Trailer,
    Done,
}

/// Unpacks a gzip stream.
pub(super) struct Gunzip<R> {
    input: R,
    inflate: Decompress,
    crc: Crc,
    state: State,
    fault: Option<io::Error>,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            state: State::Header { first: true },
            fault: None,
        }
    }

    /// Reads a member header. `false`: the stream ends properly before one.
    fn header(&mut self, first: bool) -> io::Result<bool> {
        if !first {
            loop {
                let next = self.input.fill_buf()?;
                if next.is_empty() {
                    return Ok(false);
                }
                let zeros = next.iter().take_while(|b| **b == 0).count();
                if zeros == 0 {
                    break;
                }
                self.input.consume(zeros);
            }
        }
        let mut head = [0; 10];
        self.input.read_exact(&mut head)?;
        if head[..3] != [0x1f, 0x8b, 8] {
            return Err(invalid("what follows the gzip data is not gzip"));
        }
        let flags = head[3];
        if flags & EXTRA != 0 {
            let mut len = [0; 2];
            self.input.read_exact(&mut len)?;
            let len = u64::from(u16::from_le_bytes(len));
            let n = io::copy(&mut self.input.by_ref().take(len), &mut io::sink())?;
            if n != len {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 {
                self.skip_text()?;
            }
        }
        if flags & HEADER_CRC != 0 {
            self.input.read_exact(&mut [0; 2])?;
        }
        Ok(true)
    }

    /// Skips up to and with the next zero byte, without keeping what is skipped.
    fn skip_text(&mut self) -> io::Result<()> {
        loop {
            let next = self.input.fill_buf()?;
            if next.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match next.iter().position(|b| *b == 0) {
                Some(at) => {
                    self.input.consume(at + 1);
                    return Ok(());
                }
                None => {
                    let n = next.len();
                    self.input.consume(n);
                }
            }
        }
    }

    /// One step of the body: bytes unpacked, or `None` at its end.
    fn body(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let input = self.input.fill_buf()?;
            let ended = input.is_empty();
            let (had_in, had_out) = (self.inflate.total_in(), self.inflate.total_out());
            let result = self.inflate.decompress(input, into, FlushDecompress::None);
            let used = usize::try_from(self.inflate.total_in() - had_in).unwrap_or(0);
            let made = usize::try_from(self.inflate.total_out() - had_out).unwrap_or(0);
            self.input.consume(used);
            self.crc.update(&into[..made]);
            match result {
                Ok(Status::StreamEnd) => {
                    self.state = State::Trailer;
                    return Ok((made > 0).then_some(made));
                }
                Ok(_) if made > 0 => return Ok(Some(made)),
                Ok(_) if ended => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) if used == 0 => return Err(invalid("the compressed data makes no sense")),
                Ok(_) => {}
                Err(e) => {
                    let e = io::Error::new(io::ErrorKind::InvalidData, e);
                    if made == 0 {
                        return Err(e);
                    }
                    self.fault = Some(e);
                    return Ok(Some(made));
                }
            }
        }
    }

    fn trailer(&mut self) -> io::Result<()> {
        let mut tail = [0; 8];
        self.input.read_exact(&mut tail)?;
        let [a, b, c, d, e, f, g, h] = tail;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.sum()
            || u32::from_le_bytes([e, f, g, h]) != self.crc.amount()
        {
            return Err(invalid("the checksum of the unpacked data is wrong"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if let Some(e) = self.fault.take() {
            self.state = State::Done;
            return Err(e);
        }
        loop {
            match self.state {
                State::Header { first } => {
                    let more = self.header(first)?;
                    self.state = if more { State::Body } else { State::Done };
                }
                State::Body => {
                    if let Some(n) = self.body(into)? {
                        return Ok(n);
                    }
                }
                State::Trailer => {
                    self.trailer()?;
                    self.inflate.reset(false);
                    self.crc.reset();
                    self.state = State::Header { first: false };
                }
                State::Done => return Ok(0),
            }
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::Gunzip;
    use crate::capture::testkit::gzip;
    use std::io::Read;

    fn unpack(bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let ok = Gunzip::new(bytes).read_to_end(&mut out).is_ok();
        (out, ok)
    }

    #[test]
    fn members_join_and_padding_is_ignored() {
        let mut bytes = gzip(b"abc");
        bytes.extend(gzip(b"def"));
        bytes.extend([0; 512]);
        assert_eq!(unpack(&bytes), (b"abcdef".to_vec(), true));
    }

    #[test]
    fn what_is_before_a_cut_or_a_wrong_checksum_is_kept() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let whole = gzip(&text);
        let (out, ok) = unpack(&whole[..whole.len() / 2]);
        assert!(!ok && out.len() > 10_000 && text.starts_with(&out));
        let mut wrong = whole.clone();
        let at = wrong.len() - 5;
        wrong[at] ^= 1;
        assert_eq!(unpack(&wrong), (text, false));
    }

    #[test]
    fn garbage_after_the_data_is_an_error_after_the_data() {
        let mut bytes = gzip(b"abc");
        bytes.extend(b"junk and more junk");
        assert_eq!(unpack(&bytes), (b"abc".to_vec(), false));
    }
}
