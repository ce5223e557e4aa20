//! Redacted outputs: nothing of who and where is left, all of what and why is.

mod command;
mod screens;

use crate::support::check::{none, of_each};
use crate::support::extracts::NOT_ALONE;
use crate::support::run::run_paths;
use lbdiag::capture::{self, Source};
use lbdiag::extract::{self, Options, Which};
use lbdiag::redact::{self, Labels, Map};
use lbdiag::render::{self, Style, Times};
use lbdiag::report::story::{self, Ask};
use lbdiag::report::{self, ConnectionFilter, End, Report, Wanted};
use lbdiag::topology::StatedRoles;
use lbdiag::trace::Trace;
use lbdiag::wire::{self, Body, IcmpKind, Ip, Mac, Packet};
use lbdiag::{diagnose, ladder, load};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

/// Findings that rest on what is gone, beside those that no extract of them alone gives.
const GONE: [(&str, &str); 14] = [
    ("l7-self-access-two-flows", "requests"),
    ("proxy-protocol-mismatch", "the header"),
    ("dns-conntrack-race-5s", "questions and answers"),
    ("node-without-local-endpoint", "what the node says of itself"),
    ("l7-backend-tls-refused", "requests, and the words of both sides"),
    ("l7-backend-timeout", "requests"),
    ("l7-keepalive-race", "requests"),
    ("l7-request-held", "requests"),
    ("l7-redirect-loop", "requests"),
    ("l7-upgrade-not-passed", "requests"),
    ("control-channel-address", "what FTP and SIP name"),
    ("tls-refused", "alerts"),
    ("http2-refused", "the words of both sides"),
    ("service-error", "answers"),
];

/// All that identifies somebody.
#[derive(Debug, Default)]
struct Originals {
    ips: BTreeSet<Ip>,
    macs: BTreeSet<Mac>,
}

impl Originals {
    fn ip(&mut self, ip: Ip) {
        let octets = ip.to_string();
        // Nobody's own: groups, loopback, unspecified, broadcast.
        if ip.is_host() && !ip.is_loopback() && !octets.starts_with("255.") {
            self.ips.insert(ip);
        }
    }

    fn mac(&mut self, mac: Mac) {
        if mac.is_unicast() && !mac.is_vrrp() {
            self.macs.insert(mac);
        }
    }

    fn packet(&mut self, packet: &Packet<'_>) {
        [packet.link.src, packet.link.dst].into_iter().flatten().for_each(|mac| self.mac(mac));
        match &packet.body {
            Body::Arp(arp) => {
                [arp.sender, arp.target].into_iter().for_each(|ip| self.ip(ip));
                [arp.sender_mac, arp.target_mac].into_iter().for_each(|mac| self.mac(mac));
            }
            Body::Ip(ip) => {
                [ip.src, ip.dst].into_iter().for_each(|ip| self.ip(ip));
                if let Some(outer) = ip.outer {
                    [outer.src, outer.dst].into_iter().for_each(|ip| self.ip(ip));
                }
                if let wire::Transport::Icmp(icmp) = &ip.transport {
                    if let Some(quote) = icmp.quote() {
                        [quote.src, quote.dst].into_iter().for_each(|ip| self.ip(ip));
                    }
                    if let IcmpKind::NeighborSolicitation { target, .. }
                    | IcmpKind::NeighborAdvertisement { target, .. } = icmp.kind
                    {
                        self.ip(target);
                    }
                }
            }
            Body::Other(_) => {}
        }
    }

    fn of(paths: &[PathBuf]) -> Self {
        let mut all = Self::default();
        for path in paths {
            capture::read(&Source::Path(path.clone()), &AtomicU64::new(0), &mut |frame| {
                all.packet(&wire::decode(frame));
            })
            .unwrap();
        }
        all
    }

