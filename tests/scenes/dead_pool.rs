//! A proxy none of whose servers can be had, and hosts that look like one.

use crate::packet::SYN;
use crate::places::*;
use crate::proxied::{Proxied, behind, front, server};
use crate::stage::Stage;
use crate::talk::{Talk, Who};

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

fn proxy() -> Stage {
    let mut stage = Stage::default().any("director");
    resolved_nat(&mut stage);
    stage
}

/// SYNs to a server's port that nothing answers.
fn calls_in_vain(stage: &mut Stage, local: u16, n: u16, port: u16) {
    let (rs, rip) = server(n);
    let mut talk = Talk::new(at(DIRECTOR_IN_IP, local), at(rip, port));
    for wait in [1000, 1900] {
        let syn = talk.segment(Who::Client, SYN, &[]);
        stage.carry_and_lose(&behind(rs).0, &syn, 1);
        stage.wait_ms(wait);
    }
}

/// Requests at the pace of people, each answered as it is said.
fn requests(mut each: impl FnMut(&mut Stage, u16, &mut Proxied)) -> Stage {
    let mut stage = proxy();
    for n in 0..9u16 {
        let mut one = Proxied::new(42_000 + n * 3, 61_000 + n, server(n));
        one.ask(&mut stage);
        each(&mut stage, n, &mut one);
        let (there, back) = front();
        one.front.close(&mut stage, &there, &back);
        stage.wait_ms(300 + u64::from(n * n % 5) * 170);
    }
    stage
}

/// Nothing answers the proxy, and each client gets 503.
pub fn silent_pool() -> Stage {
    requests(|stage, n, one| {
        calls_in_vain(stage, 63_000 + n, n, 8080);
        one.answer(stage, UNAVAILABLE);
    })
}

/// Each server refuses the proxy, and each client gets 503.
pub fn refusing_pool() -> Stage {
    requests(|stage, n, one| {
        let (rs, rip) = server(n);
        let (there, back) = behind(rs);
        let mut talk = Talk::new(at(DIRECTOR_IN_IP, 63_000 + n), at(rip, 8080));
        let syn = talk.segment(Who::Client, SYN, &[]);
        let refusal = Talk::refusal_of(&syn);
        stage.carry(&there, &syn).carry(&back, &refusal);
        one.answer(stage, UNAVAILABLE);
    })
}

/// Nothing answers the proxy, and clients leave without an answer.
pub fn silent_pool_and_no_error() -> Stage {
    requests(|stage, n, _| calls_in_vain(stage, 63_000 + n, n, 8080))
}

/// An application answers each request well, and calls a log host that is dead.
pub fn dead_log_host() -> Stage {
    requests(|stage, n, one| {
        calls_in_vain(stage, 63_000 + n, 0, 5140);
        one.answer(stage, ANSWER);
    })
}
