//! How the work grows with each thing that captures hold: one and ten times as many connections, services, real servers,
//! hosts, MACs, interfaces, captures, captures of one path, findings, addresses that are asked for in vain or are one
//! host's, and errors of one connection, each in a world of its own.
//!
//! Work is counted in instructions where valgrind is installed, which nothing else on the machine disturbs; else in CPU time.
//! What an empty capture costs is taken off.

use crate::Fault;
use crate::measure::{self, Pin};
use crate::services;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Work may grow so many times where what is counted grows ten times.
const MOST: f64 = 15.0;

/// A world of one kind of things: its name, how many of them to begin with, and its captures.
type World = (&'static str, u32, fn(u32) -> Vec<Vec<u8>>);

const WORLDS: [World; 12] = [
    ("connections", 1_000, |n| vec![pcap(n, |i| nat(i, 0, 0))]),
    ("services", 1_000, |n| vec![pcap(n, |i| nat(i, i, 0))]),
    ("real servers", 1_000, |n| vec![pcap(n, |i| nat(i, 0, i))]),
    ("hosts", 1_000, |n| vec![pcap(n, neighbour)]),
    ("MACs", 1_000, |n| {
        vec![pcap(n, |i| vec![segment((mac(i), ROUTER), (client(i), VIP), SYN, (i, 0))])]
    }),
    ("interfaces", 5_000, |n| vec![interfaces(n)]),
    ("captures", 10, |n| (0..n).map(|i| pcap(20, |c| nat(i * 20 + c, 0, i))).collect()),
    ("captures that see the same", 10, |n| {
        (0..n).map(|i| pcap(20, |c| passing(c, i, n))).collect()
    }),
    ("findings", 100, |n| vec![pcap(n * 8, |i| refused(i, i % n))]),
    ("addresses asked for in vain", 1_000, |n| vec![in_vain(n)]),
    ("addresses of one host", 2_000, |n| vec![pcap(n, called)]),
    ("errors of one connection", 2_000, |n| vec![pcap(n, too_big)]),
];

const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];
const DIRECTOR: [u8; 6] = [2, 0, 0, 0, 0, 2];
const VIP: (u32, u16) = (0xcb00_7108, 80);
const SYN: u8 = 2;
const RST_ACK: u8 = 0x14;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;
const FIN_ACK: u8 = 0x11;

/// Writes each world, small and ten times as large, and prints how the work grew; `small` divides their sizes.
pub fn run(pin: Pin, folder: &Path, small: u32) -> Result<(), Fault> {
    let counted = measure::works("valgrind", &["--version"]);
    let mut out = io::stdout().lock();
    let unit = if counted { "million instructions" } else { "CPU ms" };
    writeln!(
        out,
        "{:26} {:>8} {:>20} {:>8} {:>20} {:>7}",
        "", "few", unit, "many", unit, "growth"
    )?;
    let work = |captures: Vec<Vec<u8>>| -> Result<f64, Fault> {
        let folder = folder.join("growth");
        fs::create_dir_all(&folder)?;
        let mut paths = Vec::new();
        for (i, bytes) in captures.iter().enumerate() {
            paths.push(folder.join(format!("c{i:05}.pcap")));
            fs::write(&paths[i], bytes)?;
        }
        let work = if counted { instructions(&paths)? } else { milliseconds(pin, &paths)? };
        fs::remove_dir_all(&folder)?;
        Ok(work)
    };
    let nothing = work(vec![pcap(0, |_| Vec::new())])?;
    for (name, few, world) in WORLDS {
        let few = (few / small).max(1);
        let one = (work(world(few))? - nothing).max(0.1);
        let ten = (work(world(few * 10))? - nothing).max(0.1);
        let growth = ten / one;
        let remark = if growth > MOST { "  more than fifteen times" } else { "" };
        writeln!(
            out,
            "{name:26} {few:>8} {one:>20.1} {:>8} {ten:>20.1} {growth:>7.1}{remark}",
            few * 10
        )?;
        out.flush()?;
    }
    Ok(())
}

fn arguments(paths: &[PathBuf]) -> Vec<String> {
    let options = ["--format", "json", "-o", "/dev/null"].map(str::to_owned);
    options.into_iter().chain(paths.iter().map(|path| path.display().to_string())).collect()
}

fn milliseconds(pin: Pin, paths: &[PathBuf]) -> io::Result<f64> {
    let cost = measure::run(pin, env!("CARGO_BIN_EXE_lbdiag"), &arguments(paths), true)?;
    Ok(cost.cpu * 1e3)
}

