//! Runs a world: a queue of passings in the order of time, each of which writes one frame to at most one capture.
//!
//! A packet is sent when the one before it has arrived (or, from the same sender, a little later), so every capture shows
//! causes before effects and the packets of all living connections interleave. Memory goes by the connections alive, and
//! 40 bytes a connection for the truth.

use super::capture::{Capture, RECORD};
use super::flood::Source;
use super::frame::{self, Segment};
use super::living::{CLIENT, Connection, SERVER};
use super::neighbor;
use super::network::Family;
use super::paths::{self, DIRECTOR_IN, Hop, Paths};
use super::payload::Payload;
use super::proxy;
use super::rng::Rng;
use super::script::{Body, Script, Step};
use super::truth::{ConnectionTruth, Outcome, Truth};
use super::world::{Between, Loss, Mode, World};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::SocketAddrV4;
use std::path::Path;

/// A packet's passing of a hop. The order of the fields is the order of the queue.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Passing {
    /// Nanoseconds after the start.
    pub(super) at: u64,
    /// Which living connection, or [`SPOOFED`].
    pub(super) slot: u32,
    /// Which packet of it.
    pub(super) step: u16,
    /// Which hop of the packet's path.
    pub(super) hop: u8,
    /// TSval; of a spoofed SYN, its number.
    pub(super) value: u32,
    /// TSecr; of the answer to a spoofed SYN, its TSval.
    pub(super) echo: u32,
    /// IP-ID.
    pub(super) id: u16,
    /// How often the packet was sent before.
    pub(super) attempt: u8,
}

/// The slot of the flood: step 0 is the SYN, step 1 its answer.
const SPOOFED: u32 = u32::MAX;
/// A hop takes up to this much longer, nanoseconds.
pub(super) const JITTER: u64 = 20_000;
/// Writes the world's captures to `folder`.
///
/// # Errors
/// `InvalidInput` from [`World::check`]; what creating and writing files gives.
pub fn run(world: &World, folder: &Path) -> io::Result<Truth> {
    world.check()?;
    let (mut captures, paths) = paths::open(world, folder)?;
    write_arp(world, &paths, &mut captures)?;
    if let Mode::Proxy(how) = world.mode {
        return proxy::run(world, how, captures, paths);
    }
    let script = Script::new(world);
    let mut run = Run {
        payload: Payload::new(world, &script),
        flood: world.flood.map(|flood| Source::new(world, flood)),
        queue: BinaryHeap::new(),
        living: Vec::new(),
        free: Vec::new(),
        rng: Rng::new(world.seed),
        buf: vec![0; 16_384],
        merging: HashMap::new(),
        lost: 0,
        truth: Vec::with_capacity(world.connections as usize),
        world,
        script,
        paths,
        captures,
    };
    run.play()?;
    let captures = run.captures.into_iter().map(Capture::finish).collect::<io::Result<_>>()?;
    let spoofed = world.flood.map_or(0, |flood| flood.syns);
    Ok(Truth {
        world: world.clone(),
        captures,
        connections: run.truth,
        spoofed,
        carried: Vec::new(),
        lost: run.lost,
    })
}

/// Writes what hosts asked before the first packet.
fn write_arp(world: &World, paths: &Paths, captures: &mut [Capture]) -> io::Result<()> {
    let mut buf = vec![0; 256];
    for arp in &paths.arp {
        let frame = &mut buf[RECORD..];
        let (kind, write): (_, fn(&mut [u8], _, _, _) -> usize) = match world.family {
            Family::V4 => (frame::ARP, neighbor::arp),
            Family::V6 => (frame::IPV6, neighbor::discovery),
        };
        let link = frame::link(frame, arp.link, kind);
        let len = link + write(&mut frame[link..], arp.reply, arp.from, arp.to);
        captures[arp.capture].write(arp.at, &mut buf, len)?;
    }
    Ok(())
}

/// A world being run.
pub(super) struct Run<'w> {
    pub(super) world: &'w World,
    script: Script,
    pub(super) paths: Paths,
    payload: Payload,
    pub(super) captures: Vec<Capture>,
    pub(super) flood: Option<Source>,
    pub(super) queue: BinaryHeap<Reverse<Passing>>,
    living: Vec<Connection>,
    free: Vec<u32>,
    rng: Rng,
    /// A record header and a frame.
    pub(super) buf: Vec<u8>,
    truth: Vec<ConnectionTruth>,
    /// Segments that a vantage has not shown yet, by connection and hop.
    merging: HashMap<(u32, u8), (Segment, Vec<u8>)>,
    /// Packets that were lost.
    lost: u64,
}

