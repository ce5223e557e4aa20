//! Single pastes of trouble with a balancer, as people print it with `tcpdump -nn`: each names
//! what is broken, or offers it as a candidate, and has a twin that looks alike and is well.

use crate::support::run::{Run, run_paths};
use lbdiag::report::{Finding, Severity};
use std::fmt::Write as _;

const CLIENT: &str = "10.7.0.20.40112";
const SERVICE: &str = "10.7.0.80.8088";
const POD: &str = "10.42.3.9.8080";

fn told(text: &str) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("paste.txt");
    std::fs::write(&file, text).unwrap();
    run_paths(&[file])
}

fn loud(run: &Run) -> Vec<&Finding> {
    let quiet = |f: &&Finding| f.severity == Severity::Info;
    run.report.findings.iter().filter(|f| !quiet(f)).collect()
}

/// The finding of an id, and its candidates.
fn found<'a>(run: &'a Run, id: &str) -> (&'a Finding, Vec<&'a str>) {
    let finding = run.report.findings.iter().find(|f| f.id == id);
    let finding = finding.unwrap_or_else(|| panic!("no {id}:\n{}", run.text));
    (finding, finding.candidates.iter().map(|c| c.id.as_str()).collect())
}

fn is_well(text: &str) {
    let run = told(text);
    assert!(loud(&run).is_empty(), "{}", run.text);
}

/// A line at so many milliseconds; `place` is what `-i any` prints before it.
fn line(out: &mut String, ms: u64, place: &str, rest: &str) {
    let (s, ms) = (ms / 1000, ms % 1000);
    writeln!(out, "12:00:{s:02}.{ms:03}000 {place}IP {rest}").unwrap();
}

fn syn(from: &str, to: &str, tsval: u64) -> String {
    format!(
        "{from} > {to}: Flags [S], seq 5000000, win 64240, options [mss 1460,sackOK,TS val {tsval} ecr 0,nop,wscale 7], length 0"
    )
}

fn syn_ack(from: &str, to: &str) -> String {
    format!(
        "{from} > {to}: Flags [S.], seq 9000000, ack 5000001, win 65160, options [mss 1460,sackOK,TS val 700 ecr 1,nop,wscale 7], length 0"
    )
}

fn ack(from: &str, to: &str) -> String {
    format!(
        "{from} > {to}: Flags [.], ack 1, win 502, options [nop,nop,TS val 2 ecr 700], length 0"
    )
}

fn data(from: &str, to: &str, from_to: (u32, u32), ack: u32) -> String {
    let (a, b) = from_to;
    format!(
        "{from} > {to}: Flags [P.], seq {a}:{b}, ack {ack}, win 502, options [nop,nop,TS val 3 ecr 701], length {}",
        b - a
    )
}

/// The handshake, and the SYN-ACK again at the given times, each acknowledged again.
fn asked_again(client: &str, at: u64, again: &[u64]) -> String {
    let mut out = String::new();
    line(&mut out, at, "", &syn(client, SERVICE, 1));
    line(&mut out, at + 1, "", &syn_ack(SERVICE, client));
    line(&mut out, at + 2, "", &ack(client, SERVICE));
    for ms in again {
        line(&mut out, at + ms, "", &syn_ack(SERVICE, client));
        line(&mut out, at + ms + 1, "", &ack(client, SERVICE));
    }
    out
}

#[test]
fn a_server_that_asks_for_an_ack_that_was_sent() {
    let run = told(&asked_again(CLIENT, 0, &[1000, 3000, 7000]));
    let (finding, candidates) = found(&run, "handshake-incomplete");
    assert!(finding.title.contains("though the client's ACK was sent"), "{}", run.text);
    assert!(candidates.contains(&"accept-queue-overflow"), "{}", run.text);
    assert!(candidates.contains(&"defer-accept-waits"), "{}", run.text);
    // One that crossed the ACK, or stands for one lost frame, harms nobody.
    let mut once = asked_again(CLIENT, 0, &[900]);
    line(&mut once, 1000, "", &data(CLIENT, SERVICE, (1, 80), 1));
    line(&mut once, 1001, "", &data(SERVICE, CLIENT, (1, 200), 80));
    is_well(&once);
    // A spare connection to a listener that waits for the first bytes, which others send.
    let mut spare = asked_again("10.7.0.20.40200", 10_000, &[1000, 3000, 7000]);
    for n in 0..3 {
        let client = format!("10.7.0.20.4030{n}");
        let mut one = asked_again(&client, 200 * n, &[]);
        line(&mut one, 200 * n + 10, "", &data(&client, SERVICE, (1, 80), 1));
        line(&mut one, 200 * n + 20, "", &data(SERVICE, &client, (1, 200), 80));
        spare.insert_str(0, &one);
    }
    is_well(&spare);
}

