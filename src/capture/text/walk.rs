//! The pass over a text: lines in, frames out.

use super::clean::{LONGEST, clean};
use super::clock::{Clock, Timing};
use super::columns::Columns;
use super::dns::Questions;
use super::ends::Names;
use super::numbers::Numbers;
use super::open::Open;
use super::quote::Sent;
use super::record::{Printer, Record};
use super::sections::{self, Sections};
use super::shown::{Shown, Stamp};
use super::start::{self, Start};
use super::{Facts, build, fortigate, hex, joined, verbose};
use crate::capture::collect::{Collector, Sink};
use crate::capture::source::ReadBuffer;
use crate::capture::types::Mark;
use crate::capture::{Frame, Interface, LinkType, Timestamp};
use std::borrow::Cow;

/// Bytes of a line that a message repeats.
const REPEATED: usize = 60;
/// A packet this much before the one before it, behind other lines, is of another capture:
/// tcpdump prints in order, but for what several processors bring.
const BACK_NS: i64 = 1_000_000;

/// What the pass found besides frames.
pub(in crate::capture) struct Walked {
    pub(in crate::capture) interfaces: Vec<Interface>,
    pub(in crate::capture) facts: Facts,
}

/// Walks a text to its end, or to where the collector wants no more.
pub(in crate::capture) fn walk<F: Sink>(
    window: &mut ReadBuffer<'_>,
    timing: Timing,
    collector: &mut Collector<'_, F>,
    lines: Option<&mut Lines>,
) -> Walked {
    let mut walk = Walk {
        collector,
        timing,
        clock: Clock::new(timing),
        names: Names::default(),
        numbers: Numbers::default(),
        sent: Sent::default(),
        questions: Questions::default(),
        open: Open::default(),
        sections: Sections::default(),
        columns: Columns::default(),
        facts: Facts::default(),
        frame: Vec::new(),
        record: None,
        timed: false,
        passed: None,
        done: false,
        lines,
    };
    let mut line = 0;
    while !walk.done && window.fill(1) {
        let offset = window.offset();
        let (length, skip, long) = next_line(window);
        line += 1;
        let text = clean(&window.data()[..length]);
        match joined::parts(&text) {
            None => walk.line(&text, line, offset),
            Some(parts) => parts.into_iter().for_each(|part| walk.line(part, line, offset)),
        }
        window.skip_to(offset + skip as u64);
        skip_rest(window, long);
    }
    walk.finish();
    walk.facts.names = std::mem::take(&mut walk.names.list);
    walk.facts.services = std::mem::take(&mut walk.names.services);
    walk.facts.lines = line;
    walk.facts.devices = walk.sections.devices();
    Walked { interfaces: walk.sections.interfaces(), facts: walk.facts }
}

/// Bytes of the next line, and with what ends it; of one that is longer than is read the beginning,
/// and that there is more.
fn next_line(window: &mut ReadBuffer<'_>) -> (usize, usize, bool) {
    let mut looked = 0;
    loop {
        let data = window.data();
        if let Some(at) = data[looked..].iter().position(|b| *b == b'\n') {
            let at = looked + at;
            return (at.min(LONGEST), at + 1, false);
        }
        looked = data.len();
        if looked >= LONGEST {
            return (LONGEST, LONGEST, true);
        }
        if !window.fill(looked + 1) {
            return (looked, looked, false);
        }
    }
}

/// Steps over what is left of a line that is too long.
fn skip_rest(window: &mut ReadBuffer<'_>, long: bool) {
    while long && window.fill(1) {
        match window.data().iter().position(|b| *b == b'\n') {
            Some(at) => {
                window.consume(at + 1);
                return;
            }
            None => {
                let n = window.data().len();
                window.consume(n);
            }
        }
    }
}

struct Walk<'c, 's, F> {
    collector: &'c mut Collector<'s, F>,
    timing: Timing,
    clock: Clock,
    names: Names,
    numbers: Numbers,
    sent: Sent,
    questions: Questions,
    open: Open,
    sections: Sections,
    columns: Columns,
    facts: Facts,
    frame: Vec<u8>,
    record: Option<Record>,
    /// Packets have a time, so one without is rather a part of one.
    timed: bool,
    /// What stood between the packets: the latest line that may be a heading.
    passed: Option<String>,
    done: bool,
    lines: Option<&'c mut Lines>,
}

/// Lines of frames that are asked for.
#[derive(Debug, Default)]
pub(in crate::capture) struct Lines {
    /// Numbers of frames, in order.
    pub(in crate::capture) wanted: Vec<u32>,
    /// The number, the line where its packet begins, and what stands there.
    pub(in crate::capture) found: Vec<(u32, u64, String)>,
}

impl Lines {
    fn note(&mut self, number: u32, record: &Record) {
        if self.wanted.binary_search(&number).is_ok() {
            self.found.push((number, record.line, record.told()));
        }
    }
}

