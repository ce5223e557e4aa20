//! TLS handshakes at a service behind a director in NAT: refused, in plain text, and well.

use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::Talk;
use std::net::Ipv4Addr;

const RS: [(Nic, Ipv4Addr); 2] = [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)];
/// A fatal alert in the clear: handshake_failure.
const ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 40];
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A ClientHello with a random of its own.
pub fn hello(n: u16) -> Vec<u8> {
    let mut bytes = vec![22, 3, 1, 0, 75, 1, 0, 0, 71, 3, 3];
    bytes.extend((0..32u8).map(|k| k.wrapping_mul(7).wrapping_add(n as u8)));
    bytes.extend([0, 0, 4, 0x13, 1, 0x13, 2, 1, 0]);
    bytes.resize(80, 0);
    bytes
}

/// A record of application data, or of the server's part of the handshake.
pub fn record(kind: u8, len: u8) -> Vec<u8> {
    [vec![kind, 3, 3, 0, len], vec![0x5a; usize::from(len)]].concat()
}

/// Eight connections; `answer` says what the server of each makes of the hello.
fn calls(answer: fn(u16) -> Option<&'static [u8]>) -> Stage {
    let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
    resolved_nat(&mut stage);
    for n in 0..8u16 {
        let (nic, ip) = RS[usize::from(n) % 2];
        let service = at(VIP, 443);
        let (there, back) = nat(nic, at(ip, 443), service);
        let mut talk = Talk::new(at(CLIENT_IP, 47_000 + 11 * n), service);
        talk.handshake(&mut stage, &there, &back);
        if let Some(refusal) = answer(n) {
            talk.exchange(&mut stage, (&there, &back), &hello(n), refusal);
        } else {
            talk.exchange(&mut stage, (&there, &back), &hello(n), &record(22, 120));
            talk.exchange(&mut stage, (&there, &back), &record(23, 90), &record(23, 200));
            // Encrypted, as alerts are once both sides have keys.
            talk.exchange(&mut stage, (&there, &back), &record(23, 60), &record(21, 26));
        }
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(300);
    }
    stage
}

/// rs2 refuses every handshake.
pub fn one_refuses() -> Stage {
    calls(|n| (n % 2 == 1).then_some(ALERT))
}

/// Both speak HTTP on the port.
pub fn in_plain() -> Stage {
    calls(|_| Some(PLAIN))
}

/// All is well.
pub fn agreed() -> Stage {
    calls(|_| None)
}
