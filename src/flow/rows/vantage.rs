//! What a vantage says of itself as a row: counts of frames, the capturing host's MACs.

use super::mark;
use crate::capture::{LinkType, Timestamp};
use crate::flow::side_tables::SideTables;
use crate::flow::{
    Evicted, Neighbors, Observations, Own, OwnEvidence, Shows, Tally, UnopenedCounts,
};
use crate::row::{Columns, Row, words};

words!(OwnEvidence {
    OwnEvidence::None => "none",
    OwnEvidence::Outgoing => "outgoing",
    OwnEvidence::Coverage => "coverage",
    OwnEvidence::EndHost => "end-host",
    OwnEvidence::Turnaround => "turnaround",
    OwnEvidence::Forwards => "forwards",
    OwnEvidence::Incoming => "incoming",
    OwnEvidence::OneWay => "one-way",
});

/// A vantage without what has tables of its own.
pub(super) struct VantageRow {
    pub(super) seen: Observations,
    streams: u64,
}

impl VantageRow {
    pub(super) fn of(seen: &Observations) -> Self {
        let side = &seen.side_tables;
        let mut own = Self::blank();
        own.streams = seen.streams.iter().filter(|stream| !stream.is_evicted()).count() as u64;
        own.seen = Observations {
            label: seen.label.clone(),
            own: seen.own.clone(),
            evicted: Evicted {
                all: seen.evicted.all,
                beyond_kinds: seen.evicted.beyond_kinds,
                below: seen.evicted.below,
                ..Evicted::default()
            },
            unopened: UnopenedCounts { beyond: seen.unopened.beyond, ..UnopenedCounts::default() },
            link_type: seen.link_type,
            tally: seen.tally,
            start: seen.start,
            end: seen.end,
            errors_dropped: seen.errors_dropped,
            echoes_dropped: seen.echoes_dropped,
            vrrp_dropped: seen.vrrp_dropped,
            shows: seen.shows,
            ..own.seen
        };
        own.seen.neighbors.dropped = seen.neighbors.dropped;
        let to = &mut own.seen.side_tables;
        to.repeats_dropped = side.repeats_dropped;
        to.windows.dropped = side.windows.dropped;
        to.tokens.dropped = side.tokens_dropped();
        to.prefaces.dropped = side.prefaces.dropped;
        if let Some(spoken) = side.spoken.get() {
            to.spoken.make().dropped = spoken.dropped;
        }
        to.first_requests.set_dropped(side.first_requests.dropped());
        if seen.has_troubles() {
            to.troubles.restore_any();
        }
        own
    }
}

impl Row for VantageRow {
    const TABLE: &'static str = "vantages";
    const ABOUT: &'static str = "One row for each vantage: an interface of a capture.";

