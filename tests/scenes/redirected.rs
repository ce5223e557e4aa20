//! A director with one interface in NAT, and a client on that very link: its redirects tell the server a way
//! past it.

use crate::packet::Packet;
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::talk::{Rewrite, Talk, Who, rewritten, step};
use crate::{diagnosed, ids};
use std::net::{IpAddr, Ipv4Addr};

const NEAR: Nic = Nic::new("near", 0x44);
const NEAR_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 44);
const OTHER_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 45);
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// After a redirect a server may answer past the director, or go on as before; or it falls silent by itself, to
/// a client of whom it was told nothing.
fn redirected(heeds: bool, told: Ipv4Addr) -> Stage {
    let mut stage = Stage::capturing(&["director"]);
    let (server, vip) = (at(RS1_IP, 8080), at(VIP, 80));
    for n in 0..6u16 {
        let there = [step(NEAR, DIRECTOR), rewritten(DIRECTOR, RS1, Rewrite::Dst(server))];
        let back = [
            rewritten(RS1, DIRECTOR, Rewrite::Src(server)),
            rewritten(DIRECTOR, NEAR, Rewrite::Src(vip)),
        ];
        let mut talk = Talk::new(at(NEAR_IP, 48_500 + n), vip);
        if n > 1 && heeds {
            let syn = talk.syn();
            stage.sent_again(&syn, 3, |stage, syn| {
                stage.carry(&there, syn);
            });
            stage.wait_ms(4000);
            continue;
        }
        talk.handshake(&mut stage, &there, &back);
        talk.exchange(&mut stage, (&there, &back), GET, OK);
        let about = talk.segment(Who::Server, crate::packet::ACK, b"").from(server);
        let about = about.to(at(told, 48_500 + n));
        let director: IpAddr = DIRECTOR_IP.into();
        let word = u32::from(told);
        stage.pass(DIRECTOR, RS1, &Packet::icmp_about(director, &about, 5, 1, word));
        talk.close(&mut stage, &there, &back);
        stage.wait_ms(500);
    }
    stage
}

#[test]
fn a_director_that_tells_a_server_a_shorter_way_is_told_so() {
    let (report, text) = diagnosed(&redirected(true, NEAR_IP));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "nat-same-subnet-client", "{text}");
    assert_eq!(finding["confidence"], "likely", "{text}");
    assert_eq!(finding["affected"]["connections"], 4, "{text}");
    assert!(finding["fix"].to_string().contains("send_redirects=0"), "{text}");
    assert!(finding["evidence"].to_string().contains("redirect"), "{text}");
}

#[test]
fn a_redirect_that_is_not_heeded_or_tells_of_somebody_else_harms_nobody() {
    let (report, text) = diagnosed(&redirected(false, NEAR_IP));
    assert!(ids(&report).is_empty(), "{text}");
    let (report, text) = diagnosed(&redirected(true, OTHER_IP));
    assert!(!ids(&report).contains(&"nat-same-subnet-client"), "{text}");
}
