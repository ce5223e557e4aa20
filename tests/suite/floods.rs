//! Floods are bounded, whatever answers them, and nothing that was answered is lost in one.

use crate::support::frames::*;
use crate::support::program::parsed;
use crate::support::spoofs::{ACK, RST, SYN, Spoofs};
use etherparse::PacketBuilder;
use lbdiag::correlate::Stated;
use lbdiag::flow::{Answer, MAX_EMBRYOS, MAX_REFUSED, Observations, Stream};
use lbdiag::wire::Ip;

const FLOOD: u32 = 200_000;

fn spoofed(n: u32) -> End {
    let [_, a, b, c] = n.to_be_bytes();
    ([11, a, b, c], 1024)
}

/// Streams that are kept of a flood.
fn kept(name: &str, packets: impl Fn(u32) -> Vec<Vec<u8>>) {
    let mut vantage = Vantage::default();
    for n in 0..FLOOD {
        for frame in packets(n) {
            vantage.frame(i64::from(n) * 10, &frame);
        }
    }
    let seen = vantage.finish();
    assert!(
        seen.streams.len() <= MAX_EMBRYOS + 2,
        "{name}: {} streams are kept",
        seen.streams.len()
    );
}

#[test]
fn datagrams() {
    kept("UDP, one datagram each", |n| {
        let builder =
            PacketBuilder::ethernet2(CLIENT_MAC, DIRECTOR_MAC).ipv4(spoofed(n).0, VIP.0, 64);
        let mut bytes = Vec::new();
        builder.udp(1024, 53).write_to_vec(&mut bytes, b"query").unwrap();
        vec![bytes]
    });
}

#[test]
fn acknowledgments() {
    kept("TCP, one ACK each", |n| vec![Segment::ack(spoofed(n), VIP, n, 7).ethernet()]);
}

#[test]
fn syns_with_answers_that_are_repeated() {
    kept("SYN, SYN-ACK, SYN-ACK", |n| {
        let answer = Segment { ack: Some(n + 1), ..Segment::syn(VIP, spoofed(n), 99) };
        vec![
            Segment::syn(spoofed(n), VIP, n).ethernet(),
            answer.clone().id(1).ethernet(),
            answer.id(2).ethernet(),
        ]
    });
}

/// The streams of one client address.
fn of(seen: &Observations, client: [u8; 4]) -> usize {
    let own = |stream: &&Stream| stream.key.ips.contains(&Ip::v4(client));
    seen.streams.iter().filter(own).count()
}

/// What became of streams that began before a flood of SYNs which nobody answered: how many
/// of a hundred are left.
fn left_after_a_flood(name: &str, begin: impl Fn(u16) -> Vec<Segment>) {
    let mut vantage = Vantage::default();
    for n in 0..1000 {
        for segment in begin(n) {
            vantage.see(i64::from(n), &segment);
        }
    }
    let mut spoofs = Spoofs::new(CLIENT_MAC, DIRECTOR_MAC);
    for n in 0..FLOOD {
        vantage.frame(2000 + i64::from(n), spoofs.frame(spoofed(n), VIP, (n, 0), SYN));
    }
    let seen = vantage.finish();
    assert_eq!(of(&seen, CLIENT.0), 1000, "{name}");
    assert!(seen.evicted.all.streams > 60_000);
}

fn client(n: u16) -> End {
    (CLIENT.0, 20_000 + n)
}

#[test]
fn refused_connections_outlive_a_flood() {
    left_after_a_flood("refused", |n| {
        let refusal = Segment { rst: true, ..Segment::ack(VIP, client(n), 0, 8) };
        vec![Segment::syn(client(n), VIP, 7), refusal.on(DIRECTOR_MAC, CLIENT_MAC, 63)]
    });
}

#[test]
fn refusals_seen_alone_outlive_a_flood() {
    left_after_a_flood("the answers alone", |n| {
        vec![Segment { rst: true, ..Segment::ack(VIP, client(n), 0, 8) }]
    });
}

#[test]
fn half_open_connections_outlive_a_flood_that_nobody_answers() {
    left_after_a_flood("accepted", |n| {
        let accept = Segment { ack: Some(8), ..Segment::syn(VIP, client(n), 900) };
        vec![Segment::syn(client(n), VIP, 7), accept.on(DIRECTOR_MAC, CLIENT_MAC, 63)]
    });
}

#[test]
fn connections_of_which_one_side_is_seen_outlive_a_flood() {
    left_after_a_flood("SYN and ACK", |n| {
        vec![Segment::syn(client(n), VIP, 7), Segment::ack(client(n), VIP, 8, 900)]
    });
}

