//! A resolver that asks for A and AAAA at once from one port, at a director in NAT.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Rewrite, Step, rewritten, step};
use std::net::SocketAddr;

const A: u16 = 1;
const AAAA: u16 = 28;
const PORT: u16 = 53;

/// One lookup: a client's port and what it asks for.
struct Lookup {
    client: SocketAddr,
    name: u16,
    /// Next identification of the client's and of the server's packets.
    ids: (u16, u16),
    ways: Ways,
}

/// There and back, by the real server of a lookup.
fn ways(n: u16, client: SocketAddr) -> Ways {
    let (rs, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
    let server = at(ip, PORT);
    let there = vec![
        step(CLIENT, ROUTER),
        step(ROUTER_IN, DIRECTOR),
        rewritten(DIRECTOR_IN, rs, Rewrite::Dst(server)),
    ];
    let back = vec![
        step(rs, DIRECTOR_IN),
        rewritten(DIRECTOR, ROUTER_IN, Rewrite::Both(at(VIP, PORT), client)),
        step(ROUTER, CLIENT),
    ];
    (there, back)
}

impl Lookup {
    fn new(n: u16) -> Self {
        let client = at(CLIENT_IP, 33_000 + n * 7);
        Self { client, name: n, ids: (n * 311, n * 97 + 5), ways: ways(n, client) }
    }

    /// The message: a question, or the response to it with no more than the question.
    fn message(&self, kind: u16, response: bool) -> Vec<u8> {
        let id = self.name.wrapping_mul(2749).wrapping_add(kind);
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend(if response { [0x81, 0x80] } else { [0x01, 0x00] });
        bytes.extend([0, 1, 0, 0, 0, 0, 0, 0]);
        let host = format!("h{}", self.name);
        for label in [host.as_str(), "app", "example"] {
            bytes.push(label.len() as u8);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1]);
        bytes
    }

    fn question(&mut self, kind: u16) -> Packet {
        self.ids.0 = self.ids.0.wrapping_add(1);
        Packet::udp(self.client, at(VIP, PORT), &self.message(kind, false)).id(self.ids.0)
    }

    /// The question goes all the way, or no farther than the director.
    fn ask(&mut self, stage: &mut Stage, kind: u16, arrives: bool) {
        let packet = self.question(kind);
        let there: &[Step] = &self.ways.0;
        stage.carry_part(there, &packet, if arrives { there.len() } else { 2 });
    }

    fn answer(&mut self, stage: &mut Stage, kind: u16) {
        self.ids.1 = self.ids.1.wrapping_add(1);
        let (rs, _) = [(NAT_RS1_IP, 1), (NAT_RS2_IP, 2)][usize::from(self.name % 2)];
        let packet =
            Packet::udp(at(rs, PORT), self.client, &self.message(kind, true)).id(self.ids.1);
        stage.now += 300;
        stage.carry(&self.ways.1, &packet);
    }

    /// One question, answered.
    fn alone(&mut self, stage: &mut Stage, kind: u16) {
        self.ask(stage, kind, true);
        self.answer(stage, kind);
    }

    /// Both at once, both answered.
    fn pair(&mut self, stage: &mut Stage) {
        for kind in [A, AAAA] {
            self.ask(stage, kind, true);
        }
        for kind in [A, AAAA] {
            self.answer(stage, kind);
        }
    }

    /// Both at once; the director drops one, and the resolver asks for both again, one
    /// after the other, when its timer runs out.
    fn pair_loses(&mut self, stage: &mut Stage, lost: u16) {
        let begun = stage.now;
        let kept = A + AAAA - lost;
        for kind in [A, AAAA] {
            self.ask(stage, kind, kind == kept);
        }
        self.answer(stage, kept);
        stage.now = begun + 5_005_000;
        for kind in [A, AAAA] {
            self.alone(stage, kind);
        }
    }
}

impl Lookup {
    /// A question that is lost before it reaches the director.
    fn ask_in_vain(&mut self, stage: &mut Stage, kind: u16) {
        let packet = self.question(kind);
        stage.carry_and_lose(&self.ways.0, &packet, 2);
    }
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// Five of sixteen pairs lose one of two at the director, mostly the second.
pub fn one_of_two_lost() -> Stage {
    let mut stage = stage();
    for n in 0..34 {
        let mut lookup = Lookup::new(n);
        match n {
            2 | 9 | 13 | 20 => lookup.pair_loses(&mut stage, AAAA),
            6 => lookup.pair_loses(&mut stage, A),
            n if n % 3 == 0 || n > 22 => lookup.alone(&mut stage, [A, AAAA][usize::from(n % 2)]),
            _ => lookup.pair(&mut stage),
        }
        stage.wait_ms(370);
    }
    stage
}

/// Pairs and single questions, all answered.
pub fn pairs_answered() -> Stage {
    let mut stage = stage();
    for n in 0..16 {
        let mut lookup = Lookup::new(n);
        if n % 4 == 3 {
            lookup.alone(&mut stage, A);
        } else {
            lookup.pair(&mut stage);
        }
        stage.wait_ms(240);
    }
    stage
}

/// The real servers answer no AAAA, asked in a pair, alone or again.
pub fn aaaa_ignored() -> Stage {
    let mut stage = stage();
    for n in 0..12 {
        let mut lookup = Lookup::new(n);
        if n % 3 == 2 {
            lookup.alone(&mut stage, A);
            stage.wait_ms(300);
            continue;
        }
        let begun = stage.now;
        for kind in [A, AAAA] {
            lookup.ask(&mut stage, kind, true);
        }
        lookup.answer(&mut stage, A);
        stage.now = begun + 5_005_000;
        lookup.alone(&mut stage, A);
        lookup.ask(&mut stage, AAAA, true);
        stage.wait_ms(5_005);
    }
    stage
}

/// The network before the director loses questions, in pairs and alone.
pub fn lost_on_the_way() -> Stage {
    let mut stage = stage();
    for n in 0..26 {
        let mut lookup = Lookup::new(n);
        let begun = stage.now;
        match n {
            3 | 8 | 14 | 21 => {
                lookup.ask(&mut stage, A, true);
                lookup.ask_in_vain(&mut stage, AAAA);
                lookup.answer(&mut stage, A);
                stage.now = begun + 5_005_000;
                for kind in [A, AAAA] {
                    lookup.alone(&mut stage, kind);
                }
            }
            5 | 17 => {
                lookup.ask_in_vain(&mut stage, A);
                stage.now = begun + 5_005_000;
                lookup.alone(&mut stage, A);
            }
            n if n % 2 == 0 => lookup.alone(&mut stage, A),
            _ => lookup.pair(&mut stage),
        }
        stage.wait_ms(290);
    }
    stage
}
