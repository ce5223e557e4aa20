//! FullNAT as balancers do it: both ends rewritten, the client named in a TCP option, its
//! sequence numbers shifted by a constant, its timestamps stripped.

use crate::support::frames::*;
use lbdiag::correlate::{Connections, Stated, Tie, correlate};
use lbdiag::flow::Observations;

/// The balancer's own addresses towards the server.
const LOCAL: [u8; 4] = [10, 0, 0, 1];

/// What the balancer changes on the way to the server.
#[derive(Clone, Copy)]
struct Rewrite {
    /// Added to the client's sequence numbers.
    shift: u32,
    /// Added to the server's, as seen from the server.
    answers: u32,
    /// The client is named in the SYN and the request.
    names: bool,
    /// The client's own options are kept.
    keeps_options: bool,
}

/// The server's side of an exchange of `client` that the balancer carries from `port`.
fn behind(front: &[(i64, Segment)], client: End, port: u16, how: Rewrite) -> Vec<(i64, Segment)> {
    let carry = |(at, segment): &(i64, Segment)| {
        let mut s = segment.clone();
        if s.src == client {
            (s.src, s.dst) = ((LOCAL, port), SERVER);
            s.seq = s.seq.wrapping_add(how.shift);
            s.ack = s.ack.map(|ack| ack.wrapping_add(how.answers));
            s.options &= how.keeps_options;
            s.names = Some(client).filter(|_| how.names && (s.syn || !s.payload.is_empty()));
            s = s.on(DIRECTOR_MAC, SERVER_MAC, 63);
        } else {
            (s.src, s.dst) = (SERVER, (LOCAL, port));
            s.seq = s.seq.wrapping_add(how.answers);
            s.ack = s.ack.map(|ack| ack.wrapping_add(how.shift));
            s.options &= how.keeps_options;
            s = s.on(SERVER_MAC, DIRECTOR_MAC, 64);
        }
        (*at + 40, s)
    };
    front.iter().map(carry).collect()
}

fn see(frames: &[(i64, Segment)]) -> Observations {
    let mut vantage = Vantage::default();
    let mut frames = frames.to_vec();
    frames.sort_by_key(|(at, _)| *at);
    for (at, segment) in &frames {
        vantage.see(*at, segment);
    }
    vantage.finish()
}

/// Connections of a client's capture and a server's, which the balancer joins.
fn joined(clients: &[(End, u32, i64)], how: Rewrite) -> (Connections, Vec<Observations>) {
    let (mut front, mut back) = (Vec::new(), Vec::new());
    for (n, (client, isn, start)) in clients.iter().enumerate() {
        let own = exchange(*client, VIP, *isn, *start);
        back.extend(behind(&own, *client, 20_000 + n as u16, how));
        front.extend(own);
    }
    let vantages = vec![see(&front), see(&back)];
    (correlate(&vantages, &Stated::default()), vantages)
}

const SHIFTED: Rewrite =
    Rewrite { shift: 0x2345_6789, answers: 0, names: true, keeps_options: false };

#[test]
fn the_named_client_ties_what_nothing_else_does() {
    let clients: Vec<(End, u32, i64)> = (0..50u16)
        .map(|n| {
            (([198, 51, 100, n as u8], 40_000), 7_000_000 * u32::from(n) + 5, i64::from(n) * 900)
        })
        .collect();
    let (connections, _) = joined(&clients, SHIFTED);
    assert_eq!(connections.list.len(), clients.len());
    for connection in &connections.list {
        assert_eq!((connection.tie, connection.tuples), (Tie::Toa, 2));
        assert_eq!(connection.front.server.0, lbdiag::wire::Ip::v4(VIP.0));
        assert_eq!(connection.back.unwrap().client.0, lbdiag::wire::Ip::v4(LOCAL));
    }
}

#[test]
fn without_it_a_shifted_connection_stays_apart() {
    let how = Rewrite { names: false, ..SHIFTED };
    let (connections, _) = joined(&[(CLIENT, 5, 0)], how);
    assert_eq!(connections.list.len(), 2, "no evidence, no tie");
}

#[test]
fn both_isns_tie_what_lost_its_timestamps() {
    let how = Rewrite { shift: 0, names: false, ..SHIFTED };
    let (connections, _) = joined(&[(CLIENT, 5, 0), (CLIENT, 900_000, 5_000)], how);
    let ties: Vec<Tie> = connections.list.iter().map(|c| c.tie).collect();
    assert_eq!(ties, [Tie::IsnPair, Tie::IsnPair]);
}

#[test]
fn a_client_port_that_comes_again_is_told_by_the_servers_own_number() {
    let (connections, vantages) = joined(&[(CLIENT, 5, 0), (CLIENT, 900_000, 5_000)], SHIFTED);
    assert_eq!(connections.list.len(), 2);
    for connection in &connections.list {
        let [front, back] = connections.legs(connection) else { panic!("two legs") };
        assert_eq!(front.reply(&vantages).isn, back.reply(&vantages).isn);
    }
}

#[test]
fn a_client_port_that_comes_again_is_told_by_what_was_carried_or_not_at_all() {
    // The same client port twice, with answers of the same length, and the server's numbers are shifted too: nothing tells.
    let how = Rewrite { answers: 0x0765_4321, ..SHIFTED };
    let (connections, _) = joined(&[(CLIENT, 5, 0), (CLIENT, 900_000, 5_000)], how);
    assert!(connections.list.iter().all(|c| c.tuples == 1), "not guessed");
    // Another length tells.
    let first = exchange(CLIENT, VIP, 5, 0);
    let mut second = exchange(CLIENT, VIP, 900_000, 5_000);
    for (_, segment) in &mut second {
        if segment.src == VIP && !segment.payload.is_empty() {
            segment.payload.extend(b"more");
        } else if segment.src == VIP && segment.fin {
            segment.seq += 4;
        }
    }
    let mut back = behind(&first, CLIENT, 20_000, how);
    back.extend(behind(&second, CLIENT, 20_001, how));
    let front = [first, second].concat();
    let vantages = [see(&front), see(&back)];
    let connections = correlate(&vantages, &Stated::default());
    assert_eq!(connections.list.len(), 2);
    for connection in &connections.list {
        let legs = connections.legs(connection);
        let long = |leg: &lbdiag::correlate::Leg| leg.reply(&vantages).payload;
        assert_eq!(legs.len(), 2);
        assert_eq!(long(&legs[0]), long(&legs[1]));
    }
}
