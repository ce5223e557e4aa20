//! What findings of samples rest on, whom they name and what they advise, where the
//! id and the culprit in `expected.toml` do not say enough.

use crate::support::bytes::Pcap;
use crate::support::check::{none, of_each};
use crate::support::expected::root;
use crate::support::frames::{CLIENT, CLIENT_MAC, DIRECTOR_MAC, Segment, VIP};
use crate::support::run::{run_paths, whole};
use lbdiag::report::{Finding, Report};

fn report(sample: &str) -> Report {
    run_paths(&[root().join("samples").join(sample)]).report
}

/// The first finding of an id.
fn finding<'a>(report: &'a Report, id: &str) -> &'a Finding {
    report.findings.iter().find(|f| f.id == id).unwrap_or_else(|| panic!("no {id}"))
}

/// The frames of its evidence, `director #5`, in the order in which they are told.
fn frames(finding: &Finding) -> Vec<String> {
    finding.evidence.iter().map(|e| format!("{} #{}", e.vantage, e.frame)).collect()
}

/// Everything that a finding says, for words that must or must not be in it.
fn words(finding: &Finding) -> String {
    format!("{finding:?}")
}

#[test]
fn a_server_error_names_the_server_that_made_it() {
    for (sample, frame, whom, fixes) in [
        ("l7-backend-500", "rs2 #9", &["172.16.0.12"][..], 1),
        ("l7-nginx-backend-500", "rs1 #8", &["172.16.0.11", "172.16.0.12"][..], 0),
    ] {
        let report = report(sample);
        let error = finding(&report, "http-5xx");
        assert!(frames(error).contains(&frame.to_owned()), "{sample}: {:?}", frames(error));
        let named: Vec<_> = error.subjects.iter().filter_map(|s| s.address.as_deref()).collect();
        assert_eq!(named, whom, "{sample}");
        assert!(whom.iter().all(|ip| error.title.contains(ip)), "{}", error.title);
        assert!(error.to_confirm.iter().any(|c| c.host == whom[0]), "{sample}");
        // Where every server fails, there is none to send the requests to.
        assert_eq!(error.fix.len(), fixes, "{sample}");
        let verdict = &report.verdict.summary;
        assert!(!verdict.contains("do not show why"), "{sample}: {verdict}");
    }
}

/// Sample, capture, and an address or MAC of the host that it was taken on.
const TAKEN_ON: [(&str, &str, &str); 14] = [
    ("healthcheck-source-blocked", "rs2", "172.16.0.12"),
    ("garp-missing-stale-arp", "rs1", "172.16.0.11"),
    ("l7-backend-500", "rs1", "172.16.0.11"),
    ("l7-nginx-backend-500", "rs2", "172.16.0.12"),
    ("l7-backend-refused", "rs2", "172.16.0.12"),
    ("l7-tls-backend-refused", "rs2", "172.16.0.12"),
    ("l7-proxy-v2-unexpected-one-rs", "rs1", "172.16.0.11"),
    ("healthy-l7-tls-passthrough", "rs1", "172.16.0.11"),
    ("healthy-vrrp-unicast", "director2", "172.16.0.3"),
    ("vrrp-split-brain", "director", "52:54:00:66:71:62"),
    ("dr-arp-vip-conflict", "director", "52:54:00:d2:4b:a2"),
    ("dr-arp-vip-conflict", "rs1", "52:54:00:82:cc:c3"),
    ("dr-foreign-subnet-urpf-one-rs", "router2", "172.16.0.254"),
    ("syn-retry-rescheduled", "rs2", "172.16.0.12"),
];

#[test]
fn a_capture_is_its_own_hosts() {
    for (sample, capture, host) in TAKEN_ON {
        let report = report(sample);
        let on: Vec<_> =
            report.hosts.iter().filter(|h| h.vantages.iter().any(|v| v == capture)).collect();
        let [one] = on[..] else { panic!("{sample}: {capture} is on {on:?}") };
        let is = one.addresses.iter().chain(&one.macs).any(|name| name == host);
        assert!(is, "{sample}: {capture} is on {one:?}");
    }
}