#[test]
fn openings_that_an_icmp_error_answers_outlive_a_flood() {
    let mut vantage = Vantage::default();
    for n in 0..1000 {
        let syn = Segment::syn(client(n), VIP, 7);
        vantage.see(i64::from(n), &syn);
        let mut error = Vec::new();
        let builder = PacketBuilder::ethernet2(DIRECTOR_MAC, CLIENT_MAC)
            .ipv4(VIP.0, CLIENT.0, 64)
            .icmpv4_raw(3, 1, [0; 4]);
        builder.write(&mut error, &syn.packet()[..28]).unwrap();
        vantage.frame(i64::from(n), &error);
    }
    let mut spoofs = Spoofs::new(CLIENT_MAC, DIRECTOR_MAC);
    for n in 0..FLOOD {
        vantage.frame(2000 + i64::from(n), spoofs.frame(spoofed(n), VIP, (n, 0), SYN));
    }
    assert_eq!(of(&vantage.finish(), CLIENT.0), 1000);
}

#[test]
fn a_few_silent_streams_of_another_service_outlive_a_flood() {
    let mut vantage = Vantage::default();
    let other = (VIP.0, 443);
    for n in 0..100 {
        vantage.see(i64::from(n), &Segment::syn(client(n), other, u32::from(n)));
    }
    let mut spoofs = Spoofs::new(CLIENT_MAC, DIRECTOR_MAC);
    for n in 0..FLOOD {
        vantage.frame(2000 + i64::from(n), spoofs.frame(spoofed(n), VIP, (n, 0), SYN));
    }
    assert_eq!(of(&vantage.finish(), CLIENT.0), 100);
}

/// A tool that draws no sequence numbers: of so many clients some have one hash in 32 bits.
#[test]
fn one_sequence_number_of_many_clients_ties_no_two_of_them() {
    const CLIENTS: u32 = 200_000;
    let mut vantage = Vantage::default();
    let mut spoofs = Spoofs::new(CLIENT_MAC, DIRECTOR_MAC);
    for n in 0..CLIENTS {
        let (at, client, theirs) = (i64::from(n) * 10, spoofed(n), spread(n));
        vantage.frame(at, spoofs.frame(client, VIP, (7, 0), SYN));
        vantage.frame(at + 1, spoofs.answer(VIP, client, (theirs, 8), SYN | ACK));
        vantage.frame(at + 2, spoofs.frame(client, VIP, (8, theirs.wrapping_add(1)), ACK));
    }
    let tied = lbdiag::correlate::correlate(&[vantage.finish()], &Stated::default());
    assert_eq!(tied.list.len(), CLIENTS as usize);
}

/// A balancer forwards a flood of SYNs to two real servers, and one of them refuses all: the
/// legs of a connection stay together, and what goes is counted by real server.
#[test]
fn refusals_beyond_the_bound_are_counted_and_those_kept_are_whole() {
    const REFUSED: u32 = 600_000;
    let (first, second) = (([10, 0, 0, 11], 80), ([10, 0, 0, 12], 80));
    let mut vantage = Vantage::default();
    let mut outside = Spoofs::new(CLIENT_MAC, DIRECTOR_MAC);
    let mut inside = Spoofs::new(DIRECTOR_MAC, SERVER_MAC);
    for n in 0..REFUSED {
        let (source, server) = (spoofed(n), if n % 3000 == 7 { second } else { first });
        let isn = n.wrapping_mul(2_654_435_761);
        let at = i64::from(n) * 10;
        vantage.frame(at, outside.frame(source, VIP, (isn, 0), SYN));
        vantage.frame(at + 1, inside.frame(source, server, (isn, 0), SYN));
        let refusal = (0, isn.wrapping_add(1));
        vantage.frame(at + 2, inside.answer(server, source, refusal, RST | ACK));
        vantage.frame(at + 3, outside.answer(VIP, source, refusal, RST | ACK));
    }
    let seen = vantage.finish();
    let kept = seen.streams.iter().filter(|stream| !stream.is_evicted());
    let (mut front, mut behind) = (Vec::new(), Vec::new());
    let mut by_server = [0u64; 2];
    for stream in kept {
        let at = |end: End| {
            (0..2).any(|n| (stream.key.ips[n], stream.key.ports[n]) == (Ip::v4(end.0), end.1))
        };
        by_server[0] += u64::from(at(first));
        by_server[1] += u64::from(at(second));
        if at(VIP) { &mut front } else { &mut behind }.push(stream.client_isn());
    }
    assert!(front.len() + behind.len() <= MAX_REFUSED + MAX_EMBRYOS, "{} are kept", front.len());
    assert!(front.len() > MAX_REFUSED / 8, "{} are kept", front.len());
    front.sort_unstable();
    behind.sort_unstable();
    assert_eq!(front, behind);
    assert_eq!(by_server[1], u64::from(REFUSED / 3000), "the few of the other are all there");
    let gone = |end: End| -> u64 {
        let own = |(kind, _): &(&lbdiag::flow::Kind, _)| {
            kind.server == (Ip::v4(end.0), end.1) && kind.answer == Answer::Reset
        };
        seen.evicted.kinds.iter().filter(own).map(|(_, gone)| gone.streams).sum()
    };
    assert_eq!(gone(VIP) + front.len() as u64, u64::from(REFUSED));
    assert_eq!(gone(first) + by_server[0], u64::from(REFUSED - REFUSED / 3000));
    assert_eq!(gone(second), 0);
}

