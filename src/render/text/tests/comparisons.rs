//! How comparisons read.

use super::super::super::sanitise::is_unsafe;
use super::super::comparison::comparison;
use super::super::fixtures::{hairpin, healthy};
use super::at;
use crate::report::compare::{
    Comparison, Counts, ServerChange, ServiceChange, Sized, TimeChange, Words, compare,
};

fn counts(what: &str, good: u64, bad: u64) -> Counts {
    Counts { what: what.to_owned(), good, good_of: 1200, bad, bad_of: 900, p: 0.001 }
}

/// One of everything.
fn full() -> Comparison {
    let mut all = compare(("good.json", &healthy()), ("captures/", &hairpin()));
    all.services = vec![ServiceChange {
        name: "203.0.113.8:80/tcp".to_owned(),
        was: Some("192.0.2.8:80/tcp".to_owned()),
        mode: Some(Words { good: "nat".to_owned(), bad: "fullnat".to_owned() }),
        failed: Some(counts("failed", 0, 40)),
        outcomes: vec![counts("refused", 0, 40)],
        real_servers: vec![
            ServerChange {
                name: "10.0.0.1".to_owned(),
                change: "stayed".to_owned(),
                sure: true,
                share: Some(counts("connections", 600, 800)),
                failed: None,
                times: vec![TimeChange {
                    what: "first byte".to_owned(),
                    good_ns: 2_100_000,
                    bad_ns: 410_000_000,
                    good_of: 600,
                    bad_of: 800,
                }],
            },
            ServerChange {
                name: "10.0.0.2".to_owned(),
                change: "gone".to_owned(),
                sure: false,
                share: None,
                failed: None,
                times: Vec::new(),
            },
        ],
    }];
    all.services_gone = vec![Sized { name: "203.0.113.8:443/tcp".to_owned(), connections: 7 }];
    all.services_appeared.clear();
    all.notes = vec!["no service has the same address in both".to_owned()];
    all
}

#[test]
fn everything_that_differs() {
    insta::assert_snapshot!(comparison(&full(), &at(80)), @r"
    WORSE   was healthy, is failing: l4-self-access-hairpin appeared, 172.16.100.11
            called the VIP and was chosen as its own real server.

            verdict  connections              read from
      good  healthy  6 connections, 3 failed  good.json
      bad   failing  6 connections, 3 failed  captures/

    203.0.113.8:80/tcp   (was 192.0.2.8:80/tcp)
                            good               bad
      mode                  nat                fullnat
      failed                0 of 1,200, 0%     40 of 900, 4%
      refused               0 of 1,200, 0%     40 of 900, 4%
      10.0.0.1 connections  600 of 1,200, 50%  800 of 900, 89%
      10.0.0.1 first byte   2.10 ms in 600     410.00 ms in 800
      10.0.0.2              seen               not seen, perhaps by chance

    services only in the good one
      203.0.113.8:443/tcp  7 connections

    findings
      appeared  l4-self-access-hairpin (critical, certain): 172.16.100.11 called the
                VIP and was chosen as its own real server.
      appeared  syn-ack-to-self (critical, certain): 172.16.100.11 answered itself
      appeared  rst-no-socket (critical, certain): a SYN-ACK met no socket
      appeared  connection-reset (warning, likely): a connection was reset mid-way

      note      no service has the same address in both
    ");
}

#[test]
fn nothing_in_it_steers_a_terminal_and_lines_fit() {
    let text = serde_json::to_string(&full()).unwrap();
    let evil = text.replace("10.0.0.1", "\\u001b[2J\\u202e<b>").replace("good.json", "\\u009b31m");
    let poisoned: Comparison = serde_json::from_str(&evil).unwrap();
    for width in [40, 80, 200] {
        let drawn = comparison(&poisoned, &at(width));
        assert!(!drawn.contains(|c| c != '\n' && is_unsafe(c)), "{drawn}");
        assert!(drawn.lines().all(|line| line.chars().count() <= width), "{drawn}");
    }
}