#[test]
fn the_real_server_is_the_one_that_the_client_went_on_with() {
    let report = report("syn-retry-rescheduled");
    for connection in &report.connections {
        let server = connection.real_server.as_ref().and_then(|s| s.address.as_deref());
        assert_eq!(server, Some("172.16.0.12"), "{}", connection.id);
    }
    let retry = finding(&report, "syn-retry-rescheduled");
    let shown = frames(retry);
    // rs2 #2 is the SYN for rs1, which a switch flooded.
    assert!(shown.contains(&"rs2 #3".to_owned()), "{shown:?}");
    assert!(!shown.contains(&"rs2 #2".to_owned()), "{shown:?}");
    assert!(!retry.fix[0].host.contains("172.16.0.8"), "{}", retry.fix[0].host);
}

#[test]
fn a_captured_router_answers_what_would_be_asked_of_it() {
    let report = report("dr-foreign-subnet-urpf-one-rs");
    let lost = finding(&report, "dr-vip-foreign-subnet-return");
    assert!(frames(lost).iter().any(|f| f.starts_with("router2 #")), "{:?}", frames(lost));
    assert!(lost.candidates.iter().all(|c| c.id != "fabric-anti-spoof"));
    assert!(lost.to_confirm.iter().all(|c| !c.command.contains("tcpdump")));
}

#[test]
fn a_send_is_told_with_its_own_arrival() {
    let report = report("dr-rs-without-vip-forwarding-loop");
    let missing = finding(&report, "rs-missing-vip");
    assert!(missing.evidence.is_sorted_by_key(|e| e.since_first_ns), "{:?}", frames(missing));
    assert!(!missing.explanation.contains("stay green"), "{}", missing.explanation);
}

#[test]
fn an_error_is_about_the_connection_that_was_there() {
    let report = report("ipvs-reuse-to-dead-backend");
    let told: Vec<_> = report.findings.iter().filter(|f| f.id == "icmp-unreachable").collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_sentence_counts_the_connections_of_its_finding() {
    let report = report("healthcheck-source-blocked");
    assert!(report.verdict.summary.ends_with("(4 health checks)"), "{}", report.verdict.summary);
}

#[test]
fn a_silent_dr_server_may_lack_the_vip_and_a_translated_one_needs_none() {
    let dr = report("dr6-rs-without-vip");
    let silent = finding(&dr, "rs-silent");
    assert!(silent.fix[0].command.starts_with("ip addr add"), "{:?}", silent.fix);
    assert_eq!(silent.candidates[0].id, "rs-missing-vip");
    let nat = report("rs-firewall-drop");
    let silent = finding(&nat, "rs-silent");
    assert!(!words(silent).contains("addr show to"), "{silent:?}");
}

#[test]
fn advice_fits_the_role_and_the_protocol() {
    let half = report("dr-half-path-director");
    let fix = words(finding(&half, "stateful-device-half-path"));
    assert!(fix.contains(" INPUT ") && !fix.contains("FORWARD -d"), "{fix}");
    let udp = report("backend-removed-udp");
    let fix = words(finding(&udp, "backend-removed-silent-drop"));
    assert!(!fix.contains("RST"), "{fix}");
}

#[test]
fn a_host_without_an_address_is_named_by_its_capture() {
    let report = report("dr-arp-vip-conflict");
    let conflict = finding(&report, "dr-arp-problem");
    assert!(conflict.title.contains("(capture rs2)"), "{}", conflict.title);
    assert_eq!(conflict.subjects[0].vantage.as_deref(), Some("rs2"));
    assert!(conflict.explanation.contains("(capture rs1)"), "{}", conflict.explanation);
}

#[test]
fn frames_of_one_capture_are_told_in_their_order() {
    for (sample, id) in [
        ("tun-rp-filter", "rp-filter-drop"),
        ("client-on-director", "client-on-director"),
        ("dr-windows-strong-host", "windows-strong-host"),
        ("udp-stale-entry-host-gone", "udp-stale-entry"),
    ] {
        let report = report(sample);
        let told = finding(&report, id);
        for vantage in told.evidence.iter().map(|e| &e.vantage) {
            let own = told.evidence.iter().filter(|e| e.vantage == *vantage);
            assert!(own.is_sorted_by_key(|e| e.frame), "{sample}: {:?}", frames(told));
        }
    }
}

#[test]
fn a_service_that_answers_nobody_is_not_called_uncaptured() {
    let report = report("healthy-nat-udp-one-way");
    let verdict = &report.verdict.summary;
    assert!(verdict.contains("no answer to any of them was captured"), "{verdict}");
}
/// A word that is an address, as commands' hosts have them.
fn addresses(text: &str) -> impl Iterator<Item = std::net::IpAddr> + '_ {
    text.split([' ', ',', '(', ')']).filter_map(|word| word.parse().ok())
}

