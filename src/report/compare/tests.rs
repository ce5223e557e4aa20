use super::*;
use crate::render::fixtures::{hairpin, healthy};
use crate::report::CoverageStatus;
use crate::report::{RealServer, Service, Timing};

fn server(address: &str, connections: u64, failed: u64, first_byte_ns: i64) -> RealServer {
    let timing = Timing { first_byte_ns: Some(first_byte_ns), ..Timing::default() };
    RealServer {
        address: Some(address.to_owned()),
        port: Some(80),
        mac: None,
        connections,
        totals: totals(connections, failed),
        timing: Some(timing),
        remark: None,
    }
}

fn totals(connections: u64, failed: u64) -> Totals {
    let outcomes = [("completed", connections - failed), ("refused", failed)];
    let outcomes = outcomes.into_iter().filter(|(_, n)| *n > 0);
    Totals {
        connections,
        failed,
        well: connections - failed,
        suffered: 0,
        untold: 0,
        outcomes: outcomes.map(|(k, n)| (k.to_owned(), n)).collect(),
    }
}

fn with(vip: &str, servers: Vec<RealServer>) -> Report {
    let sum = |of: fn(&RealServer) -> u64| servers.iter().map(of).sum();
    let totals = totals(sum(|s| s.connections), sum(|s| s.totals.failed));
    let mut report = healthy();
    report.totals = totals.clone();
    report.services = vec![Service {
        vip: vip.to_owned(),
        port: 80,
        protocol: "tcp".to_owned(),
        mode: "nat".to_owned(),
        directors: Vec::new(),
        real_servers: servers,
        totals,
    }];
    report
}

fn compared(good: &Report, bad: &Report) -> Comparison {
    compare(("good", good), ("bad", bad))
}

const MS: i64 = 1_000_000;

#[test]
fn a_report_differs_from_itself_in_nothing() {
    for report in [healthy(), hairpin()] {
        let same = compared(&report, &report);
        assert_eq!((same.change.as_str(), same.is_empty()), ("same", true), "{same:?}");
        assert!(same.summary.contains("nothing that can be told apart changed"));
        assert_eq!((same.findings.len(), same.notes.len()), (0, 0));
    }
}

#[test]
fn few_connections_are_no_change_of_share() {
    let report =
        |a, b| with("192.0.2.8", vec![server("10.0.0.1", a, 0, MS), server("10.0.0.2", b, 0, MS)]);
    assert!(compared(&report(3, 3), &report(2, 4)).is_empty());
    let moved = compared(&report(300, 300), &report(200, 400));
    let servers = &moved.services[0].real_servers;
    assert_eq!(servers.len(), 2);
    let share = servers[0].share.as_ref().unwrap();
    assert_eq!((share.good, share.good_of, share.bad, share.bad_of), (300, 600, 200, 600));
    // Proven by many connections, and yet too little to matter.
    assert!(compared(&report(500_000, 500_000), &report(505_000, 495_000)).is_empty());
}

#[test]
fn servers_go_and_come_with_what_the_counts_prove() {
    let good =
        with("192.0.2.8", vec![server("10.0.0.1", 30, 0, MS), server("10.0.0.2", 30, 0, MS)]);
    let bad = with("192.0.2.8", vec![server("10.0.0.1", 40, 0, MS), server("10.0.0.3", 2, 0, MS)]);
    let changes = compared(&good, &bad);
    let of = |name: &str| {
        let server = changes.services[0].real_servers.iter().find(|s| s.name == name).unwrap();
        (server.change.as_str(), server.sure)
    };
    assert_eq!(of("10.0.0.2"), ("gone", true));
    assert_eq!(of("10.0.0.3"), ("appeared", false));
    assert!(
        changes.summary.contains("10.0.0.2 no longer serves 192.0.2.8:80/tcp"),
        "{}",
        changes.summary
    );
}

#[test]
fn failures_and_times_are_compared_server_by_server() {
    let good = with(
        "192.0.2.8",
        vec![server("10.0.0.1", 30, 0, 2 * MS), server("10.0.0.2", 30, 0, 2 * MS)],
    );
    let bad = with(
        "192.0.2.8",
        vec![server("10.0.0.1", 30, 0, 3 * MS), server("10.0.0.2", 30, 20, 400 * MS)],
    );
    let changes = compared(&good, &bad);
    let service = &changes.services[0];
    assert_eq!(service.failed.as_ref().map(|c| (c.bad, c.bad_of)), Some((20, 60)));
    assert_eq!(service.outcomes[0].what, "refused");
    assert_eq!(service.real_servers.len(), 1, "3 ms is not twice 2 ms");
    let slow = &service.real_servers[0];
    assert_eq!((slow.name.as_str(), slow.times[0].bad_ns), ("10.0.0.2", 400 * MS));
    assert_eq!(slow.failed.as_ref().map(|c| c.bad), Some(20));
}

#[test]
fn where_no_address_is_the_same_the_port_decides_and_it_is_said() {
    let good = with("192.0.2.8", vec![server("10.0.0.1", 30, 0, MS)]);
    let bad = with("198.51.100.8", vec![server("10.9.0.1", 30, 20, MS)]);
    let changes = compared(&good, &bad);
    assert_eq!(changes.services[0].was.as_deref(), Some("192.0.2.8:80/tcp"));
    assert_eq!(changes.services[0].failed.as_ref().map(|c| c.bad), Some(20));
    assert!(changes.services[0].real_servers.is_empty());
    assert_eq!(changes.notes.len(), 2, "{:?}", changes.notes);
    assert!(changes.services_appeared.is_empty() && changes.services_gone.is_empty());
}

#[test]
fn what_could_not_be_looked_for_did_not_appear() {
    let bad = hairpin();
    let mut good = hairpin();
    good.findings.clear();
    let appeared = compared(&good, &bad);
    assert!(appeared.findings.iter().all(|f| f.change == "appeared"));
    assert!(appeared.summary.contains("appeared"), "{}", appeared.summary);
    let id = bad.findings[0].id.clone();
    good.coverage.retain(|c| c.id != id);
    good.coverage.push(crate::report::Coverage {
        id: id.clone(),
        status: CoverageStatus::NotCheckable,
        reason: Some("no capture of a director".to_owned()),
    });
    let unsure = compared(&good, &bad);
    let finding = unsure.findings.iter().find(|f| f.id == id).unwrap();
    assert_eq!(finding.change, "unsure");
    assert!(finding.reason.as_ref().unwrap().contains("no capture of a director"));
    let gone = compared(&bad, &good);
    let change = |id: &str| gone.findings.iter().find(|f| f.id == id).map(|f| f.change.as_str());
    assert_eq!(change(&id), Some("unsure"));
    assert_eq!(change(&bad.findings[1].id), Some("gone"));
}

#[test]
fn the_document_reads_back_and_fits_its_schema() {
    let good = with("192.0.2.8", vec![server("10.0.0.1", 30, 0, MS)]);
    let comparison = compared(&good, &hairpin());
    let value = serde_json::to_value(&comparison).unwrap();
    assert!(jsonschema::is_valid(&json_schema(), &value));
    assert_eq!(serde_json::from_value::<Comparison>(value).unwrap(), comparison);
}