#[test]
fn a_client_that_speaks_when_the_server_has_given_up() {
    let mut late = asked_again(CLIENT, 0, &[1000, 3000, 7000]);
    line(&mut late, 30_000, "", &data(CLIENT, SERVICE, (1, 80), 1));
    line(
        &mut late,
        30_001,
        "",
        &format!("{SERVICE} > {CLIENT}: Flags [R], seq 9000001, win 0, length 0"),
    );
    let run = told(&late);
    let (_, candidates) = found(&run, "rst-no-socket");
    assert_eq!(candidates[..2], ["accept-queue-overflow", "defer-accept-waits"], "{}", run.text);
    let mut heard = asked_again(CLIENT, 0, &[1000, 3000, 7000]);
    line(&mut heard, 9000, "", &data(CLIENT, SERVICE, (1, 80), 1));
    line(&mut heard, 9001, "", &data(SERVICE, CLIENT, (1, 200), 80));
    is_well(&heard);
}

/// A node with `-i any`: in by eth0, out by a pod's device.
fn at_node(out: &mut String, ms: u64, device: &str, there: impl Fn(&str) -> String) {
    line(out, ms, "eth0  In  ", &there(SERVICE));
    line(out, ms, &format!("{device} Out "), &there(POD));
}

fn back_at_node(out: &mut String, ms: u64, device: &str, back: impl Fn(&str) -> String) {
    line(out, ms, &format!("{device} In  "), &back(POD));
    line(out, ms, "eth0  Out ", &back(SERVICE));
}

#[test]
fn a_node_that_keeps_the_ack() {
    let opening = |acks: bool| {
        let mut out = String::new();
        at_node(&mut out, 0, "cali0a1b2c3d4e5", |to| syn(CLIENT, to, 1));
        back_at_node(&mut out, 1, "cali0a1b2c3d4e5", |from| syn_ack(from, CLIENT));
        line(&mut out, 2, "eth0  In  ", &ack(CLIENT, SERVICE));
        if acks {
            line(&mut out, 2, "cali0a1b2c3d4e5 Out ", &ack(CLIENT, POD));
        }
        out
    };
    let mut kept = opening(false);
    for ms in [1000, 3000, 7000] {
        back_at_node(&mut kept, ms, "cali0a1b2c3d4e5", |from| syn_ack(from, CLIENT));
        line(&mut kept, ms + 1, "eth0  In  ", &ack(CLIENT, SERVICE));
    }
    let run = told(&kept);
    let (_, candidates) = found(&run, "handshake-incomplete");
    assert_eq!(candidates[..2], ["forward-rule-drop", "conntrack-invalid-rst"], "{}", run.text);
    assert!(!candidates.contains(&"accept-queue-overflow"), "{}", run.text);
    let mut sent = opening(true);
    at_node(&mut sent, 5, "cali0a1b2c3d4e5", |to| data(CLIENT, to, (1, 80), 1));
    back_at_node(&mut sent, 6, "cali0a1b2c3d4e5", |from| data(from, CLIENT, (1, 200), 80));
    is_well(&sent);
}

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

fn answer(filled: bool) -> String {
    let mut out = asked_again(CLIENT, 0, &[]);
    line(&mut out, 10, "", &data(CLIENT, SERVICE, (1, 300), 1));
    line(
        &mut out,
        11,
        "",
        &format!(
            "{SERVICE} > {CLIENT}: Flags [.], ack 300, win 502, options [nop,nop,TS val 3 ecr 701], length 0"
        ),
    );
    line(&mut out, 12, "", &data(SERVICE, CLIENT, (2897, 3400), 300));
    line(
        &mut out,
        13,
        "",
        &format!(
            "{CLIENT} > {SERVICE}: Flags [.], ack 1, win 502, options [nop,nop,TS val 3 ecr 701,nop,nop,sack 1 {{2897:3400}}], length 0"
        ),
    );
    if filled {
        line(&mut out, 230, "", &data(SERVICE, CLIENT, (1, 1449), 300));
        line(&mut out, 231, "", &data(SERVICE, CLIENT, (1449, 2897), 300));
    }
    let end = if filled { 3400 } else { 1 };
    line(
        &mut out,
        20_000,
        "",
        &format!(
            "{CLIENT} > {SERVICE}: Flags [F.], seq 300, ack {end}, win 502, options [nop,nop,TS val 9 ecr 701], length 0"
        ),
    );
    out
}