    fn blank() -> Self {
        let seen = Observations {
            label: String::new(),
            capture: 0,
            link_type: LinkType::ETHERNET,
            tally: Tally::default(),
            unopened: UnopenedCounts::default(),
            start: Timestamp(0),
            end: Timestamp(0),
            streams: Vec::new(),
            links: Vec::new(),
            hops: Vec::new(),
            neighbors: Neighbors::default(),
            errors: Vec::new(),
            errors_dropped: 0,
            echoes: Vec::new(),
            echoes_dropped: 0,
            vrrp: Vec::new(),
            vrrp_dropped: 0,
            side_tables: SideTables::default(),
            evicted: Evicted::default(),
            own: Own::default(),
            shows: Shows::default(),
        };
        Self { seen, streams: 0 }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        let seen = &mut self.seen;
        // The label stands in the column `vantage` of every table.
        c.text("label", "its name, as in the column `vantage`", &mut seen.label);
        c.num(
            "link_type",
            "link type of its frames, by its LINKTYPE number",
            &mut seen.link_type.0,
        );
        c.num("streams", "streams that were kept", &mut self.streams);
        let (mut start, mut end) = (Some(seen.start.0), Some(seen.end.0));
        c.time("start_time", "time of its earliest frame, by its capture's clock", &mut start);
        c.time("end_time", "time of its latest frame", &mut end);
        (seen.start, seen.end) = (Timestamp(start.unwrap_or(0)), Timestamp(end.unwrap_or(0)));
        own(c, &mut seen.own);
        c.num(
            "shows_both_ways",
            "both directions of conversations are in it",
            &mut seen.shows.both_ways,
        );
        c.num(
            "shows_beyond_syn",
            "segments after the handshake are in it",
            &mut seen.shows.beyond_syn,
        );
        c.num("shows_one_way", "frames of one direction alone are in it", &mut seen.shows.one_way);
        c.num(
            "shows_acks",
            "segments that only acknowledge were not left out",
            &mut seen.shows.acks,
        );
        tally(c, &mut seen.tally);
        let any = "frames whose inside is not read, beyond the kinds in `unopened`";
        c.num("unopened_beyond", any, &mut seen.unopened.beyond);
        let more = "beyond what is kept: counted, nothing else";
        c.num("neighbors_dropped", more, &mut seen.neighbors.dropped);
        c.num("icmp_errors_dropped", more, &mut seen.errors_dropped);
        c.num("pings_dropped", more, &mut seen.echoes_dropped);
        c.num("vrrp_dropped", more, &mut seen.vrrp_dropped);
        let side = &mut seen.side_tables;
        c.num("repeats_dropped", more, &mut side.repeats_dropped);
        c.num("closed_windows_dropped", more, &mut side.windows.dropped);
        c.num("packet_tokens_dropped", more, &mut side.tokens.dropped);
        c.num("proxy_headers_dropped", more, &mut side.prefaces.dropped);
        let mut requests = side.first_requests.dropped();
        c.num("first_requests_dropped", more, &mut requests);
        side.first_requests.set_dropped(requests);
        let mut said = side.spoken.get().map_or(0, |spoken| spoken.dropped);
        c.num("said_dropped", more, &mut said);
        if said > 0 {
            side.spoken.make().dropped = said;
        }
        let mut any = side.troubles.any();
        c.num("has_repeats", "some link repeated bytes or lacked some", &mut any);
        if any && c.comes_in() {
            side.troubles.restore_any();
        }
        c.within("let_go_", |c| {
            let evicted = &mut seen.evicted;
            c.num("streams", "streams that were let go under a flood", &mut evicted.all.streams);
            mark(c, "first", "first frame of the earliest", &mut evicted.all.first);
            mark(c, "last", "first frame of the latest", &mut evicted.all.last);
            c.num(
                "beyond_kinds",
                "those of kinds beyond the ones in `let_go`",
                &mut evicted.beyond_kinds,
            );
            let [accepted, refused] = &mut evicted.below;
            c.num("accepted_below", "accepted ones were kept whose number lies below", accepted);
            c.num("refused_below", "refused ones were kept whose number lies below", refused);
        });
    }
}

fn own<C: Columns>(c: &mut C, own: &mut Own) {
    c.macs("own_macs", "MACs of the capturing host, apart by spaces", &mut own.macs);
    c.word("own_by", "how they were told", &mut own.evidence);
    c.num("span", "it shows everybody's frames", &mut own.span);
    c.num("own_in_overlay", "they are MACs inside an overlay", &mut own.overlay);
    c.macs("own_macs_across", "its MACs in frames of the other kind", &mut own.across);
    c.macs(
        "own_macs_between",
        "where it is not told: the MACs of which one is its own",
        &mut own.between,
    );
    c.some("own_ttl", "TTL with which its packets begin, where that is unusual", &mut own.ttl);
}

fn tally<C: Columns>(c: &mut C, tally: &mut Tally) {
    c.num("frames", "all frames", &mut tally.frames);
    c.num("frames_unsupported", "of a link type that is not decoded", &mut tally.unsupported);
    c.num("frames_stopped", "cut or malformed in a header", &mut tally.stopped);
    c.num("frames_tcp", "TCP segments", &mut tally.tcp);
    c.num("frames_pure_ack", "TCP segments that only acknowledge", &mut tally.pure_acks);
    c.num(
        "bare_syn_acks",
        "SYN-ACKs with no option but a maximum segment size",
        &mut tally.bare_syn_acks,
    );
    c.num("signed_syns", "SYNs and SYN-ACKs that are signed", &mut tally.signed_syns);
    c.num("frames_udp", "UDP datagrams", &mut tally.udp);
    c.num("frames_neighbor", "ARP and neighbour discovery", &mut tally.neighbor);
    c.num("frames_icmp", "other ICMP", &mut tally.icmp);
    c.num("frames_other", "everything else", &mut tally.other);
    c.num("frames_cut", "captured shorter than they were", &mut tally.cut);
    c.num("first_words", "first payloads of one side of a connection", &mut tally.first_words);
    c.num(
        "cut_words",
        "of those, captured too short to tell an answer from an error",
        &mut tally.cut_words,
    );
    c.num(
        "frames_without_macs",
        "lines of a text without hardware addresses",
        &mut tally.without_macs,
    );
    c.num("frames_without_ttl", "lines of a text without TTL", &mut tally.without_ttl);
    c.num("frames_oversize", "longer than a link carries: merged by offload", &mut tally.oversize);
    c.num(
        "rounds_dropped",
        "of packets that went round, beyond what is kept apart",
        &mut tally.rounds_dropped,
    );
    c.num(
        "hops_dropped",
        "on link headers beyond those that are kept apart",
        &mut tally.hops_dropped,
    );
}
