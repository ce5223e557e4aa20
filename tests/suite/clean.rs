//! A detector is clean only where it could have found something.

use crate::choices::wrong_by;
use crate::support::bytes::Pcap;
use crate::support::check::none;
use crate::support::frames::{CLIENT, CLIENT_MAC, DIRECTOR_MAC, Segment, VIP, exchange};
use crate::support::run::run_paths;
use lbdiag::report::CoverageStatus;
use lbdiag::report::{Report, Status};

/// A connection that nobody answered, while its detector says that all is well.
pub fn unanswered_but_clean(report: &Report) -> Vec<String> {
    let lost = report.connections.iter().find(|c| {
        c.outcome == "unanswered"
            && c.ordinary.is_none()
            && c.findings.is_empty()
            && c.duration_ns > 1_000_000_000
    });
    let row = report.coverage.iter().find(|c| c.id == "syn-unanswered");
    let (Some(lost), Some(row)) = (lost, row) else { return Vec::new() };
    let wrong = (row.status == CoverageStatus::Clean).then(|| {
        format!(
            "{} is unanswered, syn-unanswered is clean, the verdict {:?}",
            lost.client, report.verdict.status
        )
    });
    wrong.into_iter().collect()
}

/// A verdict of health over connections that failed.
pub fn healthy_over_a_failure(report: &Report) -> Vec<String> {
    let wrong = report.verdict.status == Status::Healthy && report.totals.failed > 0;
    wrong.then(|| format!("healthy, {:?}", report.totals.outcomes)).into_iter().collect()
}

#[test]
fn unanswered_connections_are_found_or_could_not_be_checked() {
    none(wrong_by("unanswered"));
}

#[test]
fn healthy_means_that_no_connection_failed() {
    none(wrong_by("healthy"));
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
    assert!(unanswered_but_clean(&run.report).is_empty());
}
