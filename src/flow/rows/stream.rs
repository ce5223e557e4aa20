//! Streams as rows: what client and server sent, with the numbers that TCP counts from.

use crate::capture::Timestamp;
use crate::flow::{Flow, Key, Mark, Observations, Reset, Side, Stream, StreamId};
use crate::row::{Columns, Row, words};
use crate::wire::{Ip, Protocol, TcpFlags};
use std::num::NonZeroU32;

words!(Reset {
    Reset::None => "none",
    Reset::Refused => "refused",
    Reset::NoSocket => "no-socket",
    Reset::Abort => "abort",
});

/// When a stream began; one that was let go has no time of its own.
pub(super) fn time(stream: &Stream, seen: &Observations) -> i64 {
    stream.first().get().map_or(seen.start.0, |first| first.at().0)
}

/// Streams by day, service and time, so that what is asked for lies together.
pub(super) fn order(seen: &Observations) -> Vec<StreamId> {
    let mut order: Vec<StreamId> = (0..seen.streams.len() as u32).collect();
    order.sort_by_cached_key(|id| {
        let stream = &seen.streams[*id as usize];
        let server = stream.client().other();
        let time = time(stream, seen);
        (crate::row::day(time), stream.key.ip(server), stream.key.port(server), time)
    });
    order
}

impl Row for Stream {
    const TABLE: &'static str = "streams";
    const ABOUT: &'static str = "One row for each incarnation of a five-tuple at a vantage, both directions of it, sorted by service and time. Rows without a packet were let go under a flood: leave them out with `client_packets + server_packets > 0`.";
    const NUMBER: (&'static str, &'static str) =
        ("stream", "number of the stream within its vantage, by which other tables name it");

    fn blank() -> Self {
        let none = (Ip::v4([0; 4]), 0);
        Self::new(Key::of(Protocol::TCP, none, none, 0, None).0)
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        let (mut client, start) = (self.client(), self.first());
        c.word(
            "client_side",
            "which end is the client: `a` sorts first by address and port",
            &mut client,
        );
        let (there, back) = (client.index(), client.other().index());
        let key = &mut self.key;
        c.ip(
            "server_ip",
            "whom the stream was opened to, as it stands in packets at this vantage",
            &mut key.ips[back],
        );
        c.num("server_port", "its port", &mut key.ports[back]);
        c.ip(
            "client_ip",
            "who opened it; in mid-stream the end with the higher port",
            &mut key.ips[there],
        );
        c.num("client_port", "its port", &mut key.ports[there]);
        c.num("protocol", "IP protocol: 6 TCP, 17 UDP", &mut key.protocol.0);
        c.num(
            "vlan",
            "VLAN identifiers, the outermost in the lowest 12 bits; 0 without",
            &mut key.vlan,
        );
        c.num("tunnel", "kind and identifier of the tunnel around it, 0 outside of tunnels; equal where the tunnel is", &mut key.tunnel);
        c.num("icmp_error", "an ICMP error quotes a packet of it", &mut self.error);
        if c.comes_in() && (key.ips[0], key.ports[0]) > (key.ips[1], key.ports[1]) {
            c.refuse("client_side");
        }
        let start = start.get();
        let [a, b] = &mut self.flows;
        let (client, server) = if client == Side::A { (a, b) } else { (b, a) };
        let mut time = start.map(|first| first.at().0);
        c.time(
            "start_time",
            "time of its first frame, by this capture's clock; none where it was let go",
            &mut time,
        );
        let start = time.unwrap_or(0);
        let about = "initial sequence number, without a SYN that of the first segment; for UDP a digest of the first datagram";
        c.num("client_isn", about, &mut client.isn);
        c.num("server_isn", about, &mut server.isn);
        c.within("client_", |c| flow(c, start, client, server.isn));
        c.within("server_", |c| flow(c, start, server, client.isn));
        let others = (client.shape.tsval, server.shape.tsval);
        c.within("client_", |c| echo(c, client, others.1));
        c.within("server_", |c| echo(c, server, others.0));
    }
}

/// A number counted from where the sender began, as Wireshark shows it.
fn relative<C: Columns>(
    c: &mut C,
    name: &'static str,
    what: &'static str,
    seq: &mut u32,
    isn: u32,
) {
    let mut from = seq.wrapping_sub(isn);
    c.num(name, what, &mut from);
    *seq = isn.wrapping_add(from);
}

/// A frame and how long after the stream's first one it came.
fn mark<C: Columns>(
    c: &mut C,
    start: i64,
    name: &'static str,
    what: &'static str,
    mark: &mut Mark,
) {
    let (frame, time) = c.moment_after(name, what, (mark.frame(), mark.at().0), start);
    if c.comes_in() {
        *mark = if frame == 0 { Mark::NONE } else { Mark::new(frame, Timestamp(time)) };
    }
}

