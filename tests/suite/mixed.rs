//! Two samples on one host: what is found is what either shows by itself. Real captures hold many
//! services at once, and a fault in one is not hidden by another that does well, nor told of it.
//!
//! Each capture is merged with one of the same kind of host of another sample, whose addresses and
//! numbers were moved.

use crate::support::check::{is_loud, none};
use crate::support::each::of_each;
use crate::support::elsewhere::{Elsewhere, Mac};
use crate::support::expected::{Sample, root, samples};
use crate::support::rewrite::{self, Pcap};
use crate::support::run::run_paths;
use lbdiag::report::{Report, Severity, Status};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// What more of the same host may tell: that it answers others, so that it is no dead host; that it
/// goes on taking new connections, so that no table is full; what came later than one capture's end.
const MAY_CHANGE: &[&str] = &["rs-silent", "rs-missing-vip", "conntrack-table-full"];

/// From the worst on. Of what nobody is seen to balance a balanced service makes something beside it.
fn rank(report: &Report) -> u8 {
    match report.verdict.status {
        Status::Failing => 0,
        Status::Degraded => 1,
        Status::Inconclusive if report.services.iter().any(|s| s.mode != "unknown") => 2,
        Status::Inconclusive | Status::Healthy => 3,
    }
}

/// What is loud, each with what it costs at most.
fn loud(report: &Report) -> BTreeMap<&str, Severity> {
    let mut loud = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| is_loud(f)) {
        if !MAY_CHANGE.contains(&finding.id.as_str()) {
            let most = loud.entry(finding.id.as_str()).or_insert(finding.severity);
            *most = finding.severity.max(*most);
        }
    }
    loud
}

/// The MACs of the host that a capture was taken on, in the order of its interfaces.
fn own(report: &Report, pcap: &Pcap) -> Vec<Mac> {
    let host = report.hosts.iter().find(|host| !host.vantages.is_empty());
    let macs = host.map_or(&[][..], |host| &host.macs);
    let bytes = |mac: &String| -> Mac {
        let parts = mac.split(':').map(|part| u8::from_str_radix(part, 16).unwrap());
        parts.collect::<Vec<u8>>().try_into().unwrap()
    };
    let mut macs: Vec<Mac> = macs.iter().map(bytes).collect();
    macs.retain(|mac| mac[..4] != [0, 0, 0x5e, 0]);
    if pcap.link() == 276 {
        // Linux cooked v2: the number of the interface at 4, what the host sent marked 4 at 10.
        let sent =
            |mac: &Mac| pcap.records.iter().find(|r| r.data[10] == 4 && r.data[12..18] == *mac);
        macs.sort_by_key(|mac| sent(mac).map(|record| record.data[4..8].to_vec()));
    }
    macs
}

/// The second capture's traffic on the host of the first, from its first moment on.
fn moved(first: (&Pcap, &[Mac]), mut second: Pcap, own: &[Mac]) -> Option<Pcap> {
    let (host, macs) = first;
    if own.is_empty() || macs.len() < own.len() || host.link() != second.link() {
        return None;
    }
    let macs: HashMap<Mac, Mac> = own.iter().copied().zip(macs.iter().copied()).collect();
    Elsewhere { macs: &macs }.moved(&mut second)?;
    let (from, to) = (second.records.first()?.ns, host.records.first()?.ns + 137_000);
    second.records.iter_mut().for_each(|record| record.ns = record.ns - from + to);
    Some(second)
}

/// The reports of two captures and of their mixture; `beside` are others of the first one's network.
fn reports(a: &Path, b: &Path, beside: &[PathBuf]) -> Option<[Report; 3]> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (first, second) = (rewrite::read(a)?, rewrite::read(b)?);
    let with = |file: &Path| -> Vec<PathBuf> {
        std::iter::once(file.to_owned()).chain(beside.iter().cloned()).collect()
    };
    let (alone, other) = (run_paths(&[a]).report, run_paths(&[b]).report);
    let macs = own(&other, &second);
    let second = moved((&first, &own(&alone, &first)), second, &macs)?;
    let one = if beside.is_empty() { alone } else { run_paths(&with(a)).report };
    second.write(&path("b.pcap"));
    let other = run_paths(&[path("b.pcap")]).report;
    let mut both = first;
    both.records.extend(second.records);
    both.records.sort_by_key(|record| record.ns);
    both.write(&path("both.pcap"));
    let both = run_paths(&with(&path("both.pcap"))).report;
    Some([one, other, both])
}