#[test]
fn an_answer_with_a_hole() {
    let run = told(&answer(false));
    let (finding, candidates) = found(&run, "request-unanswered");
    assert!(finding.title.contains("hole"), "{}", run.text);
    assert_eq!(candidates[0], "tun-mtu-blackhole", "{}", run.text);
    is_well(&answer(true));
}

#[test]
fn an_overlay_without_hardware_addresses_is_opened() {
    let inner = |out: &mut String, ms: u64, outer: (&str, &str), rest: &str| {
        let (from, to) = outer;
        line(
            out,
            ms,
            "",
            &format!("{from}.27503 > {to}.8472: OTV, flags [I] (0x08), overlay 0, instance 1"),
        );
        writeln!(out, "IP {rest}").unwrap();
    };
    let (a, b) = ("10.9.0.1", "10.9.0.2");
    let mut silent = String::new();
    for (n, ms) in [0, 1000, 3000].into_iter().enumerate() {
        inner(&mut silent, ms, (a, b), &syn("10.42.1.5.40112", POD, n as u64 + 1));
    }
    let run = told(&silent);
    found(&run, "syn-unanswered");
    assert_eq!(run.report.services[0].vip, "10.42.3.9", "{}", run.text);
    let mut well = String::new();
    let client = "10.42.1.5.40112";
    inner(&mut well, 0, (a, b), &syn(client, POD, 1));
    inner(&mut well, 1, (b, a), &syn_ack(POD, client));
    inner(&mut well, 2, (a, b), &ack(client, POD));
    inner(&mut well, 3, (a, b), &data(client, POD, (1, 80), 1));
    inner(&mut well, 4, (b, a), &data(POD, client, (1, 200), 80));
    is_well(&well);
}

/// A pod or a server that refuses, on the capture of who translates, beside one that serves.
fn refused(device: &str) -> Run {
    let mut out = String::new();
    let (client, other, way) = ("10.7.0.20.40900", "10.42.3.10.8080", format!("{device}x"));
    line(&mut out, 0, "eth0  In  ", &syn(client, SERVICE, 1));
    line(&mut out, 0, &format!("{way} Out "), &syn(client, other, 1));
    line(&mut out, 1, &format!("{way} In  "), &syn_ack(other, client));
    line(&mut out, 1, "eth0  Out ", &syn_ack(SERVICE, client));
    for (to, place) in [(SERVICE, "eth0  In  ".to_owned()), (other, format!("{way} Out "))] {
        line(&mut out, 2, &place, &ack(client, to));
        line(&mut out, 3, &place, &data(client, to, (1, 80), 1));
    }
    for (from, place) in [(other, format!("{way} In  ")), (SERVICE, "eth0  Out ".to_owned())] {
        line(&mut out, 4, &place, &data(from, client, (1, 200), 80));
    }
    // Numbers of its own, or both would be one.
    let mut out = out.replace("5000", "7000").replace("9000", "6000");
    at_node(&mut out, 0, device, |to| syn(CLIENT, to, 1));
    back_at_node(&mut out, 1, device, |from| {
        format!("{from} > {CLIENT}: Flags [R.], seq 0, ack 5000001, win 0, length 0")
    });
    told(&out)
}

#[test]
fn a_cluster_is_told_by_its_devices() {
    let run = refused("cali0a1b2c3d4e5");
    found(&run, "connection-refused");
    assert!(run.text.contains("kubectl") && !run.text.contains("ipvsadm -e"), "{}", run.text);
    let run = refused("eth1");
    found(&run, "connection-refused");
    assert!(run.text.contains("ipvsadm -e") && !run.text.contains("kubectl"), "{}", run.text);
}

