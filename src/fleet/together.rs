//! Which streams lie in one part though their numbers differ.
//!
//! Connections that began before their capture, and streams that name their client or belong to a proxy,
//! are tied by more than the handshake: by ends, by ranges of sequence numbers, by what they carried; and
//! those of which a host's table or log names both sides, by its word. They
//! lie in the first part, with every stream that may be tied to one of them. What may be, this asks widely;
//! what is, [`crate::correlate`] decides there.

use crate::flow::{Side, Stream};
use crate::topology::StatedRoles;
use crate::wire::Ip;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Together {
    /// Initial sequence numbers of clients whose streams lie in the first part, in order.
    pub(super) isns: Vec<u32>,
    /// Ends of streams without a handshake and clients that are named, in order.
    ends: Vec<[u64; 3]>,
    /// Where both sides of streams without a handshake begin, in both orders, in order.
    begins: Vec<(u32, u32)>,
    /// So do all datagrams, which are few.
    pub(super) datagrams: bool,
    /// Clients of connections that hosts say to have rewritten or passed on, in order.
    stated: Vec<[u64; 3]>,
    /// Clients without a port, and servers, of connections that a proxy says to have passed on, in order.
    passed: (Vec<[u64; 2]>, Vec<[u64; 3]>),
}

/// Streams without a handshake that are looked at; those beyond are tied in the part of their client's end.
pub(super) const MOST: usize = 200_000;

fn end(ip: Ip, port: u16) -> [u64; 3] {
    let [high, low] = ip.words();
    [high, low, u64::from(port)]
}

/// Whether a stream shows no handshake, and so is tied by more than that.
pub(super) fn is_loose(stream: &Stream) -> bool {
    stream.key.protocol.is_tcp() && !stream.is_evicted() && stream.client_isn().is_none()
}

impl Together {
    /// Adds a stream without a handshake.
    pub(super) fn loose(&mut self, stream: &Stream) {
        let key = &stream.key;
        for side in [Side::A, Side::B] {
            self.ends.push(end(key.ip(side), key.port(side)));
        }
        let [a, b] = &stream.flows;
        if a.seen() && b.seen() && !a.counted && !b.counted {
            self.begins.extend([(a.isn, b.isn), (b.isn, a.isn)]);
        }
    }

    /// Adds what hosts say to have tied.
    pub(super) fn stated(&mut self, roles: &StatedRoles) {
        let both = roles.translated.iter().chain(&roles.proxied);
        let clients = both.flat_map(|both| [both.front.client, both.back.client]);
        self.stated.extend(clients.map(|(ip, port)| end(ip, port)));
        for carried in &roles.carried {
            match carried.client {
                (ip, Some(port)) => self.stated.push(end(ip, port)),
                (ip, None) => self.passed.0.push(ip.words()),
            }
            self.passed.1.extend(carried.servers.iter().map(|(ip, port)| end(*ip, *port)));
        }
        self.stated.sort_unstable();
        self.stated.dedup();
        self.passed.0.sort_unstable();
        self.passed.0.dedup();
        self.passed.1.sort_unstable();
        self.passed.1.dedup();
    }

    /// Whether a host says to have tied a stream, which is one of datagrams, to another one.
    pub(super) fn is_stated(&self, stream: &Stream) -> bool {
        let key = &stream.key;
        let is = |side| self.stated.binary_search(&end(key.ip(side), key.port(side))).is_ok();
        is(Side::A) || is(Side::B)
    }

    /// Adds a client that some stream names.
    pub(super) fn client(&mut self, ip: Ip, port: u16) {
        self.ends.push(end(ip, port));
    }

    /// Brings all into order.
    pub(super) fn sort(&mut self) {
        self.ends.sort_unstable();
        self.ends.dedup();
        self.begins.sort_unstable();
        self.isns.sort_unstable();
        self.isns.dedup();
    }

    /// What parts are dealt by: the numbers, and the ends that hosts name, by which datagrams go.
    pub(super) fn told(self) -> Self {
        Self { ends: Vec::new(), begins: Vec::new(), passed: Default::default(), ..self }
    }

    /// Whether nothing is asked of streams with a handshake.
    pub(super) fn is_empty(&self) -> bool {
        let (clients, servers) = &self.passed;
        [&self.ends, &self.stated, servers].iter().all(|list| list.is_empty())
            && self.begins.is_empty()
            && clients.is_empty()
    }

