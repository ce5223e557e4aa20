//! Links as rows, in the order in which their flow used them.

use super::mark;
use crate::flow::{Flow, Hop, HopId, Link, LinkId, Mark, Observations, Stream, StreamId};
use crate::row::{Columns, Row, words};
use crate::wire::Direction;

words!(Direction {
    Direction::Unknown => "unknown",
    Direction::In => "in",
    Direction::Group => "group",
    Direction::OtherHost => "other-host",
    Direction::Out => "out",
});

impl Row for Hop {
    const TABLE: &'static str = "hops";
    const ABOUT: &'static str = "One row for each way past a vantage: a link header with a TTL.";
    const NUMBER: (&'static str, &'static str) =
        ("hop", "number of the hop within its vantage, by which `links` and `icmp_errors` name it");

    fn blank() -> Self {
        Self::default()
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.num(
            "ifindex",
            "interface index on the capturing host (SLL2), 0 elsewhere",
            &mut self.link.ifindex,
        );
        c.word(
            "direction",
            "as cooked captures tell it: `in`, `out`, `group`, `other-host`, else `unknown`",
            &mut self.link.direction,
        );
        c.some_mac("src_mac", "sender", &mut self.link.src);
        c.some_mac("dst_mac", "receiver", &mut self.link.dst);
        c.num("overlay", "the MACs are those of a frame inside an overlay", &mut self.link.overlay);
        c.num("ttl", "time to live or hop limit, 0 where it is not known", &mut self.ttl);
    }
}

/// A link that is yet to come.
pub(super) fn blank() -> Link {
    Link::new(HopId(0), Mark::NONE)
}

/// Whose link it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Client,
    Server,
}

words!(By { By::Client => "client", By::Server => "server" });

/// A link with what is said of it elsewhere.
#[derive(Clone, Copy)]
pub(super) struct LinkRow {
    stream: Option<StreamId>,
    by: By,
    /// Its highest sequence number is this far below its flow's.
    behind: Option<u32>,
    link: Link,
    /// First and last frame, where they are not those of its flow.
    first: Mark,
    last: Mark,
    hole: (u32, u32),
    first_repeat: Mark,
}

impl Row for LinkRow {
    const TABLE: &'static str = "links";
    const ABOUT: &'static str = "One row for each way that a flow took past a vantage, in the order in which it used them: a balancer's capture shows a flow that it forwards on two, a loop shows one a TTL.";
    const NUMBER: (&'static str, &'static str) =
        ("link", "number of the link within its vantage, by which other tables name it");

    fn blank() -> Self {
        let link = blank();
        Self {
            stream: None,
            by: By::Client,
            behind: None,
            link,
            first: Mark::NONE,
            last: Mark::NONE,
            hole: (0, 0),
            first_repeat: Mark::NONE,
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.some(
            "stream",
            "number of its stream; none where that was let go under a flood",
            &mut self.stream,
        );
        c.word("by", "who sent: `client` or `server`, as in `streams`", &mut self.by);
        let link = &mut self.link;
        c.num("hop", "number of its hop, as in `hops`", &mut link.hop.0);
        c.num("packets", "frames", &mut link.packets);
        mark(c, "first", "first frame, where it is not the first of its flow", &mut self.first);
        mark(c, "last", "last frame, where it is not the last of its flow", &mut self.last);
        c.num("first_id", "IPv4 identification of the first frame", &mut link.first_id);
        c.num("syns", "SYN or SYN-ACK transmissions", &mut link.syns);
        c.num("retransmissions", "segments that sent bytes again", &mut link.retransmissions);
        c.num("copies", "copies of packets that the capture itself made", &mut link.copies);
        c.some("behind", "bytes of its flow beyond all that passed here; none where nothing had a sequence number", &mut self.behind);
        c.num("missing", "bytes below the highest that never passed here", &mut self.hole.0);
        c.num("missing_end", "sequence number after the last of them", &mut self.hole.1);
        mark(c, "first_repeat", "first frame that sent bytes again", &mut self.first_repeat);
    }
}

/// What rows of links take of a stream. It is noted where streams are written, since in the order of
/// services each lies somewhere else.
pub(super) struct Ways {
    stream: StreamId,
    time: i64,
    flows: [(By, Way); 2],
}

/// The same of a flow.
struct Way {
    link: LinkId,
    first: Mark,
    last: Mark,
    end_seq: u32,
}

impl Way {
    fn of(flow: &Flow) -> Self {
        Self { link: flow.link, first: flow.first, last: flow.last, end_seq: flow.end_seq }
    }
}

impl Ways {
    pub(super) fn of(id: StreamId, time: i64, stream: &Stream) -> Self {
        let client = stream.client();
        let way = |by, side| (by, Way::of(stream.flow(side)));
        let flows = [way(By::Client, client), way(By::Server, client.other())];
        Self { stream: id, time, flows }
    }
}

/// The numbers of a flow's links, from its first one on.
fn chain(seen: &Observations, first: LinkId) -> impl Iterator<Item = u32> + use<'_> {
    let mut next = first;
    std::iter::from_fn(move || {
        let at = next.index()?;
        next = seen.links.get(at)?.next;
        Some(at as u32)
    })
}

