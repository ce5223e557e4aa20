//! Tunnels, FullNAT, IPv6 and source NAT: what each changes in a packet, and what it leaves alone.

use super::decode::{Fault, Tcp};
use super::generator::World;
use super::generator::truth::Outcome;
use super::generator::world::{Family, FullNat, Mode};
use super::{count, tcp, write};
use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Packets of a capture by all that no director changes: who sends what payload, in its order.
fn sent(all: &[super::Frame], of: impl Fn(&Tcp) -> bool) -> Vec<&Tcp> {
    tcp(all).filter(|tcp| of(tcp)).collect()
}

#[test]
fn a_tunnel_is_around_what_goes_to_real_servers_alone() -> Result<(), Fault> {
    for family in [Family::V4, Family::V6] {
        let world = World { connections: 60, family, ..World::new(Mode::Tun) };
        let (truth, all, _folder) = write(&world)?;
        let vip = (world.network.vip, 80);
        let director = Ipv4Addr::new(172, 16, 0, 2);
        assert_eq!(count(&all["client"]), 600);
        assert!(tcp(&all["client"]).all(|tcp| tcp.tunnel.is_none()));
        let into = sent(&all["director"], |tcp| tcp.tunnel.is_none());
        let out = sent(&all["director"], |tcp| tcp.tunnel.is_some());
        assert_eq!((into.len(), out.len()), (360, 360), "the replies pass the director by");
        for name in ["rs1", "rs2"] {
            let own = if name == "rs1" { 11 } else { 12 };
            for tcp in tcp(&all[name]) {
                let tunnel = Some((director, Ipv4Addr::new(172, 16, 0, own)));
                assert_eq!(tcp.tunnel, tunnel.filter(|_| tcp.to == vip));
                assert!(tcp.to == vip || tcp.from == vip, "the addresses inside stay");
                assert_eq!(tcp.ttl, if tcp.to == vip { 61 } else { 64 });
            }
        }
        assert!(tcp(&all["rs1"]).all(|tcp| tcp.v6 == (family == Family::V6)));
        assert!(truth.connections.iter().all(|c| c.outcome == Outcome::Completed));
    }
    Ok(())
}

#[test]
fn full_nat_rewrites_both_ends_and_keeps_what_its_variant_says() -> Result<(), Fault> {
    for how in [FullNat::Kept, FullNat::Stripped, FullNat::Shifted] {
        let world = World { connections: 200, ..World::new(Mode::FullNat(how)) };
        let (truth, all, _folder) = write(&world)?;
        let servers: Vec<&Tcp> = tcp(&all["rs1"]).chain(tcp(&all["rs2"])).collect();
        assert_eq!(servers.len(), 2_000);
        let mut locals = HashSet::new();
        for (number, connection) in truth.connections.iter().enumerate() {
            let local = world.local(number as u32);
            let local = (*local.ip(), local.port());
            assert!(local.0.octets()[..3] == [172, 16, 0] && locals.insert(local));
            let own = (*connection.client.ip(), connection.client.port());
            let front = sent(&all["client"], |tcp| tcp.from == own || tcp.to == own);
            let back: Vec<&Tcp> = servers
                .iter()
                .copied()
                .filter(|tcp| tcp.from == local || tcp.to == local)
                .collect();
            assert_eq!((front.len(), back.len()), (10, 10));
            let shift = back[0].seq.wrapping_sub(connection.isn);
            assert_eq!(shift != 0, how == FullNat::Shifted);
            let named: Vec<_> = back.iter().map(|tcp| tcp.named).collect();
            for (n, (f, b)) in front.iter().zip(&back).enumerate() {
                let to_server = f.from == own;
                assert_eq!(b.from.1 == 8000, !to_server);
                let (seq, ack) = if to_server { (shift, 0) } else { (0, shift) };
                assert_eq!(b.seq, f.seq.wrapping_add(seq));
                assert_eq!(b.ack, f.ack.map(|number| number.wrapping_add(ack)));
                assert_eq!(b.payload, f.payload);
                let kept = how == FullNat::Kept;
                assert_eq!(f.stamps.is_some(), kept || n == 0);
                assert_eq!(b.stamps, f.stamps.filter(|_| kept));
                // The SYN and the request, which is the fourth packet.
                let names = how == FullNat::Shifted && (n == 0 || n == 3);
                assert_eq!((f.named, named[n]), (None, Some(own).filter(|_| names)));
            }
        }
    }
    Ok(())
}

#[test]
fn an_ipv6_world_is_the_ipv4_world_with_other_headers() -> Result<(), Fault> {
    for mode in [Mode::Nat, Mode::Dr, Mode::Tun] {
        let world = |family| World { family, connections: 80, ..World::new(mode) };
        let (old, new) = (write(&world(Family::V4))?, write(&world(Family::V6))?);
        for name in ["client", "director", "rs1", "rs2"] {
            assert_eq!(old.1[name].len(), new.1[name].len());
            for (a, b) in old.1[name].iter().zip(&new.1[name]) {
                assert_eq!((a.at, a.cooked.map(|c| c.0)), (b.at, b.cooked.map(|c| c.0)));
                let Some((a, b)) = a.tcp.as_ref().zip(b.tcp.as_ref()) else {
                    assert!(a.tcp.is_none() && b.tcp.is_none());
                    continue;
                };
                assert!(b.v6 && !a.v6);
                assert_eq!(&Tcp { v6: false, id: a.id, ..b.clone() }, a);
            }
        }
        let (client, vip) = new.0.world.front(0);
        assert!(client.is_ipv6() && vip.to_string().starts_with("[2001:db8::"));
    }
    Ok(())
}

#[test]
fn a_source_nat_router_tells_clients_of_one_port_apart() -> Result<(), Fault> {
    for mode in [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat(FullNat::Kept)] {
        let world = World { clients: 2, source_nat: true, connections: 100, ..World::new(mode) };
        let (truth, all, _folder) = write(&world)?;
        assert_eq!(truth.captures[1].name, "router");
        assert_eq!((count(&all["client"]), count(&all["router"])), (1_000, 1_000));
        let callers = |name: &str| -> HashMap<(Ipv4Addr, u16), usize> {
            let mut found = HashMap::new();
            for tcp in tcp(&all[name]).filter(|tcp| tcp.syn && tcp.ack.is_none()) {
                *found.entry(tcp.from).or_default() += 1;
            }
            found
        };
        let (inside, outside) = (callers("client"), callers("router"));
        assert_eq!((inside.len(), outside.len()), (100, 100));
        let ports: HashSet<u16> = inside.keys().map(|end| end.1).collect();
        assert_eq!(ports.len(), 50, "two clients use each port");
        assert!(outside.keys().all(|end| end.0 == world.network.router_inside));
        for number in 0..100 {
            let end = world.translated(number);
            assert!(outside.contains_key(&(*end.ip(), end.port())));
            let own = SocketAddrV4::new(world.client(number), world.port(number));
            assert_eq!(end.port() == own.port(), number % 2 == 0);
        }
        let behind = if matches!(mode, Mode::FullNat(_)) { 240 } else { 0 };
        let servers = callers("rs1");
        assert!(servers.keys().all(|end| end.0.octets()[3] >= behind));
        let ttl = |name: &str, to: u16| {
            tcp(&all[name]).filter(|tcp| tcp.to.1 == to).map(|tcp| tcp.ttl).max()
        };
        assert_eq!((ttl("client", 80), ttl("router", 80)), (Some(63), Some(62)));
    }
    Ok(())
}