    /// The client's number of a stream that may be tied to one of these by more than it.
    pub(super) fn isn_of(&self, stream: &Stream) -> Option<u32> {
        if !stream.key.protocol.is_tcp() || stream.is_evicted() {
            return None;
        }
        let isn = stream.client_isn()?;
        (self.is_named(stream) || self.holds_a_beginning(stream)).then_some(isn)
    }

    /// Whether its ends are among those that are named.
    fn is_named(&self, stream: &Stream) -> bool {
        let at = |side: Side| end(stream.key.ip(side), stream.key.port(side));
        let client = stream.client();
        let (from, to) = (at(client), at(client.other()));
        self.ends.binary_search(&from).is_ok()
            || self.stated.binary_search(&from).is_ok()
            || self.passed.0.binary_search(&[from[0], from[1]]).is_ok()
            || self.passed.1.binary_search(&to).is_ok()
    }

    /// Whether both sides of a stream without a handshake begin inside of what this one sent.
    fn holds_a_beginning(&self, stream: &Stream) -> bool {
        let client = stream.client();
        let [there, back] = [client, client.other()].map(|side| {
            let flow = stream.flow(side);
            (flow.isn, flow.end_seq.wrapping_sub(flow.isn))
        });
        let last = there.0.wrapping_add(there.1);
        let within = |from: u32, to: u32| {
            let first = self.begins.partition_point(|(isn, _)| *isn < from);
            let rest = self.begins[first..].iter().take_while(move |(isn, _)| *isn <= to);
            rest.copied()
        };
        let inside = |(_, isn): (u32, u32)| isn.wrapping_sub(back.0) <= back.1;
        if there.0 <= last {
            within(there.0, last).any(inside)
        } else {
            // Round the end of the numbers.
            within(there.0, u32::MAX).chain(within(0, last)).any(inside)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::{BothSides, Carried, Tuple};
    use crate::flow::Key;
    use crate::row::Row;
    use crate::wire::Protocol;

    fn stream(ports: [u16; 2], begins: [u32; 2], bytes: u32) -> Stream {
        let [a, b] = ports.map(|port| (Ip::v4([10, 0, 0, 1]), port));
        let mut stream = Stream::blank();
        stream.key = Key::of(Protocol::TCP, a, b, 0, None).0;
        for (flow, isn) in stream.flows.iter_mut().zip(begins) {
            (flow.isn, flow.end_seq) = (isn, isn.wrapping_add(bytes));
        }
        stream
    }

    #[test]
    fn a_beginning_lies_inside_of_both_directions() {
        let begins = vec![(1005, 2005), (2005, 1005), (3, 4), (4, 3)];
        let mut together = Together { begins, ..Together::default() };
        together.sort();
        let holds = |begins| together.holds_a_beginning(&stream([40000, 80], begins, 10));
        // The side with the higher port is the client's.
        assert!(holds([1000, 2000]) && holds([2000, 1000]));
        assert!(!holds([1000, 2010]) && !holds([1006, 2000]));
        assert!(holds([u32::MAX - 2, u32::MAX - 1]), "round the end of the numbers");
    }

    /// A proxy that names both sides, and one that names the server alone.
    #[test]
    fn what_hosts_tie_lies_together() {
        let end = |last, port| (Ip::v4([10, 0, 0, last]), port);
        let roles = StatedRoles {
            proxied: vec![BothSides {
                protocol: Protocol::TCP,
                front: Tuple { client: end(1, 40000), server: end(9, 80) },
                back: Tuple { client: end(9, 50000), server: end(2, 8080) },
            }],
            carried: vec![Carried {
                client: (Ip::v4([10, 0, 0, 7]), None),
                servers: vec![end(3, 8080)],
                time: None,
            }],
            ..StatedRoles::default()
        };
        let mut together = Together::default();
        assert!(together.is_empty());
        together.stated(&roles);
        assert!(!together.is_empty());
        let stream = |client, server| {
            let mut stream = Stream::blank();
            stream.key = Key::of(Protocol::TCP, client, server, 0, None).0;
            stream
        };
        let held = |client, server| together.is_named(&stream(client, server));
        assert!(held(end(1, 40000), end(9, 80)) && held(end(9, 50000), end(2, 8080)));
        assert!(held(end(7, 33333), end(9, 80)) && held(end(9, 51000), end(3, 8080)));
        assert!(!held(end(1, 40001), end(9, 80)) && !held(end(9, 50000 + 1), end(2, 8080)));
    }
}