/// Millions of instructions, all threads together, as valgrind's callgrind counts them.
fn instructions(paths: &[PathBuf]) -> Result<f64, Fault> {
    let said = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", env!("CARGO_BIN_EXE_lbdiag")])
        .args(arguments(paths))
        .stdout(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let line = said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, n)| n.trim());
    let counted = line.and_then(|n| n.parse::<f64>().ok()).ok_or("valgrind counted nothing")?;
    Ok(counted / 1e6)
}

fn mac(n: u32) -> [u8; 6] {
    let [a, b, c, d] = n.to_be_bytes();
    [6, 0, a, b, c, d]
}

fn client(n: u32) -> (u32, u16) {
    (0x0a80_0000 + n, 40_000)
}

/// A connection that a director rewrites to one of its real servers, as its only interface shows it.
fn nat(n: u32, service: u32, server: u32) -> Vec<Vec<u8>> {
    let (client, vip) = (client(n), (VIP.0 + service, 80));
    let real = (0xac10_0000 + 256 + server, 80);
    let (isn, theirs) = (n.wrapping_mul(2_654_435_761), n ^ 0x5bd1_e995);
    let there = |flags, seq: u32, ack: u32| {
        let numbers = (isn.wrapping_add(seq), if flags == SYN { 0 } else { theirs + ack });
        [
            segment((ROUTER, DIRECTOR), (client, vip), flags, numbers),
            segment((DIRECTOR, mac(server)), (client, real), flags, numbers),
        ]
    };
    let back = |flags, seq: u32, ack: u32| {
        let numbers = (theirs + seq, isn.wrapping_add(ack));
        [
            segment((mac(server), DIRECTOR), (real, client), flags, numbers),
            segment((DIRECTOR, ROUTER), (vip, client), flags, numbers),
        ]
    };
    [
        there(SYN, 0, 0),
        back(SYN_ACK, 0, 1),
        there(ACK, 1, 1),
        there(FIN_ACK, 1, 1),
        back(FIN_ACK, 1, 2),
        there(ACK, 2, 2),
    ]
    .concat()
}

/// A connection as the capture at a place of its path shows it, one of so many; every second hop is a router.
fn passing(n: u32, place: u32, places: u32) -> Vec<Vec<u8>> {
    let (isn, theirs) = (n.wrapping_mul(2_654_435_761), n ^ 0x5bd1_e995);
    let (here, next) = (mac(place), mac(place + 1));
    let aged = |hops: u32| 64 - (hops / 2) as u8;
    let there = |flags, seq: u32, ack: u32| {
        let numbers = (isn.wrapping_add(seq), if flags == SYN { 0 } else { theirs + ack });
        let id = (n * 8 + seq) as u16;
        services::segment((here, next), (client(n), VIP), aged(place), flags, numbers, (id, 0))
    };
    let back = |flags, seq: u32, ack: u32| {
        let numbers = (theirs + seq, isn.wrapping_add(ack));
        let (ttl, id) = (aged(places - place), (n * 8 + seq) as u16);
        services::segment((next, here), (VIP, client(n)), ttl, flags, numbers, (id, 0))
    };
    vec![
        there(SYN, 0, 0),
        back(SYN_ACK, 0, 1),
        there(ACK, 1, 1),
        there(FIN_ACK, 1, 1),
        back(FIN_ACK, 1, 2),
        there(ACK, 2, 2),
    ]
}

/// A connection to one of many services that its host refuses.
fn refused(n: u32, service: u32) -> Vec<Vec<u8>> {
    let (client, vip) = (client(n), (VIP.0 + service, 80));
    let isn = n.wrapping_mul(2_654_435_761);
    vec![
        segment((ROUTER, DIRECTOR), (client, vip), SYN, (isn, 0)),
        segment((DIRECTOR, ROUTER), (vip, client), RST_ACK, (0, isn.wrapping_add(1))),
    ]
}

/// A question by ARP.
fn who_has(target: u32, (mac, asker): ([u8; 6], u32)) -> Vec<u8> {
    let mut arp = [0xff; 6].to_vec();
    arp.extend(mac);
    arp.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    arp.extend(mac);
    arp.extend(asker.to_be_bytes());
    arp.extend([0; 6]);
    arp.extend(target.to_be_bytes());
    arp
}

/// A router on the network of services that nobody has, as seen on it: once a second it asks for each, and clients go
/// on trying.
fn in_vain(n: u32) -> Vec<u8> {
    const ROUNDS: u32 = 6;
    let router = (ROUTER, 0x0a00_fffe);
    let rounds = (0..ROUNDS).flat_map(|round| (0..n).map(move |i| (round, i)));
    let frames = rounds.flat_map(|(round, i)| {
        let us = u64::from(round) * 1_000_000 + u64::from(i) * 900_000 / u64::from(n);
        let isn = i.wrapping_mul(2_654_435_761);
        let ends = (client(i), (VIP.0 + i, 80));
        // Linux sends a SYN again after one second, and after two more.
        let syn =
            [0, 1, 3].contains(&round).then(|| segment((mac(0), ROUTER), ends, SYN, (isn, 0)));
        syn.into_iter().chain([who_has(VIP.0 + i, router)]).map(move |frame| (us, frame))
    });
    timed(frames)
}

