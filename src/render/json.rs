//! Documents as JSON, for programs and for tickets.
//!
//! A document is the data itself. What JSON leaves raw though a terminal
//! obeys it (DEL, C1, bidirectional controls) is escaped as `\uNNNN`, which
//! reads back as the same string. Refuses to leave anything out.

use super::sanitise::is_unsafe;
use serde::Serialize;
use std::fmt::Write as _;

/// A whole document, indented, with a line feed at the end.
#[must_use]
pub fn json<T: Serialize>(document: &T) -> String {
    // Every key is a string and every value plain data, so this cannot fail;
    // were it to, the reader gets a document that says so and no empty file.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_else(failed);
    text.push('\n');
    shown(text)
}

/// One document a line, for programs that read line by line.
#[must_use]
pub fn ndjson<T: Serialize>(documents: &[T]) -> String {
    let mut text = String::new();
    for document in documents {
        text.push_str(&serde_json::to_string(document).unwrap_or_else(failed));
        text.push('\n');
    }
    shown(text)
}

fn failed(why: serde_json::Error) -> String {
    serde_json::json!({ "error": why.to_string() }).to_string()
}

/// With nothing raw that a terminal obeys.
fn shown(text: String) -> String {
    if !text.contains(|c| c != '\n' && is_unsafe(c)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if c == '\n' || !is_unsafe(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures;
    use crate::report::Report;

    #[test]
    fn it_reads_back_as_the_same_report() {
        for report in [
            fixtures::hairpin(),
            fixtures::healthy(),
            fixtures::hostile("\x1b]0;x\x07\u{9b}2J\u{202e}\u{e0001}\x7f\r\n\"\\"),
        ] {
            let text = json(&report);
            assert_eq!(serde_json::from_str::<Report>(&text).ok(), Some(report));
            assert!(text.ends_with("}\n"));
        }
    }

    #[test]
    fn nothing_in_it_steers_a_terminal() {
        let text = json(&fixtures::hostile("\x1b[2J\u{9b}31m\u{202e}\u{e0001}\x7f"));
        assert!(!text.contains(|c| c != '\n' && is_unsafe(c)));
    }
}
