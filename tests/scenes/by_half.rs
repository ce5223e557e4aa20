//! Captures that show one direction alone, as one half of a tap does: what clients send, or what servers send.

use crate::moved_on::has_nothing_loud;
use crate::packet::Packet;
use crate::places::*;
use crate::stage::{LINK_US, Nic, Stage};
use crate::talk::{OK, Talk, Who};
use crate::{diagnosed, ids};

const TAP: Nic = Nic::new("tap", 0x60);
const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// Passes the tap, whose capture shows what one side sends.
fn pass(stage: &mut Stage, shown: Who, by: Who, packet: &Packet) {
    let (from, to) = if by == Who::Client { (ROUTER_IN, RS1) } else { (RS1, ROUTER_IN) };
    if by == shown {
        stage.overheard(TAP, from, to, packet);
    } else {
        stage.now += LINK_US;
    }
}

/// Eight connections, of which each second is served; with `broken` the others stop at the answer to the SYN.
fn half(shown: Who, broken: bool) -> Stage {
    let mut stage = Stage::capturing(&["tap"]);
    for n in 0..8u16 {
        let begun = stage.now;
        let mut talk = Talk::new(at(CLIENT_IP, 43_000 + n), at(VIP, 80));
        let syn = talk.syn();
        let syn_ack = talk.accept().syn_ack();
        let lost = broken && n % 2 == 1;
        for (k, s) in
            [(0u16, 0u64), (1, 1), (2, 3), (3, 7)].into_iter().take(if lost { 4 } else { 1 })
        {
            stage.now = begun + s * 1_000_000;
            pass(&mut stage, shown, Who::Client, &syn.clone().id(syn.id + k));
            pass(&mut stage, shown, Who::Server, &syn_ack);
        }
        talk.open();
        if !lost {
            let ack = talk.ack(Who::Client);
            pass(&mut stage, shown, Who::Client, &ack);
            for (who, said) in [(Who::Client, GET), (Who::Server, OK)] {
                let other = if who == Who::Client { Who::Server } else { Who::Client };
                let said = talk.data(who, said);
                pass(&mut stage, shown, who, &said);
                let taken = talk.ack(other);
                pass(&mut stage, shown, other, &taken);
            }
            for who in [Who::Client, Who::Server] {
                let fin = talk.fin(who);
                pass(&mut stage, shown, who, &fin);
            }
            let last = talk.ack(Who::Client);
            pass(&mut stage, shown, Who::Client, &last);
        }
        stage.now = begun + 9_000_000;
    }
    stage
}

#[test]
fn clients_alone_do_not_show_what_was_answered() {
    let (report, text) = diagnosed(&half(Who::Client, true));
    assert_eq!(ids(&report), ["syn-unanswered"], "{text}");
    let told = report["findings"][0]["explanation"].as_str().unwrap();
    assert!(told.contains("one direction alone") && !told.contains("would be seen"), "{told}");
    // Whose host that is does not show, nor what it counts.
    assert!(!text.contains("nstat"), "{text}");
    has_nothing_loud(&half(Who::Client, false));
}

#[test]
fn servers_alone_show_that_they_get_no_acknowledgment() {
    let (report, text) = diagnosed(&half(Who::Server, true));
    assert_eq!(ids(&report)[0], "handshake-incomplete", "{text}");
    assert_eq!(report["services"][0]["totals"]["failed"], 4, "{text}");
    assert!(text.contains("as if no acknowledgment came"), "{text}");
    has_nothing_loud(&half(Who::Server, false));
}
