//! Client ports that are used again, at a director in NAT.

use crate::places::*;
use crate::stage::{LINK_US, Nic, Stage};
use crate::talk::Talk;
use std::net::{Ipv4Addr, SocketAddr};

fn client(port: u16) -> SocketAddr {
    at(CLIENT_IP, port)
}

fn servers(n: u16) -> (Nic, Ipv4Addr) {
    [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)]
}

fn ways((rs, ip): (Nic, Ipv4Addr)) -> Ways {
    nat(rs, at(ip, 8080), at(VIP, 80))
}

/// A conversation of a port, with numbers of its own each time it is used.
fn talk(port: u16, round: u32) -> Talk {
    let mut talk = Talk::new(client(port), at(VIP, 80));
    for end in [&mut talk.client, &mut talk.server] {
        end.next = end.next.wrapping_add(round.wrapping_mul(0x0123_4567));
        end.id = end.id.wrapping_add(round as u16 * 400);
        end.clock = end.clock.map(|clock| clock.wrapping_add(round * 4000));
    }
    talk
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    stage
}

/// The first SYN of each used port stays at the director; the repeat passes.
pub fn first_syn_dropped() -> Stage {
    let mut stage = stage();
    for n in 0..6 {
        let (there, back) = ways(servers(n));
        talk(42_000 + n, 0).whole(&mut stage, &there, &back);
        stage.wait_ms(120);
    }
    stage.wait_ms(3000);
    for n in 0..4 {
        // Scheduled anew, so the other real server may be chosen.
        let (there, back) = ways(servers(n + 1));
        let mut again = talk(42_000 + n, 1);
        let syn = again.syn();
        stage.carry_part(&there, &syn, 2);
        stage.now += 1_000_000 - 2 * LINK_US;
        again.client.clock = again.client.clock.map(|clock| clock + 1000);
        again.whole(&mut stage, &there, &back);
        stage.wait_ms(200);
        let (there, back) = ways(servers(n));
        talk(42_100 + n, 0).whole(&mut stage, &there, &back);
        stage.wait_ms(200);
    }
    stage
}

/// Used ports that are taken up at once: nothing is wrong.
pub fn healthy() -> Stage {
    let mut stage = stage();
    for round in 0..2 {
        for n in 0..4 {
            let (there, back) = ways(servers(n + round as u16));
            let mut one = talk(44_000 + n, round);
            one.handshake(&mut stage, &there, &back);
            one.exchange(
                &mut stage,
                (&there, &back),
                b"GET / HTTP/1.1\r\n\r\n",
                b"HTTP/1.1 200 OK\r\n\r\n",
            );
            one.close(&mut stage, &there, &back);
            stage.wait_ms(300);
        }
        stage.wait_ms(2000);
    }
    // One SYN is lost before it reaches the director, of a used port as it happens.
    let (there, back) = ways(servers(0));
    let mut late = talk(44_000, 2);
    let syn = late.syn();
    stage.carry_and_lose(&there, &syn, 2);
    stage.wait_ms(1000);
    late.client.clock = late.client.clock.map(|clock| clock + 1000);
    late.whole(&mut stage, &there, &back);
    stage
}
