//! A detector is clean only where it could have found something.

use crate::support::bytes::Pcap;
use crate::support::check::{none, of_each};
use crate::support::frames::{CLIENT, CLIENT_MAC, DIRECTOR_MAC, Segment, VIP, exchange};
use crate::support::orders::{named, parts};
use crate::support::run::run_paths;
use lbdiag::report::CoverageStatus;
use lbdiag::report::{Report, Status};
use rayon::prelude::*;
use std::path::PathBuf;

/// A connection that nobody answered, while its detector says that all is well.
fn unanswered_but_clean(report: &Report) -> Option<String> {
    let lost = report.connections.iter().find(|c| {
        c.outcome == "unanswered"
            && c.ordinary.is_none()
            && c.findings.is_empty()
            && c.duration_ns > 1_000_000_000
    })?;
    let row = report.coverage.iter().find(|c| c.id == "syn-unanswered")?;
    (row.status == CoverageStatus::Clean).then(|| {
        format!(
            "{} is unanswered, syn-unanswered is clean, the verdict {:?}",
            lost.client, report.verdict.status
        )
    })
}

#[test]
fn unanswered_connections_are_found_or_could_not_be_checked() {
    none(of_each(|sample| {
        let mut all = parts(sample);
        all.push(sample.captures.iter().collect());
        let judge = |part: Vec<&PathBuf>| {
            Some(format!(
                "{} alone: {}",
                named(&part),
                unanswered_but_clean(&run_paths(&part).report)?
            ))
        };
        all.into_par_iter().filter_map(judge).collect()
    }));
}

#[test]
fn healthy_means_that_no_connection_failed() {
    none(of_each(|sample| {
        let judge = |part: Vec<&PathBuf>| {
            let report = run_paths(&part).report;
            let wrong = report.verdict.status == Status::Healthy && report.totals.failed > 0;
            wrong.then(|| format!("{} alone: healthy, {:?}", named(&part), report.totals.outcomes))
        };
        parts(sample).into_par_iter().filter_map(judge).collect()
    }));
}

#[test]
fn both_ends_on_one_link() {
    // Neither end can be told to be the capturing host: both send with TTL 64.
    let mut pcap = Pcap::new(1);
    for (n, (_, segment)) in exchange(CLIENT, VIP, 5, 0).into_iter().enumerate() {
        let segment =
            if segment.src == VIP { segment.on(DIRECTOR_MAC, CLIENT_MAC, 64) } else { segment };
        pcap.frame(n as u32, &segment.ethernet());
    }
    for (n, ms) in [10_000, 11_000, 13_000, 17_000].into_iter().enumerate() {
        pcap.frame(ms, &Segment::syn((CLIENT.0, 41_000), VIP, 777).id(n as u16 + 1).ethernet());
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.pcap");
    std::fs::write(&path, &pcap.bytes).unwrap();
    let run = run_paths(&[path]);
    assert_eq!(unanswered_but_clean(&run.report), None);
}
