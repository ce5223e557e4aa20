//! Texts in UTF-16, as PowerShell's `>` and Windows' editors write them, read as UTF-8.

use std::io::{self, BufRead, Read};

/// Reads a text in UTF-16; what is no character is U+FFFD.
pub(super) struct Utf16<R> {
    input: R,
    big: bool,
    /// The first half of a pair of surrogates.
    high: Option<u16>,
    /// Bytes that were made and not handed on.
    made: Vec<u8>,
    given: usize,
}

impl<R: BufRead> Utf16<R> {
    /// `big` where the most significant byte comes first.
    pub(super) fn new(input: R, big: bool) -> Self {
        Self { input, big, high: None, made: Vec::new(), given: 0 }
    }

    fn unit(&mut self, unit: u16) {
        let mut put = |c: char| self.made.extend(c.encode_utf8(&mut [0; 4]).bytes());
        let pair = self.high.take().map(|high| [high, unit]);
        if let Some(pair) = pair {
            for c in char::decode_utf16(pair) {
                put(c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        } else if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else if unit != 0xfeff {
            put(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }

    /// Makes more bytes; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        self.made.clear();
        self.given = 0;
        while self.made.is_empty() {
            let mut unit = [0; 2];
            let read = self.input.fill_buf()?;
            match read.len() {
                0 => return Ok(false),
                1 => {
                    // The other byte may be in the next piece; at the end of the text it is missing.
                    unit[0] = read[0];
                    self.input.consume(1);
                    if self.input.read(&mut unit[1..])? == 0 {
                        return Ok(false);
                    }
                    self.unit(if self.big {
                        u16::from_be_bytes(unit)
                    } else {
                        u16::from_le_bytes(unit)
                    });
                }
                n => {
                    let units: Vec<u16> = read
                        .chunks_exact(2)
                        .map(|b| match self.big {
                            true => u16::from_be_bytes([b[0], b[1]]),
                            false => u16::from_le_bytes([b[0], b[1]]),
                        })
                        .collect();
                    self.input.consume(n / 2 * 2);
                    units.into_iter().for_each(|unit| self.unit(unit));
                }
            }
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.made.len() && !self.more()? {
            return Ok(0);
        }
        let left = &self.made[self.given..];
        let n = left.len().min(into.len());
        into[..n].copy_from_slice(&left[..n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::Utf16;
    use std::io::{BufReader, Read};

    #[test]
    fn both_orders_are_read_in_pieces_of_any_size() {
        let text = "12:00:00.1 IP a \u{2192} \u{1f600}\r\n";
        let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        for (bytes, order) in [(&little, false), (&big, true)] {
            for piece in [1, 3, 64] {
                let input = BufReader::with_capacity(piece, bytes.as_slice());
                let mut read = String::new();
                Utf16::new(input, order).read_to_string(&mut read).unwrap();
                assert_eq!(read, text, "{piece}");
            }
        }
        let mut cut = String::new();
        let half = BufReader::new(&little[..little.len() - 1]);
        Utf16::new(half, false).read_to_string(&mut cut).unwrap();
        assert_eq!(cut, &text[..text.len() - 1]);
    }
}
