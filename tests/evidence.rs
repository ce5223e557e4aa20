//! What findings of samples rest on, whom they name and what they advise, where the
//! id and the culprit in `expected.toml` do not say enough.

#![allow(clippy::unwrap_used)]

mod support;

use lbdiag::report::{Finding, Report};
use support::expected::root;
use support::run::run_paths;

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
