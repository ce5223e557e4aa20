//! The one gate between foreign strings and a terminal.
//!
//! Interface names, paths, host names, HTTP methods and comments of a capture
//! file are written by whoever made the capture. Raw, they could clear the
//! screen, change the title, type into the shell's input on some terminals, or
//! turn the reading direction so that a command reads differently from what is
//! pasted. [`clean`] turns every such character into visible text. It refuses
//! to judge the visible ones: a letter of any script passes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether `c` acts on the terminal or on its neighbours instead of showing.
///
/// C0, DEL and C1 controls (ISO 6429); bidirectional controls (Unicode UAX #9);
/// line and paragraph separators; and characters that are invisible by
/// definition (zero width, variation selectors, tags: `Default_Ignorable` of
/// the Unicode Character Database), with which two different names look alike.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}'
                | '\u{034F}'
                | '\u{061C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// Bytes that are looked at together.
const TOGETHER: usize = 64;

/// Whether `text` has an unsafe character, line feeds aside. Nearly all text is printable ASCII, which is
/// passed over many bytes at a time.
pub(super) fn has_unsafe(text: &str) -> bool {
    let plain = |all: bool, byte: &u8| all & matches!(byte, b' '..=b'~' | b'\n');
    let mut rest = text;
    while !rest.is_empty() {
        let chunks = rest.as_bytes().chunks(TOGETHER);
        let passed = chunks.take_while(|chunk| chunk.iter().fold(true, plain)).count() * TOGETHER;
        let Some(odd) = rest.get(passed..) else { return false };
        // The rest of the chunk, or as much of it as ends with a character.
        let end = (TOGETHER..).find(|end| *end >= odd.len() || odd.is_char_boundary(*end));
        let (some, after) = odd.split_at(end.unwrap_or_default().min(odd.len()));
        if some.contains(|c| c != '\n' && is_unsafe(c)) {
            return true;
        }
        rest = after;
    }
    false
}

/// `text` with every unsafe character written out: `\xNN` up to U+00FF,
/// `\u{..}` above. Line feeds are unsafe too; split lines first. Cleaning what
/// is clean changes nothing.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if !is_unsafe(c) {
            out.push(c);
            continue;
        }
        let code = u32::from(c);
        // Writing to a String cannot fail.
        let _ = if code <= 0xff {
            write!(out, "\\x{code:02x}")
        } else {
            write!(out, "\\u{{{code:x}}}")
        };
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_passes_unchanged_and_uncopied() {
        for text in ["", "eth0", "Pfad/zur Datei", "接口", "± 0.2 ms ▸ │ ✗"] {
            assert!(matches!(clean(text), Cow::Borrowed(t) if t == text));
        }
    }

    #[test]
    fn controls_are_spelled_out() {
        assert_eq!(clean("a\x1b[2Jb"), "a\\x1b[2Jb");
        assert_eq!(clean("\x7f\r\n\t\0"), "\\x7f\\x0d\\x0a\\x09\\x00");
        assert_eq!(clean("\u{9b}31m"), "\\x9b31m");
    }

    #[test]
    fn reading_direction_cannot_be_turned() {
        assert_eq!(clean("a\u{202e}b\u{2066}c"), "a\\u{202e}b\\u{2066}c");
    }

    #[test]
    fn nothing_invisible_is_left_and_cleaning_is_idempotent() {
        for code in 0..=0x10_ffff_u32 {
            let Some(c) = char::from_u32(code) else {
                continue;
            };
            if is_unsafe(c) {
                let once = clean(c.encode_utf8(&mut [0; 4])).into_owned();
                assert!(once.is_ascii() && !once.contains(is_unsafe), "U+{code:04X}");
                assert_eq!(clean(&once), once);
            }
        }
    }
}