#[test]
fn no_command_is_run_on_an_address_that_hosts_share() {
    let wrong = of_each(|sample| {
        let report = &whole(sample).report;
        let shared: Vec<std::net::IpAddr> = report
            .services
            .iter()
            .filter(|s| ["nat", "dr", "tun", "fullnat"].contains(&s.mode.as_str()))
            .map(|s| s.vip.parse().unwrap())
            .collect();
        let mut wrong = Vec::new();
        for finding in &report.findings {
            let fixes = finding.fix.iter().map(|f| &f.host);
            for host in fixes.chain(finding.to_confirm.iter().map(|c| &c.host)) {
                // Behind a comma stands when it is to be done.
                let place = host.split(',').next().unwrap_or_default();
                if addresses(place).any(|ip| shared.contains(&ip)) && !place.contains(" of ") {
                    wrong.push(format!("{}: on {host}", finding.id));
                }
            }
        }
        wrong
    });
    none(wrong);
}

#[test]
fn what_is_refuted_is_offered_nowhere() {
    let wrong = of_each(|sample| {
        let report = &whole(sample).report;
        let offered = |f: &&Finding| {
            let both = f.refuted.iter().any(|r| f.candidates.iter().any(|c| c.id == r.id));
            both || f.refuted.iter().any(|r| r.why.is_empty())
        };
        report.findings.iter().filter(offered).map(|f| f.id.clone()).collect()
    });
    none(wrong);
}

/// A server that answers, and a client that never goes on.
#[test]
fn a_silent_server_is_refuted_by_its_answer() {
    let mut pcap = Pcap::new(1);
    for n in 0..3_u16 {
        let client = (CLIENT.0, CLIENT.1 + n);
        let (at, isn) = (u32::from(n) * 500, 1000 + u32::from(n));
        let syn_ack = Segment { ack: Some(isn + 1), ..Segment::syn(VIP, client, isn + 7000) }.on(
            DIRECTOR_MAC,
            CLIENT_MAC,
            64,
        );
        pcap.frame(at, &Segment::syn(client, VIP, isn).ethernet());
        for (id, ms) in [(1, 1), (2, 1001), (3, 3001)] {
            pcap.frame(at + ms, &syn_ack.clone().id(id).ethernet());
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.pcap");
    std::fs::write(&path, &pcap.bytes).unwrap();
    let report = run_paths(&[path]).report;
    let finding = finding(&report, "handshake-incomplete");
    let refuted = finding.refuted.iter().find(|r| r.id == "rs-silent").unwrap();
    assert_eq!(refuted.evidence.as_ref().map(|e| e.frame), Some(2), "{refuted:?}");
    assert!(finding.candidates.iter().all(|c| c.id != "rs-silent"), "{:?}", finding.candidates);
}
