//! Where a table and the captures differ.

use super::{folder, found, run, status, texts};
use crate::support::check::is_loud;
use crate::support::expected::{root, samples};
use lbdiag::report::{CoverageStatus, Finding, Kind, Report, Severity, Status};
use lbdiag::state;

#[test]
fn a_true_state_of_a_healthy_world_finds_nothing() {
    for sample in ["healthy-dr", "healthy-nat"] {
        let report = run(sample, folder(sample)).report;
        assert_eq!(report.verdict.status, Status::Healthy, "{sample}");
        assert!(report.findings.iter().all(|f| !is_loud(f) && f.id != "stated-not-seen"));
        assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::Clean, "{sample}");
    }
}

#[test]
fn without_a_state_nothing_was_compared() {
    let report = run("healthy-dr", Vec::new()).report;
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::NotCheckable);
    assert!(report.host_states.is_empty());
}

/// 64 connections of one client went to one of two servers.
fn pool(rule: &str) -> Report {
    let table = format!(
        "-A -t 203.0.113.8:80 {rule}\n-a -t 203.0.113.8:80 -r 172.16.0.11:80 -m -w 1\n-a -t 203.0.113.8:80 -r 172.16.0.12:80 -m -w 1\n"
    );
    run("scheduler-imbalance", texts(&[("lb", &table)])).report
}

#[test]
fn a_server_without_its_share_is_named() {
    let report = pool("-s rr");
    let finding = found(&report, "stated-not-seen");
    assert_eq!((finding.kind, finding.severity), (Kind::Cause, Severity::Warning));
    assert_eq!(finding.subjects[0].address.as_deref(), Some("172.16.0.11"));
    assert!(finding.explanation.contains("lb:2 states 172.16.0.11"), "{}", finding.explanation);
    assert!(!finding.evidence.is_empty());
}

#[test]
fn a_server_that_need_not_be_chosen_is_not_named() {
    // One client with persistence, or an address that chooses, has one server.
    for rule in ["-s rr -p 300", "-s sh", "-s sed", "-s fo"] {
        assert_eq!(status(&pool(rule), "stated-not-seen"), CoverageStatus::Clean, "{rule}");
    }
    let table = "-A -t 203.0.113.8:80 -s rr\n-a -t 203.0.113.8:80 -r 172.16.0.11:80 -m -w 0\n-a -t 203.0.113.8:80 -r 172.16.0.12:80 -m -w 1\n";
    let report = run("scheduler-imbalance", texts(&[("lb", table)])).report;
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::Clean);
}

#[test]
fn another_method_and_a_server_that_is_not_stated_are_notes() {
    let conf = "virtual_server 172.16.0.8 80 {\n lb_algo rr\n lb_kind TUN\n protocol TCP\n real_server 172.16.0.11 80 {\n }\n}\nvrrp_instance V {\n mcast_src_ip 172.16.0.2\n}\n";
    let report = run("healthy-dr", texts(&[("keepalived", conf)])).report;
    let notes: Vec<&Finding> =
        report.findings.iter().filter(|f| f.id == "stated-not-seen").collect();
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|f| f.kind == Kind::Note && !is_loud(f) && !f.evidence.is_empty()));
    assert!(notes.iter().any(|f| f.title.contains("stated as tun (-i) and was forwarded as dr")));
    assert!(notes.iter().any(|f| f.subjects[0].address.as_deref() == Some("172.16.0.12")));
    assert_eq!(report.verdict.status, Status::Healthy);
}

#[test]
fn an_owner_of_the_vip_that_forwards_nothing_is_a_note() {
    // A second machine, known by its address, says that it has VIP and service.
    let other = "eth0 UP 172.16.0.1/24 172.16.0.8/32\n-A -t 172.16.0.8:80 -s rr\n-a -t 172.16.0.8:80 -r 172.16.0.11:80 -g -w 1\n";
    let report = run("healthy-dr", texts(&[("lb2", other)])).report;
    let finding = found(&report, "stated-not-seen");
    assert!(finding.title.contains("172.16.0.1 states 172.16.0.8:80"), "{}", finding.title);
    // A backup has the table and not the address.
    let backup = other.replace(" 172.16.0.8/32", "");
    let report = run("healthy-dr", texts(&[("lb2", &backup)])).report;
    assert!(report.findings.iter().all(|f| f.id != "stated-not-seen"));
}

#[test]
fn a_table_with_another_port_than_traffic_is_told_and_its_own_is_not() {
    let changed = |from: &str, to: &str| {
        let text = std::fs::read_to_string(root().join("tests/states/healthy-nat/director.txt"));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("director.txt"), text.unwrap().replace(from, to)).unwrap();
        let states = state::read(&[dir.path().to_owned()]).unwrap().hosts;
        run("healthy-nat", states).report
    };
    let told = |report: &Report| {
        let notes = report.findings.iter().filter(|f| f.id == "stated-not-seen");
        notes.map(|f| f.title.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(&changed("", "")), [""; 0]);
    let titles = told(&changed(":8000", ":80"));
    let wanted = "got 6 connections on port 8000 and the director states port 80";
    assert!(titles.len() == 1 && titles[0].ends_with(wanted), "{titles:?}");
    // One of two, and both ports of one address.
    let one = told(&changed("172.16.0.12:8000", "172.16.0.12:80"));
    assert!(one.len() == 1 && one[0].starts_with("172.16.0.12 got 3"), "{one:?}");
    let both =
        "-a -t 203.0.113.8:80 -r 172.16.0.11:80 -m -w 0\n-a -t 203.0.113.8:80 -r 172.16.0.11:8000";
    assert_eq!(told(&changed("-a -t 203.0.113.8:80 -r 172.16.0.11:8000", both)), [""; 0]);
}

/// No sample may be judged otherwise because its own table was given.
#[test]
fn a_table_that_is_true_accuses_nobody() {
    for sample in samples().iter().filter(|s| s.expected.is_healthy()) {
        let folder = root().join("tests/states").join(&sample.name);
        if folder.is_dir() {
            let report = run(&sample.name, state::read(&[folder]).unwrap().hosts).report;
            assert!(report.findings.iter().all(|f| !is_loud(f)), "{}", sample.name);
        }
    }
}

#[test]
fn another_port_than_the_stated_one_is_told() {
    let mut states = folder("healthy-nat");
    assert!(
        run("healthy-nat", states.clone())
            .report
            .findings
            .iter()
            .all(|f| f.id != "stated-not-seen")
    );
    let servers = states.iter_mut().flat_map(|s| &mut s.services).flat_map(|s| &mut s.servers);
    for server in servers {
        server.port = 80;
    }
    let report = run("healthy-nat", states).report;
    let told = found(&report, "stated-not-seen");
    assert_eq!((told.kind, told.severity), (Kind::Note, Severity::Info));
    assert!(told.title.contains("on port 8000 and the director states port 80"), "{}", told.title);
}
