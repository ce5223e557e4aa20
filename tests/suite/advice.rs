//! What a report asks somebody to do next: whatever wakes somebody comes with a check or a fix,
//! no capture is asked for that was given, and no candidate is offered that is refuted.

use crate::choices::wrong_by;
use crate::support::check::none;
use crate::support::worlds::of_worlds;
use lbdiag::report::{Finding, Host, Report};

/// Causes that ask for a capture of another moment or interface of the same host: during a
/// test of their own, over lo, at a busy time.
const OF_ANOTHER_TIME: &[&str] = &["rs-silent", "l4-self-access-hairpin", "scheduler-imbalance"];

/// Whether a text names a host, by an address that is its own or by a MAC.
fn names(text: &str, host: &Host) -> bool {
    let words = || text.split([' ', ',', '(', ')']).filter(|word| !word.is_empty());
    host.own.iter().chain(&host.macs).any(|name| words().any(|word| word == name))
}

/// What is wrong with a report, a line each.
pub fn wrong(report: &Report) -> Vec<String> {
    let explained = |f: &Finding| report.findings.iter().any(|by| by.explains.contains(&f.n));
    let mut wrong = Vec::new();
    for finding in &report.findings {
        let idle = finding.fix.is_empty() && finding.to_confirm.is_empty();
        if finding.severity.is_loud() && !explained(finding) && idle {
            wrong.push(format!("{}: nothing to do or to ask", finding.id));
        }
        let refuted = |id: &String| finding.refuted.iter().any(|r| r.id == *id);
        let offered = finding.candidates.iter().filter(|c| refuted(&c.id));
        wrong.extend(offered.map(|c| format!("{}: {} is refuted", finding.id, c.id)));
        wrong.extend(misasked(report, finding));
        if OF_ANOTHER_TIME.contains(&finding.id.as_str()) {
            continue;
        }
        let asked = finding.to_confirm.iter().filter(|c| c.command.starts_with("tcpdump"));
        for check in asked.filter(|c| c.command.contains(" -w ")) {
            let given = report.hosts.iter().filter(|h| !h.vantages.is_empty());
            wrong.extend(given.filter(|h| names(&check.host, h)).map(|h| {
                format!("{}: {} was given: on {}", finding.id, h.vantages.join(", "), check.host)
            }));
        }
    }
    wrong
}

/// What ends a connection that stood, or is said on it: 128 bytes of a frame do not hold it.
const BY_WORDS: &[&str] =
    &["connection-reset", "http-5xx", "http2-refused", "service-error", "tls-refused"];

/// Checks of a finding that cannot tell what they are asked for.
fn misasked(report: &Report, finding: &Finding) -> Vec<String> {
    let mut wrong = Vec::new();
    let says = |words: &[&str]| words.iter().any(|word| finding.explanation.contains(word));
    let answered = finding.id == "health-check-failing"
        && says(&["answered with status", ": refused."])
        && !says(&["not answered"]);
    let ids = &finding.affected.ids;
    let clients: Vec<&str> = report
        .connections
        .iter()
        .filter(|c| ids.contains(&c.id))
        .filter_map(|c| c.client.rsplit_once(':').map(|(ip, _)| ip))
        .collect();
    for (n, check) in finding.to_confirm.iter().enumerate() {
        let (host, command) = (check.host.as_str(), check.command.as_str());
        let id = &finding.id;
        if answered && command.contains("tcpdump") {
            wrong.push(format!("{id}: what was answered is captured again: on {host}"));
        }
        // Of a proxy's own connections it is the client, and the server of others.
        let serves = report.services.iter().any(|s| s.vip == host)
            || report
                .services
                .iter()
                .flat_map(|s| &s.real_servers)
                .any(|r| r.address.as_deref() == Some(host));
        let servers = command.contains("'sport = :") && !command.contains("dport");
        if servers && clients.contains(&host) && !serves {
            wrong.push(format!("{id}: a server's sockets are sought on its client {host}"));
        }
        if BY_WORDS.contains(&id.as_str()) && command.contains("-s 128 -w") {
            wrong.push(format!("{id}: what decides is cut off: {command}"));
        }
        let before = &finding.to_confirm[..n];
        if before.iter().any(|other| (&other.host, &other.command) == (&check.host, &check.command))
        {
            wrong.push(format!("{id}: asked twice: on {host}: {command}"));
        }
    }
    wrong
}

#[test]
fn whatever_wakes_somebody_says_what_to_do() {
    none(wrong_by("advice"));
}

#[test]
fn whatever_wakes_somebody_in_other_worlds_says_what_to_do() {
    none(of_worlds(wrong));
}
