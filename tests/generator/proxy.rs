//! Runs a world whose director is a layer-7 proxy: clients' connections end at it, and it has its own to the real servers.
//!
//! A request that arrives goes to the next real server in turn: over a back-end connection of its own, which is then closed,
//! or over an idle one of the pool; only where none is idle a new one is opened. The pool is closed when all clients are
//! gone. Memory goes by the connections alive, and the truth of each request.

use super::capture::Capture;
use super::paths::Paths;
use super::proxy_line::{Body, Exchange, Line, Sent, Use, bytes};
use super::rng::{self, Rng};
use super::run::{JITTER, emit};
use super::script::{ACK, FIN, PSH, SYN};
use super::truth::{Carried, ConnectionTruth, Outcome, Truth};
use super::world::{Proxy, World};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddrV4;

/// The side that opened a line, and the one that accepted it.
const OPENER: u8 = 0;
const ACCEPTER: u8 = 1;
/// Ports of the proxy's own connections, which come again no sooner than after so many.
const FIRST_PORT: u16 = 30_000;
const PORTS: u32 = 30_000;

/// What is to come, in the order of time; what comes at one moment in the order in which it was planned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: u64,
    order: u64,
    line: u32,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A side sends.
    Send { side: u8, flags: u8, body: Body },
    /// A segment passes a hop.
    Pass { sent: Sent, hop: u8 },
    /// The proxy finds a back-end connection for a request.
    Carry(Exchange),
}

struct Run<'w> {
    world: &'w World,
    how: Proxy,
    paths: Paths,
    captures: Vec<Capture>,
    queue: BinaryHeap<Reverse<Event>>,
    lines: Vec<Line>,
    free: Vec<u32>,
    /// Idle back-end connections of each real server.
    idle: Vec<Vec<u32>>,
    rng: Rng,
    buf: Vec<u8>,
    planned: u64,
    opened: u32,
    /// Requests of each connection, and a client's pause before each and before its end.
    exchanges: u16,
    pause: u64,
    connections: Vec<ConnectionTruth>,
    carried: Vec<Carried>,
}

/// Writes the captures of the world.
///
/// # Errors
/// What writing files gives.
pub fn run(world: &World, how: Proxy, captures: Vec<Capture>, paths: Paths) -> io::Result<Truth> {
    let exchanges = (world.packets_per_connection.saturating_sub(6) / 4).max(1) as u16;
    let mut run = Run {
        world,
        how,
        paths,
        captures,
        queue: BinaryHeap::new(),
        lines: Vec::new(),
        free: Vec::new(),
        idle: vec![Vec::new(); usize::from(world.real_servers)],
        rng: Rng::new(world.seed),
        buf: vec![0; 4_096],
        planned: 0,
        opened: 0,
        exchanges,
        pause: world.lifetime_ns() / (u64::from(exchanges) + 1),
        connections: Vec::with_capacity(world.connections as usize),
        carried: Vec::new(),
    };
    run.play()?;
    let captures = run.captures.into_iter().map(Capture::finish).collect::<io::Result<_>>()?;
    Ok(Truth {
        world: world.clone(),
        captures,
        connections: run.connections,
        spoofed: 0,
        carried: run.carried,
        lost: 0,
    })
}