    /// Those that a text holds.
    fn within(&self, text: &str) -> Vec<String> {
        let lower = text.to_lowercase();
        let edge = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_hexdigit());
        let holds = |name: &String| {
            lower.match_indices(name.as_str()).any(|(at, _)| {
                let (before, after) = (&lower[..at], &lower[at + name.len()..]);
                // 10.0.0.1 is not in 110.0.0.1, 10.0.0.12 or 10.0.0.1.2.
                let goes_on =
                    after.strip_prefix('.').is_some_and(|rest| !edge(rest.chars().next()));
                edge(before.chars().next_back()) && edge(after.chars().next()) && !goes_on
            })
        };
        let ips = self.ips.iter().map(ToString::to_string);
        ips.chain(self.macs.iter().map(ToString::to_string)).filter(holds).collect()
    }
}

struct Read {
    trace: Trace,
    labels: Labels,
}

fn read(paths: &[PathBuf]) -> Read {
    let args: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let inputs = capture::inputs(&args).unwrap();
    let loaded = load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0));
    Read { trace: loaded.trace, labels: Labels::new(&inputs.inputs) }
}

fn report_of(trace: &Trace) -> Report {
    let options =
        report::Options { connections: ConnectionFilter::All, ..report::Options::default() };
    report::build(trace, &diagnose::diagnose(trace), &options)
}

/// Every document in every form, redacted, with the form's name.
fn outputs(read: &Read, map: &mut Map) -> Vec<(&'static str, String)> {
    let trace = &read.trace;
    let diagnosis = diagnose::diagnose(trace);
    let style = Style { verbose: true, coverage: true, ..Style::default() };
    let report = redact::document(&report_of(trace), map).unwrap();
    let drawn = redact::document(&ladder::telling(trace, &diagnosis), map).unwrap();
    let mut all = vec![
        ("text", render::text(&report, drawn.as_ref(), &style)),
        ("json", render::json(&report)),
        ("ndjson", render::report_ndjson(&report)),
        ("markdown", render::markdown(&report, drawn.as_ref())),
    ];
    for id in (0..trace.connections.list.len()).step_by(7) {
        let client = trace.connections.list[id].front.client;
        let client = End { ip: client.0, port: Some(client.1) };
        let ask = Ask { client, at: None, captures: "CAPTURE...".to_owned() };
        let chosen = story::choose(trace, &diagnosis, &ask).unwrap();
        let ladder = ladder::one(trace, None, chosen.id);
        let told = story::tell(trace, &diagnosis, &chosen, ladder);
        let told = redact::document(&told, map).unwrap();
        all.push(("why", render::story(&told, &style)));
        all.push(("why json", render::json(&told)));
        if let Some(ladder) = &told.ladder {
            all.push(("ladder", render::ladder(ladder, &style)));
            all.push(("svg", render::svg(ladder, Times::Start)));
            all.push(("mermaid", render::mermaid_sequence(ladder, Times::Start)));
            all.push(("plantuml", render::plantuml(ladder, Times::Start)));
        }
    }
    let listing = report::list(trace, &diagnosis, &Wanted::default());
    let listing = redact::document(&listing, map).unwrap();
    all.push(("connections", render::connections(&listing, &style)));
    all.push(("connections json", render::json(&listing)));
    let topology = redact::document(
        &report::topology::topology(trace, &lbdiag::breaks::Breaks::of(trace)),
        map,
    )
    .unwrap();
    all.push(("topology", render::topology(&topology, &style)));
    all.push(("dot", render::dot(&topology)));
    all.push(("topology mermaid", render::mermaid(&topology)));
    all.push(("topology json", render::json(&topology)));
    all
}

