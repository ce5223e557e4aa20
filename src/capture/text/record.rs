//! The lines of one packet, put together again where a terminal, a mail program or an editor
//! broke them.

use super::ends::Names;
use super::open::Open;
use super::shown::Shown;
use super::{ascii, packet, tshark, verbose};
use std::borrow::Cow;

/// Text of a packet that is kept.
const MOST: usize = 64 << 10;
/// Bytes of a dump that are kept.
const MOST_BYTES: usize = 256 << 10;
/// Breaks that are tried as breaks inside a word: each doubles the work.
const TRIED: usize = 6;

/// Headings of details that evidence shows.
const HEADS: usize = 8;

/// Who printed a packet.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Printer {
    Tcpdump,
    Tshark,
    /// Details (`tshark -V`).
    Verbose,
    /// A dump without a line above it.
    Dump,
}

/// A packet whose lines are being collected.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) printer: Printer,
    /// Its lines, with line breaks between them.
    pub(super) text: String,
    /// The first of them as it was pasted, where it was put otherwise to be read.
    pasted: Option<String>,
    pub(super) bytes: Vec<u8>,
    /// Line and offset of its first line.
    pub(super) line: u64,
    pub(super) offset: u64,
    /// No more text belongs to it.
    pub(super) closed: bool,
    /// Dumps that follow are of something made of several packets.
    pub(super) dumped: bool,
}

impl Record {
    pub(super) fn new(printer: Printer, text: &str, line: u64, offset: u64) -> Self {
        let text = text.trim_end().to_owned();
        let (pasted, bytes) = (None, Vec::new());
        Self { printer, text, pasted, bytes, line, offset, closed: false, dumped: false }
    }

    /// With its first line as it was pasted.
    pub(super) fn pasted(self, line: &str) -> Self {
        Self { pasted: Some(line.trim().to_owned()), ..self }
    }

    /// Its lines as they were pasted.
    pub(super) fn lines(&self) -> Cow<'_, str> {
        let Some(first) = &self.pasted else { return Cow::Borrowed(&self.text) };
        let rest = self.text.find('\n').map_or("", |at| &self.text[at..]);
        Cow::Owned(format!("{first}{rest}"))
    }

    /// Whether its header says that the addresses follow on the next line (`-v`), or it carries a
    /// packet that is printed there (VXLAN, Geneve, GRE).
    pub(super) fn is_open(&self) -> bool {
        let last = self.text.rsplit('\n').next().unwrap_or("");
        if self.printer != Printer::Tcpdump || self.closed {
            return false;
        }
        last.ends_with(')') && last.contains("(tos ")
            || last.contains("VXLAN, flags")
            || last.contains("OTV, flags")
            || last.contains("Geneve, Flags")
            || last.contains("GREv0, ")
    }

    pub(super) fn push(&mut self, line: &str) {
        // A mark of mail before a line that was broken behind the arrow.
        let line =
            if self.text.ends_with(" >") { line.strip_prefix("> ").unwrap_or(line) } else { line };
        if self.text.len() + line.len() < MOST {
            self.text.push('\n');
            self.text.push_str(if line == "\t" { line } else { line.trim_end() });
        }
    }

    /// Takes in a line of a dump; `false` where it does not continue what is there.
    pub(super) fn dump(&mut self, offset: Option<usize>, bytes: &[u8]) -> bool {
        let at = offset.unwrap_or(self.bytes.len());
        if at != self.bytes.len() || self.dumped {
            self.dumped = true;
            return false;
        }
        if self.bytes.len() < MOST_BYTES {
            self.bytes.extend(bytes);
        }
        true
    }

    /// What evidence shows of it: of details what stands above them.
    pub(super) fn told(&self) -> String {
        match self.printer {
            Printer::Verbose => {
                let heads = self.text.lines().filter(|line| !line.starts_with([' ', '\t']));
                heads.take(HEADS).collect::<Vec<_>>().join("\n")
            }
            _ => self.lines().into_owned(),
        }
    }

    /// What the lines say. Breaks are blanks; where that makes no sense, breaks inside words.
    pub(super) fn read(&self, names: &mut Names, open: &mut Open) -> Option<Shown> {
        let first = self.one(&self.text, names, open);
        if first.as_ref().is_some_and(|shown| shown.clean)
            || matches!(self.printer, Printer::Dump | Printer::Verbose)
        {
            return first;
        }
        let breaks: Vec<usize> =
            self.text.match_indices('\n').map(|(at, _)| at).take(TRIED).collect();
        let mut found = first;
        for choice in 1..1_u32 << breaks.len() {
            let mut text = String::with_capacity(self.text.len());
            let mut from = 0;
            for (n, at) in breaks.iter().enumerate() {
                if choice >> n & 1 == 1 {
                    text.push_str(self.text.get(from..*at).unwrap_or(""));
                    let after = &self.text[at + 1..];
                    // One blank stood there when the line was broken; more are an indentation.
                    let indented = after.starts_with("  ") || after.starts_with('\t');
                    let kept = if indented { after.trim_start() } else { after };
                    from = (self.text.len() - kept.len()).max(at + 1);
                }
            }
            text.push_str(&self.text[from.min(self.text.len())..]);
            let shown = self.one(&text, names, open);
            if shown.as_ref().is_some_and(|shown| shown.clean) {
                return shown;
            }
            found = found.or(shown);
        }
        // What goes on behind a break in place of a blank is still of the first line.
        let flat = self.one(&self.text.replace('\n', " "), names, open);
        if flat.as_ref().is_some_and(|shown| shown.clean) {
            return flat;
        }
        found.or(flat)
    }

    fn one(&self, text: &str, names: &mut Names, open: &mut Open) -> Option<Shown> {
        match self.printer {
            Printer::Tcpdump => {
                let mut shown = packet::parse(text, names)?;
                ascii::payload(&self.text, &mut shown);
                Some(shown)
            }
            Printer::Tshark => tshark::parse(text, names, open),
            Printer::Verbose => verbose::parse(text),
            Printer::Dump => Some(Shown::default()),
        }
    }
}
