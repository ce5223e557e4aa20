//! Many services behind one director: connections of all of them, each to one of ten real servers by NAT, as many open at
//! a time as a second brings.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Real servers of a service.
const SERVERS: u32 = 10;
/// Time between two new connections, and between two packets of one, microseconds.
const BETWEEN: u64 = 500;
const STEP: u64 = 50_000;

const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];
const DIRECTOR: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Packets of a connection: whether the client sends it, its flags, bytes of payload.
const SCRIPT: [(bool, u8, u32); 10] = [
    (true, 0x02, 0),
    (false, 0x12, 0),
    (true, 0x10, 0),
    (true, 0x18, 90),
    (false, 0x10, 0),
    (false, 0x18, 600),
    (true, 0x10, 0),
    (true, 0x11, 0),
    (false, 0x11, 0),
    (true, 0x10, 0),
];

/// Writes `director.pcap`; gives its path, its frames and its bytes.
pub fn write(folder: &Path, services: u32, connections: u32) -> io::Result<(PathBuf, u64, u64)> {
    let path = folder.join("director.pcap");
    let mut out = Out { file: BufWriter::new(File::create(&path)?), frames: 0, bytes: 24 };
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1] {
        out.file.write_all(&u32::to_le_bytes(word))?;
    }
    let mut queue: BinaryHeap<Reverse<(u64, u32, usize)>> = BinaryHeap::new();
    let mut next = 0;
    let mut numbers = vec![(0u32, 0u32); connections as usize];
    loop {
        let begins = if next < connections { u64::from(next) * BETWEEN } else { u64::MAX };
        if queue.peek().is_none_or(|Reverse((at, ..))| *at > begins) {
            if next == connections {
                break;
            }
            numbers[next as usize] = (mixed(next), mixed(!next));
            queue.push(Reverse((begins, next, 0)));
            next += 1;
        }
        let Some(Reverse((at, connection, step))) = queue.pop() else { break };
        let service = mixed(connection ^ 0x55) % services;
        packet(&mut out, at, connection, service, step, &mut numbers[connection as usize])?;
        if step + 1 < SCRIPT.len() {
            let pause = STEP + u64::from(mixed(connection ^ (step as u32) << 20)) % STEP;
            queue.push(Reverse((at + pause, connection, step + 1)));
        }
    }
    out.file.flush()?;
    Ok((path, out.frames, out.bytes))
}

struct Out {
    file: BufWriter<File>,
    frames: u64,
    bytes: u64,
}

impl Out {
    fn frame(&mut self, at: u64, frame: &[u8]) -> io::Result<()> {
        let us = 1_790_000_000_000_000 + at;
        let length = frame.len() as u32;
        for word in [(us / 1_000_000) as u32, (us % 1_000_000) as u32, length, length] {
            self.file.write_all(&word.to_le_bytes())?;
        }
        self.file.write_all(frame)?;
        self.frames += 1;
        self.bytes += 16 + frame.len() as u64;
        Ok(())
    }
}

/// One packet, as it comes to the director and as it leaves it.
fn packet(
    out: &mut Out,
    at: u64,
    connection: u32,
    service: u32,
    step: usize,
    numbers: &mut (u32, u32),
) -> io::Result<()> {
    let client = (0x0a80_0000 + connection % 60_000, 20_000 + (connection / 60_000) as u16);
    let vip = (0xcb00_7100 + service, 80);
    let server = service * SERVERS + mixed(connection) % SERVERS;
    let (real, mac) = ((0xac10_0000 + 256 + server, 8080), station(server));
    let (forth, flags, payload) = SCRIPT[step];
    let (seq, ack) = if forth { *numbers } else { (numbers.1, numbers.0) };
    let of = |macs, ends, ttl| segment(macs, ends, ttl, flags, (seq, ack), (at as u16, payload));
    let (came, left) = if forth {
        (of((ROUTER, DIRECTOR), (client, vip), 52), of((DIRECTOR, mac), (client, real), 51))
    } else {
        (of((mac, DIRECTOR), (real, client), 64), of((DIRECTOR, ROUTER), (vip, client), 63))
    };
    out.frame(at, &came)?;
    out.frame(at + 20, &left)?;
    let taken = payload + u32::from(flags & 3 != 0);
    let own = if forth { &mut numbers.0 } else { &mut numbers.1 };
    *own = own.wrapping_add(taken);
    Ok(())
}

fn station(n: u32) -> [u8; 6] {
    let [a, b, c, d] = n.to_be_bytes();
    [6, 0, a, b, c, d]
}

/// A segment; `numbers`: sequence and acknowledgment number; the last: identification and bytes
/// of payload.
pub fn segment(
    (from, to): ([u8; 6], [u8; 6]),
    (src, dst): ((u32, u16), (u32, u16)),
    ttl: u8,
    flags: u8,
    numbers: (u32, u32),
    (id, payload): (u16, u32),
) -> Vec<u8> {
    let mut frame = to.to_vec();
    frame.extend(from);
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((40 + payload as u16).to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend([0x40, 0, ttl, 6, 0, 0]);
    frame.extend(src.0.to_be_bytes());
    frame.extend(dst.0.to_be_bytes());
    frame.extend(src.1.to_be_bytes());
    frame.extend(dst.1.to_be_bytes());
    frame.extend(numbers.0.to_be_bytes());
    frame.extend(if flags == 2 { 0 } else { numbers.1 }.to_be_bytes());
    frame.extend([0x50, flags, 0xfa, 0, 0, 0, 0, 0]);
    frame.resize(54 + payload as usize, b'x');
    frame
}

/// A number that looks drawn (the finalizer of MurmurHash3).
fn mixed(n: u32) -> u32 {
    let n = (n ^ n >> 16).wrapping_mul(0x85eb_ca6b);
    let n = (n ^ n >> 13).wrapping_mul(0xc2b2_ae35);
    n ^ n >> 16
}
