//! One director captured twice, an interface each, before real servers in DR whose answers come back through it.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Talk, Who};

/// Two captures of one director, one an interface; DR, and real servers that answer through
/// it.
fn two_interfaces(kept: bool) -> Stage {
    const OUTER: Nic = Nic::new("outer", 0x30);
    const INNER: Nic = Nic::new("inner", 0x31);
    let mut stage = Stage::capturing(&["outer", "inner"]);
    for n in 0..6u16 {
        let rs = [RS1, RS2][usize::from(n % 2)];
        let mut talk = Talk::new(at(CLIENT_IP, 53_000 + n), at(VIP, 80));
        let begun = stage.now;
        if kept {
            talk.accept();
            for second in [0u64, 1, 3] {
                stage.now = begun + second * 1_000_000;
                talk.client.next = talk.client.next.wrapping_sub(1);
                let syn = talk.syn().ttl(127);
                talk.accept();
                stage.pass(ROUTER, OUTER, &syn).pass(INNER, rs, &syn.ttl(126));
                let syn_ack = talk.syn_ack();
                stage.pass(rs, INNER, &syn_ack);
            }
        } else {
            let forth = |stage: &mut Stage, packet: Packet| {
                let packet = packet.ttl(127);
                stage.pass(ROUTER, OUTER, &packet).pass(INNER, rs, &packet.ttl(126));
            };
            let back = |stage: &mut Stage, packet: Packet| {
                stage.pass(rs, INNER, &packet).pass(OUTER, ROUTER, &packet.ttl(63));
            };
            let syn = talk.syn();
            forth(&mut stage, syn);
            let syn_ack = talk.accept().syn_ack();
            back(&mut stage, syn_ack);
            let ack = talk.open().ack(Who::Client);
            forth(&mut stage, ack);
            let ask = talk.data(Who::Client, b"GET / HTTP/1.1\r\n\r\n");
            forth(&mut stage, ask);
            let answer = talk.data(Who::Server, OK);
            back(&mut stage, answer);
            let fin = talk.fin(Who::Client);
            forth(&mut stage, fin);
            let fin = talk.fin(Who::Server);
            back(&mut stage, fin);
            let ack = talk.ack(Who::Client);
            forth(&mut stage, ack);
        }
        stage.wait_ms(1500);
    }
    stage
}

/// It drops them, as they have its own address.
pub fn answers_through_the_director() -> Stage {
    two_interfaces(true)
}

/// It is a router for them, and hands them on.
pub fn answers_through_a_router() -> Stage {
    two_interfaces(false)
}
