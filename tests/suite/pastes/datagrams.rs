//! Pastes of datagrams, advertisements and ARP.

use super::{ack, found, is_well, line, syn, syn_ack, told};

fn datagrams(times: &[u64]) -> String {
    let mut out = String::new();
    for ms in times {
        line(&mut out, *ms, "", "10.7.0.20.40123 > 10.7.0.80.27015: UDP, length 25");
    }
    out
}

#[test]
fn a_datagram_that_is_asked_again() {
    let run = told(&datagrams(&[0, 1000, 3000, 7000]));
    found(&run, "datagram-unanswered");
    // What comes at one pace, or any, reports something.
    is_well(&datagrams(&[0, 10_000, 20_000, 30_000, 40_000]));
    is_well(&datagrams(&[0, 1100, 1900, 9000]));
    // Of two ports that clients draw, who sends first asks.
    let mut out = String::new();
    for ms in [0, 5000, 10_000] {
        line(&mut out, ms, "", "10.7.0.20.40123 > 10.7.0.80.51820: UDP, length 148");
    }
    let run = told(&out);
    assert_eq!(run.report.services[0].port, 51_820, "{}", run.text);
}

#[test]
fn an_answer_from_another_address() {
    let (asked, own) = ("10.7.0.9.5004", "10.8.0.21.5004");
    let mut other = String::new();
    for ms in [0, 1000, 2000] {
        line(&mut other, ms, "", &format!("10.7.0.20.51515 > {asked}: UDP, length 33"));
        line(&mut other, ms + 2, "", &format!("{own} > 10.7.0.20.51515: UDP, length 61"));
    }
    let run = told(&other);
    let (finding, candidates) = found(&run, "udp-reply-from-rip");
    assert!(finding.confidence < lbdiag::report::Confidence::Certain || !candidates.is_empty());
    assert!(candidates.contains(&"nat-return-bypasses-director"), "{}", run.text);
    // Two that are both asked answer for themselves; sound and pictures are no questions.
    let mut two = String::new();
    let mut stream = String::new();
    for ms in [0, 1000, 2000] {
        for server in [asked, own] {
            line(&mut two, ms, "", &format!("10.7.0.20.51515 > {server}: UDP, length 33"));
            line(&mut two, ms + 2, "", &format!("{server} > 10.7.0.20.51515: UDP, length 61"));
        }
    }
    for ms in (0..2000).step_by(20) {
        line(&mut stream, ms, "", &format!("10.7.0.20.51515 > {asked}: UDP, length 172"));
        line(&mut stream, ms + 2, "", &format!("{own} > 10.7.0.20.51515: UDP, length 172"));
    }
    is_well(&two);
    is_well(&stream);
}

fn adverts(of: &[(u64, u8, u8)]) -> String {
    let mut out = String::new();
    for (ms, host, priority) in of {
        line(
            &mut out,
            *ms,
            "",
            &format!(
                "10.7.0.{host} > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio {priority}, authtype none, intvl 1s, length 20"
            ),
        );
    }
    out
}

#[test]
fn two_masters_in_four_advertisements() {
    let run = told(&adverts(&[(100, 2, 100), (600, 3, 90), (1100, 2, 100), (1600, 3, 90)]));
    let (finding, _) = found(&run, "vrrp-split-brain");
    assert_eq!(finding.confidence, lbdiag::report::Confidence::Possible, "{}", run.text);
    // A hand-over; and a better master that answers a worse one at once.
    is_well(&adverts(&[(100, 3, 90), (1100, 3, 90), (1300, 2, 100), (2300, 2, 100)]));
    is_well(&adverts(&[(100, 2, 100), (600, 3, 90), (602, 2, 100), (1602, 2, 100)]));
}

/// ARP prints who has an address, not on which host it was captured: nothing is said of that.
#[test]
fn words_of_arp_do_not_tell_who_was_captured() {
    let (client, vip) = ("10.1.0.9.40000", "10.1.0.100.80");
    let mut text = "\
12:00:00.000000 ARP, Request who-has 10.1.0.100 tell 10.1.0.9, length 28
12:00:00.001000 ARP, Reply 10.1.0.100 is-at 52:54:00:00:00:0a, length 28
"
    .to_owned();
    line(&mut text, 2, "", &syn(client, vip, 1));
    line(&mut text, 3, "", &syn_ack(vip, client));
    line(&mut text, 4, "", &ack(client, vip));
    let run = told(&text);
    let printed = format!("{:?}", run.report.notes);
    assert!(!printed.contains("was taken on") && !printed.contains("SPAN"), "{printed}");
}
