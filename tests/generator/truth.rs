//! What is true of a world: what a diagnosis must find, or must not.

use super::capture::Written;
use super::network::Family;
use super::paths::interface;
use super::world::{Mode, World};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::net::SocketAddrV4;
use std::path::Path;

/// How a connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every byte answered, closed by both sides.
    Completed,
    /// It never came to its end.
    Unfinished,
}

/// A true connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionTruth {
    /// Client address and port.
    pub client: SocketAddrV4,
    /// Client ISN: tells apart the connections of one five-tuple.
    pub isn: u32,
    /// Real server, counted from 0.
    pub real_server: u16,
    /// True time of the first packet, nanoseconds after the start of the captures.
    pub start_ns: u64,
    /// True time at which the last packet arrived.
    pub end_ns: u64,
    /// How it went.
    pub outcome: Outcome,
    /// Its packets that were lost, each sending counted.
    pub lost: u8,
}

/// A client's request that a proxy carried to a real server.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// The client's connection, by its place in [`Truth::connections`].
    pub front: u32,
    /// The proxy's endpoint of its own connection.
    pub back: SocketAddrV4,
    /// That connection's ISN on the proxy's side.
    pub isn: u32,
    /// The real server, counted from 0.
    pub real_server: u16,
}

/// A written world.
#[derive(Clone, Debug)]
pub struct Truth {
    /// What it was made from.
    pub world: World,
    /// The files.
    pub captures: Vec<Written>,
    /// The true connections in the order of their first packets.
    pub connections: Vec<ConnectionTruth>,
    /// SYNs of the flood.
    pub spoofed: u32,
    /// Behind a proxy: every request, in the order in which they were carried.
    pub carried: Vec<Carried>,
    /// Packets lost between the hosts that [`World::loss`] names; nowhere else is any.
    pub lost: u64,
}

impl Truth {
    /// Frames of all captures.
    pub fn frames(&self) -> u64 {
        self.captures.iter().map(|capture| capture.frames).sum()
    }

    /// Bytes of all captures.
    pub fn bytes(&self) -> u64 {
        self.captures.iter().map(|capture| capture.bytes).sum()
    }

    /// How often a connection or a spoofed SYN is seen: the sum over all vantages of those that it passes. A proxy's own
    /// connections are not counted.
    pub fn sightings(&self) -> u64 {
        let at = self.world.vantages;
        let router = u64::from(at.client && self.world.source_nat);
        let mine = if matches!(self.world.mode, Mode::Proxy(_)) {
            u64::from(at.client) + u64::from(at.director)
        } else {
            u64::from(at.client) + router + u64::from(at.director) + u64::from(at.real_servers)
        };
        let forwarded = self
            .world
            .flood
            .is_some_and(|flood| flood.fate != super::world::FloodFate::DroppedAtDirector);
        let flood = u64::from(at.director) + u64::from(at.real_servers && forwarded);
        self.connections.len() as u64 * mine + u64::from(self.spoofed) * flood
    }

    /// Writes the truth as the laboratory's `truth.json` has it: mode, VIP, hosts with MACs, one entry a connection with
    /// the server that answered it, clock offsets; and the ISN, the frames a capture and the spoofed SYNs.
    ///
    /// # Errors
    /// What creating and writing a file gives.
    pub fn write_json(&self, path: &Path) -> io::Result<()> {
        let out = BufWriter::new(File::create(path)?);
        serde_json::to_writer_pretty(out, &self.document()).map_err(io::Error::other)
    }

    fn document(&self) -> Document {
        let world = &self.world;
        let network = &world.network;
        let nat = world.mode.two_armed();
        let bits = if world.family == Family::V4 { 24 } else { 120 };
        let port = |interface: u8, name, addresses: &[std::net::Ipv4Addr]| Interface {
            r#if: name,
            mac: world.mac(interface).map(|byte| format!("{byte:02x}")).join(":"),
            addrs: addresses
                .iter()
                .map(|address| format!("{}/{bits}", world.family.address(*address)))
                .collect(),
        };
        let mut hosts = BTreeMap::from([
            ("client".to_owned(), vec![port(interface::CLIENT, "eth0", &[network.client_gateway])]),
            (
                "router".to_owned(),
                vec![
                    port(interface::ROUTER_OUTSIDE, "eth0", &[network.router_outside]),
                    port(interface::ROUTER_INSIDE, "eth1", &[network.router_inside]),
                ],
            ),
        ]);
        let director = if nat {
            vec![
                port(interface::DIRECTOR, "eth0", &[]),
                port(interface::DIRECTOR_INSIDE, "eth1", &[network.director]),
            ]
        } else {
            vec![port(interface::DIRECTOR, "eth0", &[network.director])]
        };
        hosts.insert("director".to_owned(), director);
        let mut real_servers = BTreeMap::new();
        for index in 0..world.real_servers {
            let address = world.real_server(index);
            hosts.insert(
                server(index),
                vec![port(interface::REAL_SERVER + index as u8, "eth0", &[address])],
            );
            real_servers.insert(server(index), world.family.address(address).to_string());
        }
        let vip =
            world.family.endpoint(SocketAddrV4::new(network.vip, network.vip_port)).to_string();
        let results = self.connections.iter().enumerate().map(|(i, connection)| {
            let completed = connection.outcome == Outcome::Completed;
            Result {
                i,
                t: (world.start_ns + connection.start_ns) as f64 / 1e9,
                dst: vip.clone(),
                connected: completed,
                client: world.family.endpoint(connection.client).to_string(),
                isn: connection.isn,
                servers: [server(connection.real_server)],
                result: if completed { "ok" } else { "unfinished" },
                host: "client",
            }
        });
        let by_capture = |value: fn(&Written) -> i64| {
            self.captures.iter().map(|capture| (capture.name.clone(), value(capture))).collect()
        };
        Document {
            scenario: if self.spoofed > 0 { "synthetic-flood" } else { "synthetic" },
            faults: [],
            mode: world.mode.name(),
            vip: vip.clone(),
            real_servers,
            rport: world.real_port(),
            hosts,
            client_results: results.collect(),
            clock_offsets_ns: by_capture(|capture| capture.clock.offset_ns),
            clock_drifts_ppm: by_capture(|capture| i64::from(capture.clock.drift_ppm)),
            frames: by_capture(|capture| capture.frames as i64),
            spoofed_syns: self.spoofed,
            lost: self.lost,
        }
    }
}

/// A real server's name: `rs1` is the first.
fn server(index: u16) -> String {
    format!("rs{}", index + 1)
}

#[derive(Serialize)]
struct Document {
    scenario: &'static str,
    faults: [String; 0],
    mode: &'static str,
    vip: String,
    real_servers: BTreeMap<String, String>,
    rport: u16,
    hosts: BTreeMap<String, Vec<Interface>>,
    client_results: Vec<Result>,
    clock_offsets_ns: BTreeMap<String, i64>,
    clock_drifts_ppm: BTreeMap<String, i64>,
    frames: BTreeMap<String, i64>,
    spoofed_syns: u32,
    lost: u64,
}

#[derive(Serialize)]
struct Interface {
    r#if: &'static str,
    mac: String,
    addrs: Vec<String>,
}

#[derive(Serialize)]
struct Result {
    i: usize,
    t: f64,
    dst: String,
    connected: bool,
    client: String,
    isn: u32,
    servers: [String; 1],
    result: &'static str,
    host: &'static str,
}