/// The links of a vantage, by their streams; then those of streams that were let go.
pub(super) fn rows<'a>(
    seen: &'a Observations,
    ways: &'a [Ways],
) -> impl Iterator<Item = (i64, u32, LinkRow)> + use<'a> {
    let mut left = vec![true; seen.links.len()];
    for flow in seen.streams.iter().flat_map(|stream| &stream.flows) {
        chain(seen, flow.link).for_each(|at| left[at as usize] = false);
    }
    let flows = ways.iter().flat_map(|ways| ways.flows.iter().map(move |flow| (ways, flow)));
    let of_streams = flows.flat_map(move |(ways, (by, way))| {
        chain(seen, way.link).map(move |at| {
            (ways.time, at, LinkRow { stream: Some(ways.stream), ..row(seen, at, *by, way) })
        })
    });
    let rest = left.into_iter().enumerate().filter(|(_, left)| *left);
    let rest = rest.map(move |(at, _)| {
        (seen.start.0, at as u32, row(seen, at as u32, By::Client, &Way::of(&Flow::EMPTY)))
    });
    of_streams.chain(rest)
}

fn row(seen: &Observations, at: u32, by: By, flow: &Way) -> LinkRow {
    let link = seen.links[at as usize];
    let own = |mark: Mark, flows: Mark| if mark == flows { Mark::NONE } else { mark };
    LinkRow {
        stream: None,
        by,
        behind: link.started.then(|| flow.end_seq.wrapping_sub(link.next_seq)),
        link,
        first: own(link.first, flow.first),
        last: own(link.last, flow.last),
        hole: seen.hole(&link).unwrap_or((0, 0)),
        first_repeat: seen.first_repeat(&link),
    }
}

/// Puts a link to its flow: `last` has the flows' last links so far, `next` what follows what.
pub(super) fn take(
    seen: &mut Observations,
    last: &mut [[LinkId; 2]],
    next: &mut Vec<(u32, u32)>,
    at: u32,
    row: LinkRow,
) -> Result<Link, &'static str> {
    let mut link = row.link;
    if link.hop.index() >= seen.hops.len() {
        return Err("a link is on no hop");
    }
    let mut of = Flow::EMPTY;
    if let Some(id) = row.stream {
        let stream = seen.streams.get_mut(id as usize).ok_or("a link is of no stream")?;
        let client = stream.client();
        let side = if row.by == By::Client { client } else { client.other() };
        let flow = &mut stream.flows[side.index()];
        of = *flow;
        let before = &mut last[id as usize][side.index()];
        match before.index() {
            Some(before) => next.push((before as u32, at)),
            None => flow.link = LinkId::new(at as usize),
        }
        *before = LinkId::new(at as usize);
    }
    link.started = row.behind.is_some();
    link.next_seq = of.end_seq.wrapping_sub(row.behind.unwrap_or(0));
    link.first = row.first.get().unwrap_or(of.first);
    link.last = row.last.get().unwrap_or(of.last);
    let troubles = &mut seen.side_tables.troubles;
    troubles.restore(&mut link.trouble, row.hole, row.first_repeat);
    Ok(link)
}
