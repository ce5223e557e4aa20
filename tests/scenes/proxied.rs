//! A layer-7 proxy on the director: two connections, and what is said on both.

use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Step, Talk, Who, step};
use std::net::{Ipv4Addr, SocketAddr};

/// From the client to the proxy and back.
pub fn front() -> Ways {
    (
        vec![step(CLIENT, ROUTER), step(ROUTER_IN, DIRECTOR)],
        vec![step(DIRECTOR, ROUTER_IN), step(ROUTER, CLIENT)],
    )
}

/// From the proxy to a real server and back.
pub fn behind(rs: Nic) -> Ways {
    (vec![step(DIRECTOR_IN, rs)], vec![step(rs, DIRECTOR_IN)])
}

/// One client's connection and the proxy's own for it.
pub struct Proxied {
    pub front: Talk,
    pub back: Talk,
    pub rs: Nic,
}

impl Proxied {
    /// A client's port, the proxy's port, the real server.
    pub fn new(client: u16, local: u16, (rs, rip): (Nic, Ipv4Addr)) -> Self {
        let front = Talk::new(at(CLIENT_IP, client), at(VIP, 80));
        let back = Talk::new(at(DIRECTOR_IN_IP, local), at(rip, 8080));
        Self { front, back, rs }
    }

    /// The request as the client sends it.
    pub fn request(&self) -> Vec<u8> {
        let port = self.front.client.at.port();
        format!("GET /item/{port} HTTP/1.1\r\nHost: app.example\r\n\r\n").into_bytes()
    }

    /// The request as the proxy passes it on.
    pub fn forwarded(&self) -> Vec<u8> {
        let SocketAddr::V4(client) = self.front.client.at else { panic!("IPv4") };
        let head = String::from_utf8(self.request()).unwrap();
        let named = format!("\r\nX-Forwarded-For: {}\r\n\r\n", client.ip());
        head.replace("\r\n\r\n", &named).into_bytes()
    }

    /// The client connects and asks; the proxy acknowledges.
    pub fn ask(&mut self, stage: &mut Stage) {
        let (there, back) = front();
        self.front.handshake(stage, &there, &back);
        let request = self.request();
        let packet = self.front.data(Who::Client, &request);
        stage.carry(&there, &packet);
        let packet = self.front.ack(Who::Server);
        stage.carry(&back, &packet);
    }

    /// One side of the front connection says something, the other acknowledges.
    pub fn answer(&mut self, stage: &mut Stage, payload: &[u8]) {
        let (there, back) = front();
        say(&mut self.front, stage, Who::Server, (&back, &there), payload);
    }

    /// A whole request: asked, passed on, answered, closed.
    pub fn whole(&mut self, stage: &mut Stage) {
        let (there, back) = behind(self.rs);
        self.ask(stage);
        self.back.handshake(stage, &there, &back);
        let forwarded = self.forwarded();
        say(&mut self.back, stage, Who::Client, (&there, &back), &forwarded);
        stage.now += 900;
        say(&mut self.back, stage, Who::Server, (&back, &there), OK);
        self.answer(stage, OK);
        self.back.close(stage, &there, &back);
        let (there, back) = front();
        self.front.close(stage, &there, &back);
    }
}

/// One side speaks over its way, the other acknowledges over the other.
pub fn say(
    talk: &mut Talk,
    stage: &mut Stage,
    who: Who,
    (way, other): (&[Step], &[Step]),
    payload: &[u8],
) {
    let packet = talk.data(who, payload);
    stage.carry(way, &packet);
    let peer = if who == Who::Client { Who::Server } else { Who::Client };
    let packet = talk.ack(peer);
    stage.carry(other, &packet);
}

/// The two real servers of a proxy in turn.
pub fn server(n: u16) -> (Nic, Ipv4Addr) {
    [(RS1, NAT_RS1_IP), (RS2, NAT_RS2_IP)][usize::from(n % 2)]
}
