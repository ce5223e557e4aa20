//! A director that answers SYNs itself and connects to a real server once the client has
//! acknowledged (a SYN proxy): its own initial sequence number towards the client, the
//! real server's behind it, and a constant between the two ever after.

use crate::packet::{ACK, Body, Packet, RST, SYN};
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Step, Talk, Who, client_option, step};
use std::net::SocketAddr;

const GET: &[u8] = b"GET /feed HTTP/1.1\r\nHost: app.example\r\n\r\n";
/// What the real server's numbers are ahead of the director's.
const AHEAD: u32 = 0x4d2f_81c3;

fn changed(mut packet: Packet, change: impl FnOnce(&mut u32, &mut u32, &mut u16)) -> Packet {
    if let Body::Tcp { seq, ack, window, .. } = &mut packet.body {
        change(seq, ack, window);
    }
    packet
}

fn with_window(packet: Packet, bytes: u16) -> Packet {
    changed(packet, |_, _, window| *window = bytes)
}

/// A connection through the director.
struct Guarded {
    talk: Talk,
    rs: Nic,
    server: SocketAddr,
    /// FullNAT: the address that the real server sees, and the client named to it.
    local: Option<SocketAddr>,
}

impl Guarded {
    fn new(n: u16) -> Self {
        let (rs, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let talk = Talk::new(at(CLIENT_IP, 51_000 + n * 7), at(VIP, 80));
        Self { talk, rs, server: at(ip, 8080), local: None }
    }

    fn behind_local(n: u16) -> Self {
        Self { local: Some(at(DIRECTOR_IN_IP, 24_000 + n)), ..Self::new(n) }
    }

    fn to_director() -> [Step; 2] {
        [step(CLIENT, ROUTER), step(ROUTER_IN, DIRECTOR)]
    }

    fn to_client(&self, stage: &mut Stage, packet: &Packet) {
        stage.carry(&[step(DIRECTOR, ROUTER_IN), step(ROUTER, CLIENT)], packet);
    }

    /// The director's packet, with the numbers and addresses that the real server knows.
    fn to_server(&self, stage: &mut Stage, packet: &Packet, is_named: bool) {
        let mut packet = changed(packet.clone(), |_, ack, _| {
            *ack = if *ack == 0 { 0 } else { ack.wrapping_add(AHEAD) };
        });
        packet = packet.to(self.server);
        if let Some(local) = self.local {
            if is_named {
                packet = packet.with_option(&client_option(self.talk.client.at));
            }
            packet = packet.from(local);
        }
        stage.pass(DIRECTOR_IN, self.rs, &packet);
    }

    /// The real server's packet, as far as the director.
    fn of_server(&self, stage: &mut Stage, packet: &Packet) {
        let mut packet = changed(packet.clone(), |seq, _, _| *seq = seq.wrapping_add(AHEAD));
        packet = packet.from(self.server);
        if let Some(local) = self.local {
            packet = packet.to(local);
        }
        stage.pass(self.rs, DIRECTOR_IN, &packet);
    }

    /// The client's packet through to the real server.
    fn forth(&self, stage: &mut Stage, packet: &Packet, is_named: bool) {
        stage.carry(&Self::to_director(), packet);
        self.to_server(stage, &packet.clone().ttl(packet.ttl - 2), is_named);
    }

    /// The real server's packet through to the client.
    fn back(&self, stage: &mut Stage, packet: &Packet) {
        self.of_server(stage, packet);
        self.to_client(stage, &packet.clone().ttl(packet.ttl - 1));
    }

    /// The client and the director shake hands; gives the client's SYN.
    fn greet(&mut self, stage: &mut Stage, window: u16) -> Packet {
        let syn = self.talk.syn();
        stage.carry(&Self::to_director(), &syn);
        let syn_ack = with_window(self.talk.accept().syn_ack(), window).id(0);
        self.to_client(stage, &syn_ack);
        let ack = self.talk.open().ack(Who::Client);
        stage.carry(&Self::to_director(), &ack);
        syn
    }

    /// The director's own SYN: the client's number and options, the clock of its ACK.
    fn second_syn(&self, syn: &Packet, later: u32) -> Packet {
        let mut own = syn.clone().ttl(64).id(0);
        if let Body::Tcp { options, .. } = &mut own.body {
            let at = options.iter().position(|b| *b == 8).unwrap() + 2;
            let clock = u32::from_be_bytes(options[at..at + 4].try_into().unwrap());
            options[at..at + 4].copy_from_slice(&(clock + later).to_be_bytes());
        }
        own
    }

    /// The director and the real server shake hands, and the client may send.
    fn join(&mut self, stage: &mut Stage, syn: &Packet) {
        self.to_server(stage, &self.second_syn(syn, 1), false);
        let mut served = self.talk.clone();
        served.server.next = served.server.next.wrapping_sub(1);
        let syn_ack = served.syn_ack();
        self.of_server(stage, &syn_ack);
        let ack = self.talk.clone().ack(Who::Client).id(0);
        self.to_server(stage, &ack, true);
        let update = self.talk.clone().ack(Who::Server).id(0);
        self.to_client(stage, &update);
    }

    fn talk_on(&mut self, stage: &mut Stage) {
        let request = self.talk.data(Who::Client, GET);
        self.forth(stage, &request, true);
        stage.now += 900;
        let answer = self.talk.data(Who::Server, OK);
        self.back(stage, &answer);
        let ack = self.talk.ack(Who::Client);
        self.forth(stage, &ack, false);
        let fin = self.talk.fin(Who::Client);
        self.forth(stage, &fin, false);
        let fin = self.talk.fin(Who::Server);
        self.back(stage, &fin);
        let ack = self.talk.ack(Who::Client);
        self.forth(stage, &ack, false);
    }

    fn whole(&mut self, stage: &mut Stage) {
        let syn = self.greet(stage, 0);
        self.join(stage, &syn);
        self.talk_on(stage);
        stage.wait_ms(170);
    }
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// NAT: the window opens once the real server has answered.
pub fn healthy() -> Stage {
    let mut stage = stage();
    for n in 0..10 {
        Guarded::new(n).whole(&mut stage);
    }
    // A client that connects ahead of need, and closes without a request.
    let mut idle = Guarded::new(10);
    let syn = idle.greet(&mut stage, 0);
    idle.join(&mut stage, &syn);
    stage.wait_ms(4000);
    let fin = idle.talk.fin(Who::Client);
    idle.forth(&mut stage, &fin, false);
    let fin = idle.talk.fin(Who::Server);
    idle.back(&mut stage, &fin);
    let ack = idle.talk.ack(Who::Client);
    idle.forth(&mut stage, &ack, false);
    stage
}

/// FullNAT: the same, the client named to the real server.
pub fn healthy_fullnat() -> Stage {
    let mut stage = stage();
    for n in 0..10 {
        Guarded::behind_local(n).whole(&mut stage);
    }
    stage
}

/// Twelve clients; every other one has the trouble.
fn every_other(trouble: impl Fn(&mut Stage, &mut Guarded)) -> Stage {
    let mut stage = stage();
    for n in 0..12 {
        let mut one = Guarded::new(n);
        if n % 2 == 0 {
            one.whole(&mut stage);
        } else {
            trouble(&mut stage, &mut one);
        }
    }
    stage
}

/// rs2 refuses what the director opens for clients that are connected already.
pub fn refused() -> Stage {
    every_other(|stage, one| {
        let syn = one.greet(stage, 5840);
        let second = one.second_syn(&syn, 1);
        one.to_server(stage, &second, false);
        let request = one.talk.data(Who::Client, GET);
        stage.carry(&Guarded::to_director(), &request);
        let refusal = Talk::refusal_of(&second);
        stage.pass(one.rs, DIRECTOR_IN, &refusal.from(one.server));
        let reset = one.talk.clone().segment(Who::Server, RST | ACK, &[]).id(0);
        one.to_client(stage, &reset);
        stage.wait_ms(170);
    })
}

/// rs2 does not answer what the director opens, and the director gives up.
pub fn silent() -> Stage {
    every_other(|stage, one| {
        let syn = one.greet(stage, 5840);
        let begun = stage.now;
        let request = one.talk.data(Who::Client, GET);
        stage.carry(&Guarded::to_director(), &request);
        for ms in [0, 1000, 2000] {
            stage.now = begun + ms * 1000;
            one.to_server(stage, &one.second_syn(&syn, 1 + ms as u32), false);
        }
        for ms in [230, 690, 1610] {
            stage.now = begun + ms * 1000;
            one.talk.client.next = one.talk.client.next.wrapping_sub(GET.len() as u32);
            let again = one.talk.data(Who::Client, GET);
            stage.carry(&Guarded::to_director(), &again);
        }
        stage.now = begun + 3_000_000;
        let reset = one.talk.clone().segment(Who::Server, RST | ACK, &[]).id(0);
        one.to_client(stage, &reset);
        stage.now = begun;
        stage.wait_ms(170);
    })
}

/// The director does not take its own cookie back, for three clients of twelve.
pub fn cookie_fails() -> Stage {
    let mut stage = stage();
    for n in 0..12 {
        let mut one = Guarded::new(n);
        if n % 4 != 2 {
            one.whole(&mut stage);
            continue;
        }
        one.greet(&mut stage, 5840);
        let request = one.talk.data(Who::Client, GET);
        stage.carry(&Guarded::to_director(), &request);
        for _ in 0..2 {
            one.to_client(&mut stage, &Talk::rst_for(&request));
        }
        stage.wait_ms(170);
    }
    stage
}

/// The director waits for a request before it connects, and lets nobody send one.
pub fn never_opened() -> Stage {
    let mut stage = stage();
    for n in 0..8 {
        let mut one = Guarded::new(n);
        one.greet(&mut stage, 0);
        let begun = stage.now;
        // Window probes (RFC 9293, section 3.8.6.1), each told that it is closed still.
        for ms in [210, 630, 1470, 3150, 6510] {
            stage.now = begun + ms * 1000;
            let probe = changed(one.talk.ack(Who::Client), |seq, _, _| *seq = seq.wrapping_sub(1));
            stage.carry(&Guarded::to_director(), &probe);
            let closed = with_window(one.talk.ack(Who::Server), 0);
            one.to_client(&mut stage, &closed);
        }
        stage.now = begun;
        stage.wait_ms(330);
    }
    stage
}

/// DR: the real server answers the director's SYN to the client, which has an answer.
pub fn direct() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved(&mut stage);
    for n in 0..8 {
        let mut one = Guarded::new(n);
        let rs = one.rs;
        let back = [step(rs, ROUTER_IN), step(ROUTER, CLIENT)];
        let forward = |stage: &mut Stage, packet: &Packet| {
            stage.carry(
                &[step(CLIENT, ROUTER), step(ROUTER_IN, DIRECTOR), step(DIRECTOR, rs)],
                packet,
            );
        };
        let syn = one.greet(&mut stage, 5840);
        stage.pass(DIRECTOR, rs, &one.second_syn(&syn, 1));
        let mut served = one.talk.clone();
        served.server.next = served.server.next.wrapping_sub(1).wrapping_add(AHEAD);
        let syn_ack = served.segment(Who::Server, SYN | ACK, &[]).id(0);
        let request = one.talk.data(Who::Client, GET);
        stage.carry(&back, &syn_ack);
        forward(&mut stage, &request);
        stage.carry(&back, &Talk::rst_for(&request));
        let challenge = one.talk.ack(Who::Client);
        forward(&mut stage, &challenge);
        stage.carry(&back, &Talk::rst_for(&challenge));
        stage.wait_ms(240);
    }
    stage
}
