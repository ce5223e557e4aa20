//! The usual places: a client behind a router, a director, two real servers, with the
//! ways between them in each mode.
//!
//! ```text
//! client --- router --- director, rs1, rs2        (one link for all three)
//! ```
//! In NAT the director has a second interface, and the real servers stand behind it: a
//! director with two interfaces captures with [`Stage::any`], as one Ethernet capture has
//! one.

use crate::stage::{Nic, Stage};
use crate::talk::{Rewrite, Step, rewritten, step};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub const CLIENT: Nic = Nic::new("client", 0x10);
pub const ROUTER: Nic = Nic::new("router", 0x20);
/// The router's interface on the servers' link.
pub const ROUTER_IN: Nic = ROUTER.second(0x21);
pub const DIRECTOR: Nic = Nic::new("director", 0x30);
/// In NAT: the director's interface on the real servers' link.
pub const DIRECTOR_IN: Nic = DIRECTOR.second(0x31);
pub const RS1: Nic = Nic::new("rs1", 0x41);
pub const RS2: Nic = Nic::new("rs2", 0x42);

pub const CLIENT_IP: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 20);
pub const ROUTER_OUT_IP: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
pub const ROUTER_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
pub const VIP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
pub const DIRECTOR_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 5);
pub const RS1_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 11);
pub const RS2_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 12);
/// In NAT the real servers have a network of their own.
pub const DIRECTOR_IN_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 1);
pub const NAT_RS1_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 11);
pub const NAT_RS2_IP: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 12);

/// All on the servers' link.
pub const LINK: [Nic; 4] = [ROUTER_IN, DIRECTOR, RS1, RS2];
/// All behind a director in NAT.
pub const INSIDE: [Nic; 3] = [DIRECTOR_IN, RS1, RS2];

/// An endpoint.
pub fn at(ip: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into(), port)
}

/// A way there and the way back.
pub type Ways = (Vec<Step>, Vec<Step>);

/// DR: the director changes MACs alone, the real server answers by the router.
pub fn dr(rs: Nic) -> Ways {
    let there = vec![step(CLIENT, ROUTER), step(ROUTER_IN, DIRECTOR), step(DIRECTOR, rs)];
    (there, vec![step(rs, ROUTER_IN), step(ROUTER, CLIENT)])
}

/// NAT: the director rewrites the destination, and the source of answers.
pub fn nat(rs: Nic, server: SocketAddr, service: SocketAddr) -> Ways {
    let there = vec![
        step(CLIENT, ROUTER),
        step(ROUTER_IN, DIRECTOR),
        rewritten(DIRECTOR_IN, rs, Rewrite::Dst(server)),
    ];
    let back = vec![
        rewritten(rs, DIRECTOR_IN, Rewrite::Src(server)),
        rewritten(DIRECTOR, ROUTER_IN, Rewrite::Src(service)),
        step(ROUTER, CLIENT),
    ];
    (there, back)
}

/// FullNAT: both rewritten, so the real server answers the director.
pub fn fullnat(
    rs: Nic,
    server: SocketAddr,
    service: SocketAddr,
    local: SocketAddr,
    client: SocketAddr,
) -> Ways {
    let there = vec![
        step(CLIENT, ROUTER),
        step(ROUTER_IN, DIRECTOR),
        rewritten(DIRECTOR_IN, rs, Rewrite::Both(local, server)),
    ];
    let back = vec![
        rewritten(rs, DIRECTOR_IN, Rewrite::Both(server, local)),
        rewritten(DIRECTOR, ROUTER_IN, Rewrite::Both(service, client)),
        step(ROUTER, CLIENT),
    ];
    (there, back)
}

/// TUN: the director wraps, the real server unwraps (its `any` capture shows both) and
/// answers by the router.
pub fn tun(rs: Nic, rip: Ipv4Addr) -> Ways {
    let wrap = Rewrite::Wrap(DIRECTOR_IP.into(), rip.into());
    let there =
        vec![step(CLIENT, ROUTER), step(ROUTER_IN, DIRECTOR), rewritten(DIRECTOR, rs, wrap)];
    (there, vec![step(rs, ROUTER_IN), step(ROUTER, CLIENT)])
}

/// The questions that each host asks before it speaks, in DR and TUN.
pub fn resolved(stage: &mut Stage) {
    stage.resolve((CLIENT, CLIENT_IP), (ROUTER, ROUTER_OUT_IP), &[CLIENT, ROUTER]);
    stage.resolve((ROUTER_IN, ROUTER_IP), (DIRECTOR, VIP), &LINK);
    stage.resolve((DIRECTOR, DIRECTOR_IP), (RS1, RS1_IP), &LINK);
    stage.resolve((DIRECTOR, DIRECTOR_IP), (RS2, RS2_IP), &LINK);
    stage.resolve((RS1, RS1_IP), (ROUTER_IN, ROUTER_IP), &LINK);
    stage.resolve((RS2, RS2_IP), (ROUTER_IN, ROUTER_IP), &LINK);
}

/// The same in NAT.
pub fn resolved_nat(stage: &mut Stage) {
    stage.resolve((CLIENT, CLIENT_IP), (ROUTER, ROUTER_OUT_IP), &[CLIENT, ROUTER]);
    stage.resolve((ROUTER_IN, ROUTER_IP), (DIRECTOR, VIP), &[ROUTER_IN, DIRECTOR]);
    stage.resolve((DIRECTOR_IN, DIRECTOR_IN_IP), (RS1, NAT_RS1_IP), &INSIDE);
    stage.resolve((DIRECTOR_IN, DIRECTOR_IN_IP), (RS2, NAT_RS2_IP), &INSIDE);
}
