//! Every packet passes the vantages that it must, as it must look there, and the truth says the same.

use super::decode::{Fault, Tcp};
use super::generator::World;
use super::generator::truth::Outcome;
use super::generator::world::Mode;
use super::{count, tcp, write};
use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddrV4};

#[test]
fn every_packet_shows_where_its_path_leads() -> Result<(), Fault> {
    for (mode, packets) in
        [(Mode::Nat, 10), (Mode::Dr, 10), (Mode::Nat, 50), (Mode::Nat, 8), (Mode::Dr, 17)]
    {
        let world = World {
            connections: 200,
            packets_per_connection: packets,
            real_servers: 3,
            ..World::new(mode)
        };
        let (truth, all, _folder) = write(&world)?;
        let planned = 200 * u64::from(packets);
        assert_eq!(count(&all["client"]), planned, "{mode:?}, {packets} packets");
        let servers: u64 = ["rs1", "rs2", "rs3"].iter().map(|name| count(&all[*name])).sum();
        assert_eq!(servers, planned);
        let from_clients =
            tcp(&all["client"]).filter(|tcp| tcp.to.0 == world.network.vip).count() as u64;
        let director = if mode == Mode::Nat { 2 * planned } else { 2 * from_clients };
        assert_eq!(count(&all["director"]), director);
        assert_eq!(truth.connections.len(), 200);
        assert!(truth.connections.iter().all(|c| c.outcome == Outcome::Completed));
    }
    Ok(())
}

#[test]
fn nat_rewrites_addresses_and_takes_a_hop() -> Result<(), Fault> {
    let world = World { connections: 50, ..World::new(Mode::Nat) };
    let (_, all, _folder) = write(&world)?;
    let vip = (world.network.vip, world.network.vip_port);
    let mut inward: HashMap<(Ipv4Addr, u16, u16), &Tcp> = HashMap::new();
    let mut rewritten = 0;
    for frame in &all["director"] {
        let (Some(tcp), Some((ifindex, kind))) = (&frame.tcp, frame.cooked) else {
            continue;
        };
        let from_client = tcp.to == vip || tcp.to.1 == 8000;
        let key = if from_client {
            (tcp.from.0, tcp.from.1, tcp.id)
        } else {
            (tcp.to.0, tcp.to.1, tcp.id)
        };
        match (ifindex, kind) {
            (2, 0) | (3, 0) => {
                assert_eq!(tcp.to == vip, ifindex == 2);
                inward.insert(key, tcp);
            }
            (2, 4) | (3, 4) => {
                let before = inward.remove(&key).ok_or("a frame left that never came in")?;
                assert_eq!(tcp.from == vip, ifindex == 2);
                let same = Tcp { from: before.from, to: before.to, ttl: before.ttl, ..tcp.clone() };
                assert_eq!((before, tcp.ttl), (&same, before.ttl - 1));
                rewritten += 1;
            }
            other => return Err(format!("interface and packet type {other:?}").into()),
        }
    }
    assert_eq!(rewritten, 500);
    assert!(tcp(&all["client"]).all(|tcp| tcp.from == vip || tcp.to == vip));
    assert!(tcp(&all["client"]).all(|tcp| tcp.ttl == if tcp.from == vip { 62 } else { 63 }));
    assert!(tcp(&all["rs1"]).all(|tcp| tcp.ttl == if tcp.from.1 == 8000 { 64 } else { 61 }));
    Ok(())
}

#[test]
fn a_dr_director_changes_macs_alone_and_sees_no_reply() -> Result<(), Fault> {
    let world = World { connections: 50, ..World::new(Mode::Dr) };
    let (_, all, _folder) = write(&world)?;
    let vip = (world.network.vip, world.network.vip_port);
    let director = &all["director"];
    let own = director.iter().find(|frame| frame.tcp.is_some()).and_then(|frame| frame.macs.0);
    assert!(own.is_some());
    for frame in director {
        let Some(tcp) = &frame.tcp else { continue };
        assert_eq!(tcp.to, vip);
        let leaves = Some(frame.macs.1) == own;
        assert_eq!(tcp.ttl, if leaves { 61 } else { 62 });
        assert_eq!(frame.macs.0 == own, !leaves);
    }
    assert!(tcp(&all["client"]).all(|tcp| tcp.ttl == 63));
    let router = director.iter().find(|frame| frame.tcp.is_some()).map(|frame| frame.macs.1);
    for frame in all["rs1"].iter().chain(&all["rs2"]) {
        let Some(tcp) = &frame.tcp else { continue };
        let reply = tcp.from == vip;
        assert_eq!(tcp.ttl, if reply { 64 } else { 61 });
        assert_eq!(
            frame.macs.0 == router,
            reply,
            "replies go to the router, requests come from the director"
        );
        assert_eq!(Some(frame.macs.1) == own, !reply);
    }
    Ok(())
}

