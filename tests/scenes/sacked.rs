//! Selective acknowledgments of what was sent, and of what nobody sent.

use crate::packet::{Body, Packet};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Step, Talk, Who, step};
use crate::{diagnosed, ids};

const THERE: [Step; 1] = [step(CLIENT, ROUTER)];
const BACK: [Step; 1] = [step(ROUTER, CLIENT)];
/// What a firewall adds to the client's sequence numbers.
const ADDED: u32 = 0x51e3_a977;

/// An acknowledgment with a block of bytes beyond a gap.
fn selective(packet: Packet, left: u32, right: u32) -> Packet {
    let mut packet = packet;
    if let Body::Tcp { options, .. } = &mut packet.body {
        options.extend([1, 1, 5, 10]);
        options.extend(left.to_be_bytes());
        options.extend(right.to_be_bytes());
    }
    packet
}

/// Uploads of which the second segment is lost, at the client. The server says what it has, and a firewall
/// between adds so much to that; the lost one comes through when it is sent again, or never.
fn uploads(added: u32, comes_through: bool, stamped: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let talk = Talk::new(at(CLIENT_IP, 47_000 + n), at(VIP, 443));
        let mut talk = if stamped { talk } else { talk.without_timestamps() };
        talk.handshake(&mut stage, &THERE, &BACK);
        let first = talk.data(Who::Client, &[1; 1400]);
        stage.carry(&THERE, &first);
        let has = talk.ack(Who::Server);
        stage.carry(&BACK, &has);
        let mut before = talk.clone();
        let lost = talk.data(Who::Client, &[2; 1400]);
        stage.carry(&THERE, &lost);
        let gap = talk.client.next;
        for _ in 0..3 {
            let later = talk.data(Who::Client, &[3; 1400]);
            stage.carry(&THERE, &later);
            let (left, right) = (gap.wrapping_add(added), talk.client.next.wrapping_add(added));
            let says = selective(before.ack(Who::Server), left, right);
            stage.carry(&BACK, &says);
        }
        if comes_through {
            stage.wait_ms(2);
            stage.carry(&THERE, &lost.clone().id(9));
            let has = talk.ack(Who::Server);
            stage.carry(&BACK, &has);
            talk.close(&mut stage, &THERE, &BACK);
            continue;
        }
        let (left, right) = (gap.wrapping_add(added), talk.client.next.wrapping_add(added));
        stage.wait_ms(300);
        stage.sent_again(&lost.clone().id(9), 5, |stage, lost| {
            stage.carry(&THERE, lost);
            let says = selective(before.ack(Who::Server), left, right);
            stage.carry(&BACK, &says);
        });
        stage.wait_ms(10_000);
        let gives_up = talk.rst_ack(Who::Client);
        stage.carry(&THERE, &gives_up);
    }
    stage
}

/// A firewall draws the client's numbers anew, and not those in SACK.
pub fn not_translated() -> Stage {
    uploads(ADDED, false, true)
}

#[test]
fn blocks_of_what_nobody_sent_are_told() {
    for stamped in [true, false] {
        let (report, text) = diagnosed(&uploads(ADDED, false, stamped));
        assert_eq!(ids(&report)[0], "sack-not-translated", "{text}");
        let finding = &report["findings"][0];
        assert_eq!(finding["affected"]["failed"], 3, "{text}");
        assert_eq!(finding["subjects"][0]["address"], "198.51.100.20", "{text}");
        assert!(!ids(&report).contains(&"tun-mtu-blackhole"), "{text}");
    }
    // What came through in the end was sent again by a timer.
    let (report, text) = diagnosed(&uploads(ADDED, true, true));
    assert_eq!(ids(&report)[0], "sack-not-translated", "{text}");
    assert_eq!(report["verdict"]["status"], "degraded", "{text}");
}

#[test]
fn blocks_of_what_was_sent_are_not() {
    for stamped in [true, false] {
        let (report, text) = diagnosed(&uploads(0, true, stamped));
        assert!(!ids(&report).contains(&"sack-not-translated"), "{text}");
        assert_eq!(report["services"][0]["totals"]["failed"], 0, "{text}");
        let (report, text) = diagnosed(&uploads(0, false, stamped));
        assert!(!ids(&report).contains(&"sack-not-translated"), "{text}");
    }
}
