//! A director whose network card merges segments, and calls them too big, in NAT.

use crate::packet::{Body, Packet};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who};

/// Two segments as one, as the card hands them up.
fn merged(first: &Packet, second: &Packet) -> Packet {
    let mut one = first.clone();
    if let (Body::Tcp { payload, .. }, Body::Tcp { payload: more, .. }) =
        (&mut one.body, &second.body)
    {
        payload.extend(more);
    }
    one
}

/// Uploads whose segments come in pairs; single ones pass.
pub fn merged_on_receive() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    let service = at(VIP, 80);
    for n in 0..6u16 {
        let (rs, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (there, back) = nat(rs, at(ip, 8080), service);
        let mut talk = Talk::new(at(CLIENT_IP, 46_000 + n), service);
        if n < 3 {
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(150);
            continue;
        }
        talk.handshake(&mut stage, &there, &back);
        stage.carry(
            &there,
            &talk.data(Who::Client, b"PUT /blob HTTP/1.1\r\nContent-Length: 5792\r\n\r\n"),
        );
        stage.carry(&back, &talk.ack(Who::Server));
        for _ in 0..2 {
            let pair = [0, 1].map(|_| talk.data(Who::Client, &[b'x'; 1448]));
            for one in &pair {
                stage.carry(&there[..1], one);
            }
            let whole = merged(&pair[0], &pair[1]).ttl(63);
            stage.arrive(ROUTER_IN, DIRECTOR, &whole);
            let told = Packet::icmp_about(VIP.into(), &whole, 3, 4, 1500);
            stage.carry(&back[1..], &told);
            stage.wait_ms(220);
            for mut one in pair {
                one.id = one.id.wrapping_add(40);
                stage.carry(&there, &one);
                stage.carry(&back, &talk.ack(Who::Server));
                stage.wait_ms(5);
            }
        }
        stage.carry(
            &back,
            &talk.data(Who::Server, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
        );
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(150);
    }
    stage
}