#[test]
fn the_truth_names_the_server_and_the_isn_that_the_captures_show() -> Result<(), Fault> {
    for mode in [Mode::Nat, Mode::Dr] {
        let (truth, all, folder) = write(&World::new(mode))?;
        let syns = |name: &str| -> HashSet<(SocketAddrV4, u32)> {
            let begins = |tcp: &&Tcp| tcp.syn && tcp.ack.is_none();
            tcp(&all[name])
                .filter(begins)
                .map(|tcp| (SocketAddrV4::new(tcp.from.0, tcp.from.1), tcp.seq))
                .collect()
        };
        let (client, servers) = (syns("client"), [syns("rs1"), syns("rs2")]);
        assert_eq!(client.len(), truth.connections.len());
        for connection in &truth.connections {
            let key = (connection.client, connection.isn);
            assert!(client.contains(&key));
            assert!(servers[usize::from(connection.real_server)].contains(&key));
            assert!(!servers[1 - usize::from(connection.real_server)].contains(&key));
        }
        let json = folder.path().join("truth.json");
        truth.write_json(&json)?;
        let read: serde_json::Value = serde_json::from_reader(std::fs::File::open(json)?)?;
        let first = &truth.connections[0];
        assert_eq!(read["mode"], if mode == Mode::Nat { "nat" } else { "dr" });
        assert_eq!(read["client_results"].as_array().map(Vec::len), Some(1_000));
        assert_eq!(read["client_results"][0]["client"], first.client.to_string());
        assert_eq!(read["client_results"][0]["servers"][0], format!("rs{}", first.real_server + 1));
        let address = read["real_servers"]["rs2"].as_str().map(str::parse::<Ipv4Addr>);
        assert_eq!(address, Some(Ok(Ipv4Addr::new(172, 16, 0, 12))));
    }
    Ok(())
}

#[test]
fn a_connection_is_whole_and_its_timestamps_echo() -> Result<(), Fault> {
    for packets in [8, 9, 13, 50] {
        let world =
            World { connections: 20, packets_per_connection: packets, ..World::new(Mode::Nat) };
        let (truth, all, _folder) = write(&world)?;
        for connection in &truth.connections {
            let client = (*connection.client.ip(), connection.client.port());
            // Per side: the next sequence number, the newest TSval, and the bytes sent.
            let mut next = [connection.isn, 0];
            let mut seen = [0, 0];
            let mut sent = [Vec::new(), Vec::new()];
            for tcp in tcp(&all["client"]).filter(|tcp| tcp.from == client || tcp.to == client) {
                let me = usize::from(tcp.to == client);
                if tcp.syn && me == 1 {
                    next[1] = tcp.seq;
                }
                let (value, echo) = tcp.stamps.ok_or("no timestamps")?;
                assert_eq!(tcp.seq, next[me], "no gap, no repeat");
                if let Some(ack) = tcp.ack {
                    assert_eq!((ack, echo), (next[1 - me], seen[1 - me]));
                }
                next[me] =
                    next[me].wrapping_add(tcp.payload.len() as u32 + u32::from(tcp.syn || tcp.fin));
                assert!(value >= seen[me]);
                seen[me] = value;
                sent[me].extend_from_slice(&tcp.payload);
            }
            let requests = String::from_utf8(sent[0].clone())?;
            let mut responses = String::from_utf8(sent[1].clone())?;
            for _ in requests.split_terminator("\r\n\r\n") {
                let (head, rest) = responses.split_once("\r\n\r\n").ok_or("no response")?;
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("Content-Length: "))
                    .ok_or("no length")?;
                assert!(head.contains(&format!("Server: rs{:03}\r\n", connection.real_server + 1)));
                responses = rest.get(length.parse()?..).ok_or("a response is cut")?.to_owned();
            }
            assert_eq!(responses, "", "as many responses as requests");
        }
    }
    Ok(())
}

#[test]
fn hosts_find_each_other_by_arp_first() -> Result<(), Fault> {
    for (mode, client, director, server) in [(Mode::Nat, 2, 6, 3), (Mode::Dr, 2, 8, 7)] {
        let (_, all, _folder) = write(&World { connections: 4, ..World::new(mode) })?;
        for (name, wanted) in [("client", client), ("director", director), ("rs1", server)] {
            let arps = all[name].iter().take_while(|frame| frame.tcp.is_none()).count();
            assert_eq!(arps, wanted, "{mode:?} {name}");
        }
    }
    Ok(())
}
