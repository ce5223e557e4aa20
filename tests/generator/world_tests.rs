//! What a world's parameters promise: reuse, concurrency, clocks, floods, the seed, and refusals.

use super::decode::{Fault, Frame, Tcp};
use super::generator::World;
use super::generator::rng::permute;
use super::generator::world::{Clock, Clocks, Family, Flood, FloodFate, Mode, Vantages};
use super::{count, tcp, write};
use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddrV4};

#[test]
fn a_five_tuple_comes_again_with_another_isn_after_its_fin() -> Result<(), Fault> {
    let world = World {
        clients: 3,
        ports_per_client: 40,
        connections: 500,
        in_flight: 20,
        ..World::new(Mode::Dr)
    };
    let (truth, all, _folder) = write(&world)?;
    let mut last: HashMap<SocketAddrV4, (u32, u64)> = HashMap::new();
    let mut again = 0;
    for connection in &truth.connections {
        if let Some((isn, end)) =
            last.insert(connection.client, (connection.isn, connection.end_ns))
        {
            assert_ne!(isn, connection.isn);
            assert!(connection.start_ns > end);
            again += 1;
        }
    }
    assert_eq!(again, 500 - 120);
    let alive = |at: u64| {
        truth.connections.iter().filter(|c| (c.start_ns..=c.end_ns).contains(&at)).count()
    };
    assert!((12..=28).contains(&alive(500_000_000)), "{} alive, 20 wanted", alive(500_000_000));
    let order: Vec<_> =
        tcp(&all["client"]).map(|tcp| if tcp.from.1 == 80 { tcp.to } else { tcp.from }).collect();
    assert!(
        order.windows(2).filter(|pair| pair[0] != pair[1]).count() > 2_000,
        "connections interleave"
    );
    Ok(())
}

#[test]
fn clocks_shift_the_stamps_and_nothing_else() -> Result<(), Fault> {
    let honest = World { connections: 100, ..World::new(Mode::Nat) };
    let clocks = Clocks {
        client: Clock::default(),
        director: Clock { offset_ns: -2_500_000_000, drift_ppm: 0 },
        real_servers: vec![Clock { offset_ns: 3_600_045_000_000, drift_ppm: 40 }],
        ..Clocks::default()
    };
    let skewed = World { clocks, ..honest.clone() };
    let ((_, honest, _a), (_, skewed, _b)) = (write(&honest)?, write(&skewed)?);
    for (name, offset, drift) in [
        ("client", 0, 0),
        ("director", -2_500_000_000, 0),
        ("rs1", 3_600_045_000_000, 40),
        ("rs2", 0, 0),
    ] {
        assert_eq!(honest[name].len(), skewed[name].len());
        for (a, b) in honest[name].iter().zip(&skewed[name]) {
            let elapsed = (a.at - 1_790_000_000_000_000_000) as i64;
            assert_eq!(b.at as i64 - a.at as i64, offset + elapsed * drift / 1_000_000);
            assert_eq!(a.tcp, b.tcp);
        }
    }
    Ok(())
}

#[test]
fn a_flood_has_a_source_for_every_syn() -> Result<(), Fault> {
    let flood = |fate| World {
        connections: 100,
        flood: Some(Flood { syns: 5_000, same_isn_every: 4, fate }),
        ..World::new(Mode::Nat)
    };
    let ours = |tcp: &Tcp| tcp.from.0.octets()[0] == 198 && tcp.from.0.octets()[1] == 18;
    let spoofed = |frames: &[Frame]| -> Vec<Tcp> {
        tcp(frames).filter(|tcp| tcp.syn && tcp.ack.is_none() && !ours(tcp)).cloned().collect()
    };
    for (fate, director, servers, answers) in [
        (FloodFate::DroppedAtDirector, 5_000, 0, 0),
        (FloodFate::DroppedAtRealServer, 10_000, 5_000, 0),
        (FloodFate::Answered, 10_000, 5_000, 5_000),
    ] {
        let (truth, all, _folder) = write(&flood(fate))?;
        assert_eq!(truth.spoofed, 5_000);
        assert_eq!(count(&all["client"]), 1_000, "the flood does not come from the client gateway");
        assert_eq!(spoofed(&all["director"]).len(), director);
        let arrived = [spoofed(&all["rs1"]), spoofed(&all["rs2"])].concat();
        assert_eq!(arrived.len(), servers);
        let answered = tcp(&all["rs1"])
            .chain(tcp(&all["rs2"]))
            .filter(|tcp| tcp.syn && tcp.ack.is_some())
            .count();
        assert_eq!(answered, 100 + answers);
        let outside: Vec<Tcp> =
            spoofed(&all["director"]).into_iter().filter(|tcp| tcp.to.1 == 80).collect();
        let sources: HashSet<Ipv4Addr> = outside.iter().map(|tcp| tcp.from.0).collect();
        assert_eq!(sources.len(), 5_000, "no source twice");
        assert!(
            sources.iter().all(|ip| !ip.is_private() && !ip.is_multicast() && !ip.is_loopback())
        );
        let mut isns: HashMap<u32, usize> = HashMap::new();
        outside.iter().for_each(|tcp| *isns.entry(tcp.seq).or_default() += 1);
        assert!(isns.values().any(|&n| n > 1_000 && n < 1_500), "a quarter shares an ISN");
    }
    Ok(())
}

#[test]
fn the_seed_decides_every_byte_and_the_vantages_none() -> Result<(), Fault> {
    let world = World {
        flood: Some(Flood { syns: 200, same_isn_every: 0, fate: FloodFate::Answered }),
        ..World::new(Mode::Nat)
    };
    let bytes = |world: &World| -> Result<Vec<u8>, Fault> {
        let folder = tempfile::tempdir()?;
        world.write(folder.path())?;
        Ok(std::fs::read(folder.path().join("director.pcap"))?)
    };
    let director = Vantages { client: false, director: true, real_servers: false };
    assert_eq!(bytes(&world)?, bytes(&World { vantages: director, ..world.clone() })?);
    assert_ne!(bytes(&world)?, bytes(&World { seed: 2, ..world })?);
    Ok(())
}

#[test]
fn parameters_that_do_not_go_together_are_refused() {
    let world = World::new(Mode::Nat);
    assert!(world.check().is_ok());
    for wrong in [
        World { packets_per_connection: 5, ..world.clone() },
        World { packets_per_connection: 7, ..world.clone() },
        World { clients: 0, ..world.clone() },
        World { real_servers: 201, ..world.clone() },
        World { response_segment: 1449, ..world.clone() },
        World { first_port: 60_000, ..world.clone() },
        World { clients: 1, ports_per_client: 40, ..world.clone() },
        World { response_segment: 1448, family: Family::V6, ..world.clone() },
        World { response_segment: 1448, ..World::new(Mode::Tun) },
        World { source_nat: true, first_port: 1_024, ..world.clone() },
        World {
            flood: Some(Flood { syns: 1, same_isn_every: 0, fate: FloodFate::Answered }),
            ..World::new(Mode::Tun)
        },
    ] {
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
}

#[test]
fn a_permutation_never_meets_itself() {
    for seed in [0, 1, u64::MAX] {
        let numbers: HashSet<u32> = (0..1 << 20).map(|number| permute(seed, number)).collect();
        assert_eq!(numbers.len(), 1 << 20);
    }
}