fn flow<C: Columns>(c: &mut C, start: i64, flow: &mut Flow, others_isn: u32) {
    c.num("packets", "frames, copies included", &mut flow.packets);
    c.num("payload", "payload bytes, what was sent again not counted", &mut flow.payload);
    c.num("flags", "all TCP control bits seen, as in the header", &mut flow.flags.0);
    c.word(
        "reset",
        "form of its first RST: `none`, `refused` (nobody listens), `no-socket`, `abort`",
        &mut flow.reset,
    );
    c.num("syns", "SYN or SYN-ACK transmissions on the link that showed most", &mut flow.syns);
    c.num(
        "retransmissions",
        "segments sent again on the link that showed most",
        &mut flow.retransmissions,
    );
    c.num(
        "isns",
        "SYN-ACKs with different ISNs; for UDP how often the first payload was sent in vain",
        &mut flow.isns,
    );
    c.num("window_closed", "its latest segment takes no more bytes", &mut flow.closed);
    c.num(
        "counted",
        "a text counts its sequence numbers from a beginning that it does not show",
        &mut flow.counted,
    );
    let mut turnaround = flow.turnaround_ns.map(NonZeroU32::get);
    c.some("turnaround_ns", "shortest time in which it acknowledged, nanoseconds", &mut turnaround);
    flow.turnaround_ns = turnaround.and_then(NonZeroU32::new);
    mark(
        c,
        start,
        "first",
        "its first frame: number, and nanoseconds after `start_time`",
        &mut flow.first,
    );
    mark(c, start, "last", "its last frame", &mut flow.last);
    mark(c, start, "syn", "first SYN or SYN-ACK", &mut flow.syn);
    mark(c, start, "ack", "first segment with ACK after it", &mut flow.ack);
    mark(c, start, "data", "first payload", &mut flow.data);
    mark(c, start, "fin", "first FIN", &mut flow.fin);
    mark(c, start, "rst", "first RST", &mut flow.rst);
    mark(c, start, "rst_answers", "the frame that this answered", &mut flow.rst_answers);
    if c.comes_in() {
        flow.acked = flow.ack.is_set();
    }
    relative(
        c,
        "next_seq",
        "highest sequence number sent, plus one, counted from its ISN",
        &mut flow.end_seq,
        flow.isn,
    );
    relative(
        c,
        "last_ack",
        "latest acknowledgment number, counted from the other side's ISN; for UDP a digest",
        &mut flow.last_ack,
        others_isn,
    );
    let mut most = (flow.max_ack != flow.last_ack).then(|| flow.max_ack.wrapping_sub(others_isn));
    c.some(
        "max_ack",
        "highest acknowledgment number, counted alike; none where it is the latest",
        &mut most,
    );
    if c.comes_in() {
        flow.max_ack = most.map_or(flow.last_ack, |most| others_isn.wrapping_add(most));
    }
    let mut accepts = (flow.syn_ack_of != 0).then(|| flow.syn_ack_of.wrapping_sub(others_isn));
    c.some("accepts", "it sent a SYN-ACK: its acknowledgment number, counted alike", &mut accepts);
    if c.comes_in() {
        flow.syn_ack_of = accepts.map_or(0, |from| others_isn.wrapping_add(from));
    }
    shape(c, flow);
}

/// What a SYN-ACK echoes of the other side's SYN.
fn echo<C: Columns>(c: &mut C, flow: &mut Flow, others_tsval: u32) {
    let shape = &mut flow.shape;
    let mut tsecr = (shape.tsecr != others_tsval).then_some(shape.tsecr);
    c.some(
        "tsecr",
        "TSecr of its SYN, 0 without; none where it is the other side's `tsval`",
        &mut tsecr,
    );
    shape.tsecr = tsecr.unwrap_or(others_tsval);
}

/// Options of the SYN.
fn shape<C: Columns>(c: &mut C, flow: &mut Flow) {
    use crate::flow::SynShape;
    let shape = &mut flow.shape;
    c.num("mss", "maximum segment size of its SYN, 0 where not seen", &mut shape.mss);
    let mut scale = shape.window_scale.checked_sub(1);
    c.some("window_scale", "window scale of its SYN", &mut scale);
    let marks = [
        ("sack", "its SYN permits SACK", SynShape::SACK),
        ("syn_cut", "the SYN's options were cut off", SynShape::CUT),
        ("syn_closed", "the SYN's window was 0", SynShape::CLOSED),
        ("timestamps", "its SYN has the timestamps option", SynShape::STAMPED),
        ("md5", "its SYN is signed by TCP MD5 (RFC 2385)", SynShape::MD5),
        ("tcp_ao", "its SYN is signed by TCP-AO (RFC 5925)", SynShape::AUTHENTICATED),
    ];
    let mut all = 0;
    for (name, what, mark) in marks {
        let mut set = shape.marks & mark != 0;
        c.num(name, what, &mut set);
        all |= if set { mark } else { 0 };
    }
    c.num("tsval", "TSval of its SYN, 0 without", &mut shape.tsval);
    if c.comes_in() {
        shape.window_scale = scale.map_or(0, |scale| scale.saturating_add(1));
        shape.marks = all;
        flow.flags = TcpFlags(flow.flags.0);
    }
}
