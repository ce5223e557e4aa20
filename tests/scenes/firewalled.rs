//! A client and a server with a firewall between them that loses what opens connections,
//! and a server behind netfilter's SYNPROXY on its own host.

use crate::packet::{ACK, Body, PSH, SYN};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who, step};

/// Calls through the router, one each half second; `lost` says which lose their first
/// SYN-ACKs, and how many.
fn calls(lost: fn(u16) -> u8) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1"]);
    let there = [step(CLIENT, ROUTER), step(ROUTER_IN, RS1)];
    let back = [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)];
    for n in 0..60u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 20_000 + 7 * n), at(RS1_IP, 8080));
        let begun = stage.now;
        stage.carry(&there, &talk.syn());
        talk.accept();
        for k in 0..lost(n) {
            let syn_ack = talk.syn_ack();
            stage.carry_and_lose(&back, &syn_ack, 1);
            stage.now = begun + (u64::from(k) + 1) * 1_000_000;
            let again = talk.clone();
            talk.client.next = talk.client.next.wrapping_sub(1);
            stage.carry(&there, &talk.syn());
            talk.client.next = again.client.next;
        }
        stage.carry(&back, &talk.syn_ack());
        stage.carry(&there, &talk.open().ack(Who::Client));
        talk.exchange(
            &mut stage,
            (&there, &back),
            b"GET /e HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        );
        talk.close(&mut stage, &there, &back);
        stage.now = stage.now.max(begun + 500_000);
    }
    stage
}

/// Several SYN-ACKs in a row are lost, now and then.
pub fn syn_acks_lost() -> Stage {
    calls(|n| u8::from(n % 20 >= 17))
}

/// One of them is lost, which is nothing unusual.
pub fn one_syn_ack_lost() -> Stage {
    calls(|n| u8::from(n == 30))
}

/// The server's host answers with a window of 0 and opens it.
fn guarded(takes: bool) -> Stage {
    let mut stage = Stage::capturing(&["rs1"]);
    let (there, back) = ([step(ROUTER_IN, RS1)], [step(RS1, ROUTER_IN)]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 33_300 + 5 * n), at(RS1_IP, 80));
        stage.carry(&there, &talk.syn());
        let mut syn_ack = talk.accept().segment(Who::Server, SYN | ACK, &[]);
        if let Body::Tcp { window, .. } = &mut syn_ack.body {
            *window = 0;
        }
        stage.carry(&back, &syn_ack);
        stage.carry(&there, &talk.open().ack(Who::Client));
        stage.carry(&back, &talk.ack(Who::Server));
        if takes {
            talk.exchange(
                &mut stage,
                (&there, &back),
                b"GET / HTTP/1.1\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            );
            talk.close(&mut stage, &there, &back);
            stage.wait_ms(900);
            continue;
        }
        let begun = stage.now;
        for ms in [400, 620, 830, 1250, 2080, 3770] {
            stage.now = begun + ms * 1000;
            let ask = talk.segment(Who::Client, PSH | ACK, b"GET / HTTP/1.1\r\n\r\n");
            stage.carry(&there, &ask);
            if ms > 2000 {
                stage.carry(&back, &talk.ack(Who::Server));
            }
        }
        stage.wait_ms(6000);
    }
    stage
}

/// Nothing of what clients send is taken: the handshake behind is not complete.
pub fn synproxy_stalls() -> Stage {
    guarded(false)
}

/// The same opening, and requests are answered.
pub fn synproxy_works() -> Stage {
    guarded(true)
}
