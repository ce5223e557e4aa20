//! Pairs of DNS questions that open a five-tuple together, as resolvers ask for A and
//! AAAA from one socket, of which one or both got no answer at once.
//!
//! Pairs that were both answered are counted and forgotten, so the table holds what is
//! pending and what failed. It is bounded; what does not fit is counted.

use super::{Mark, Observer, StreamId};
use crate::hashed::HashMap;
use crate::wire::dns::{self, Question};
use crate::wire::{IpPacket, Udp};

/// Pairs that are kept.
const MAX_TWINS: usize = 1 << 13;
/// Time between the questions of a pair, at most.
const TOGETHER_NS: i64 = 2_000_000;
/// The zone of a cluster's services, unless it was given another (Kubernetes DNS specification,
/// section 2.1).
const CLUSTER: &[&str] = &["cluster", "local"];
/// A question that comes again later than this is asked again; earlier, it is a copy of
/// the frame.
const AGAIN_NS: i64 = 500_000_000;

/// Two questions that were asked together.
#[derive(Debug, Clone, Copy, Default)]
pub struct DnsPair {
    /// When each was asked; the second is not set until it was.
    pub asked: [Mark; 2],
    /// Their types (QTYPE); 0 where not seen.
    pub kinds: [u16; 2],
    /// The first answer to each.
    pub answered: [Mark; 2],
    /// When each was first asked again.
    pub again: [Mark; 2],
    /// The first answer after that.
    pub settled: [Mark; 2],
    ids: [u16; 2],
    /// What the second is recognised by behind a rewrite, as [`super::Flow::isn`] for the
    /// first.
    pub token: u32,
}

impl DnsPair {
    /// The one that got no answer before it was asked again, and then did, where the
    /// other was answered.
    #[must_use]
    pub fn lost(&self) -> Option<usize> {
        let late = |i: usize| {
            let again = self.again[i].is_set() && self.settled[i].is_set();
            again && !self.answered[i].is_set()
        };
        [(0, 1), (1, 0)]
            .into_iter()
            .find_map(|(lost, other)| (late(lost) && self.answered[other].is_set()).then_some(lost))
    }
}

impl Observer {
    /// Looks at a datagram if it is of DNS; `first` if it is the first of its side.
    #[inline]
    pub(super) fn dns(
        &mut self,
        id: StreamId,
        mark: Mark,
        ip: &IpPacket<'_>,
        udp: &Udp<'_>,
        first: bool,
    ) {
        if udp.dst_port != dns::PORT && udp.src_port != dns::PORT {
            return;
        }
        if udp.dst_port == dns::PORT && dns::asks_for(udp.payload, CLUSTER) {
            self.tally.cluster_names += 1;
        }
        if self.side_tables.dns_pairs.see(id, mark, udp, first) {
            let token = self.datagram(ip, udp);
            self.side_tables.dns_pairs.name(id, token);
        }
    }
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct DnsPairs {
    pub(super) by_stream: HashMap<StreamId, DnsPair>,
    room: usize,
}

impl DnsPairs {
    /// Takes in a datagram from or to the port of DNS; `fresh` if it is the first of its
    /// side. Says whether it is the second of a pair.
    pub fn see(&mut self, id: StreamId, mark: Mark, udp: &Udp<'_>, fresh: bool) -> bool {
        let Some(question) = dns::question(udp.payload) else { return false };
        if question.response == (udp.dst_port == dns::PORT) {
            return false;
        }
        let Some(pair) = self.by_stream.get_mut(&id) else {
            if fresh && !question.response {
                self.begin(id, mark, question);
            }
            return false;
        };
        let (second, done) = pair.take(mark, question);
        if done {
            self.by_stream.remove(&id);
        }
        second
    }

    fn begin(&mut self, id: StreamId, mark: Mark, question: Question) {
        let room = if self.room == 0 { MAX_TWINS } else { self.room };
        if self.by_stream.len() >= room {
            self.settle();
            // Looked through again only when as many again have come.
            self.room = (self.by_stream.len() * 2).clamp(MAX_TWINS / 2, MAX_TWINS);
            if self.by_stream.len() >= MAX_TWINS {
                return;
            }
        }
        let pair = DnsPair {
            asked: [mark, Mark::NONE],
            kinds: [question.kind, 0],
            ids: [question.id, 0],
            ..DnsPair::default()
        };
        self.by_stream.insert(id, pair);
    }

