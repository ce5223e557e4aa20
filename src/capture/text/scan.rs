//! A cursor over the text of one packet.

/// What is left of the text. Line breaks inside a packet's text are blanks.
#[derive(Copy, Clone, Debug)]
pub(super) struct Scan<'t> {
    text: &'t str,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text }
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'t str {
        self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().first().copied()
    }

    /// Steps over bytes of ASCII.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.text = self.text.get(bytes..).unwrap_or("");
    }

    /// Steps over blanks.
    pub(super) fn blanks(&mut self) -> &mut Self {
        let n = self.text.bytes().take_while(|b| is_blank(*b)).count();
        self.text = &self.text[n..];
        self
    }

    /// Steps over a prefix; a blank in it may be the end of a line.
    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let same = |(at, wanted): (&u8, u8)| *at == wanted || wanted == b' ' && *at == b'\n';
        let found = self.text.len() >= prefix.len()
            && self.text.as_bytes().iter().zip(prefix.bytes()).all(same);
        if found {
            self.skip(prefix.len());
        }
        found
    }

    /// Steps over a word that ends where it ends.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let ends = |rest: &str| !rest.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        match self.text.strip_prefix(word) {
            Some(rest) if ends(rest) => {
                self.text = rest;
                true
            }
            _ => false,
        }
    }

    /// Up to the next blank, without what stands behind it.
    pub(super) fn token(&mut self) -> &'t str {
        self.blanks();
        let n = self.text.bytes().take_while(|b| !is_blank(*b)).count();
        let (token, rest) = self.text.split_at(n);
        self.text = rest;
        token
    }

    /// Decimal digits.
    pub(super) fn number(&mut self) -> Option<u64> {
        let bytes = self.text.as_bytes();
        let mut value = 0_u64;
        let mut n = 0;
        while let Some(digit) = bytes.get(n).filter(|b| b.is_ascii_digit()) {
            value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            n += 1;
        }
        if n == 0 {
            return None;
        }
        self.text = &self.text[n..];
        Some(value)
    }

    /// Decimal digits of a number that fits.
    pub(super) fn num<T: TryFrom<u64>>(&mut self) -> Option<T> {
        let before = *self;
        let value = self.number().and_then(|n| T::try_from(n).ok());
        if value.is_none() {
            *self = before;
        }
        value
    }

    /// Hexadecimal digits, with or without 0x before them.
    pub(super) fn hex(&mut self) -> Option<u32> {
        let before = *self;
        self.eat("0x");
        let n = self.text.bytes().take_while(u8::is_ascii_hexdigit).count();
        let value = u32::from_str_radix(&self.text[..n], 16).ok();
        match value {
            Some(_) => self.text = &self.text[n..],
            None => *self = before,
        }
        value
    }

    /// A group of brackets, whatever others are in it; without its own.
    pub(super) fn group(&mut self) -> Option<&'t str> {
        let text = self.text;
        let mut depth = 0_u32;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        self.skip(at + 1);
                        return text.get(1..at);
                    }
                }
                _ if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// What stands before `end`, which is stepped over; nothing is where `end` is not there.
    pub(super) fn until(&mut self, end: &str) -> Option<&'t str> {
        let (before, after) = self.text.split_once(end)?;
        self.text = after;
        Some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::Scan;

    #[test]
    fn numbers_are_taken_whole_or_not_at_all() {
        let mut scan = Scan::new("65536, 0x1f ff");
        assert_eq!(scan.num::<u16>(), None);
        assert_eq!(scan.num::<u32>(), Some(65536));
        assert!(scan.eat(","));
        assert_eq!(scan.blanks().hex(), Some(31));
        assert_eq!((scan.token(), scan.token()), ("ff", ""));
        assert_eq!(Scan::new("99999999999999999999").number(), None);
    }

    #[test]
    fn a_word_ends_where_it_ends() {
        let mut scan = Scan::new("IP6 x");
        assert!(!scan.word("IP"));
        assert!(scan.word("IP6"));
    }
}
