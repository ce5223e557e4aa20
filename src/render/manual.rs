//! A detector's manual page for a terminal.
//!
//! The pages are Markdown of a small kind: headings, paragraphs, lists, fenced
//! code, tables kept as they are. Headings stand at the margin, text is
//! indented and wrapped, code is indented and never wrapped, so that it can be
//! pasted. Refuses to be a Markdown implementation: what it does not know is
//! printed as text.

use super::Style;
use super::ink::{Ink, Tone};
use super::measure::{blanks, hang, verbatim};
use super::sanitise::clean;

/// Columns by which text stands in from its heading.
const BODY: usize = 4;

/// Columns by which code stands in from the text around it.
const CODE: usize = 4;

/// `markdown` laid out for `style.width` columns, headings bold where colour is
/// allowed. Ends with a line feed.
#[must_use]
pub fn page(markdown: &str, style: &Style) -> String {
    let mut page =
        Page { ink: style.ink(), width: style.prose(), lines: Vec::new(), pending: None };
    let mut fence: Option<Fence> = None;
    for line in markdown.lines() {
        if let Some(open) = &fence {
            if open.closed_by(line) {
                fence = None;
            } else {
                page.code(open.strip(line), open.indent);
            }
        } else if let Some(open) = Fence::open(line) {
            page.flush();
            fence = Some(open);
        } else {
            page.line(line);
        }
    }
    page.finish()
}

/// A fenced block of code: its mark and how deep it stands in a list.
struct Fence {
    mark: String,
    indent: usize,
}

impl Fence {
    fn open(line: &str) -> Option<Self> {
        let trimmed = line.trim_start();
        let mark: String = match trimmed.chars().next()? {
            c @ ('`' | '~') => trimmed.chars().take_while(|m| *m == c).collect(),
            _ => return None,
        };
        (mark.len() >= 3).then(|| Self { indent: line.len() - trimmed.len(), mark })
    }

    fn closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.starts_with(&self.mark) && line.chars().all(|c| self.mark.starts_with(c))
    }

    fn strip<'a>(&self, line: &'a str) -> &'a str {
        let own = line.len() - line.trim_start_matches(' ').len();
        line.get(own.min(self.indent)..).unwrap_or(line)
    }
}

/// A paragraph or list item that is still being read.
struct Pending {
    lead: String,
    text: String,
}

struct Page {
    ink: Ink,
    width: usize,
    lines: Vec<String>,
    pending: Option<Pending>,
}

impl Page {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() {
            self.flush();
            self.blank();
        } else if let Some((level, title)) = heading(text) {
            self.flush();
            self.blank();
            let indent = blanks(BODY / 2 * usize::from(level > 2));
            for line in hang(&indent, &plain(title), self.width) {
                let shown = self.ink.paint(Tone::Strong, line.trim_start());
                self.lines.push(format!("{indent}{shown}"));
            }
        } else if text.starts_with('|') {
            self.flush();
            self.code(text, 0);
        } else if let Some((mark, rest)) = item(text) {
            self.flush();
            let depth = line.len() - line.trim_start().len();
            self.pending = Some(Pending {
                lead: format!("{}{mark} ", blanks(BODY + depth.min(12))),
                text: rest.to_owned(),
            });
        } else if let Some(open) = &mut self.pending {
            open.text.push(' ');
            open.text.push_str(text);
        } else {
            self.pending = Some(Pending { lead: blanks(BODY), text: text.to_owned() });
        }
    }

    fn code(&mut self, line: &str, depth: usize) {
        let indent = blanks(BODY + CODE + depth.min(12));
        let line = verbatim(line).concat();
        self.lines.push(format!("{indent}{line}").trim_end().to_owned());
    }

    /// Ends the open paragraph or item.
    fn flush(&mut self) {
        let Some(open) = self.pending.take() else {
            return;
        };
        // Bold marks count as columns while wrapping, with colour or without,
        // so that both have the same lines.
        let mut bold = false;
        for line in hang(&open.lead, &links(&open.text), self.width) {
            let line = self.bold(&line, &mut bold);
            self.lines.push(line);
        }
    }

    /// `**` pairs painted, the marks left out; `bold` goes on from line to line.
    fn bold(&self, line: &str, bold: &mut bool) -> String {
        let mut out = String::with_capacity(line.len());
        for (n, piece) in line.split("**").enumerate() {
            if n > 0 {
                *bold = !*bold;
            }
            let tone = if *bold { Tone::Strong } else { Tone::Plain };
            let text = piece.trim_start();
            out.push_str(&blanks(piece.len() - text.len()));
            out.push_str(&self.ink.paint(tone, text));
        }
        out
    }

    /// One empty line, never two, none at the top.
    fn blank(&mut self) {
        if self.lines.last().is_some_and(|l| !l.is_empty()) {
            self.lines.push(String::new());
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        let mut out = self.lines.join("\n");
        out.push('\n');
        out
    }
}

