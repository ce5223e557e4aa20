//! Pastes of handshakes that one side does not believe, and of answers that lack a part.

use super::{
    CLIENT, POD, SERVICE, ack, at_node, back_at_node, data, found, is_well, line, syn, syn_ack,
    told,
};

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
