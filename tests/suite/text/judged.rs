//! What a text lacks is neither called well nor failed.

use super::{causes, printed};
use crate::support::expected::root;
use crate::support::run::run_paths;
use crate::support::tools::tool;
use lbdiag::diagnose::Confidence;
use lbdiag::report::Status;
use std::fmt::Write as _;

/// The last chunk of an answer is not printed: whether it came is not known, and nobody is accused.
#[test]
fn an_answer_whose_end_is_not_printed_is_neither_well_nor_failed() {
    let Some(tcpdump) = tool("tcpdump") else { return };
    let dir = tempfile::tempdir().unwrap();
    let capture = root().join("samples/l7-chunks-without-end/lb.pcap");
    let report = |options: &[&str]| {
        run_paths(&printed(&tcpdump, std::slice::from_ref(&capture), dir.path(), options)).report
    };
    let text = report(&["-nn", "-e", "-v"]);
    assert_eq!(text.verdict.status, Status::Inconclusive);
    assert!(text.verdict.summary.contains("chunks end (tcpdump -x)"), "{}", text.verdict.summary);
    assert!(causes(&text).is_empty());
    assert_eq!(report(&["-nn", "-e", "-v", "-x"]).verdict.status, Status::Failing);
}

/// What a person sees on a node's bridge: the call to a service, translated, and its answer.
fn on_a_bridge(answer: &str) -> String {
    let e = |from: &str, to: &str, packet: &str| {
        format!("{from} > {to}, ethertype IPv4 (0x0800), length 74: {packet}\n")
    };
    let (a, node, b) = ("02:00:00:00:01:0a", "02:00:00:00:01:01", "02:00:00:00:01:0b");
    let syn = "Flags [S], seq 700, win 64860, options [mss 1410,sackOK,TS val 9 ecr 0,nop,wscale 7], length 0";
    let syn_ack = "Flags [S.], seq 900, ack 701, win 64308, options [mss 1410,sackOK,TS val 5 ecr 9,nop,wscale 7], length 0";
    let mut text = format!(
        "10:00:00.000100 {}10:00:00.000200 {}",
        e(a, node, &format!("10.42.0.10.40000 > 10.43.7.7.7800: {syn}")),
        e(node, b, &format!("10.42.0.10.40000 > 10.42.0.11.7800: {syn}")),
    );
    if answer == "translated" {
        let back = [
            e(b, node, &format!("10.42.0.11.7800 > 10.42.0.10.40000: {syn_ack}")),
            e(node, a, &format!("10.43.7.7.7800 > 10.42.0.10.40000: {syn_ack}")),
            e(a, node, "10.42.0.10.40000 > 10.43.7.7.7800: Flags [.], ack 1, win 507, length 0"),
            e(node, b, "10.42.0.10.40000 > 10.42.0.11.7800: Flags [.], ack 1, win 507, length 0"),
        ];
        for (n, line) in back.iter().enumerate() {
            let _ = write!(text, "10:00:00.000{}00 {line}", n + 3);
        }
        return text;
    }
    let back = [
        e(b, a, &format!("10.42.0.11.7800 > 10.42.0.10.40000: {syn_ack}")),
        e(a, b, "10.42.0.10.40000 > 10.42.0.11.7800: Flags [R], seq 701, win 0, length 0"),
    ];
    let _ = write!(text, "10:00:00.000300 {}10:00:00.000400 {}", back[0], back[1]);
    text
}

#[test]
fn an_answer_that_passes_its_translator_is_told_and_never_mended_by_a_route() {
    let dir = tempfile::tempdir().unwrap();
    let report = |text: &str| {
        let path = dir.path().join("bridge.txt");
        std::fs::write(&path, text).unwrap();
        run_paths(&[&path]).report
    };
    let broken = on_a_bridge("direct");
    let found = report(&broken);
    assert_eq!(causes(&found).first().map(|c| c.0), Some("nat-same-subnet-client"));
    // Without hardware addresses it is one of two, and what is advised fits both.
    let mac = |line: &str| line.split_once(": ").map(|(_, packet)| packet.to_owned());
    let bare: String = broken
        .lines()
        .filter_map(|line| Some(format!("{} IP {}\n", line.split(' ').next()?, mac(line)?)))
        .collect();
    let found = report(&bare);
    assert_eq!(causes(&found), [("nat-return-bypasses-director", Confidence::Likely)]);
    let fixes = &found.findings[0].fix;
    assert!(fixes.iter().all(|fix| !fix.command.contains("ip route")), "{fixes:?}");
    assert!(causes(&report(&on_a_bridge("translated"))).is_empty());
}