impl<F: Sink> Walk<'_, '_, F> {
    fn line(&mut self, text: &str, line: u64, offset: u64) {
        let pasted = text;
        let row = self.columns.line(text);
        let put = fortigate::line(&row);
        let rewritten = matches!(row, Cow::Owned(_)) || matches!(put, Cow::Owned(_));
        let text: &str = &put;
        if text.trim().is_empty() {
            if let Some(record) = &mut self.record {
                // The line that ends the head of HTTP is printed with its indentation.
                match text.starts_with('\t') && !record.closed {
                    true => record.push("\t"),
                    false => record.closed = true,
                }
            }
            return;
        }
        if let Some((at, bytes)) = hex::line(text) {
            self.dump(at, &bytes, line, offset);
            return;
        }
        if let Some(start) = start::find(text).filter(|start| self.is_start(start)) {
            self.without_summary(&start, text);
            self.finish();
            if self.done {
                return;
            }
            self.begin(&start);
            let record = Record::new(start.printer, &text[start.at..], line, offset);
            self.record = Some(if rewritten { record.pasted(pasted) } else { record });
            return;
        }
        if let Some(heading) = sections::heading(text) {
            self.finish();
            self.sections.head(heading, self.collector.number);
            self.clock = Clock::new(self.timing);
            self.passed = None;
            self.facts.aside.push(line, text);
            return;
        }
        if let Some(record) = self.record.as_mut().filter(|record| !record.closed)
            && (record.printer == Printer::Verbose || !sections::is_aside(text))
        {
            record.push(text);
            return;
        }
        if let Some(record) = &mut self.record {
            record.closed = true;
        }
        self.facts.passed_over(line, text);
        self.passed = Some(text.trim().to_owned());
    }

    /// Whether a packet begins, and not the second line of one.
    fn is_start(&self, start: &Start) -> bool {
        if start.stamp != Stamp::None || start.printer != Printer::Tcpdump {
            return true;
        }
        match &self.record {
            Some(record) if record.is_open() => false,
            // In a text with times, a line without one goes on with what is there.
            Some(record) => !self.timed || record.closed,
            None => true,
        }
    }

    /// Wireshark exports the line of a packet above its details: these tell all that it does.
    fn without_summary(&mut self, start: &Start, text: &str) {
        let number = if start.printer == Printer::Verbose { verbose::number(text) } else { None };
        let own = |record: &Record| {
            let first = record.text.split_whitespace().next();
            record.printer == Printer::Tshark && first.and_then(|n| n.parse().ok()) == number
        };
        if number.is_some() && self.record.as_ref().is_some_and(own) {
            self.record = None;
        }
    }

    /// Sees to what a first line says: whether another capture begins here.
    fn begin(&mut self, start: &Start) {
        self.timed |= start.stamp != Stamp::None || start.printer != Printer::Tcpdump;
        if let Some(heading) = self.passed.take()
            && self.clock.is_back(start.stamp, BACK_NS)
        {
            self.sections.head(sections::name(&heading), self.collector.number);
            self.clock = Clock::new(self.timing);
        }
    }

    fn dump(&mut self, at: Option<usize>, bytes: &[u8], line: u64, offset: u64) {
        let fresh = match &self.record {
            None => at == Some(0),
            Some(record) => {
                record.printer == Printer::Dump && at == Some(0) && !record.bytes.is_empty()
            }
        };
        if fresh {
            self.finish();
            if self.done {
                return;
            }
            self.record = Some(Record::new(Printer::Dump, "", line, offset));
        }
        if let Some(record) = &mut self.record {
            record.dump(at, bytes);
        }
    }

    /// The lines of a packet are complete.
    fn finish(&mut self) {
        let Some(record) = self.record.take().filter(|_| !self.done) else { return };
        let mut shown = record.read(&mut self.names, &mut self.open);
        if let Some(shown) = &mut shown {
            self.sent.take(shown);
            self.questions.take(shown);
        }
        let built = match &shown {
            Some(shown) if !record.bytes.is_empty() => {
                hex::frame(shown, &record.bytes, &mut self.frame)
                    .or_else(|| build::frame(shown, &mut self.numbers, &mut self.frame))
            }
            Some(shown) => build::frame(shown, &mut self.numbers, &mut self.frame),
            None => None,
        };
        match (shown, built) {
            (Some(shown), Some(built)) => self.hand_on(&shown, built, &record),
            _ => self.unread(&record),
        }
    }

    fn hand_on(&mut self, shown: &Shown, built: build::Built, record: &Record) {
        let moment = self.clock.moment(shown.stamp);
        let interface = self.sections.take(built.link_type);
        self.facts.add(built.known, shown, !record.bytes.is_empty());
        if shown.filtered.is_some() {
            self.facts.aside.push(record.line, &record.text.replace('\n', " "));
        }
        // A dump has the index that it has.
        if shown.cooked && shown.ifindex.is_none() && record.bytes.is_empty() {
            let index = self.sections.index(shown.interface.as_deref());
            if built.link_type == LinkType::LINUX_SLL2 && self.frame.len() >= 8 {
                self.frame[4..8].copy_from_slice(&index.to_be_bytes());
            }
        }
        if self.collector.wants_mark(0) {
            self.collector.index.push(Mark { offset: 0, ..Mark::default() });
        }
        let frame = Frame {
            number: self.collector.number + 1,
            time: Timestamp(moment.unwrap_or(0)),
            interface,
            link_type: built.link_type,
            wire_len: built.wire_len,
            data: &self.frame,
            known: built.known,
        };
        let number = frame.number;
        if let Some(wanted) = self.lines.as_deref_mut() {
            wanted.note(number, record);
        }
        self.done = !self.collector.frame(&frame, moment.is_some());
    }

    /// What begins as a packet and could not be read.
    fn unread(&mut self, record: &Record) {
        if record.printer == Printer::Dump {
            return;
        }
        let line: String = record
            .lines()
            .chars()
            .take(REPEATED)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let what = format!("line {} is not understood: {line}", record.line);
        self.facts.unread += 1;
        self.collector.damaged(record.offset, &what, "the lines before and after it were read");
    }
}
