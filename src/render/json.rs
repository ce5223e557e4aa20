//! The report as JSON, for programs and for tickets.
//!
//! The document is the report itself. What JSON leaves raw though a terminal
//! obeys it (DEL, C1, bidirectional controls) is escaped as `\uNNNN`, which
//! reads back as the same string. Refuses to leave anything out.

use super::sanitise::is_unsafe;
use crate::report::Report;
use std::fmt::Write as _;

/// The whole report, indented, with a line feed at the end.
#[must_use]
pub fn json(report: &Report) -> String {
    // Every key is a string and every value plain data, so this cannot fail;
    // were it to, the reader gets a document that says so and no empty file.
    let mut text = serde_json::to_string_pretty(report)
        .unwrap_or_else(|why| serde_json::json!({ "error": why.to_string() }).to_string());
    text.push('\n');
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
