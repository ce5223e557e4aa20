//! Packets that a host or a device on the way keeps for itself.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Step, Talk, Who, step};

/// Seconds after the first at which a client repeats its SYN, and a server its
/// SYN-ACK (Linux, `tcp_syn_retries` with the linear part off).
const RETRIES: [u64; 3] = [1, 3, 7];

/// A client whose SYNs come to an end after some steps of their way.
pub fn unanswered(stage: &mut Stage, talk: &mut Talk, there: &[Step], steps: usize) {
    let begin = stage.now;
    for after in [0].into_iter().chain(RETRIES) {
        stage.now = begin + after * 1_000_000;
        let syn = talk.syn();
        stage.carry_part(there, &syn, steps);
    }
}

/// A connection whose later segments end after some steps of the way in.
fn half(stage: &mut Stage, talk: &mut Talk, there: &[Step], back: &[Step], steps: usize) {
    talk.handshake_half(stage, there, back, steps);
    let begin = stage.now;
    let request = b"GET /status HTTP/1.1\r\nHost: app.example\r\n\r\n";
    let mut first = true;
    // The server repeats its SYN-ACK, the client its request: milliseconds after it.
    for (ms, who) in [
        (1, Who::Client),
        (205, Who::Client),
        (630, Who::Client),
        (1000, Who::Server),
        (1480, Who::Client),
        (3000, Who::Server),
        (3180, Who::Client),
        (6600, Who::Client),
        (7000, Who::Server),
    ] {
        stage.now = begin + ms * 1000;
        if who == Who::Server {
            let mut again = talk.clone();
            again.server.next = again.server.next.wrapping_sub(1);
            again.client.next = again.client.next.wrapping_sub(request.len() as u32);
            let syn_ack = again.syn_ack();
            talk.server.id = talk.server.id.wrapping_add(1);
            stage.carry(back, &syn_ack);
            let ack = talk.ack(Who::Client);
            stage.carry_part(there, &ack, steps);
            continue;
        }
        if !std::mem::take(&mut first) {
            talk.client.next = talk.client.next.wrapping_sub(request.len() as u32);
        }
        let data = talk.data(Who::Client, request);
        stage.carry_part(there, &data, steps);
    }
}

impl Talk {
    /// A handshake whose last segment goes some steps only.
    fn handshake_half(&mut self, stage: &mut Stage, there: &[Step], back: &[Step], steps: usize) {
        stage.carry(there, &self.syn());
        stage.carry(back, &self.accept().syn_ack());
        let ack = self.open().ack(Who::Client);
        stage.carry_part(there, &ack, steps);
    }
}

/// The director's own firewall drops what it takes for invalid.
pub fn half_path_at_director() -> Stage {
    let mut stage = Stage::capturing(&["client", "director", "rs1", "rs2"]);
    resolved(&mut stage);
    for n in 0..4u16 {
        let (there, back) = dr([RS1, RS2][usize::from(n % 2)]);
        let mut talk = Talk::new(at(CLIENT_IP, 40_000 + n), at(VIP, 80));
        half(&mut stage, &mut talk, &there, &back, 2);
        stage.wait_ms(300);
    }
    stage
}

/// rs2 runs Windows: it answers the director's checks of its own address, and takes
/// nothing for the VIP.
pub fn windows_strong_host() -> Stage {
    let mut stage = Stage::capturing(&["client", "director", "rs1", "rs2"]);
    resolved(&mut stage);
    for n in 0..6u16 {
        let (there, back) = dr([RS1, RS2][usize::from(n % 2)]);
        let mut talk = Talk::new(at(CLIENT_IP, 40_000 + n), at(VIP, 80));
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
            checks(&mut stage, 50_000 + n);
        } else {
            unanswered(&mut stage, &mut talk, &there, there.len());
        }
        stage.wait_ms(300);
    }
    stage
}

/// The director connects to each real server's own address and closes.
fn checks(stage: &mut Stage, port: u16) {
    for (rs, ip, ttl) in [(RS1, RS1_IP, 64), (RS2, RS2_IP, 128)] {
        let (there, back) = ([step(DIRECTOR, rs)], [step(rs, DIRECTOR)]);
        let mut talk = Talk::new(at(DIRECTOR_IP, port + u16::from(ttl)), at(ip, 80));
        if ttl == 128 {
            talk = talk.without_timestamps();
        }
        stage.carry(&there, &talk.syn());
        stage.carry(&back, &talk.accept().syn_ack().ttl(ttl));
        stage.carry(&there, &talk.open().ack(Who::Client));
        stage.carry(&there, &talk.fin(Who::Client));
        stage.carry(&back, &talk.fin(Who::Server).ttl(ttl));
        stage.carry(&there, &talk.ack(Who::Client));
    }
}

/// A switch between the director and the real servers passes no IP header longer than 20
/// bytes; each second connection has the router alert option (RFC 2113) in its packets.
pub fn options_dropped() -> Stage {
    let mut stage = Stage::capturing(&["client", "director", "rs1", "rs2"]);
    resolved(&mut stage);
    for n in 0..8u16 {
        let (there, back) = dr([RS1, RS2][usize::from(n / 2 % 2)]);
        let mut talk = Talk::new(at(CLIENT_IP, 40_000 + n), at(VIP, 80));
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
        } else {
            let begin = stage.now;
            for after in [0].into_iter().chain(RETRIES) {
                stage.now = begin + after * 1_000_000;
                let syn = Packet { options: vec![0x94, 4, 0, 0], ..talk.syn() };
                stage.carry_and_lose(&there, &syn, there.len());
            }
        }
        stage.wait_ms(300);
    }
    stage
}
