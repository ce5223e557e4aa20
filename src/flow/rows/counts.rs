//! What counts can be: what a table claims beyond that would add up to more than sums hold, which all
//! else makes of counts that frames gave.

use crate::flow::Observations;

/// Frames of a vantage, and what is counted by them.
const FRAMES: u64 = 1 << 40;
/// Bytes that all its flows sent.
const BYTES: u64 = 1 << 56;
/// What is rare, all of it together.
const SMALL: u64 = u32::MAX as u64;

/// Whether a capture can have such counts.
pub(super) fn are_possible(seen: &Observations) -> bool {
    let tally = &seen.tally;
    let side = &seen.side_tables;
    let all = [
        tally.frames,
        tally.unsupported,
        tally.stopped,
        tally.tcp,
        tally.bare_syn_acks,
        tally.signed_syns,
        tally.udp,
        tally.neighbor,
        tally.icmp,
        tally.other,
        tally.cut,
        tally.first_words,
        tally.cut_words,
        tally.without_macs,
        tally.without_ttl,
        tally.oversize,
        tally.rounds_dropped,
        tally.hops_dropped,
        seen.unopened.beyond,
        seen.neighbors.dropped,
        seen.errors_dropped,
        seen.echoes_dropped,
        seen.vrrp_dropped,
        side.repeats_dropped,
        side.windows.dropped,
        side.tokens.dropped,
        side.prefaces.dropped,
        side.first_requests.dropped(),
        side.spoken.get().map_or(0, |spoken| spoken.dropped),
        seen.evicted.all.streams,
        seen.evicted.beyond_kinds,
    ];
    let flows = || seen.streams.iter().flat_map(|stream| &stream.flows);
    all.into_iter().all(|count| count < FRAMES)
        && sum(seen.unopened.kinds.iter().map(|(_, frames)| *frames)) < FRAMES
        && sum(seen.evicted.kinds.values().map(|gone| gone.streams)) < FRAMES
        && sum(flows().map(|flow| flow.payload)) < BYTES
        && sum(flows().map(|flow| u64::from(flow.packets))) < FRAMES
        && sum(seen.links.iter().map(|link| u64::from(link.packets))) < FRAMES
        && rare(seen)
}

/// The counts of what is rare.
fn rare(seen: &Observations) -> bool {
    let near = &seen.neighbors;
    let side = &seen.side_tables;
    let asks = near.asks.iter().flat_map(|ask| [ask.count, ask.open, ask.again, ask.answers]);
    let disputes = near.disputes.iter().flat_map(|dispute| [dispute.quick, dispute.changes]);
    let pings = seen.echoes.iter().flat_map(|echo| [echo.requests, echo.replies]);
    let vrrp = seen.vrrp.iter().flat_map(|vrrp| [vrrp.count, vrrp.contest.count, vrrp.resigned]);
    let closed = side.windows.list.iter().flat_map(|closed| [closed.frames, closed.probes]);
    let pieces = side.pieces.values().flat_map(|pieces| [pieces.firsts, pieces.laters]);
    let health = side.local_endpoints().flat_map(|(_, said)| [said.some, said.none]);
    let sums = side
        .sums
        .0
        .values()
        .flat_map(|sums| [sums.taken, sums.wrong, sums.outer_taken, sums.outer_wrong]);
    let options = side.options.of.values().map(|options| options.packets);
    let sacks = side.sacks.0.values().map(|sacks| sacks.count);
    let claims = near.bindings.iter().map(|binding| binding.count);
    let small = asks.chain(disputes).chain(pings).chain(vrrp).chain(closed).chain(pieces);
    let small = small.chain(health).chain(sums).chain(options).chain(sacks);
    sum(small.chain(claims).map(u64::from)) <= SMALL
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}