/// What the mixture says otherwise than the two do by themselves.
fn mixed(a: &Path, b: &Path, beside: &[PathBuf]) -> Option<Vec<String>> {
    let [one, other, both] = reports(a, b, beside)?;
    let (mut wanted, found) = (loud(&one), loud(&both));
    for (id, severity) in loud(&other) {
        let most = wanted.entry(id).or_insert(severity);
        *most = severity.max(*most);
    }
    let mut wrong: Vec<String> = Vec::new();
    for id in wanted.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        match (wanted.get(id), found.get(id)) {
            (Some(_), None) => wrong.push(format!("{id} is not found")),
            (None, Some(_)) => wrong.push(format!("{id} is made up")),
            (a, b) if a < b => wrong.push(format!("{id} is told worse than it is")),
            (a, b) if a > b => wrong.push(format!("{id} is made little of")),
            _ => {}
        }
    }
    if rank(&both) > rank(&one).min(rank(&other)) {
        wrong.push(format!("is {:?}: {}", both.verdict.status, both.verdict.summary));
    }
    Some(wrong)
}

/// Two of which the one tells why the other's connections fail: a node that says that it has no pod.
const TELL: [&str; 2] = ["node-without-endpoint", "node-without-endpoint-unchecked"];

/// Two services behind one proxy whose clients ask alike at one moment: which request went to whose server no
/// frame says, and an error that is not tied stands as it is seen. So does a refused check that comes while
/// a client of the other service waits: it may have been tried for that one.
fn may_stay_untied(line: &str, files: [&Path; 2]) -> bool {
    let proxied =
        |file: &Path| file.parent().is_some_and(|of| of.to_string_lossy().contains("/l7-"));
    let untied =
        ["http-5xx is made up", "syn-refused is made up", "health-check-failing is not found"];
    // So does what is sent back to TLS: who asks without it is sent there once, and rightly.
    let redirects = files.iter().all(|file| file.to_string_lossy().contains("l7-redirect"));
    redirects || untied.contains(&line) && files.into_iter().all(proxied)
}

/// The capture of the same name of another sample, some way behind in the list.
fn partner<'a>(all: &'a [Sample], sample: &Sample, file: &Path, healthy: bool) -> Option<&'a Path> {
    let at = all.iter().position(|other| other.name == sample.name)?;
    let step = 1 + sample.name.len() % 7;
    let others = all.iter().cycle().skip(at + step).take(all.len() - step);
    let same =
        |other: &'a Sample| other.captures.iter().find(|path| path.file_name() == file.file_name());
    let tells =
        |other: &Sample| [&sample.name, &other.name].iter().all(|n| TELL.contains(&n.as_str()));
    let fits = |other: &&Sample| other.expected.is_healthy() == healthy && !tells(other);
    others.filter(fits).find_map(same).map(PathBuf::as_path)
}

fn with(healthy: bool) {
    let all = samples();
    let wrong = of_each(|sample| {
        let one = |file: &PathBuf| {
            let other = partner(&all, sample, file, healthy)?;
            let mut lines = mixed(file, other, &[])?;
            lines.retain(|line| !may_stay_untied(line, [file, other]));
            let what = format!("{} with {}", file.display(), other.display());
            Some(lines.into_iter().map(move |line| format!("{what}: {line}")))
        };
        sample.captures.iter().filter_map(one).flatten().collect()
    });
    none(wrong);
}