/// A host that asks for the director and opens a connection of its own.
fn neighbour(n: u32) -> Vec<Vec<u8>> {
    let arp = who_has(VIP.0, (mac(n), client(n).0));
    let (isn, theirs) = (n << 8, n ^ 0x5bd1_e995);
    let there = |flags, numbers| segment((mac(n), DIRECTOR), (client(n), VIP), flags, numbers);
    vec![
        arp,
        there(SYN, (isn, 0)),
        segment((DIRECTOR, mac(n)), (VIP, client(n)), SYN_ACK, (theirs, isn + 1)),
        there(ACK, (isn + 1, theirs + 1)),
    ]
}

/// A connection to one of the addresses of a host, each of which is a service.
fn called(n: u32) -> Vec<Vec<u8>> {
    let (client, vip) = (client(n), (VIP.0 + n, 80));
    let (isn, theirs) = (n << 8, n ^ 0x5bd1_e995);
    vec![
        segment((ROUTER, DIRECTOR), (client, vip), SYN, (isn, 0)),
        segment((DIRECTOR, ROUTER), (vip, client), SYN_ACK, (theirs, isn + 1)),
        segment((ROUTER, DIRECTOR), (client, vip), ACK, (isn + 1, theirs + 1)),
    ]
}

/// A segment of one connection, and what a router says of it: that it is too big (RFC 1191, section 4).
fn too_big(n: u32) -> Vec<Vec<u8>> {
    const ROUTERS_IP: u32 = 0x0a00_fffe;
    let packet = segment((DIRECTOR, ROUTER), (VIP, client(0)), ACK, (n * 1448, 1));
    // Ethernet and IP headers, then ICMP, which quotes IP and TCP headers.
    let mut error = packet[..34].to_vec();
    (error[..6]).copy_from_slice(&DIRECTOR);
    (error[6..12]).copy_from_slice(&ROUTER);
    (error[16..18]).copy_from_slice(&(20_u16 + 8 + 40).to_be_bytes());
    error[23] = 1;
    (error[26..30]).copy_from_slice(&ROUTERS_IP.to_be_bytes());
    (error[30..34]).copy_from_slice(&packet[26..30]);
    error.extend([3, 4, 0, 0, 0, 0, 0x05, 0x00]);
    error.extend(&packet[14..54]);
    vec![packet, error]
}

/// A bare segment; `numbers`: sequence and acknowledgment number.
fn segment(
    (from, to): ([u8; 6], [u8; 6]),
    (src, dst): ((u32, u16), (u32, u16)),
    flags: u8,
    numbers: (u32, u32),
) -> Vec<u8> {
    let ttl = if from == DIRECTOR || from == ROUTER { 63 } else { 64 };
    services::segment((from, to), (src, dst), ttl, flags, numbers, (numbers.0 as u16, 0))
}

/// The frames of `n` things as a pcap file, ten microseconds apart.
fn pcap(n: u32, frames: impl Fn(u32) -> Vec<Vec<u8>>) -> Vec<u8> {
    timed((0..n).flat_map(frames).enumerate().map(|(at, frame)| (at as u64 * 10, frame)))
}

/// Frames as a pcap file, each with its time in microseconds.
fn timed(frames: impl Iterator<Item = (u64, Vec<u8>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1] {
        bytes.extend(u32::to_le_bytes(word));
    }
    for (at, frame) in frames {
        let us = 1_700_000_000_000_000 + at;
        let length = frame.len() as u32;
        for word in [(us / 1_000_000) as u32, (us % 1_000_000) as u32, length, length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}

/// A pcapng file with a frame on each of its interfaces.
fn interfaces(n: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let words = |bytes: &mut Vec<u8>, words: &[u32]| {
        words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    };
    words(&mut bytes, &[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
    for _ in 0..n {
        words(&mut bytes, &[1, 20, 1, 65_535, 20]);
    }
    for i in 0..n {
        let frame = segment((ROUTER, DIRECTOR), (client(i), VIP), SYN, (i, 0));
        let length = frame.len() as u32;
        words(&mut bytes, &[6, 32 + 56, i, 0x0005_f000, i, length, length]);
        bytes.extend(&frame);
        bytes.extend([0, 0]);
        words(&mut bytes, &[88]);
    }
    bytes
}
