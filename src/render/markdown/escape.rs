//! Text in Markdown that stays text.
//!
//! Words pass as they are, so that the source reads well. A word that holds a
//! character with a meaning in Markdown, HTML, or in what GitHub and GitLab look
//! for afterwards (mentions, references, links, formulas, commands) becomes a code
//! span, in which none of them has one. A backslash would not do: mentions and
//! references are looked for after backslashes are gone.

use super::super::sanitise::clean;

/// Characters that have a meaning somewhere.
const MARKUP: &str = "`*_[]<>\\|~@#$%&^{}!";

/// Punctuation that may stand around a word.
const BEFORE: [char; 3] = ['(', '"', '\''];
const AFTER: [char; 8] = [')', '"', '\'', '.', ',', ';', ':', '?'];

/// Running text on one line, never empty.
pub(super) fn prose(raw: &str) -> String {
    let text = clean(raw.trim());
    let mut out = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let first = out.is_empty();
        if !first {
            out.push(' ');
        }
        let inner = word.trim_start_matches(BEFORE);
        let (before, _) = word.split_at(word.len() - inner.len());
        let core = inner.trim_end_matches(AFTER);
        let after = inner.get(core.len()..).unwrap_or_default();
        if needs_code(core) || (first && begins_a_block(word)) {
            out.push_str(before);
            // A span keeps what closes it, where nothing else is left.
            let (core, after) = if core.is_empty() { (inner, "") } else { (core, after) };
            out.push_str(&if core.is_empty() { String::new() } else { code(core) });
            out.push_str(after);
        } else {
            out.push_str(word);
        }
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

fn needs_code(word: &str) -> bool {
    let arrow = matches!(word, ">" | "->");
    let hash = word.len() >= 7
        && word.chars().all(|c| c.is_ascii_hexdigit())
        && word.contains(|c: char| c.is_ascii_alphabetic());
    !arrow
        && (word.contains(|c| MARKUP.contains(c))
            || word.contains("://")
            || word.to_ascii_lowercase().contains("www.")
            || word.starts_with('/')
            // Emoji, and addresses that look like them: `2001:100:1`.
            || (word.matches(':').count() > 1 && !is_clock(word))
            || hash)
}

/// `07:41:51.529`.
fn is_clock(word: &str) -> bool {
    let (clock, fraction) = word.split_once('.').unwrap_or((word, ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    digits(fraction) && clock.split(':').all(|part| part.len() == 2 && digits(part))
}

/// Whether a line that begins with this word would be a list, a rule, a heading.
fn begins_a_block(word: &str) -> bool {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    word.starts_with(['-', '+', '=', '>', ':', '/'])
        || (rest.len() < word.len() && matches!(rest, "." | ")"))
}

/// A code span that holds `raw`, whatever it is.
/// <https://github.github.com/gfm/#code-spans>
pub(super) fn code(raw: &str) -> String {
    let text = clean(raw.trim());
    let ticks = "`".repeat(longest_run(&text) + 1);
    // One blank inside is taken off again where both ends have one.
    let edge = text.is_empty() || text.starts_with('`') || text.ends_with('`');
    let blank = if edge { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

/// A fenced code block, its fence longer than any in it.
/// <https://github.github.com/gfm/#fenced-code-blocks>
pub(super) fn fence(language: &str, raw: &str) -> String {
    let ticks = "`".repeat((longest_run(raw) + 1).max(3));
    let mut out = format!("{ticks}{language}\n");
    for line in raw.trim_end_matches('\n').split('\n') {
        out.push_str(clean(line.trim_end()).as_ref());
        out.push('\n');
    }
    out.push_str(&ticks);
    out.push('\n');
    out
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A line with its code spans taken out.
#[cfg(test)]
pub(super) fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let mut from = ticks;
        let end = loop {
            let Some(next) = rest[from..].find('`') else { break None };
            let start = from + next;
            let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
            if run == ticks {
                break Some(start + run);
            }
            from = start + run;
        };
        match end {
            Some(end) => rest = &rest[end..],
            None => {
                out.push_str(&rest[..ticks]);
                rest = &rest[ticks..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_sentences_pass_unchanged() {
        for text in [
            "3 of 6 connections to 203.0.113.8:80 fail: 172.16.100.11 called the VIP",
            "The director rewrote the destination (10.0.0.1 > 10.0.0.2), and kept the source.",
            "172.16.100.11 received a SYN-ACK from itself",
            "2026-11-20 07:41:51.529 to 07:41:58.382 UTC",
        ] {
            assert_eq!(prose(text), text);
        }
    }

    #[test]
    fn words_with_a_meaning_become_code() {
        assert_eq!(prose("see (@team)."), "see (`@team`).");
        assert_eq!(prose("frame #14, 52:54:00:0d:47:99"), "frame `#14`, `52:54:00:0d:47:99`");
        assert_eq!(prose("GET http://x/*_a_*"), "GET `http://x/*_a_*`");
        assert_eq!(prose("- x"), "`-` x");
        assert_eq!(prose("1. x"), "`1`. x");
        assert_eq!(prose("/close now"), "`/close` now");
        assert_eq!(prose("a\nb"), "`a\\x0ab`");
        assert_eq!(prose(" "), "-");
        assert_eq!(prose("``` x"), "```` ``` ```` x");
    }

    #[test]
    fn spans_and_fences_outlast_what_they_hold() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(fence("sh", "echo '````'\n"), "`````sh\necho '````'\n`````\n");
        assert_eq!(fence("sh", "a\r\nb\x1b"), "```sh\na\nb\\x1b\n```\n");
        assert_eq!(without_code("x ``a`b`` y `z`"), "x  y ");
    }
}