#[test]
fn an_answer_that_passes_who_translates_is_not_routed_past_him() {
    let mut out = String::new();
    at_node(&mut out, 0, "lxc0a1b2c3d4e5f", |to| syn(CLIENT, to, 1));
    line(&mut out, 1, "lxc0a1b2c3d4e5f In  ", &syn_ack(POD, CLIENT));
    line(&mut out, 1, "eth0  Out ", &syn_ack(POD, CLIENT));
    line(
        &mut out,
        2,
        "eth0  In  ",
        &format!("{CLIENT} > {POD}: Flags [R], seq 5000001, win 0, length 0"),
    );
    let run = told(&out);
    let (finding, _) = found(&run, "nat-return-bypasses-director");
    assert!(finding.explanation.contains("the very host that translated"), "{}", run.text);
    assert!(!run.text.contains("br_netfilter"), "{}", run.text);
}

#[test]
fn a_clouds_balancer_is_not_to_be_captured() {
    let silent = |client: &str| {
        let mut out = String::new();
        for (n, ms) in [0, 1000, 3000].into_iter().enumerate() {
            line(&mut out, ms, "", &syn(client, SERVICE, n as u64 + 1));
        }
        told(&out).text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = silent("209.85.152.40.40112");
    assert!(text.contains("if it is Google Cloud's"), "{text}");
    assert!(text.contains("the director, if it is a machine of yours"), "{text}");
    let text = silent("10.7.0.20.40112");
    assert!(text.contains("on whatever balances, if that is a machine of yours"), "{text}");
}

/// Connections that talk for a while, some of them reset at one moment from another distance.
fn moved(cut: &[u32]) -> Run {
    let head = |ttl: u8, from: &str, to: &str, rest: &str| {
        format!(
            "(tos 0x0, ttl {ttl}, id 0, offset 0, flags [DF], proto TCP (6), length 52)\n    {from} > {to}: {rest}"
        )
    };
    let mut out = String::new();
    let client = |n: u32| format!("10.7.0.20.4011{n}");
    for n in 0..6 {
        let (c, at) = (client(n), u64::from(n) * 50);
        line(
            &mut out,
            at,
            "",
            &head(
                64,
                &c,
                SERVICE,
                "Flags [S], seq 5000000, win 64240, options [mss 1460], length 0",
            ),
        );
        line(
            &mut out,
            at + 1,
            "",
            &head(
                61,
                SERVICE,
                &c,
                "Flags [S.], seq 9000000, ack 5000001, win 65160, options [mss 1460], length 0",
            ),
        );
        line(
            &mut out,
            at + 2,
            "",
            &head(64, &c, SERVICE, "Flags [P.], seq 1:80, ack 1, win 502, length 79"),
        );
        line(
            &mut out,
            at + 3,
            "",
            &head(61, SERVICE, &c, "Flags [P.], seq 1:200, ack 80, win 502, length 199"),
        );
    }
    for n in 0..6 {
        let (c, at) = (client(n), 2000 + u64::from(n) * 50);
        line(
            &mut out,
            at,
            "",
            &head(64, &c, SERVICE, "Flags [P.], seq 80:160, ack 200, win 502, length 80"),
        );
        let back = if cut.contains(&n) {
            head(62, SERVICE, &c, "Flags [R], seq 9000200, win 0, length 0")
        } else {
            head(61, SERVICE, &c, "Flags [P.], seq 200:400, ack 160, win 502, length 200")
        };
        line(&mut out, at + 1, "", &back);
    }
    for n in (0..6).filter(|n| !cut.contains(n)) {
        let (c, at) = (client(n), 4000 + u64::from(n) * 50);
        line(
            &mut out,
            at,
            "",
            &head(64, &c, SERVICE, "Flags [P.], seq 160:240, ack 400, win 502, length 80"),
        );
        line(
            &mut out,
            at + 1,
            "",
            &head(61, SERVICE, &c, "Flags [P.], seq 400:600, ack 240, win 502, length 200"),
        );
    }
    told(&out)
}

#[test]
fn some_connections_that_move_at_one_moment() {
    let run = moved(&[1, 3]);
    found(&run, "ecmp-rehash-wrong-server");
    // Who loses all of them lost his table, and one may be anybody's.
    for cut in [&[0, 1, 2, 3, 4, 5][..], &[2]] {
        let run = moved(cut);
        assert!(
            !run.report.findings.iter().any(|f| f.id == "ecmp-rehash-wrong-server"),
            "{}",
            run.text
        );
    }
    assert!(loud(&moved(&[])).is_empty());
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