#[test]
fn no_output_of_any_sample_names_anybody() {
    none(of_each(|sample| {
        let originals = Originals::of(&sample.captures);
        let mut read = read(&sample.captures);
        let mut wrong = Vec::new();
        // What is looked for is there before.
        if originals.within(&render::json(&report_of(&read.trace))).is_empty() {
            wrong.push("the report itself names nobody".to_owned());
        }
        let mut map = Map::default();
        redact::trace(&mut read.trace, &read.labels, &mut map);
        for (form, text) in outputs(&read, &mut map) {
            let found = originals.within(&text);
            if !found.is_empty() {
                wrong.push(format!("{form} has {found:?}"));
            }
            for path in &sample.captures {
                if text.contains(&path.display().to_string()) {
                    wrong.push(format!("{form} has {}", path.display()));
                }
            }
        }
        wrong
    }));
}

#[test]
fn a_redacted_report_says_the_same() {
    none(of_each(|sample| {
        let mut read = read(&sample.captures);
        let own = report_of(&read.trace);
        let mut map = Map::default();
        redact::trace(&mut read.trace, &read.labels, &mut map);
        let other = redact::document(&report_of(&read.trace), &mut map).unwrap();
        let mut wrong = Vec::new();
        if own.verdict.status != other.verdict.status || own.totals != other.totals {
            wrong.push("another verdict or other totals".to_owned());
        }
        let essence = |report: &Report| -> Vec<_> {
            let of = |f: &report::Finding| {
                (f.n, f.id.clone(), f.confidence, f.affected.connections, f.evidence.len())
            };
            report.findings.iter().map(of).collect()
        };
        if essence(&own) != essence(&other) {
            wrong.push(format!("{:?} became {:?}", essence(&own), essence(&other)));
        }
        let servers = |report: &Report| -> Vec<_> {
            let count = |s: &report::Service| (s.port, s.mode.clone(), s.real_servers.len());
            report.services.iter().map(count).collect()
        };
        if servers(&own) != servers(&other) {
            wrong.push("other services".to_owned());
        }
        wrong
    }));
}

#[test]
fn a_redacted_extract_names_nobody_and_shows_the_same_finding() {
    none(of_each(|sample| {
        let originals = Originals::of(&sample.captures);
        let mut read = read(&sample.captures);
        let mut map = Map::default();
        redact::trace(&mut read.trace, &read.labels, &mut map);
        let diagnosis = diagnose::diagnose(&read.trace);
        let dir = tempfile::tempdir().unwrap();
        let mut wrong = Vec::new();
        for (index, finding) in diagnosis.findings.iter().enumerate() {
            let which = Which::Finding(index);
            let mut taken = extract::extract(&read.trace, &diagnosis, which, Options::default())
                .unwrap()
                .unwrap();
            redact::extract(&mut taken, &mut map).unwrap();
            let mut bytes = Vec::new();
            render::pcapng(&mut taken, &mut bytes).unwrap();
            let path = dir.path().join(format!("{index}.pcapng"));
            std::fs::write(&path, &bytes).unwrap();
            let name = finding.id.as_str();
            let left = Originals::of(std::slice::from_ref(&path));
            let same: Vec<&Ip> = left.ips.intersection(&originals.ips).collect();
            let macs: Vec<&Mac> = left.macs.intersection(&originals.macs).collect();
            if !same.is_empty() || !macs.is_empty() {
                wrong.push(format!("{name}: frames have {same:?} {macs:?}"));
            }
            let text = String::from_utf8_lossy(&bytes);
            for said in ["HTTP/1.", "GET /", "Host:", "curl"] {
                if text.contains(said) {
                    wrong.push(format!("{name}: payload: {said}"));
                }
            }
            for found in originals.within(&text) {
                wrong.push(format!("{name}: a comment has {found}"));
            }
            let again = run_paths(&[&path]).report;
            let found = again.findings.iter().any(|f| f.id == name);
            let excused = GONE.iter().chain(&NOT_ALONE).any(|(id, _)| *id == name);
            if !found && !excused {
                let ids: Vec<&str> = again.findings.iter().map(|f| f.id.as_str()).collect();
                wrong.push(format!("{name}: found again: {ids:?}"));
            }
        }
        wrong
    }));
}