/// Level and title of `# Title`.
fn heading(text: &str) -> Option<(usize, &str)> {
    let title = text.trim_start_matches('#');
    let level = text.len() - title.len();
    ((1..=6).contains(&level) && title.starts_with(' ')).then(|| (level, title.trim()))
}

/// Mark and text of `- item`, `* item`, `12. item`.
fn item(text: &str) -> Option<(&str, &str)> {
    let (mark, rest) = text.split_once(' ')?;
    let number = mark
        .strip_suffix(['.', ')'])
        .is_some_and(|n| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()));
    match mark {
        "-" | "*" | "+" => Some(("-", rest.trim_start())),
        _ if number => Some((mark, rest.trim_start())),
        _ => None,
    }
}

/// A heading without marks: it is bold already.
fn plain(text: &str) -> String {
    clean(&text.replace("**", "").replace('`', "")).into_owned()
}

/// `[text](address)` as `text (address)`.
fn links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let link = after.split_once("](").and_then(|(name, tail)| {
            let (address, tail) = tail.split_once(')')?;
            let simple = !name.contains(['[', ']']) && !address.contains(char::is_whitespace);
            simple.then_some((name, address, tail))
        });
        if let Some((name, address, tail)) = link {
            out.push_str(&format!("{name} ({address})"));
            rest = tail;
        } else {
            out.push('[');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures::strip;

    const PAGE: &str = "# syn-refused\n\nThe SYN is answered with **RST, and not by\nthe client**; see [RFC 9293](https://rfc/9293).\n\n## What settles it\n\n- On the real server, whether anything listens on the port at\n  all:\n\n  ```sh\n  ss -ltn 'sport = :80'    # nothing: that is it, and this line is longer than sixty columns\n  ```\n- `nstat -az`\n\n1. first\n2. second\n";

    fn style(colour: bool) -> Style {
        Style { colour, width: 60, ..Style::default() }
    }

    #[test]
    fn a_page_is_laid_out() {
        insta::assert_snapshot!(page(PAGE, &style(false)), @r"
    syn-refused

        The SYN is answered with RST, and not by the client;
        see RFC 9293 (https://rfc/9293).

    What settles it

        - On the real server, whether anything listens on the
          port at all:

              ss -ltn 'sport = :80'    # nothing: that is it, and this line is longer than sixty columns
        - `nstat -az`

        1. first
        2. second
    ");
    }

    #[test]
    fn colour_changes_nothing_else() {
        let coloured = page(PAGE, &style(true));
        assert!(coloured.contains('\x1b'));
        assert_eq!(strip(&coloured), page(PAGE, &style(false)));
    }

    #[test]
    fn odd_pages_are_printed_and_stay_tame() {
        for text in [
            "",
            "\n\n",
            "```\nnever closed",
            "[a](b",
            "[[a](b)](c)",
            "**",
            "# ",
            "#",
            "|",
            "- ",
            "- \x1b[2J",
            "```\n\x1b[2J\u{202e}\n```",
            "# \x1b[2J",
            "a\rb",
            "* * *",
            "1.",
            "[a](b\x1b)",
        ] {
            let out = page(text, &style(false));
            assert!(out.ends_with('\n'));
            assert!(
                !out.contains(|c| c != '\n' && crate::render::sanitise::is_unsafe(c)),
                "{text:?}"
            );
        }
    }
}
