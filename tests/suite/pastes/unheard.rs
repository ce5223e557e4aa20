//! What a paste leaves unheard is not called well: questions that were asked again, packets that a filter
//! blocked, segments that nobody acknowledged, tunnels of which one side is seen.

use super::{found, told};
use crate::support::run::Run;

/// Failed, suffered, cannot be told, did well.
fn fates(run: &Run) -> [u64; 4] {
    let t = &run.report.totals;
    [t.failed, t.suffered, t.untold, t.well]
}

const ASKS: &str = "10:00:00.100000 IP 10.2.0.7.41414 > 10.2.0.53.53: 7001+ A? db.example. (28)";
const AGAIN: &str = "10:00:05.105000 IP 10.2.0.7.41414 > 10.2.0.53.53: 7001+ A? db.example. (28)";
const SAYS: &str = "10:00:05.106000 IP 10.2.0.53.53 > 10.2.0.7.41414: 7001 1/0/0 A 10.2.9.9 (44)";

#[test]
fn a_question_that_was_heard_when_it_came_again_cost_the_wait() {
    let run = told(&[ASKS, AGAIN, SAYS].join("\n"));
    assert_eq!(fates(&run), [0, 1, 0, 0], "{}", run.text);
    assert!(run.text.contains("5.0 s") && run.text.contains("it is asked again"), "{}", run.text);
    // Answered at once, and a copy of the question on another interface.
    let copy = ASKS.replace(".100000", ".100020");
    let early = SAYS.replace("00:05.106", "00:00.101");
    let run = told(&[ASKS, &copy, &early].join("\n"));
    assert_eq!(fates(&run), [0, 0, 0, 1], "{}", run.text);
}

#[test]
fn lists_of_wireshark_tell_of_questions_without_their_ports() {
    let lines = "  1  0.100000 10.2.0.7 \u{2192} 10.2.0.53 DNS 94 Standard query 0x1b59 A db.example\n  \
        2  0.100040 10.2.0.7 \u{2192} 10.2.0.53 DNS 94 Standard query 0x1b60 AAAA db.example\n  \
        3  0.101000 10.2.0.53 \u{2192} 10.2.0.7 DNS 150 Standard query response 0x1b60 AAAA db.example SOA ns.example\n  \
        4  5.105000 10.2.0.7 \u{2192} 10.2.0.53 DNS 94 Standard query 0x1b59 A db.example\n  \
        5  5.106000 10.2.0.53 \u{2192} 10.2.0.7 DNS 110 Standard query response 0x1b59 A db.example A 10.2.9.9\n";
    let run = told(lines);
    assert_eq!(fates(&run), [0, 1, 0, 1], "{}", run.text);
    let words: Vec<&str> = run.text.split_whitespace().collect();
    assert!(words.join(" ").contains("53 stands for the server's"), "{}", run.text);
}

#[test]
fn what_a_filter_blocked_did_not_do_well() {
    let syn = "rule 4/0(match): block in on em0: (tos 0x0, ttl 64, id 9, offset 0, flags [DF], proto TCP (6), length 64)\n    10.2.0.7.50501 > 10.2.0.1.443: Flags [S], cksum 0x83fb (correct), seq 831, win 65535, length 0";
    let ack = "rule 4/0(match): block in on em0: (tos 0x0, ttl 64, id 8, offset 0, flags [none], proto TCP (6), length 40)\n    10.2.0.7.50502 > 10.2.0.1.443: Flags [.], cksum 0x9d90 (correct), ack 400, win 2387, length 0";
    let run = told(&format!("{syn}\n{ack}\n"));
    assert_eq!(fates(&run), [1, 0, 1, 0], "{}", run.text);
    assert!(run.text.contains("pf, rule 4"), "{}", run.text);
}

const SENT: &str = "10:00:01.000000 IP 10.2.0.7.9092 > 10.2.0.8.40404: Flags [P.], seq 1:1401, ack 1, win 500, length 1400";
const SENT_AGAIN: &str = "10:00:01.400000 IP 10.2.0.7.9092 > 10.2.0.8.40404: Flags [P.], seq 1:1401, ack 1, win 500, length 1400";
const HEARD: &str =
    "10:00:01.401000 IP 10.2.0.8.40404 > 10.2.0.7.9092: Flags [.], ack 1401, win 500, length 0";

#[test]
fn a_segment_that_is_sent_again_and_acknowledged_by_nobody_is_not_well() {
    let run = told(&[SENT, SENT_AGAIN].join("\n"));
    assert_eq!(fates(&run), [0, 0, 1, 0], "{}", run.text);
    let run = told(&[SENT, SENT_AGAIN, HEARD].join("\n"));
    assert_eq!(fates(&run)[3], 1, "{}", run.text);
}

#[test]
fn a_tunnel_is_asked_at_its_own_port() {
    let init = "10:00:00.1 eth0  In  IP 198.51.100.7.6807 > 203.0.113.9.51820: UDP, length 148";
    let run = told(init);
    assert_eq!(fates(&run)[3], 0, "{}", run.text);
    assert!(!run.text.contains(":6807/udp"), "{}", run.text);
}

const SYNS: &str = "10:00:01.0 eth1  In  IP 198.51.100.7.40000 > 192.0.2.10.80: Flags [S], seq 5001, win 29200, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0\n\
    10:00:02.0 eth1  In  IP 198.51.100.7.40000 > 192.0.2.10.80: Flags [S], seq 5001, win 29200, options [mss 1460,sackOK,TS val 1101 ecr 0,nop,wscale 7], length 0\n\
    10:00:04.0 eth1  In  IP 198.51.100.7.40000 > 192.0.2.10.80: Flags [S], seq 5001, win 29200, options [mss 1460,sackOK,TS val 3105 ecr 0,nop,wscale 7], length 0\n";

#[test]
fn what_the_kernel_logs_beside_the_packets_stands_first() {
    let first = |log: &str| {
        let run = told(&format!("{SYNS}\n{log}\n"));
        found(&run, "syn-unanswered").1[0].to_owned()
    };
    let full = "[99.5] nf_conntrack: nf_conntrack: table full, dropping packet";
    assert_eq!(first(full), "conntrack-table-full");
    let flood = "[99.5] TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.";
    assert_eq!(first(flood), "accept-queue-overflow");
    let martian = "[99.5] IPv4: martian source 192.0.2.10 from 198.51.100.7, on dev eth1";
    assert_eq!(first(martian), "rp-filter-drop");
    // Of another port, and of other ends.
    for other in [flood.replace("80.", "25."), martian.replace("198.51.100.7", "198.51.100.8")] {
        assert_eq!(first(&other), first("nothing was logged"), "{other}");
    }
}

#[test]
fn errors_alone_are_said() {
    let error = "10:00:01.0 IP 10.2.0.9 > 10.2.0.7: ICMP host 10.2.0.9 unreachable - admin prohibited, length 86";
    let run = told(error);
    assert!(run.text.contains("10.2.0.9 says once to 10.2.0.7"), "{}", run.text);
}
