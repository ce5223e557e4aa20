//! Clients behind one address, each with a TCP timestamp clock of its own, at real servers
//! behind a director in NAT.

use crate::diagnosed;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Talk, Who};
use std::net::Ipv4Addr;

const GET: &[u8] = b"GET /cart HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

/// Clocks of three clients behind the address, milliseconds since they were started.
const CLOCKS: [u32; 3] = [1_911_204_117, 402_113_902, 77_201_445];
const RS: [(Nic, Ipv4Addr); 2] = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)];

/// One client's connection, its clock at the time of the stage.
struct Visit {
    talk: Talk,
    clock: u32,
    ways: Ways,
}

impl Visit {
    fn new(port: u16, clock: u32, rs: usize) -> Self {
        let service = at(VIP, 80);
        let mut talk = Talk::new(at(CLIENT_IP, port), service);
        // The server's own clock is one for all.
        talk.server.clock = Some(611_000_000 + u32::from(port));
        Self { talk, clock, ways: nat(RS[rs].0, at(RS[rs].1, 8080), service) }
    }

    fn tick(&mut self, stage: &Stage) {
        self.talk.client.clock = Some(self.clock.wrapping_add((stage.now / 1000) as u32));
    }

    /// The SYN, with its repeats after so many milliseconds, to a server that is silent.
    fn in_vain(&mut self, stage: &mut Stage, repeats: &[u64]) {
        let begun = stage.now;
        for after in std::iter::once(&0).chain(repeats) {
            stage.now = begun + after * 1000;
            self.tick(stage);
            let syn = self.talk.syn();
            stage.carry(&self.ways.0, &syn);
        }
        stage.now = begun;
    }

    fn ask(&mut self, stage: &mut Stage) {
        self.tick(stage);
        let (there, back) = (&self.ways.0, &self.ways.1);
        self.talk.handshake(stage, there, back);
        let request = self.talk.data(Who::Client, GET);
        stage.carry(there, &request);
        let ack = self.talk.ack(Who::Server);
        stage.carry(back, &ack);
    }

    /// Answered, and closed by the server first, as `Connection: close` has it.
    fn whole(&mut self, stage: &mut Stage) {
        self.ask(stage);
        self.answered(stage, 7);
    }

    fn answered(&mut self, stage: &mut Stage, ms: u64) {
        stage.wait_ms(ms);
        self.tick(stage);
        let (there, back) = (&self.ways.0, &self.ways.1);
        let answer = self.talk.data(Who::Server, OK);
        stage.carry(back, &answer);
        let fin = self.talk.fin(Who::Server);
        stage.carry(back, &fin);
        let fin = self.talk.fin(Who::Client);
        stage.carry(there, &fin);
        let ack = self.talk.ack(Who::Server);
        stage.carry(back, &ack);
    }
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// rs1 remembers the latest clock of the address (tcp_tw_recycle), rs2 does not.
pub fn recycled() -> Stage {
    let mut stage = stage();
    for n in 0..24u16 {
        let (clock, rs) = (usize::from(n) % 3, usize::from(n / 3) % 2);
        let mut visit = Visit::new(36_000 + n * 7, CLOCKS[clock], rs);
        // The first client's clock is the highest.
        if rs == 0 && clock > 0 {
            visit.in_vain(&mut stage, &[1000, 3000, 7000]);
        } else {
            visit.whole(&mut stage);
        }
        stage.wait_ms(310);
    }
    // Visits of the first client go on while the others knock.
    for n in 0..8u16 {
        Visit::new(38_000 + n * 3, CLOCKS[0], 0).whole(&mut stage);
        stage.wait_ms(870);
    }
    // A minute without it, and rs1 has forgotten.
    stage.wait_ms(64_000);
    Visit::new(39_001, CLOCKS[2], 0).whole(&mut stage);
    stage.wait_ms(400);
    Visit::new(39_008, CLOCKS[1], 0).whole(&mut stage);
    stage
}

/// One client whose kernel begins each connection's timestamps anywhere, or with one clock and others behind the
/// same address; rs1 is silent. The director alone was captured.
fn silent_server(scattered: bool) -> Stage {
    let mut stage = Stage::capturing(&[]).any("director");
    resolved_nat(&mut stage);
    for n in 0..16u16 {
        let anywhere = 2_900_000_000u32.wrapping_mul(u32::from(n) + 1).rotate_left(u32::from(n));
        let rs = usize::from(n % 2 == 0);
        let clock = if scattered { anywhere >> (1 - rs) } else { CLOCKS[1 - rs] };
        let mut visit = Visit::new(36_000 + n * 7, clock, rs);
        if rs == 0 {
            visit.in_vain(&mut stage, &[1000, 3000])
        } else {
            visit.whole(&mut stage)
        }
        stage.wait_ms(310);
    }
    stage
}

#[test]
fn older_timestamps_tell_nothing_where_each_connection_has_its_own() {
    let (_, text) = diagnosed(&silent_server(true));
    assert!(!text.contains("carries an older TCP"), "{text}");
    let (_, text) = diagnosed(&silent_server(false));
    assert!(text.contains("carries an older TCP"), "{text}");
}

/// The same clients, and nobody remembers their clocks.
pub fn mixed() -> Stage {
    let mut stage = stage();
    for n in 0..24u16 {
        let (clock, rs) = (usize::from(n) % 3, usize::from(n / 3) % 2);
        let mut visit = Visit::new(36_000 + n * 7, CLOCKS[clock], rs);
        if n == 13 {
            // One SYN is lost between router and director, of the lowest clock as it
            // happens.
            visit.tick(&stage);
            let syn = visit.talk.syn();
            stage.carry_and_lose(&visit.ways.0, &syn, 2);
            stage.wait_ms(1000);
        }
        visit.whole(&mut stage);
        stage.wait_ms(310);
    }
    stage
}

/// The same clients; the program on rs1 accepts too slowly, and its queue is full.
pub fn queue_full() -> Stage {
    let mut stage = stage();
    for n in 0..9u16 {
        let (clock, rs) = (usize::from(n) % 3, usize::from(n / 3) % 2);
        Visit::new(36_000 + n * 7, CLOCKS[clock], rs).whole(&mut stage);
        stage.wait_ms(310);
    }
    let mut waiting: Vec<Visit> =
        (0..3).map(|n| Visit::new(37_000 + n * 5, CLOCKS[usize::from(n)], 0)).collect();
    for visit in &mut waiting {
        visit.ask(&mut stage);
        stage.wait_ms(130);
    }
    for n in 0..12u16 {
        let (clock, rs) = (usize::from(n) % 3, usize::from(n / 3) % 2);
        let mut visit = Visit::new(37_500 + n * 9, CLOCKS[clock], rs);
        if rs == 0 {
            visit.in_vain(&mut stage, &[1000, 3000]);
        } else {
            visit.whole(&mut stage);
        }
        stage.wait_ms(310);
    }
    stage.wait_ms(4000);
    for visit in &mut waiting {
        visit.answered(&mut stage, 900);
    }
    stage
}