impl Run<'_> {
    /// Takes whatever comes first, the next connection, the next spoofed SYN or the next passing, until nothing is left.
    fn play(&mut self) -> io::Result<()> {
        let mut next = 0;
        loop {
            let begin =
                if next < self.world.connections { self.world.begin_ns(next) } else { u64::MAX };
            let spoofed = self.flood.as_ref().and_then(Source::due).unwrap_or(u64::MAX);
            let queued = self.queue.peek().map_or(u64::MAX, |passing| passing.0.at);
            if queued <= begin && queued <= spoofed {
                let Some(Reverse(passing)) = self.queue.pop() else {
                    return Ok(());
                };
                if passing.slot == SPOOFED {
                    self.pass_spoofed(passing)?
                } else {
                    self.pass(passing)?
                }
            } else if begin <= spoofed {
                self.begin(next, begin);
                next += 1;
            } else if let Some(source) = &mut self.flood {
                let value = source.take();
                self.pass_spoofed(Passing {
                    at: spoofed,
                    slot: SPOOFED,
                    step: 0,
                    hop: DIRECTOR_IN as u8,
                    value,
                    ..Passing::default()
                })?;
            }
        }
    }

    fn begin(&mut self, number: u32, at: u64) {
        let world = self.world;
        let connection = Connection::new(world, number);
        let slot = if let Some(slot) = self.free.pop() {
            self.living[slot as usize] = connection;
            slot
        } else {
            self.living.push(connection);
            (self.living.len() - 1) as u32
        };
        self.truth.push(ConnectionTruth {
            client: SocketAddrV4::new(world.client(number), world.port(number)),
            isn: connection.isn[CLIENT],
            real_server: connection.server,
            start_ns: at,
            end_ns: at,
            outcome: Outcome::Unfinished,
            lost: 0,
        });
        self.queue.push(Reverse(Passing { at, slot, ..Passing::default() }));
    }

    fn pass(&mut self, mut passing: Passing) -> io::Result<()> {
        let index = usize::from(passing.step);
        let step = self.script.steps[index];
        let following = self.script.steps.get(index + 1).copied();
        let slot = passing.slot as usize;
        let goes_on = following.filter(|next| next.from_client == step.from_client);
        if passing.hop == 0 {
            let milliseconds = self.milliseconds(passing.at);
            self.living[slot].send(&step, milliseconds, &mut passing);
            if let Some(next) = goes_on.filter(|_| passing.attempt == 0) {
                self.send_next(passing, next.wait, next.think);
            }
        }
        let connection = self.living[slot];
        let path = if step.from_client { &self.paths.forward } else { &self.paths.backward };
        let path = &path[usize::from(connection.server)];
        let hop = path[usize::from(passing.hop)];
        let last = usize::from(passing.hop) + 1 == path.len();
        let packet = connection.packet(self.world, &step, hop, passing);
        let payload = self.payload.bytes(step.body, connection.number, connection.server);
        let more = following.is_some_and(|next| next.body == Body::More);
        if hop.merges && (more || step.body == Body::More) {
            let held = self
                .merging
                .entry((passing.slot, passing.hop))
                .or_insert_with(|| (packet, Vec::new()));
            held.1.extend_from_slice(payload);
            if !more
                && let Some((packet, payload)) = self.merging.remove(&(passing.slot, passing.hop))
            {
                emit(&mut self.captures, &mut self.buf, hop, passing.at, &packet, &payload)?;
            }
        } else {
            emit(&mut self.captures, &mut self.buf, hop, passing.at, &packet, payload)?;
        }
        if !last {
            if self.is_lost(passing, &step, hop.crosses) {
                return Ok(());
            }
            self.go_on(passing, hop.delay);
            return Ok(());
        }
        let living = &mut self.living[slot];
        living.seen[if step.from_client { SERVER } else { CLIENT }] = passing.value;
        let Some(done) = living.arrive(passing, goes_on.is_none()) else {
            return Ok(());
        };
        if let Some(next) = self.script.steps.get(usize::from(done) + 1).copied() {
            self.send_next(Passing { step: done, ..passing }, next.wait, next.think);
        } else {
            let truth = &mut self.truth[connection.number as usize];
            truth.end_ns = passing.at;
            truth.outcome = Outcome::Completed;
            truth.lost = connection.lost;
            self.free.push(passing.slot);
        }
        Ok(())
    }

    /// Whether a packet is lost on its way to the next hop; then it is counted, and sent again later.
    fn is_lost(&mut self, passing: Passing, step: &Step, crosses: Option<Between>) -> bool {
        let Some(loss) = self.world.loss.filter(|loss| crosses == Some(loss.between)) else {
            return false;
        };
        let connection = &mut self.living[passing.slot as usize];
        if !loss.takes(self.world, connection, step, passing.step) {
            return false;
        }
        connection.lost += 1;
        connection.missing += u16::from(passing.attempt == 0);
        self.lost += 1;
        let at = passing.at + Loss::timeout(step, passing.attempt);
        let attempt = passing.attempt + 1;
        self.queue.push(Reverse(Passing { at, hop: 0, attempt, ..passing }));
        true
    }

    /// Queues the packet's next hop.
    pub(super) fn go_on(&mut self, passing: Passing, delay: u64) {
        let at = passing.at + delay + self.rng.below(JITTER);
        self.queue.push(Reverse(Passing { at, hop: passing.hop + 1, ..passing }));
    }

    /// Queues the connection's next packet.
    fn send_next(&mut self, passing: Passing, wait: u64, think: bool) {
        let wait = if think { wait - wait / 4 + self.rng.below(wait / 2) } else { wait };
        self.queue.push(Reverse(Passing {
            at: passing.at + wait,
            step: passing.step + 1,
            hop: 0,
            attempt: 0,
            ..passing
        }));
    }

    /// A clock of 1 kHz, as TCP timestamps count.
    pub(super) fn milliseconds(&self, at: u64) -> u32 {
        ((self.world.start_ns + at) / 1_000_000) as u32
    }
}

/// Writes the frame of `packet` at `hop`, where that is captured.
pub(super) fn emit(
    captures: &mut [Capture],
    buf: &mut [u8],
    hop: Hop,
    at: u64,
    packet: &Segment,
    payload: &[u8],
) -> io::Result<()> {
    let Some(capture) = hop.capture else {
        return Ok(());
    };
    let frame = &mut buf[RECORD..];
    let kind = if packet.family == Family::V4 { frame::IPV4 } else { frame::IPV6 };
    let link = frame::link(frame, hop.link, kind);
    let len = link + frame::segment(&mut frame[link..], packet, payload);
    captures[capture].write(at, buf, len)
}