impl Run<'_> {
    fn play(&mut self) -> io::Result<()> {
        let (mut next, mut now) = (0, 0);
        loop {
            let begin =
                if next < self.world.connections { self.world.begin_ns(next) } else { u64::MAX };
            let planned = self.queue.peek().map_or(u64::MAX, |event| event.0.at);
            if planned <= begin {
                if let Some(Reverse(event)) = self.queue.pop() {
                    now = event.at;
                    self.happen(event)?;
                } else if !self.close_pool(now) {
                    return Ok(());
                }
            } else {
                self.begin(next, begin);
                next += 1;
            }
        }
    }

    /// All clients are gone: the proxy closes what is idle. False where nothing is.
    fn close_pool(&mut self, now: u64) -> bool {
        let idle: Vec<u32> = self.idle.iter_mut().flat_map(std::mem::take).collect();
        for (n, line) in idle.iter().enumerate() {
            self.send(now + 1_000_000 * (n as u64 + 1), *line, OPENER, FIN | ACK, Body::Empty);
        }
        !idle.is_empty()
    }

    fn begin(&mut self, number: u32, at: u64) {
        let world = self.world;
        let (client, port) = (world.client(number), world.port(number));
        let ends =
            [(u32::from(client), port), (u32::from(world.network.vip), world.network.vip_port)];
        let bits = rng::at(world.seed, u64::from(number) << 3 | 3);
        let isn = world.isn(number);
        let line = self.open(Line::new(Use::Front(number), ends, isn, bits));
        self.connections.push(ConnectionTruth {
            client: SocketAddrV4::new(client, port),
            isn,
            real_server: 0,
            start_ns: at,
            end_ns: at,
            outcome: Outcome::Unfinished,
            lost: 0,
        });
        self.send(at, line, OPENER, SYN, Body::Empty);
    }

    fn open(&mut self, line: Line) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.lines[slot as usize] = line;
            return slot;
        }
        self.lines.push(line);
        (self.lines.len() - 1) as u32
    }

    fn plan(&mut self, at: u64, line: u32, what: What) {
        self.planned += 1;
        self.queue.push(Reverse(Event { at, order: self.planned, line, what }));
    }

    fn send(&mut self, at: u64, line: u32, side: u8, flags: u8, body: Body) {
        self.plan(at, line, What::Send { side, flags, body });
    }

    /// The client's pause, a quarter longer or shorter.
    fn think(&mut self) -> u64 {
        300_000 + self.pause - self.pause / 4 + self.rng.below(self.pause / 2)
    }

    fn happen(&mut self, event: Event) -> io::Result<()> {
        let Event { at, line, what, .. } = event;
        match what {
            What::Send { side, flags, body } => {
                let milliseconds = ((self.world.start_ns + at) / 1_000_000) as u32;
                let living = &mut self.lines[line as usize];
                let behind = matches!(living.of, Use::Back(_));
                let len = bytes(self.world, self.how, body, behind).len();
                let sent = living.send(side, flags, body, len, milliseconds);
                self.pass(at, line, sent, 0)
            }
            What::Pass { sent, hop } => self.pass(at, line, sent, hop),
            What::Carry(exchange) => {
                self.carry(at, line, exchange);
                Ok(())
            }
        }
    }

    fn pass(&mut self, at: u64, line: u32, sent: Sent, index: u8) -> io::Result<()> {
        let living = &self.lines[line as usize];
        let paths = if sent.side == OPENER { &self.paths.forward } else { &self.paths.backward };
        let path = &paths[living.path()];
        let hop = path[usize::from(index)];
        let last = usize::from(index) + 1 == path.len();
        let behind = matches!(living.of, Use::Back(_));
        let payload = bytes(self.world, self.how, sent.body, behind);
        let packet = living.segment(self.world, &sent, hop);
        emit(&mut self.captures, &mut self.buf, hop, at, &packet, &payload)?;
        if last {
            self.arrive(at, line, sent);
        } else {
            let at = at + hop.delay + self.rng.below(JITTER);
            self.plan(at, line, What::Pass { sent, hop: index + 1 });
        }
        Ok(())
    }

    fn arrive(&mut self, at: u64, line: u32, sent: Sent) {
        self.lines[line as usize].arrive(&sent);
        let of = self.lines[line as usize].of;
        match (sent.side, sent.flags & (SYN | FIN), sent.body) {
            (OPENER, SYN, _) => self.send(at + 40_000, line, ACCEPTER, SYN | ACK, Body::Empty),
            (ACCEPTER, SYN, _) => {
                self.send(at + 20_000, line, OPENER, ACK, Body::Empty);
                let (wait, request) = match (of, self.lines[line as usize].carries) {
                    (Use::Front(number), _) => {
                        (self.think(), Exchange { number, index: 0, server: 0 })
                    }
                    (Use::Back(_), Some((exchange, _))) => (120_000, exchange),
                    (Use::Back(_), None) => return,
                };
                self.send(at + wait, line, OPENER, PSH | ACK, Body::Request(request));
            }
            (OPENER, _, Body::Request(exchange)) => {
                self.send(at + 30_000, line, ACCEPTER, ACK, Body::Empty);
                match of {
                    Use::Front(_) => self.plan(at + 80_000, line, What::Carry(exchange)),
                    Use::Back(_) => {
                        let took = 500_000 + self.rng.below(400_000);
                        self.send(at + took, line, ACCEPTER, PSH | ACK, Body::Response(exchange));
                    }
                }
            }
            (ACCEPTER, _, Body::Response(exchange)) => {
                self.send(at + 20_000, line, OPENER, ACK, Body::Empty);
                self.answered(at, line, of, exchange);
            }
            (OPENER, FIN, _) => self.send(at + 60_000, line, ACCEPTER, FIN | ACK, Body::Empty),
            (ACCEPTER, FIN, _) => {
                self.lines[line as usize].closing = true;
                self.send(at + 50_000, line, OPENER, ACK, Body::Empty);
                if let Use::Front(number) = of {
                    let truth = &mut self.connections[number as usize];
                    (truth.end_ns, truth.outcome) = (at, Outcome::Completed);
                }
            }
            // The last ACK is the line's last packet.
            _ if sent.side == OPENER && self.lines[line as usize].closing => self.free.push(line),
            _ => {}
        }
    }

    /// A response has arrived at the client, or at the proxy.
    fn answered(&mut self, at: u64, line: u32, of: Use, exchange: Exchange) {
        match of {
            Use::Front(number) => {
                let index = exchange.index + 1;
                let wait = self.think();
                if index < self.exchanges {
                    let request = Body::Request(Exchange { number, index, server: 0 });
                    self.send(at + wait, line, OPENER, PSH | ACK, request);
                } else {
                    self.send(at + wait, line, OPENER, FIN | ACK, Body::Empty);
                }
            }
            Use::Back(server) => {
                let Some((_, front)) = self.lines[line as usize].carries.take() else { return };
                self.send(at + 60_000, front, ACCEPTER, PSH | ACK, Body::Response(exchange));
                if self.how.pooled {
                    self.idle[usize::from(server)].push(line);
                } else {
                    self.send(at + 100_000, line, OPENER, FIN | ACK, Body::Empty);
                }
            }
        }
    }

    /// The proxy sends a client's request on to the next real server.
    fn carry(&mut self, at: u64, front: u32, exchange: Exchange) {
        let world = self.world;
        let server = (self.carried.len() % usize::from(world.real_servers)) as u16;
        let exchange = Exchange { server, ..exchange };
        let line = if let Some(line) = self.idle[usize::from(server)].pop() {
            // Its last ACK left 20 microseconds after the response came; nothing overtakes it.
            self.send(at + 40_000, line, OPENER, PSH | ACK, Body::Request(exchange));
            line
        } else {
            let port = FIRST_PORT + (self.opened % PORTS) as u16;
            self.opened += 1;
            let bits = rng::at(rng::at(world.seed, 4), u64::from(self.opened));
            let ends = [
                (u32::from(world.network.director), port),
                (u32::from(world.real_server(server)), world.network.real_server_port),
            ];
            let isn = rng::at(bits, 1) as u32;
            let line = self.open(Line::new(Use::Back(server), ends, isn, bits));
            self.send(at + 20_000, line, OPENER, SYN, Body::Empty);
            line
        };
        let living = &mut self.lines[line as usize];
        living.carries = Some((exchange, front));
        let (address, port) = living.ends[0];
        let back = SocketAddrV4::new(address.into(), port);
        self.carried.push(Carried {
            front: exchange.number,
            back,
            isn: living.isn,
            real_server: server,
        });
        if exchange.index == 0 {
            self.connections[exchange.number as usize].real_server = server;
        }
    }
}
