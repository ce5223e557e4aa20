//! Ties of a stream that one capture shows from its handshake on, and another, which
//! began later, in mid-stream under other addresses and ports.
//!
//! What each side sends lies between its initial sequence number and the end of what it
//! sent. A stream that begins inside of both ranges at once, and of no other
//! connection's, is that connection's: by chance it would be as rare as the product of
//! both ranges is small against 2^64. It takes both directions; a DR director sees one.

use super::Tie;
use super::union::{StreamRef, Union};
use crate::flow::{Observations, Side, Stream, VantageId};

/// What both sides of a connection sent, from the handshake on.
#[derive(Debug, Clone, Copy)]
struct Whole {
    at: StreamRef,
    /// First sequence number and length: the client's, the server's.
    sent: [(u32, u32); 2],
}

/// Wholes by the size of what their clients sent, each class sorted by its beginning: few
/// are long, and only those are looked for far back.
type Classes = Vec<Vec<Whole>>;

/// Ties those of the streams without a handshake that lie inside of one with it.
pub(super) fn tie(vantages: &[Observations], without: &[StreamRef], union: &mut Union) {
    let open: Vec<StreamRef> = without
        .iter()
        .copied()
        .filter(|at| {
            let stream = at.of(vantages);
            stream.key.protocol.is_tcp() && stream.flows.iter().all(|f| f.seen() && !f.counted)
        })
        .collect();
    if open.is_empty() {
        return;
    }
    let classes = classes(vantages);
    for at in open {
        let mut found: Option<(u32, StreamRef)> = None;
        let mut several = false;
        let stream = at.of(vantages);
        for client in [Side::A, Side::B] {
            for whole in around(&classes, stream, client) {
                let set = union.set_of(whole.at);
                several |= found.is_some_and(|(other, _)| other != set);
                found = found.or(Some((set, whole.at)));
            }
        }
        if let Some((_, whole)) = found.filter(|_| !several) {
            union.join(whole, at, Tie::SequenceRange);
        }
    }
}

fn classes(vantages: &[Observations]) -> Classes {
    let mut classes: Classes = vec![Vec::new(); 33];
    for (v, vantage) in VantageId::each(vantages) {
        for (s, stream) in vantage.streams.iter().enumerate() {
            if let Some(sent) = sent(stream) {
                let at = StreamRef { vantage: v, stream: s as u32 };
                classes[class(sent[0].1)].push(Whole { at, sent });
            }
        }
    }
    for class in &mut classes {
        class.sort_unstable_by_key(|whole| (whole.sent[0].0, whole.at));
    }
    classes
}

/// The bits that a length takes.
fn class(length: u32) -> usize {
    (u32::BITS - length.leading_zeros()) as usize
}

/// What both sides sent; `None` where the handshake was not seen whole.
fn sent(stream: &Stream) -> Option<[(u32, u32); 2]> {
    let client = stream.opener().filter(|_| stream.key.protocol.is_tcp())?;
    let (there, back) = (stream.flow(client), stream.flow(client.other()));
    let counted = there.counted || back.counted;
    let whole = there.opened() && back.accepted() && back.isns == 1 && !counted;
    whole.then(|| [there, back].map(|flow| (flow.isn, flow.end_seq.wrapping_sub(flow.isn))))
}

/// The connections in which a stream begins, if this side of it is the client's.
fn around<'a>(
    classes: &'a Classes,
    stream: &Stream,
    client: Side,
) -> impl Iterator<Item = &'a Whole> {
    let begins = [stream.flow(client).isn, stream.flow(client.other()).isn];
    let inside = move |whole: &&Whole| {
        whole.sent.iter().zip(begins).all(|((isn, length), at)| at.wrapping_sub(*isn) <= *length)
    };
    classes.iter().enumerate().flat_map(move |(bits, class)| {
        // No connection of the class begins further back than its longest is long.
        let reach = u32::try_from((1u64 << bits) - 1).unwrap_or(u32::MAX);
        within(class, begins[0].wrapping_sub(reach), begins[0]).filter(inside)
    })
}

/// The connections whose clients began from one number to another, round the end of the
/// numbers if need be.
fn within(class: &[Whole], from: u32, to: u32) -> impl Iterator<Item = &Whole> {
    let first = |isn: u32| class.partition_point(|whole| whole.sent[0].0 < isn);
    let after = |isn: u32| class.partition_point(|whole| whole.sent[0].0 <= isn);
    let (start, end) = (first(from), after(to));
    let (head, tail) = if from <= to {
        (&class[start.min(end)..end], &class[..0])
    } else {
        (&class[start..], &class[..end])
    };
    head.iter().chain(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(isn: u32) -> Whole {
        Whole { at: StreamRef { vantage: VantageId(0), stream: isn }, sent: [(isn, 1000), (5, 5)] }
    }

    #[test]
    fn beginnings_are_looked_for_round_the_end_of_the_numbers() {
        let class: Vec<Whole> = [3, 700, u32::MAX - 10].map(whole).to_vec();
        let found = |from, to| within(&class, from, to).map(|w| w.at.stream).collect::<Vec<_>>();
        assert_eq!(found(u32::MAX - 100, 50), [u32::MAX - 10, 3]);
        assert_eq!(found(0, 699), [3]);
        assert_eq!(found(3, 700), [3, 700]);
        assert_eq!(found(4, 4), [0u32; 0]);
    }

    #[test]
    fn a_class_holds_what_its_reach_finds() {
        for length in [0, 1, 2, 3, 255, 256, u32::MAX] {
            let reach = (1u64 << class(length)) - 1;
            assert!(u64::from(length) <= reach, "{length} lies within {reach}");
        }
    }
}
