//! What looks odd and is no fault: a client of a proxy that asks nothing, a ping.

use crate::packet::{Body, Packet};
use crate::places::*;
use crate::proxied::{Proxied, front, server};
use crate::stage::Stage;
use crate::talk::Who;

/// Requests through a proxy, one client that connects and is silent, and a ping.
pub fn idle_and_ping() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..4 {
        Proxied::new(41_000 + n, 51_000 + n, server(n)).whole(&mut stage);
        stage.wait_ms(150);
    }
    let mut idle = Proxied::new(41_100, 51_100, server(0)).front;
    let (there, back) = front();
    idle.handshake(&mut stage, &there, &back);
    for n in 0..3u16 {
        stage.wait_ms(1000);
        let word = [[0x12, 0x34], n.to_be_bytes()].concat();
        let echo = |kind| Body::Icmp { kind, code: 0, rest: [&word[..], &[0x61; 48]].concat() };
        let asked = Packet::new(CLIENT_IP.into(), VIP.into(), echo(8)).id(700 + n);
        stage.carry(&there, &asked);
        let answered = Packet::new(VIP.into(), CLIENT_IP.into(), echo(0)).id(900 + n);
        stage.carry(&back, &answered);
    }
    stage.wait_ms(2000);
    let fin = idle.fin(Who::Client);
    stage.carry(&there, &fin);
    let fin = idle.fin(Who::Server);
    stage.carry(&back, &fin);
    let ack = idle.ack(Who::Client);
    stage.carry(&there, &ack);
    for n in 4..6 {
        stage.wait_ms(150);
        Proxied::new(41_000 + n, 51_000 + n, server(n)).whole(&mut stage);
    }
    stage
}
