//! Whom a report sends somebody to: no command is for a host that is not the one meant. Where
//! a fix or a check names a place, by address or MAC, that name is one host's alone, is the
//! finding's own, and an address, a MAC and a capture that stand together are of one host.

use crate::choices::wrong_by;
use crate::support::check::none;
use crate::support::run::run_paths;
use crate::support::worlds::of_worlds;
use lbdiag::report::{Finding, Report};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Where the place ends and what must hold there begins.
const CONDITIONS: &[&str] = &[
    ", if ",
    ", until ",
    ", or another ",
    "; ",
    ", when ",
    ", where ",
    ", after ",
    " (dpvs",
    ", kernel ",
    ", with ",
    " that is not ",
];
/// Before an address that is no place: what is there is sent to it, or belongs to it.
const OBJECTS: &[&str] = &["of", "for", "towards", "VIP", "between"];
/// Options of commands that are followed by a host's address.
const WHOM: &[&str] = &["-r", "via", "--reply-src"];

fn place(host: &str) -> &str {
    let ends = CONDITIONS.iter().filter_map(|word| host.find(word));
    &host[..ends.min().unwrap_or(host.len())]
}

/// Addresses and MACs of a text, each with the word before it.
fn names(text: &str) -> Vec<(&str, &str)> {
    let mut before = "";
    let mut found = Vec::new();
    for word in text.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()) {
        let bare = word.trim_end_matches([':', '.']);
        let bare = bare.strip_prefix('[').map_or(bare, |v6| v6.split(']').next().unwrap_or(v6));
        let of_port = bare.rsplit_once(':').map(|(ip, _)| ip).filter(|ip| ip.contains('.'));
        let bare = of_port.unwrap_or(bare);
        if is_mac(bare) || bare.parse::<IpAddr>().is_ok() {
            found.push((before, bare));
        }
        before = word;
    }
    found
}

fn is_mac(text: &str) -> bool {
    let part = |p: &str| p.len() == 2 && p.chars().all(|c| c.is_ascii_hexdigit());
    text.split(':').count() == 6 && text.split(':').all(part)
}

/// Addresses that are several hosts': those that two rows have, and those of services that
/// somebody sends on.
fn shared(report: &Report) -> BTreeSet<&str> {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for address in report.hosts.iter().flat_map(|host| &host.addresses) {
        *rows.entry(address).or_default() += 1;
    }
    let several = rows.into_iter().filter(|(_, n)| *n > 1).map(|(address, _)| address);
    let sent_on = |mode: &str| matches!(mode, "nat" | "dr" | "tun" | "fullnat");
    let vips = report.services.iter().filter(|s| sent_on(&s.mode)).map(|s| s.vip.as_str());
    several.chain(vips).collect()
}

/// Names of whom a finding is about: its subjects with all that is known of them, its clients
/// and whoever its sentences name.
fn concerned(report: &Report, finding: &Finding) -> BTreeSet<String> {
    let mut of: BTreeSet<String> =
        finding.subjects.iter().flat_map(|s| s.address.iter().chain(&s.mac)).cloned().collect();
    let said = [&finding.title, &finding.explanation];
    let said = said.into_iter().chain(finding.evidence.iter().map(|proof| &proof.note));
    of.extend(said.flat_map(|text| names(text)).map(|(_, name)| name.to_owned()));
    let ids: BTreeSet<u32> = finding.affected.ids.iter().copied().collect();
    for connection in report.connections.iter().filter(|c| ids.contains(&c.id)) {
        of.extend(names(&connection.client).into_iter().map(|(_, name)| name.to_owned()));
        if let Some(server) = &connection.real_server {
            of.extend(server.address.iter().chain(&server.mac).cloned());
        }
    }
    let directors = report.services.iter().flat_map(|s| &s.directors);
    of.extend(directors.flat_map(|d| d.own.iter().chain(&d.macs)).cloned());
    for host in &report.hosts {
        let names = || host.own.iter().chain(&host.macs);
        if names().any(|name| of.contains(name)) {
            of.extend(names().cloned());
        }
        // Where a capture was taken, more can be asked.
        if !host.vantages.is_empty() {
            of.extend(names().cloned());
        }
    }
    of
}

