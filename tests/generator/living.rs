//! A connection that lives, and what its packets look like wherever they pass.

use super::frame::{self, Segment, Tunnel};
use super::options::Options;
use super::paths::{Caller, Hop};
use super::rng;
use super::run::Passing;
use super::script::{ACK, Body, SYN, Step};
use super::world::{FullNat, Mode, World};

/// The two sides of a connection, as indexes.
pub const CLIENT: usize = 0;
pub const SERVER: usize = 1;

/// What a living connection needs for its next packet.
#[derive(Clone, Copy)]
pub struct Connection {
    pub number: u32,
    pub client: u32,
    pub port: u16,
    pub server: u16,
    pub isn: [u32; 2],
    pub id: [u16; 2],
    /// What each side's timestamps count from.
    pub clock: [u32; 2],
    /// The newest TSval that each side has received.
    pub seen: [u32; 2],
    /// How many packets each side has sent that its IP-ID counts.
    pub sent: [u16; 2],
    /// Sendings lost so far.
    pub lost: u8,
    /// Steps that were lost and did not arrive since.
    pub missing: u16,
    /// The step that would have gone on, had nothing been missing before it.
    pub held: Option<u16>,
}

/// The service's address and port as packets bear them at a hop.
pub fn service(world: &World, hop: Hop, server: u16) -> (u32, u16) {
    if hop.real {
        (u32::from(world.real_server(server)), world.network.real_server_port)
    } else {
        (u32::from(world.network.vip), world.network.vip_port)
    }
}

impl Connection {
    /// Connection `number` before its first packet.
    pub fn new(world: &World, number: u32) -> Self {
        let seed = |what: u64| rng::at(world.seed, (u64::from(number) << 3) | what);
        let client = u32::from(world.client(number));
        let server = world.server_of(number);
        let of_client = rng::at(world.seed, (u64::from(client) << 3) | 2);
        Self {
            number,
            client,
            port: world.port(number),
            server,
            isn: [world.isn(number), seed(3) as u32],
            id: [seed(4) as u16, seed(4).rotate_left(16) as u16],
            clock: [of_client as u32, rng::at(of_client, u64::from(server)) as u32],
            seen: [0, 0],
            sent: [0, 0],
            lost: 0,
            missing: 0,
            held: None,
        }
    }

    /// A step is sent at `milliseconds`: its timestamps and IP-ID.
    pub fn send(&mut self, step: &Step, milliseconds: u32, passing: &mut Passing) {
        let me = if step.from_client { CLIENT } else { SERVER };
        passing.value = milliseconds.wrapping_add(self.clock[me]);
        passing.echo = self.seen[me];
        // Linux answers a SYN from a request socket, whose packets have IP-ID 0; the flow's counter starts after it.
        passing.id = 0;
        if step.flags & (SYN | ACK) != SYN | ACK {
            passing.id = self.id[me].wrapping_add(self.sent[me]);
            self.sent[me] = self.sent[me].wrapping_add(1);
        }
    }

    /// A step arrives: gives the step after which the script goes on, which is none while something before it is missing.
    pub fn arrive(&mut self, passing: Passing, ends_turn: bool) -> Option<u16> {
        self.missing -= u16::from(passing.attempt > 0);
        if ends_turn {
            self.held = Some(passing.step);
        }
        if self.missing > 0 { None } else { self.held.take() }
    }

    /// The client's endpoint as packets bear it at a hop.
    fn caller(&self, world: &World, hop: Hop) -> (u32, u16) {
        let end = match hop.caller {
            Caller::Own => return (self.client, self.port),
            Caller::Translated => world.translated(self.number),
            Caller::Local => world.local(self.number),
        };
        (u32::from(*end.ip()), end.port())
    }

    /// The client's endpoint as the director sees it.
    fn asking(&self, world: &World) -> (u32, u16) {
        if !world.source_nat {
            return (self.client, self.port);
        }
        let end = world.translated(self.number);
        (u32::from(*end.ip()), end.port())
    }

    /// The packet of a step where it passes a hop.
    pub fn packet(&self, world: &World, step: &Step, hop: Hop, passing: Passing) -> Segment {
        let (me, peer) = if step.from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let (caller, callee) = (self.caller(world, hop), service(world, hop, self.server));
        let (from, to) = if step.from_client { (caller, callee) } else { (callee, caller) };
        // Behind a FullNAT director the client's numbers may be others.
        let shift = if hop.caller == Caller::Local { world.shift(self.number) } else { 0 };
        let seq = self.isn[me].wrapping_add(step.seq);
        let ack = self.isn[peer].wrapping_add(step.ack);
        let (seq, ack) = if step.from_client {
            (seq.wrapping_add(shift), ack)
        } else {
            (seq, ack.wrapping_add(shift))
        };
        let ttl = 64 - hop.ttl_gone;
        let id = passing.id;
        let opening = matches!(step.body, Body::Request(0)) || step.flags & (SYN | ACK) == SYN;
        Segment {
            family: world.family,
            tunnel: hop.tunnel.then(|| Tunnel {
                from: u32::from(world.network.director),
                to: u32::from(world.real_server(self.server)),
                ttl,
                id: (rng::at(u64::from(id), u64::from(seq))) as u16,
            }),
            from: from.0,
            to: to.0,
            from_port: from.1,
            to_port: to.1,
            seq,
            ack: if step.flags & ACK == 0 { 0 } else { ack },
            flags: step.flags,
            window: frame::window(step.from_client, step.flags),
            ttl,
            id,
            options: options(world.mode, step, hop, passing),
            named: (shift != 0 && opening).then(|| self.asking(world)),
        }
    }
}

/// The options of a step at a hop: a director that strips timestamps leaves them in the client's own SYN alone.
fn options(mode: Mode, step: &Step, hop: Hop, passing: Passing) -> Options {
    let asked = step.flags & (SYN | ACK) == SYN && hop.caller != Caller::Local;
    match mode {
        Mode::FullNat(FullNat::Stripped | FullNat::Shifted) if !asked => Options::Bare,
        _ => Options::Stamps { value: passing.value, echo: passing.echo },
    }
}
