//! One address at two sites: the router before the client takes the near one while its
//! BGP session stands, else the far one. Both end connections themselves.

use crate::packet::{ACK, Packet};
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Step, Talk, Who, step};
use std::net::Ipv4Addr;

/// The director of the near site, and of the far one with two routers before it.
const NEAR: Nic = Nic::new("near", 0x81);
const TRANSIT: Nic = Nic::new("transit", 0x82);
const TRANSIT_OUT: Nic = TRANSIT.second(0x83);
const BORDER: Nic = Nic::new("border", 0x84);
const BORDER_IN: Nic = BORDER.second(0x85);
const FAR: Nic = Nic::new("far", 0x86);
const NEAR_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
const TRANSIT_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const OUTSIDE: [Nic; 3] = [ROUTER_IN, NEAR, TRANSIT];
const GET: &[u8] = b"GET /status HTTP/1.1\r\nHost: app.example\r\n\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    Near,
    Far,
}

impl Site {
    fn ways(self) -> Ways {
        let mut there = vec![step(CLIENT, ROUTER)];
        let mut back = vec![step(ROUTER, CLIENT)];
        match self {
            Self::Near => {
                there.push(step(ROUTER_IN, NEAR));
                back.insert(0, step(NEAR, ROUTER_IN));
            }
            Self::Far => {
                there.extend([step(ROUTER_IN, TRANSIT), step(TRANSIT_OUT, BORDER)]);
                there.push(step(BORDER_IN, FAR));
                let from: [Step; 3] =
                    [step(FAR, BORDER_IN), step(BORDER, TRANSIT_OUT), step(TRANSIT, ROUTER_IN)];
                back.splice(0..0, from);
            }
        }
        (there, back)
    }

    fn other(self) -> Self {
        if self == Self::Near { Self::Far } else { Self::Near }
    }
}

fn stage(hosts: &[&'static str]) -> Stage {
    let mut stage = Stage::capturing(hosts);
    if hosts.contains(&"router") {
        stage = stage.any("router");
    }
    stage.resolve((CLIENT, CLIENT_IP), (ROUTER, ROUTER_OUT_IP), &[CLIENT, ROUTER]);
    stage.resolve((ROUTER_IN, ROUTER_IP), (NEAR, NEAR_IP), &OUTSIDE);
    stage.resolve((ROUTER_IN, ROUTER_IP), (TRANSIT, TRANSIT_IP), &OUTSIDE);
    stage
}

/// A BGP message (RFC 4271, section 4.1): marker, length, type, the rest.
fn bgp(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff; 16];
    bytes.extend((19 + rest.len() as u16).to_be_bytes());
    bytes.push(kind);
    bytes.extend(rest);
    bytes
}

/// The session between the router and the near director.
struct Session {
    talk: Talk,
}

const TO_ROUTER: [Step; 1] = [step(NEAR, ROUTER_IN)];
const TO_NEAR: [Step; 1] = [step(ROUTER_IN, NEAR)];

impl Session {
    /// OPEN, KEEPALIVE and an UPDATE that announces the address.
    fn begin(stage: &mut Stage, port: u16) -> Self {
        let mut talk = Talk::new(at(NEAR_IP, port), at(ROUTER_IP, 179));
        talk.handshake(stage, &TO_ROUTER, &TO_NEAR);
        let open = [4, 0xfd, 0xe9, 0, 9, 203, 0, 113, 7, 0];
        let vip = [0, 0, 0, 14, 0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 203, 0, 113, 7, 32];
        let update: Vec<u8> = vip.into_iter().chain(VIP.octets()).collect();
        let near = [bgp(1, &open), bgp(4, &[]), bgp(2, &update)];
        for message in near {
            stage.carry(&TO_ROUTER, &talk.data(Who::Client, &message));
        }
        for message in [bgp(1, &open), bgp(4, &[])] {
            stage.carry(&TO_NEAR, &talk.data(Who::Server, &message));
        }
        stage.carry(&TO_ROUTER, &talk.ack(Who::Client));
        Self { talk }
    }

    fn keep(&mut self, stage: &mut Stage) {
        let packet = self.talk.data(Who::Client, &bgp(4, &[]));
        stage.carry(&TO_ROUTER, &packet);
        let packet = self.talk.ack(Who::Server);
        stage.carry(&TO_NEAR, &packet);
    }

