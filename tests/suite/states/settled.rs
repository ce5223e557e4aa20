//! What addresses, counters, settings and routes settle. Each is at most likely without them.

use super::{candidates, captures, folder, found, run, texts};
use crate::support::run::run_with;
use lbdiag::report::{Confidence, Report};

fn likely_then_certain(sample: &str, of: &[&str], id: &str) -> (Report, Report) {
    let captures = captures(sample, of);
    let without = run_with(&captures, Vec::new()).report;
    let with = run_with(&captures, folder(sample)).report;
    assert_eq!(found(&without, id).confidence, Confidence::Likely, "{sample}");
    let settled = found(&with, id);
    assert_eq!(settled.confidence, Confidence::Certain, "{sample}: {}", settled.explanation);
    assert!(settled.candidates.is_empty() && settled.to_confirm.is_empty());
    assert!(settled.explanation.contains("tests/states/"), "{}", settled.explanation);
    (without, with)
}

#[test]
fn a_listing_without_the_vip_settles_that_it_is_missing() {
    let (_, with) = likely_then_certain("dr-rs-without-vip", &[], "rs-missing-vip");
    assert!(found(&with, "rs-missing-vip").explanation.contains("rs2.txt"));
}

#[test]
fn a_listing_with_the_vip_makes_it_another_silence() {
    let here = "eth0 UP 52:54:00:4d:c7:f1 <UP>\nlo UNKNOWN 127.0.0.1/8 172.16.0.8/32\neth0 UP 172.16.0.12/24\n";
    let report = run("dr-rs-without-vip", texts(&[("b", here)])).report;
    assert!(report.findings.iter().all(|f| f.id != "rs-missing-vip"));
    let silent = found(&report, "rs-silent");
    assert_eq!(silent.confidence, Confidence::Likely);
    assert_eq!(candidates(silent), ["rp-filter-drop", "accept-queue-overflow"]);
    assert!(silent.explanation.contains("it stands at b:2"), "{}", silent.explanation);
    // One interface alone says nothing of the others.
    let part = "eth0 UP 52:54:00:4d:c7:f1 <UP>\neth0 UP 172.16.0.12/24\n";
    let report = run("dr-rs-without-vip", texts(&[("b", part)])).report;
    assert_eq!(found(&report, "rs-missing-vip").confidence, Confidence::Likely);
}

#[test]
fn a_counter_settles_a_full_accept_queue() {
    let (_, with) = likely_then_certain("listen-backlog-overflow", &[], "accept-queue-overflow");
    assert_eq!(with.findings.iter().filter(|f| f.id == "stated-not-seen").count(), 0);
    let mut still = folder("listen-backlog-overflow");
    for state in &mut still {
        if let Some(told) = state.counters.get_mut("TcpExtListenOverflows") {
            told.value = 0;
        }
    }
    let report = run("listen-backlog-overflow", still).report;
    assert_eq!(found(&report, "accept-queue-overflow").confidence, Confidence::Possible);
}

#[test]
fn a_setting_settles_remembered_timestamps() {
    let of = |value: u32| {
        let text = format!(
            "eth0 UP 52:54:00:5c:00:41 <UP>\neth0 UP 10.20.0.11/24\nnet.ipv4.tcp_tw_recycle = {value}\n"
        );
        let report = run("nat-tw-recycle-timestamps", texts(&[("web1", &text)])).report;
        let finding = found(&report, "tw-recycle-nat-timestamps");
        (finding.confidence, finding.explanation.contains("web1"))
    };
    assert_eq!(of(1), (Confidence::Certain, true));
    assert_eq!(of(0), (Confidence::Likely, true));
}

#[test]
fn a_count_settles_a_full_table() {
    let of = |count: u32| {
        let text = format!(
            "eth0 UP 52:54:00:7c:17:02 <UP>\nnet.netfilter.nf_conntrack_count = {count}\nnet.netfilter.nf_conntrack_max = 8\n"
        );
        let report = run("conntrack-table-full", texts(&[("lb", &text)])).report;
        let finding = found(&report, "conntrack-table-full");
        (finding.confidence, finding.explanation.contains("of at most 8"))
    };
    assert_eq!(of(8), (Confidence::Certain, true));
    assert_eq!(of(3), (Confidence::Possible, true));
}

#[test]
fn a_timeout_settles_who_forgets_silent_connections() {
    let of = |seconds: u32| {
        let text = format!(
            "eth0 UP 52:54:00:1b:e9:07 <UP>\nTimeout (tcp tcpfin udp): {seconds} 120 300\n"
        );
        let report = run("idle-timeout-expired", texts(&[("lb", &text)])).report;
        let finding = found(&report, "lb-idle-timeout");
        let asked = finding.to_confirm.iter().any(|c| c.command.contains("ipvsadm"));
        (finding.confidence, finding.explanation.contains(&format!("{seconds} s (")), asked)
    };
    assert_eq!(of(5), (Confidence::Certain, true, false));
    assert_eq!(of(900), (Confidence::Possible, true, false));
}