/// What is wrong with one place.
fn misplaced(report: &Report, host: &str, concerned: &BTreeSet<String>) -> Vec<String> {
    let shared = shared(report);
    let of_mac = |mac: &str| report.hosts.iter().find(|h| h.macs.iter().any(|m| m == mac));
    let mut wrong = Vec::new();
    let here = place(host);
    for (before, name) in names(here) {
        if OBJECTS.contains(&before) {
            continue;
        }
        if shared.contains(name) {
            wrong.push(format!("{name} is several hosts': on {host}"));
        } else if !concerned.contains(name) {
            wrong.push(format!("{name} is nobody of the finding: on {host}"));
        }
    }
    // `address (MAC)` and `MAC (capture NAME)`.
    for (at, _) in here.match_indices(" (") {
        let (before, inside) = (&here[..at], &here[at + 2..]);
        let inside = &inside[..inside.find(')').unwrap_or(inside.len())];
        let before = before.rsplit(' ').next().unwrap_or_default();
        if let Some(capture) = inside.strip_prefix("capture ")
            && let Some(known) = of_mac(before)
            && !known.vantages.iter().any(|v| v == capture)
        {
            wrong.push(format!("{capture} is not {before}'s: on {host}"));
        }
        if let Some(known) = of_mac(inside)
            && before.parse::<IpAddr>().is_ok()
            && !known.addresses.iter().any(|a| a == before)
        {
            wrong.push(format!("{inside} is not {before}'s: on {host}"));
        }
    }
    wrong
}

/// Shared addresses where a command wants a host's own.
fn of_several(report: &Report, command: &str) -> Vec<String> {
    let shared = shared(report);
    let words: Vec<&str> = command.split_whitespace().collect();
    let whom = words.windows(2).filter(|pair| WHOM.contains(&pair[0]));
    let named = whom.flat_map(|pair| names(pair[1]));
    named
        .filter(|(_, name)| shared.contains(name))
        .map(|(_, name)| format!("{name} is several hosts': {command}"))
        .collect()
}

/// What is wrong with a report, a line each.
pub fn wrong(report: &Report) -> Vec<String> {
    let of = |finding: &Finding| {
        let concerned = concerned(report, finding);
        let mut wrong = Vec::new();
        for fix in &finding.fix {
            wrong.extend(misplaced(report, &fix.host, &concerned));
            wrong.extend(of_several(report, &fix.command));
        }
        // Whoever is known can be asked.
        let known = report.hosts.iter().flat_map(|h| h.own.iter().chain(&h.macs)).cloned();
        let known: BTreeSet<String> = concerned.into_iter().chain(known).collect();
        for check in &finding.to_confirm {
            wrong.extend(misplaced(report, &check.host, &known));
            wrong.extend(of_several(report, &check.command));
        }
        wrong.into_iter().map(|line| format!("{}: {line}", finding.id)).collect::<Vec<_>>()
    };
    report.findings.iter().flat_map(of).collect()
}

#[test]
fn every_command_is_for_the_host_that_is_meant() {
    none(wrong_by("named places"));
}

#[test]
fn every_command_of_other_worlds_is_for_the_host_that_is_meant() {
    none(of_worlds(wrong));
}

#[test]
fn the_check_itself_finds_wrong_places() {
    assert_eq!(place("10.0.0.1, if it has 10.0.0.8"), "10.0.0.1");
    let found = names("on 10.0.0.1 (52:54:00:00:00:01), 203.0.113.8:80 and [2001:db8::1]:80");
    let found: Vec<&str> = found.into_iter().map(|(_, name)| name).collect();
    assert_eq!(found, ["10.0.0.1", "52:54:00:00:00:01", "203.0.113.8", "2001:db8::1"]);
    let sample = crate::support::expected::samples().into_iter().find(|s| s.name == "healthy-dr");
    let report = run_paths(&sample.unwrap().captures.iter().collect::<Vec<_>>()).report;
    let vip = &report.services[0].vip;
    assert!(shared(&report).contains(vip.as_str()), "{vip}");
    let none = BTreeSet::new();
    assert!(!misplaced(&report, &format!("{vip}, if it is up"), &none).is_empty());
    assert!(misplaced(&report, &format!("the director of {vip}"), &none).is_empty());
    assert!(!of_several(&report, &format!("ipvsadm -d -t {vip}:80 -r {vip}:80")).is_empty());
}