    /// The hold timer of the router ran out: NOTIFICATION 4, and the end.
    fn end(mut self, stage: &mut Stage) {
        let packet = self.talk.data(Who::Server, &bgp(3, &[4, 0]));
        stage.carry(&TO_NEAR, &packet);
        let (there, back) = (&TO_ROUTER, &TO_NEAR);
        let packet = self.talk.fin(Who::Server);
        stage.carry(back, &packet);
        let packet = self.talk.fin(Who::Client);
        stage.carry(there, &packet);
        let packet = self.talk.ack(Who::Server);
        stage.carry(back, &packet);
    }
}

/// A connection that stays open, and moves when the way does.
fn open(stage: &mut Stage, port: u16, site: Site) -> Talk {
    let (there, back) = site.ways();
    let mut talk = Talk::new(at(CLIENT_IP, port), at(VIP, 80));
    talk.handshake(stage, &there, &back);
    talk.exchange(stage, (&there, &back), GET, OK);
    talk
}

/// The next request reaches a site that does not know the connection, and is reset.
fn moved(stage: &mut Stage, mut talk: Talk, site: Site) {
    let (there, back) = site.ways();
    let request = talk.segment(Who::Client, ACK | crate::packet::PSH, GET);
    stage.carry(&there, &request);
    let reset: Packet = Talk::rst_for(&request).id(0);
    stage.carry(&back, &reset);
}

fn short(stage: &mut Stage, port: u16, site: Site) {
    let (there, back) = site.ways();
    Talk::new(at(CLIENT_IP, port), at(VIP, 80)).whole(stage, &there, &back);
    stage.wait_ms(300);
}

/// Periods of four seconds, each at one site; connections are open at each change.
fn flapping(hosts: &[&'static str], sites: &[Site]) -> Stage {
    let mut stage = stage(hosts);
    let mut session = None;
    let mut held: Vec<Talk> = Vec::new();
    let mut port = 52_000;
    for (n, site) in sites.iter().enumerate() {
        match (*site, session.take()) {
            (Site::Near, None) => session = Some(Session::begin(&mut stage, 41_000 + n as u16)),
            (Site::Near, Some(kept)) => session = Some(kept),
            (Site::Far, Some(old)) => Session::end(old, &mut stage),
            (Site::Far, None) => {}
        }
        stage.wait_ms(200);
        for talk in held.drain(..) {
            moved(&mut stage, talk, *site);
            stage.wait_ms(40);
        }
        for i in 0..6 {
            port += 1;
            short(&mut stage, port, *site);
            if i > 3 {
                port += 1;
                held.push(open(&mut stage, port, *site));
            }
            if let Some(session) = &mut session {
                session.keep(&mut stage);
            }
            stage.wait_ms(250);
        }
    }
    let last = sites[sites.len() - 1];
    for mut talk in held {
        let (there, back) = last.ways();
        talk.close(&mut stage, &there, &back);
    }
    stage
}

const FLAPS: [Site; 5] = [Site::Near, Site::Far, Site::Near, Site::Far, Site::Near];

/// The router's capture shows the session come and go.
pub fn session_flaps() -> Stage {
    flapping(&["client", "router"], &FLAPS)
}

/// The client alone.
pub fn flaps_at_client() -> Stage {
    flapping(&["client"], &FLAPS)
}

/// The near site goes once and stays away.
pub fn one_failover() -> Stage {
    flapping(&["client", "router"], &[Site::Near, Site::Far])
}

/// Both sites at once: the router spreads connections over them, each stays where it is.
pub fn spread() -> Stage {
    let mut stage = stage(&["client", "router"]);
    let mut held: Vec<(Talk, Site)> = Vec::new();
    let mut site = Site::Near;
    for n in 0..24u16 {
        // As a hash of the ports falls.
        if n * n * 13 % 7 < 4 {
            site = site.other();
        }
        short(&mut stage, 53_000 + n * 2, site);
        if n % 5 == 0 {
            held.push((open(&mut stage, 53_001 + n * 2, site), site));
        }
        stage.wait_ms(120);
    }
    for (mut talk, site) in held {
        let (there, back) = site.ways();
        talk.exchange(&mut stage, (&there, &back), GET, OK);
        talk.close(&mut stage, &there, &back);
    }
    stage
}
