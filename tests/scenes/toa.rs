//! A FullNAT director that names clients to the real servers in a TCP option.

use crate::places::*;
use crate::stage::Stage;
use crate::talk::{OK, Rewrite, Step, Talk, Who, client_option, rewritten};
use std::net::Ipv4Addr;

const GET: &[u8] = b"GET /me HTTP/1.1\r\nHost: app.example\r\n\r\n";
/// MPTCP's data sequence signal with 8-byte numbers and a checksum (RFC 8684, section 3.3).
const DSS: [u8; 28] = {
    let mut dss = [0x37; 28];
    (dss[0], dss[1], dss[2], dss[3]) = (30, 28, 0x20, 0x0f);
    dss
};

/// One client's connection, with the ways on which it is named and on which it is not.
struct Visit {
    talk: Talk,
    /// What is not named.
    there: Vec<Step>,
    named: Vec<Step>,
    back: Vec<Step>,
}

impl Visit {
    fn new(n: u16) -> Self {
        let (rs, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (client, server) = (at(CLIENT_IP, 48_000 + n * 3), at(ip, 8080));
        let (local, service) = (at(DIRECTOR_IN_IP, 22_000 + n), at(VIP, 80));
        let (there, back) = fullnat(rs, server, service, local, client);
        let mut named = there.clone();
        named[2] = rewritten(DIRECTOR_IN, rs, Rewrite::Named(local, server, client));
        Self { talk: Talk::new(client, service), there, named, back }
    }

    /// A whole conversation whose request has further options, and is named or not.
    fn whole(&mut self, stage: &mut Stage, request: &[u8], option: &[u8], is_named: bool) {
        let (there, back) = (&self.there, &self.back);
        self.talk.handshake(stage, there, back);
        let packet = self.talk.data(Who::Client, request).with_option(option);
        stage.carry(if is_named { &self.named } else { there }, &packet);
        stage.now += 900;
        let answer = self.talk.data(Who::Server, OK);
        stage.carry(back, &answer);
        let ack = self.talk.ack(Who::Client);
        stage.carry(there, &ack);
        self.talk.close(stage, there, back);
        stage.wait_ms(180);
    }
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// Two of ten clients speak MPTCP; their header has no room.
pub fn header_full() -> Stage {
    let mut stage = stage();
    for n in 0..10 {
        let full = n % 5 == 2;
        let option: &[u8] = if full { &DSS } else { &[] };
        Visit::new(n).whole(&mut stage, GET, option, !full);
    }
    stage
}

/// Two of ten clients write such an option themselves, and it is passed on.
pub fn forged() -> Stage {
    let mut stage = stage();
    for n in 0..10 {
        let lies = n % 5 == 3;
        let claimed = at(Ipv4Addr::new(192, 0, 2, 77), 1024 + n);
        let option = if lies { client_option(claimed) } else { Vec::new() };
        Visit::new(n).whole(&mut stage, GET, &option, !lies);
    }
    stage
}

/// A request that fills its packet, as long as timestamps leave it.
fn upload() -> Vec<u8> {
    let head = b"POST /photo HTTP/1.1\r\nHost: app.example\r\nContent-Length: 1381\r\n\r\n";
    let mut request = head.to_vec();
    request.resize(1448, b'p');
    request
}

/// Full segments are sent on as they are, and not named.
pub fn packet_full() -> Stage {
    let mut stage = stage();
    for n in 0..10 {
        let full = n % 4 == 3;
        let request = if full { upload() } else { GET.to_vec() };
        Visit::new(n).whole(&mut stage, &request, &[], !full);
    }
    stage
}

/// Full segments are named all the same, and the link drops what has grown.
pub fn too_long() -> Stage {
    let mut stage = stage();
    for n in 0..10 {
        let mut visit = Visit::new(n);
        if n % 4 != 1 {
            visit.whole(&mut stage, GET, &[], true);
            continue;
        }
        visit.talk.handshake(&mut stage, &visit.there, &visit.back);
        let (begun, next) = (stage.now, visit.talk.client.next);
        for ms in [0, 220, 660, 1540, 3300] {
            stage.now = begun + ms * 1000;
            visit.talk.client.next = next;
            let packet = visit.talk.data(Who::Client, &upload());
            stage.carry_and_lose(&visit.named, &packet, 3);
        }
        stage.now = begun;
        stage.wait_ms(180);
    }
    stage.wait_ms(5000);
    Visit::new(11).whole(&mut stage, GET, &[], true);
    stage
}

/// Every client is named: some in the first ACK alone, one in a large request that leaves
/// room, since the director told it a smaller size.
pub fn healthy() -> Stage {
    let mut stage = stage();
    for n in 0..10 {
        let mut visit = Visit::new(n);
        match n % 5 {
            2 => {
                let syn = visit.talk.syn();
                stage.carry(&visit.there, &syn);
                let syn_ack = visit.talk.accept().syn_ack();
                stage.carry(&visit.back, &syn_ack);
                let ack = visit.talk.open().ack(Who::Client);
                stage.carry(&visit.named, &ack);
                let (there, back) = (&visit.there, &visit.back);
                visit.talk.exchange(&mut stage, (there, back), &upload(), OK);
                visit.talk.close(&mut stage, there, back);
                stage.wait_ms(180);
            }
            4 => visit.whole(&mut stage, &upload()[..1440], &[], true),
            _ => visit.whole(&mut stage, GET, &[], true),
        }
    }
    stage
}