    /// Names what the second of a pair is recognised by.
    pub fn name(&mut self, id: StreamId, token: u32) {
        if let Some(pair) = self.by_stream.get_mut(&id) {
            pair.token = token;
        }
    }

    /// Drops questions that were asked alone.
    pub fn settle(&mut self) {
        self.by_stream.retain(|_, pair| pair.asked[1].is_set());
    }

    pub fn of(&self, id: StreamId) -> Option<&DnsPair> {
        self.by_stream.get(&id)
    }

    pub fn is_empty(&self) -> bool {
        self.by_stream.is_empty()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.by_stream.remove(&id);
    }
}

impl DnsPair {
    /// Takes in what follows on the five-tuple: whether it is the second of a pair, and
    /// whether nothing is left to be followed.
    fn take(&mut self, mark: Mark, question: Question) -> (bool, bool) {
        let paired = self.asked[1].is_set();
        let known = (0..1 + usize::from(paired)).find(|i| self.ids[*i] == question.id);
        match (question.response, known) {
            (true, Some(i)) => {
                let slot =
                    if self.again[i].is_set() { &mut self.settled } else { &mut self.answered };
                slot[i].set_once(mark);
                let all = self.answered.iter().all(|m| m.is_set());
                (false, all || !paired)
            }
            (true, None) => (false, false),
            (false, Some(i)) => {
                if mark.since(self.asked[i]) >= AGAIN_NS {
                    self.again[i].set_once(mark);
                }
                (false, false)
            }
            (false, None) if paired => (false, false),
            (false, None) => {
                if mark.since(self.asked[0]) > TOGETHER_NS {
                    return (false, true);
                }
                self.asked[1] = mark;
                self.ids[1] = question.id;
                self.kinds[1] = question.kind;
                (true, false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn message(id: u16, response: bool, kind: u16) -> Vec<u8> {
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend([if response { 0x81 } else { 1 }, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1]);
        bytes
    }

    fn run(said: &[(i64, u16, bool)]) -> (DnsPairs, u32) {
        let mut all = DnsPairs::default();
        let mut seconds = 0;
        for (n, (us, id, response)) in said.iter().enumerate() {
            let payload = message(*id, *response, if *id == 1 { dns::A } else { dns::AAAA });
            let ports = if *response { (53, 4000) } else { (4000, 53) };
            let udp = Udp {
                src_port: ports.0,
                dst_port: ports.1,
                payload: &payload,
                payload_len: payload.len() as u32,
            };
            let mark = Mark::new(n as u32 + 1, Timestamp(us * 1000));
            seconds += u32::from(all.see(7, mark, &udp, n == 0));
        }
        all.settle();
        (all, seconds)
    }

    #[test]
    fn the_one_without_an_answer_is_told() {
        let asked = [(0, 1, false), (200, 2, false), (900, 1, true)];
        let again = [(5_000_300, 1, false), (5_000_900, 1, true), (5_001_000, 2, false)];
        let (all, seconds) = run(&[&asked[..], &again, &[(5_002_000, 2, true)]].concat());
        let pair = all.of(7).unwrap();
        assert_eq!((seconds, pair.kinds, pair.lost()), (1, [dns::A, dns::AAAA], Some(1)));
        let (all, _) = run(&[&asked[..], &again].concat());
        assert_eq!(all.of(7).unwrap().lost(), None, "still without an answer: a deaf server");
    }

    #[test]
    fn what_was_answered_or_asked_alone_is_forgotten() {
        let both = [(0, 1, false), (200, 2, false), (900, 2, true), (950, 1, true)];
        assert!(run(&both).0.is_empty());
        assert!(run(&[(0, 1, false)]).0.is_empty());
        assert!(run(&[(0, 1, false), (400, 1, true), (600, 2, false)]).0.is_empty(), "in turn");
        assert!(run(&[(0, 1, false), (9_000, 2, false)]).0.is_empty(), "apart");
        let copied = [(0, 1, false), (10, 1, false), (200, 2, false), (210, 2, false)];
        let (all, seconds) = run(&copied);
        assert_eq!((seconds, all.of(7).unwrap().again), (1, [Mark::NONE; 2]));
    }
}
