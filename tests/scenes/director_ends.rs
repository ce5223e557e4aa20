//! What a director does of its own to connections: it ends both sides.

use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Talk, Who};

const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// FullNAT: two of eight connections are reset on both sides once data has passed.
pub fn double_reset() -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    let service = at(VIP, 80);
    for n in 0..8u16 {
        let (rs, ip) = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)];
        let (client, local) = (at(CLIENT_IP, 47_000 + n), at(DIRECTOR_IN_IP, 21_000 + n));
        let (there, back) = fullnat(rs, at(ip, 8080), service, local, client);
        let mut talk = Talk::new(client, service);
        if n % 4 != 3 {
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(150);
            continue;
        }
        talk.handshake(&mut stage, &there, &back);
        stage.carry(&there, &talk.data(Who::Client, GET));
        stage.carry(&back, &talk.ack(Who::Server));
        stage.now += 700;
        // Both begin at the director.
        let reset = talk.rst_ack(Who::Server).ttl(64);
        stage.carry(&back[1..], &reset);
        let local_reset = talk.rst_ack(Who::Client).ttl(64);
        stage.carry(&there[2..], &local_reset);
        stage.wait_ms(150);
    }
    stage
}
