//! What a report asks somebody to do next: whatever wakes somebody comes with a check or a fix,
//! no capture is asked for that was given, and no candidate is offered that is refuted.

use crate::support::check::none;
use crate::support::worlds::{of_samples, of_worlds};
use lbdiag::report::{Finding, Host, Report};

/// Causes that ask for a capture of another moment or interface of the same host: during a
/// test of their own, over lo, at a busy time.
const OF_ANOTHER_TIME: &[&str] = &["rs-silent", "l4-self-access-hairpin", "scheduler-imbalance"];

/// Whether a text names a host, by an address that is its own or by a MAC.
fn names(text: &str, host: &Host) -> bool {
    let words = || text.split([' ', ',', '(', ')']).filter(|word| !word.is_empty());
    host.own.iter().chain(&host.macs).any(|name| words().any(|word| word == name))
}

fn wrong(report: &Report) -> Vec<String> {
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

#[test]
fn whatever_wakes_somebody_says_what_to_do() {
    none(of_samples(wrong));
}

#[test]
fn whatever_wakes_somebody_in_other_worlds_says_what_to_do() {
    none(of_worlds(wrong));
}