/// A file of a director that forwards by NAT to two real servers.
struct Director {
    file: crate::support::spoofs::File,
    outside: Spoofs,
    inside: Spoofs,
}

const SERVERS: [End; 2] = [([10, 0, 0, 11], 80), ([10, 0, 0, 12], 80)];

impl Director {
    fn new() -> Self {
        Self {
            file: crate::support::spoofs::File::default(),
            outside: Spoofs::with_ttls(CLIENT_MAC, DIRECTOR_MAC, (60, 63)),
            inside: Spoofs::with_ttls(DIRECTOR_MAC, SERVER_MAC, (59, 64)),
        }
    }

    fn there(&mut self, client: End, server: End, numbers: (u32, u32), flags: u8) {
        self.file.add(self.outside.frame(client, VIP, numbers, flags));
        self.file.add(self.inside.frame(client, server, numbers, flags));
    }

    fn back(&mut self, client: End, server: End, numbers: (u32, u32), flags: u8) {
        self.file.add(self.inside.answer(server, client, numbers, flags));
        self.file.add(self.outside.answer(VIP, client, numbers, flags));
    }

    fn refused(&mut self, client: End, isn: u32) {
        self.there(client, SERVERS[1], (isn, 0), SYN);
        self.back(client, SERVERS[1], (0, isn + 1), RST | ACK);
    }

    fn served(&mut self, client: End, isn: u32) {
        const FIN: u8 = 1;
        let (server, theirs) = (SERVERS[0], isn ^ 0x5555_5555);
        self.there(client, server, (isn, 0), SYN);
        self.back(client, server, (theirs, isn + 1), SYN | ACK);
        self.there(client, server, (isn + 1, theirs + 1), ACK);
        self.there(client, server, (isn + 1, theirs + 1), FIN | ACK);
        self.back(client, server, (theirs + 1, isn + 2), FIN | ACK);
        self.there(client, server, (isn + 2, theirs + 2), ACK);
    }
}

fn verdict(director: Director) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("director.pcap");
    director.file.write(&path);
    parsed(&["--json", "--connections", "none", path.to_str().unwrap()])
}

fn spread(n: u32) -> u32 {
    n.wrapping_mul(2_654_435_761)
}

#[test]
fn a_fault_inside_a_flood_is_named_whatever_answers_the_flood() {
    for answered in [None, Some(SYN | ACK)] {
        let mut director = Director::new();
        for n in 0..150_000 {
            let (source, isn) = (spoofed(n), spread(n));
            let server = SERVERS[n as usize % 2];
            director.there(source, server, (isn, 0), SYN);
            if let Some(flags) = answered {
                director.back(source, server, (isn ^ 0x77, isn.wrapping_add(1)), flags);
            }
            if n % 1500 == 0 {
                // One client's empty exchanges by the dozen would be health checks.
                let own = ([198, 51, 100, (n / 1500) as u8], 30_000);
                let isn = spread(n ^ 0x0f00_0000);
                match n / 1500 % 2 {
                    0 => director.served(own, isn),
                    _ => director.refused(own, isn),
                }
            }
        }
        let report = verdict(director);
        assert_eq!(report["totals"]["failed"], 50, "{answered:?}: {}", report["totals"]);
        assert_eq!(report["totals"]["connections"], 100, "{answered:?}: {}", report["totals"]);
        let summary = report["verdict"]["summary"].as_str().unwrap();
        assert!(summary.starts_with("50 of 100 connections to 192.0.2.8:80 fail"), "{summary}");
        let subject = &report["findings"][0]["subjects"][0];
        assert_eq!(subject["address"], "10.0.0.12", "{answered:?}: {subject}");
        assert!(report["beyond"].as_array().is_some_and(|list| !list.is_empty()));
    }
}

#[test]
fn refused_connections_are_no_flood() {
    const REFUSED: u32 = 150_000;
    let mut director = Director::new();
    for n in 0..REFUSED {
        let client = ([198, 51, 100, (n % 50) as u8], 10_000 + (n / 50) as u16);
        director.refused(client, spread(n));
    }
    let report = verdict(director);
    let totals = &report["totals"];
    assert_eq!((&totals["failed"], &totals["connections"]), (&REFUSED.into(), &REFUSED.into()));
    let summary = report["verdict"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("150,000 of 150,000 connections"), "{summary}");
    assert!(!report["captures"][0]["notes"].to_string().contains("flood"));
}