/// Pairs that were told wrongly once: each capture by its sample and name.
const PAIRS: &[[&str; 2]] = &[
    // A tunnel's or DR's service beside it made less of what fails at another.
    ["nat-http2-one-rs-refuses/rs2", "dr-fake-load-balancing/rs1"],
    ["tuple-reuse-challenge-ack/rs2", "dr-fake-load-balancing/rs1"],
    // The answers of one service showed, and those of the other were taken as seen.
    ["healthy-dr-two-nics/director", "healthy-dr-localnode-pair/director"],
    ["healthy-dr-localnode-pair/director", "healthy-tun-any/director"],
    // A VIP was taken for the own address of the real server of another service.
    ["ipv6-dad-failed/director2", "dr-fake-load-balancing/rs1"],
    // Of two neighbours that a host asks for in vain the other one was named.
    ["rs-down/director", "ipvs-reuse-to-dead-backend/director"],
    // Clients of one service were taken to wait for the server of another, and what the proxy
    // tried for them for health checks.
    ["l7-keepalive-race/director", "l7-tls-backend-refused/director"],
    ["l7-tls-backend-refused/director", "nat-synproxy-cookie-fails/director"],
    ["l7-tls-backend-refused/director", "client-on-director/director"],
    ["l7-backend-500/director", "client-on-director/director"],
    ["l7-no-server-up/director", "client-on-director/director"],
    // A check met a client that waited for another service.
    ["l7-no-server-up/director", "l7-proxy-v2-unexpected-one-rs/director"],
];

#[test]
fn what_was_told_wrongly_once_is_not_again() {
    let path = |name: &str| root().join("samples").join(format!("{name}.pcap"));
    let judge = |pair: &[&str; 2]| {
        let lines = mixed(&path(pair[0]), &path(pair[1]), &[]);
        let lines = lines.unwrap_or_else(|| vec!["is not mixed".to_owned()]);
        lines.iter().map(|line| format!("{}: {line}", pair.join(" with "))).collect::<Vec<_>>()
    };
    none(PAIRS.iter().flat_map(judge).collect());
}

#[test]
fn a_neighbour_that_calls_is_not_the_server_that_is_missing() {
    let path = |name: &str| root().join("samples").join(format!("{name}.pcap"));
    let [.., both] =
        reports(&path("rs-down/director"), &path("rs-route-overlap/rs2"), &[]).unwrap();
    let missing = both.findings.iter().filter(|f| f.id == "rs-unreachable");
    let named: Vec<_> = missing.map(|f| f.subjects[0].address.clone().unwrap()).collect();
    assert_eq!(named, ["172.16.0.12"]);
}

/// What may be behind SYNs that stay unanswered.
fn behind(report: &Report) -> BTreeSet<&str> {
    let silent = report.findings.iter().filter(|f| is_loud(f) && f.id == "syn-unanswered");
    silent.flat_map(|f| &f.candidates).map(|candidate| candidate.id.as_str()).collect()
}

#[test]
fn what_may_be_behind_each_of_two_failures_is_offered() {
    let path = |name: &str| root().join("samples").join(format!("{name}.pcap"));
    for [a, b] in [
        ["listen-backlog-overflow/director", "ip-option-drop/director"],
        ["tun-rp-filter/client", "node-without-endpoint-unchecked/client"],
        ["nat-bad-checksum-one-rs/client", "nat-director-forward-drop/client"],
    ] {
        let [one, other, both] = reports(&path(a), &path(b), &[]).unwrap();
        let wanted: BTreeSet<&str> = behind(&one).union(&behind(&other)).copied().collect();
        assert!(behind(&one) != behind(&other), "{a} and {b} differ in nothing");
        assert_eq!(behind(&both), wanted, "{a} with {b}");
    }
}

#[test]
fn a_member_without_a_share_is_one_where_it_serves_others_too() {
    let at = |name: &str| root().join("samples").join(name);
    let beside = [at("scheduler-imbalance/director.pcap")];
    let (rs, other) = (at("scheduler-imbalance/rs1.pcap"), at("tun-icmp-frag-needed/rs1.pcap"));
    none(mixed(&rs, &other, &beside).unwrap());
}

#[test]
fn what_does_well_beside_a_fault_neither_hides_it_nor_is_accused() {
    with(true);
}

#[test]
fn two_faults_of_one_host_are_both_found() {
    with(false);
}
