//! What few streams show, as rows: closed windows, named clients, full first segments, silences, strange SACKs.

use super::{Of, SIDE, mark, stream_of};
use crate::flow::idle::{Idle, Silence};
use crate::flow::{ClosedWindow, FullFirst, Mark, Observations, Side, StrangeSacks, StreamId};
use crate::row::{Columns, Row};
use crate::wire::{Ip, Toa};

impl Row for ClosedWindow {
    const TABLE: &'static str = "closed_windows";
    const ABOUT: &'static str = "One row for each side of a stream that advertised a window of 0.";

    fn blank() -> Self {
        let mark = Mark::NONE;
        Self {
            stream: 0,
            side: Side::A,
            frames: 0,
            probes: 0,
            longest_ns: 0,
            closed: mark,
            opened: mark,
            since: mark,
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        c.word("side", SIDE, &mut self.side);
        c.num("frames", "segments with a window of 0", &mut self.frames);
        c.num("probes", "segments of the other side meanwhile", &mut self.probes);
        c.num(
            "longest_ns",
            "longest time that it stayed closed, nanoseconds",
            &mut self.longest_ns,
        );
        mark(c, "closed", "when that time began", &mut self.closed);
        mark(c, "opened", "what ended it", &mut self.opened);
    }
}

impl Row for Of<Toa> {
    const TABLE: &'static str = "named_clients";
    const ABOUT: &'static str = "One row for each stream in which a TCP option names the client.";

    fn blank() -> Self {
        Self(0, Toa { addr: Ip::default(), port: 0 })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        c.ip("named_ip", "the client's address", &mut self.1.addr);
        c.num("named_port", "its port", &mut self.1.port);
    }
}

impl Row for Of<FullFirst> {
    const TABLE: &'static str = "full_segments";
    const ABOUT: &'static str =
        "One row for each stream whose first payload leaves little room for an option.";

    fn blank() -> Self {
        Self(0, FullFirst { mark: Mark::NONE, options: 0, payload: 0 })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        mark(c, "at", "its frame", &mut self.1.mark);
        c.num("options", "bytes of TCP options", &mut self.1.options);
        c.num("payload", "bytes of payload", &mut self.1.payload);
    }
}

impl Row for Of<Idle> {
    const TABLE: &'static str = "silences";
    const ABOUT: &'static str =
        "One row for each stream that was silent for half a minute or longer.";

    fn blank() -> Self {
        let none = Mark::NONE;
        let last = Silence { before: none, after: none, by: Side::A, heard_by: Side::A };
        Self(0, Idle { last, outlived_ns: 0 })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        mark(c, "before", "last frame before the last silence", &mut self.1.last.before);
        mark(c, "after", "the frame that ended it", &mut self.1.last.after);
        c.word("side", SIDE, &mut self.1.last.by);
        c.word(
            "before_side",
            "which end sent the last frame before it, as `side`",
            &mut self.1.last.heard_by,
        );
        c.num(
            "outlived_ns",
            "longest silence before it after which both spoke, nanoseconds; 0 without",
            &mut self.1.outlived_ns,
        );
    }
}

/// What one side of a stream acknowledges that was never sent.
pub(super) struct SackRow {
    pub(super) stream: StreamId,
    pub(super) side: Side,
    pub(super) sacks: StrangeSacks,
}

impl SackRow {
    pub(super) fn of(seen: &Observations) -> impl Iterator<Item = Self> {
        let all = seen.side_tables.sacks.0.iter();
        let mut rows: Vec<Self> = all
            .map(|((stream, side), sacks)| Self { stream: *stream, side: *side, sacks: *sacks })
            .collect();
        rows.sort_unstable_by_key(|row| (row.stream, row.side));
        rows.into_iter()
    }
}

impl Row for SackRow {
    const TABLE: &'static str = "strange_sacks";
    const ABOUT: &'static str = "One row for each side of a stream that acknowledges, beyond a gap, bytes that the other side never sent.";

    fn blank() -> Self {
        Self { stream: 0, side: Side::A, sacks: StrangeSacks::default() }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.stream);
        c.word("side", SIDE, &mut self.side);
        c.num("segments", "how many do so", &mut self.sacks.count);
        mark(c, "first", "the first of them", &mut self.sacks.first);
        c.num("left", "where its first block begins, counted from the ISN", &mut self.sacks.left);
        c.num("sent", "what had been sent by then, counted alike", &mut self.sacks.sent);
    }
}
