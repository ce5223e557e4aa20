//! Columns: measuring, padding, cutting and wrapping text for a terminal.
//!
//! Every function that hands text on cleans it first (cleaning twice changes
//! nothing), so a renderer cannot forget to. Widths are sums of the characters'
//! own widths, as textwrap counts. Refuses to cut a command: see [`verbatim`].

use super::sanitise::clean;
use textwrap::{Options, WordSplitter};
use unicode_width::UnicodeWidthChar as _;

/// Least room for running text, however deep it is indented.
const MIN_TEXT: usize = 12;

/// Columns that `text` takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// `text` in at most `max` columns, `…` standing for the lost end.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let text = clean(text);
    if columns(&text) <= max {
        return text.into_owned();
    }
    let Some(room) = max.checked_sub(1) else {
        return String::new();
    };
    let mut out = head(&text, room).trim_end().to_owned();
    out.push('…');
    out
}

/// `text` in at most `max` columns, `…` standing for the lost middle: for
/// addresses and labels, which differ at their ends.
pub(crate) fn cut_middle(text: &str, max: usize) -> String {
    let text = clean(text);
    if columns(&text) <= max {
        return text.into_owned();
    }
    let Some(room) = max.checked_sub(1) else {
        return String::new();
    };
    let tail_room = room / 2;
    let mut used = 0;
    let tail_len: usize = text
        .chars()
        .rev()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= tail_room
        })
        .map(char::len_utf8)
        .sum();
    let tail = text.get(text.len() - tail_len..).unwrap_or_default();
    format!("{}…{tail}", head(&text, room - tail_room))
}

/// The longest beginning of `text` that fits `room` columns.
fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// Spaces after `text` up to `to` columns.
pub(crate) fn pad_end(text: &str, to: usize) -> String {
    format!("{text}{}", blanks(to.saturating_sub(columns(text))))
}

/// Spaces before `text` up to `to` columns.
pub(crate) fn pad_start(text: &str, to: usize) -> String {
    format!("{}{text}", blanks(to.saturating_sub(columns(text))))
}

/// `n` spaces.
pub(crate) fn blanks(n: usize) -> String {
    " ".repeat(n)
}

/// Lines of at most `width` columns. Line feeds of `text` begin a new line;
/// words longer than a line are broken, hyphenated ids are not.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width.max(MIN_TEXT)).word_splitter(WordSplitter::NoHyphenation);
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.trim().lines() {
        let paragraph = clean(paragraph.trim());
        lines.extend(
            textwrap::wrap(&paragraph, &options).into_iter().map(std::borrow::Cow::into_owned),
        );
    }
    lines
}

/// `text` wrapped after `lead`, further lines aligned under its first word.
/// `lead` is text of this program's own; its columns are counted without paint.
pub(crate) fn hang(lead: &str, text: &str, width: usize) -> Vec<String> {
    let at = columns(lead);
    let mut lines = wrap(text, width.saturating_sub(at));
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
        .iter()
        .enumerate()
        .map(
            |(n, line)| {
                if n == 0 { format!("{lead}{line}") } else { format!("{}{line}", blanks(at)) }
            },
        )
        .collect()
}

/// The lines of a command, whole, so that they can be pasted. A tab becomes
/// four spaces: in a shell it would ask for completions.
pub(crate) fn verbatim(text: &str) -> Vec<String> {
    text.trim_end()
        .lines()
        .map(|line| clean(&line.trim_end().replace('\t', "    ")).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_counts_two_columns() {
        assert_eq!(columns("接口 eth0"), 9);
        assert_eq!(pad_end("接", 4), "接  ");
    }

    #[test]
    fn cutting_keeps_within_the_room_and_says_that_it_cut() {
        for max in 0..12 {
            for text in ["172.16.100.11", "接口接口接口接", ""] {
                assert!(columns(&cut(text, max)) <= max);
                assert!(columns(&cut_middle(text, max)) <= max);
            }
        }
        assert_eq!(cut("172.16.100.11", 9), "172.16.1…");
        assert_eq!(cut_middle("52:54:00:79:a1:5c", 11), "52:54…a1:5c");
    }

    #[test]
    fn wrapping_never_breaks_an_id_at_its_hyphen() {
        let lines = wrap("see l4-self-access-hairpin for it", 24);
        assert_eq!(lines, ["see", "l4-self-access-hairpin", "for it"]);
    }

    #[test]
    fn an_endless_word_is_broken() {
        let lines = wrap(&"x".repeat(95), 40);
        assert!(lines.iter().all(|l| columns(l) <= 40));
        assert_eq!(lines.concat(), "x".repeat(95));
    }

    #[test]
    fn a_command_keeps_its_length_and_lines() {
        let long = format!("iptables {}", "-s 10.0.0.1 ".repeat(20));
        assert_eq!(verbatim(&long), [long.trim_end()]);
        assert_eq!(verbatim("a\n\tb\x1b[0m\n"), ["a", "    b\\x1b[0m"]);
    }

    #[test]
    fn hanging_text_aligns_under_its_first_word() {
        assert_eq!(
            hang("FAILING   ", "one two three four", 22),
            ["FAILING   one two", "          three four"]
        );
    }
}