#[test]
fn a_route_settles_answers_past_the_director() {
    let sample = "nat-rs-gateway-bypasses-director";
    let (_, with) =
        likely_then_certain(sample, &["client", "director"], "nat-return-bypasses-director");
    let fix = &found(&with, "nat-return-bypasses-director").fix;
    assert!(fix.iter().all(|f| f.undo == "ip route replace default via 172.16.0.1 dev eth0"));
    // A route that leads to the director does not overrule the frames.
    let mut mended = folder(sample);
    for route in mended.iter_mut().flat_map(|s| &mut s.routes).filter(|r| r.to.1 == 0) {
        route.via = Some(lbdiag::wire::Ip::v4([172, 16, 0, 2]));
    }
    let report = run_with(&captures(sample, &["client", "director"]), mended).report;
    let finding = found(&report, "nat-return-bypasses-director");
    assert_eq!(finding.confidence, Confidence::Likely);
    assert!(finding.explanation.contains("does lead to the director"));
}

#[test]
fn a_table_tells_the_director_from_who_answers_arp() {
    let (_, with) = likely_then_certain("dr-arp-vip-conflict", &[], "dr-arp-problem");
    let told = &found(&with, "dr-arp-problem").explanation;
    assert!(told.contains("arp_ignore") && told.contains("director.txt:1"), "{told}");
}

#[test]
fn a_host_that_says_so_answers_by_proxy() {
    let confidence = |value: u8| {
        let text = format!(
            "eth0 UP 52:54:00:5d:4a:45 <UP>\neth0 UP 172.16.0.250/24\nnet.ipv4.conf.all.proxy_arp = 0\nnet.ipv4.conf.eth0.proxy_arp = {value}\n"
        );
        let report = run("proxy-arp", texts(&[("vpn", &text)])).report;
        found(&report, "proxy-arp-or-arp-flux").confidence
    };
    assert_eq!((confidence(1), confidence(0)), (Confidence::Certain, Confidence::Possible));
}

/// A real server that drops SYNs, with what it says of itself.
fn dropping(counters: &str, settings: &str) -> Report {
    let text = format!(
        "eth0 UP 52:54:00:39:a5:eb <UP>\neth0 UP 172.16.0.12/24\nTcpExtListenOverflows 0 0.0\n{counters}\n{settings}\n"
    );
    run("rs-firewall-drop", texts(&[("web2", &text)])).report
}

#[test]
fn the_reverse_path_filter_is_excluded_or_named() {
    let report = dropping("TcpExtIPReversePathFilter 0 0.0", "");
    let finding = found(&report, "rs-silent");
    assert_eq!((finding.confidence, candidates(finding).len()), (Confidence::Certain, 0));
    assert!(finding.explanation.contains("What is left is a firewall"));

    let on = "net.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.default.rp_filter = 1\nnet.ipv4.conf.eth0.rp_filter = 1";
    let report = dropping("TcpExtIPReversePathFilter 900 0.0", on);
    let finding = found(&report, "rs-silent");
    assert_eq!((finding.confidence, candidates(finding).len()), (Confidence::Certain, 0));
    assert!(finding.title.ends_with("the reverse path filter drops them"), "{}", finding.title);
    assert_eq!(finding.fix.len(), 1);
    assert_eq!(finding.fix[0].command, "sysctl -w net.ipv4.conf.eth0.rp_filter=0");
    assert_eq!(finding.fix[0].undo, "sysctl -w net.ipv4.conf.eth0.rp_filter=1");

    // A counter that is smaller than what was lost does not explain it.
    let report = dropping("TcpExtIPReversePathFilter 1 0.0", on);
    assert_eq!(found(&report, "rs-silent").confidence, Confidence::Likely);
    // A filter that is off drops nothing.
    let report = dropping("TcpExtIPReversePathFilter 900 0.0", "net.ipv4.conf.all.rp_filter = 0");
    assert!(!candidates(found(&report, "rs-silent")).contains(&"rp-filter-drop"));
}

#[test]
fn routes_tell_on_the_suspects_of_a_director_that_was_captured_alone() {
    let (sample, suspect) = ("nat-rs-gateway-bypasses-director", "nat-return-bypasses-director");
    let captures = captures(sample, &["director"]);
    let report = run_with(&captures, folder(sample)).report;
    let finding = found(&report, "syn-unanswered");
    assert!(candidates(finding).contains(&suspect));
    assert!(finding.explanation.contains("do not lead to the director"));
    let mut right = folder(sample);
    for route in right.iter_mut().flat_map(|s| &mut s.routes).filter(|r| r.to.1 == 0) {
        route.via = Some(lbdiag::wire::Ip::v4([172, 16, 0, 2]));
    }
    let report = run_with(&captures, right).report;
    let finding = found(&report, "syn-unanswered");
    assert!(!candidates(finding).contains(&suspect), "{:?}", candidates(finding));
}
