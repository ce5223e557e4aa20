//! Listeners with TCP_DEFER_ACCEPT behind a director in NAT, and what looks like them.
//!
//! When the SYN-ACK goes out again, and that the ACK to it lets the connection in, is as
//! Linux 6.18 does it with `TCP_DEFER_ACCEPT` of one second.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Talk, Who};
use std::net::Ipv4Addr;

const RS: [(Nic, Ipv4Addr); 2] = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)];
const GREETING: &[u8] = b"220 mx.example ESMTP\r\n";
const GET: &[u8] = b"GET /news HTTP/1.1\r\nHost: app.example\r\n\r\n";
/// A timer of one second fires this late, milliseconds.
const TIMER_MS: u64 = 1011;

/// One client's connection.
struct Call {
    talk: Talk,
    ways: Ways,
    begun: u64,
    /// Clocks of client and server when it began.
    clocks: [u32; 2],
}

impl Call {
    fn new(stage: &Stage, n: u16, port: u16) -> Self {
        let (nic, ip) = RS[usize::from(n) % 2];
        let service = at(VIP, port);
        let talk = Talk::new(at(CLIENT_IP, 41_000 + n * 13), service);
        let clocks = [talk.client.clock, talk.server.clock].map(Option::unwrap_or_default);
        Self { talk, ways: nat(nic, at(ip, port), service), begun: stage.now, clocks }
    }

    /// So long after its beginning.
    fn at_ms(&mut self, stage: &mut Stage, ms: u64) -> &mut Self {
        stage.now = self.begun + ms * 1000;
        let clock = |from: u32| Some(from.wrapping_add(ms as u32));
        (self.talk.client.clock, self.talk.server.clock) =
            (clock(self.clocks[0]), clock(self.clocks[1]));
        self
    }

    fn there(&self, stage: &mut Stage, packet: &Packet) {
        stage.carry(&self.ways.0, packet);
    }

    fn back(&self, stage: &mut Stage, packet: &Packet) {
        stage.carry(&self.ways.1, packet);
    }

    fn open(&mut self, stage: &mut Stage) {
        let (there, back) = (&self.ways.0, &self.ways.1);
        self.talk.handshake(stage, there, back);
    }

    /// The SYN-ACK again.
    fn asks_again(&mut self, stage: &mut Stage) {
        let mut before = self.talk.clone();
        before.server.next = before.server.next.wrapping_sub(1);
        let syn_ack = before.syn_ack();
        self.talk.server.id = before.server.id;
        self.back(stage, &syn_ack);
    }

    /// The SYN-ACK again, and the ACK to it.
    fn asked_again(&mut self, stage: &mut Stage) {
        self.asks_again(stage);
        let ack = self.talk.ack(Who::Client);
        self.there(stage, &ack);
    }

    /// The server says something, the client answers, and so on; the client closes.
    fn mail(&mut self, stage: &mut Stage) {
        for (says, answers) in
            [(GREETING, &b"EHLO a.example\r\n"[..]), (b"250 mx.example\r\n", b"QUIT\r\n")]
        {
            stage.now += 700;
            let said = self.talk.data(Who::Server, says);
            self.back(stage, &said);
            let answer = self.talk.data(Who::Client, answers);
            self.there(stage, &answer);
        }
        self.close(stage);
    }

    fn ask(&mut self, stage: &mut Stage) {
        let (there, back) = (&self.ways.0, &self.ways.1);
        self.talk.exchange(stage, (there, back), GET, OK);
    }

    fn close(&mut self, stage: &mut Stage) {
        let (there, back) = (&self.ways.0, &self.ways.1);
        self.talk.close(stage, there, back);
    }
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// Calls one after the other, with so much time between them.
fn calls(n: u16, port: u16, between_ms: u64, play: impl Fn(&mut Stage, u16, &mut Call)) -> Stage {
    let mut stage = stage();
    for n in 0..n {
        let begun = stage.now;
        let mut call = Call::new(&stage, n, port);
        play(&mut stage, n, &mut call);
        stage.now = begun + between_ms * 1000;
    }
    stage
}

/// SMTP: rs1 defers, rs2 does not.
pub fn deferred() -> Stage {
    calls(10, 25, 400, |stage, n, call| {
        call.open(stage);
        if n % 2 == 0 {
            call.at_ms(stage, TIMER_MS).asked_again(stage);
        }
        call.mail(stage);
    })
}

/// HTTP: both defer. Some clients connect ahead of need; of these two ask later.
pub fn ahead_of_need() -> Stage {
    calls(14, 80, 400, |stage, n, call| {
        call.open(stage);
        if n % 7 < 4 {
            call.at_ms(stage, TIMER_MS).asked_again(stage);
            call.at_ms(stage, 4200);
        }
        if n % 7 > 2 {
            call.ask(stage);
        }
        call.close(stage);
    })
}

/// SMTP: a kernel before 2.6.32 defers on both, and never takes a bare ACK.
pub fn never_let_in() -> Stage {
    calls(10, 25, 900, |stage, _, call| {
        call.open(stage);
        for ms in [1000, 3000, 7000] {
            call.at_ms(stage, ms).asked_again(stage);
        }
    })
}

/// SMTP, and a queue that is full: it holds back some who wait, and lets in others.
pub fn queue_full() -> Stage {
    calls(16, 25, 400, |stage, n, call| {
        call.open(stage);
        if n % 4 < 2 {
            for ms in [1000, 3000] {
                call.at_ms(stage, ms).asked_again(stage);
            }
        }
        call.mail(stage);
    })
}

/// SMTP: the first ACK of some is lost between router and director.
pub fn acks_lost() -> Stage {
    calls(10, 25, 400, |stage, n, call| {
        let syn = call.talk.syn();
        call.there(stage, &syn);
        let syn_ack = call.talk.accept().syn_ack();
        call.back(stage, &syn_ack);
        let ack = call.talk.open().ack(Who::Client);
        if n % 2 == 0 {
            stage.carry_and_lose(&call.ways.0, &ack, 2);
            call.at_ms(stage, TIMER_MS).asked_again(stage);
        } else {
            call.there(stage, &ack);
        }
        call.mail(stage);
    })
}
