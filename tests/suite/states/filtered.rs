//! What rules of a packet filter and lists of sockets settle.

use super::{found, run, texts};
use lbdiag::report::{Confidence, Report};

/// Real server 2 of the samples with a packet filter, with what it says of it.
fn filtered(sample: &str, said: &str) -> Report {
    let text = format!("2: eth0    inet 172.16.0.12/24 scope global eth0\n{said}");
    run(sample, texts(&[("web2", &text)])).report
}

#[test]
fn a_rule_that_counts_settles_who_drops() {
    let rule = |packets: u32| {
        format!(
            "Chain INPUT (policy ACCEPT 90 packets, 5400 bytes)\n pkts bytes target     prot opt in     out     source               destination\n    {packets}   600 DROP       6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpts:80:90\n"
        )
    };
    let report = filtered("rs-firewall-drop", &rule(40));
    let silent = found(&report, "rs-silent");
    assert_eq!(silent.confidence, Confidence::Certain, "{}", silent.explanation);
    assert!(silent.explanation.contains("dropped 40 packets (web2:4)"), "{}", silent.explanation);
    // One that counted nothing is not it, and then no firewall is left to blame.
    let report = filtered("rs-firewall-drop", &rule(0));
    let silent = found(&report, "rs-silent");
    assert_eq!(silent.confidence, Confidence::Likely);
    assert!(silent.explanation.contains("No rule of the packet filter stopped"));
    // A rule for other ports, or behind one that lets it pass, says nothing.
    let others = rule(40).replace("80:90", "9000:9010");
    assert_eq!(
        found(&filtered("rs-firewall-drop", &others), "rs-silent").confidence,
        Confidence::Likely
    );
    // Behind a rule that lets it pass, and in a chain of which nobody knows who jumps there.
    let head = "*filter\n:INPUT ACCEPT [0:0]\n";
    for rules in [
        "[9:9] -A INPUT -p tcp --dport 80 -j ACCEPT\n[40:9] -A INPUT -p tcp --dport 80 -j DROP\n",
        "[40:9] -A DOCKER -j DROP\n",
    ] {
        let report = filtered("rs-firewall-drop", &format!("{head}{rules}COMMIT\n"));
        let silent = found(&report, "rs-silent");
        assert!(!silent.explanation.contains("dropped 40 packets"), "{}", silent.explanation);
        assert_eq!(silent.confidence, Confidence::Likely);
    }
    let policy =
        "*filter\n:INPUT DROP [40:2400]\n[9:9] -A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    let report = filtered("rs-firewall-drop", policy);
    assert!(found(&report, "rs-silent").explanation.contains("The policy of the packet filter"));
}

#[test]
fn a_rule_that_counts_settles_who_rejects() {
    let nft = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 80 counter packets 12 bytes 720 reject with icmpx admin-prohibited\n\t}\n}\n";
    let report = filtered("rs-firewall-reject", nft);
    let finding = found(&report, "rs-admin-prohibited");
    assert!(
        finding.explanation.contains("rejected 12 packets (web2:5)"),
        "{}",
        finding.explanation
    );
}

#[test]
fn a_list_of_sockets_settles_who_listens() {
    let head = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n";
    let report =
        filtered("rs-port-closed", &format!("{head}LISTEN 0 128 127.0.0.1:25 0.0.0.0:*\n"));
    let finding = found(&report, "connection-refused");
    assert!(finding.explanation.contains("none for port 8000"), "{}", finding.explanation);
    let report =
        filtered("rs-port-closed", &format!("{head}LISTEN 0 128 0.0.0.0:8000 0.0.0.0:*\n"));
    assert!(
        found(&report, "connection-refused").explanation.contains("A socket listens on port 8000")
    );
}

#[test]
fn a_queue_that_is_full_settles_it() {
    let text = |address: &str| {
        format!(
            "2: eth0    inet {address}/24 scope global eth0\nState  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 3 2 0.0.0.0:80 0.0.0.0:*\n"
        )
    };
    let (one, two) = (text("172.16.0.11"), text("172.16.0.12"));
    let with = run("listen-backlog-overflow", texts(&[("web1", &one), ("web2", &two)])).report;
    let settled = found(&with, "accept-queue-overflow");
    assert_eq!(settled.confidence, Confidence::Certain, "{}", settled.explanation);
    assert!(settled.explanation.contains("3 connections wait where 2 may (web1:3"));
}
