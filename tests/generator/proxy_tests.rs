//! A proxy ends clients' connections and carries every request once, over connections of its own.

use super::decode::{Fault, Tcp};
use super::generator::World;
use super::generator::truth::{Carried, Outcome};
use super::generator::world::{Family, Mode, Proxy, Said};
use super::{tcp, write};
use std::collections::{HashMap, HashSet};

fn proxy(said: Said, pooled: bool) -> World {
    let how = Proxy { said, pooled, alike: false };
    // Two requests a connection.
    World { connections: 300, packets_per_connection: 14, ..World::new(Mode::Proxy(how)) }
}

/// Head lines of the requests of a capture that are sent to a port, with who sent them, the ISN left out.
fn requests<'a>(all: &'a [super::Frame], port: u16) -> Vec<(&'a Tcp, String)> {
    let begins = |tcp: &&Tcp| tcp.to.1 == port && tcp.payload.starts_with(b"GET ");
    let text = |tcp: &'a Tcp| (tcp, String::from_utf8_lossy(&tcp.payload).into_owned());
    tcp(all).filter(begins).map(text).collect()
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn every_request_is_carried_once_with_what_its_proxy_says() -> Result<(), Fault> {
    for said in [Said::Nothing, Said::Forwarded, Said::RequestId] {
        for pooled in [false, true] {
            let (truth, all, _folder) = write(&proxy(said, pooled))?;
            assert!(truth.connections.iter().all(|c| c.outcome == Outcome::Completed));
            let front = requests(&all["client"], 80);
            let at_proxy = requests(&all["director"], 80);
            let behind = requests(&all["director"], 8_000);
            let served = [requests(&all["rs1"], 8_000), requests(&all["rs2"], 8_000)].concat();
            assert_eq!([front.len(), at_proxy.len(), behind.len(), served.len()], [600; 4]);
            assert_eq!(truth.carried.len(), 600);
            let mut asked: HashMap<String, (&Tcp, String)> = HashMap::new();
            for (tcp, head) in front {
                asked.insert(head.lines().next().unwrap_or("").to_owned(), (tcp, head));
            }
            let mut lines = HashSet::new();
            let carried: HashSet<_> = truth
                .carried
                .iter()
                .map(|c: &Carried| (c.front, (*c.back.ip(), c.back.port())))
                .collect();
            for (tcp, head) in behind {
                let (client, original) =
                    asked.remove(head.lines().next().unwrap_or("")).ok_or("carried twice")?;
                lines.insert(tcp.from);
                let number = u32::from_str_radix(&head[5..13], 16)?;
                assert!(carried.contains(&(number, tcp.from)));
                let forwarded = client.from.0.to_string();
                let told = field(&head, "X-Forwarded-For");
                assert_eq!(told, Some(forwarded.as_str()).filter(|_| said != Said::Nothing));
                let (mine, theirs) =
                    (field(&head, "X-Request-Id"), field(&original, "X-Request-Id"));
                assert_eq!(mine.is_some(), said != Said::Nothing);
                assert_eq!(theirs, mine.filter(|_| said == Said::RequestId));
            }
            // A pool has as many connections as requests that were open at once.
            assert_eq!(lines.len() < 60, pooled, "{} connections", lines.len());
            assert!(pooled || lines.len() == 600);
        }
    }
    Ok(())
}

#[test]
fn both_sides_of_a_proxy_are_whole() -> Result<(), Fault> {
    for family in [Family::V4, Family::V6] {
        let (truth, all, _folder) = write(&World { family, ..proxy(Said::Forwarded, true) })?;
        for name in ["client", "director", "rs1", "rs2"] {
            // By both ends, in one direction: the next sequence number.
            let mut next: HashMap<_, u32> = HashMap::new();
            let (mut opened, mut closed) = (0, 0);
            for tcp in tcp(&all[name]) {
                let own = (tcp.from, tcp.to);
                if tcp.syn {
                    next.insert(own, tcp.seq);
                    opened += 1;
                }
                assert_eq!(next[&own], tcp.seq, "{name}: no gap, no repeat");
                if let Some(ack) = tcp.ack {
                    assert!(ack.wrapping_sub(next[&(tcp.to, tcp.from)]) as i32 <= 0);
                }
                closed += usize::from(tcp.fin);
                next.insert(
                    own,
                    tcp.seq.wrapping_add(tcp.payload.len() as u32 + u32::from(tcp.syn || tcp.fin)),
                );
            }
            assert_eq!(opened, closed);
            assert!(opened > 0 && (name != "client" || opened == 600));
        }
        assert!(truth.carried.iter().any(|c| c.real_server == 1));
    }
    Ok(())
}

#[test]
fn a_proxys_world_comes_from_its_seed() -> Result<(), Fault> {
    let bytes = |seed| -> Result<Vec<u8>, Fault> {
        let folder = tempfile::tempdir()?;
        World { seed, ..proxy(Said::Nothing, true) }.write(folder.path())?;
        Ok(std::fs::read(folder.path().join("director.pcap"))?)
    };
    assert_eq!(bytes(1)?, bytes(1)?);
    assert_ne!(bytes(1)?, bytes(2)?);
    Ok(())
}
