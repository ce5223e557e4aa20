//! Which host of the captures a state belongs to.

use super::{folder, run, status, texts};
use lbdiag::report::CoverageStatus;

#[test]
fn a_state_finds_its_host_by_mac_whatever_its_name() {
    let mut states = folder("healthy-nat");
    states.sort_by_key(|s| std::cmp::Reverse(s.name.clone()));
    for (state, wrong) in states.iter_mut().zip(["director", "rs1", "nobody"]) {
        state.name = wrong.to_owned();
    }
    let report = run("healthy-nat", states).report;
    let told: Vec<_> = report
        .host_states
        .iter()
        .map(|s| (s.name.as_str(), s.matched_by.as_deref(), s.common.clone()))
        .collect();
    let macs = |list: &[&str]| list.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>();
    assert_eq!(told[0], ("director", Some("macs"), macs(&["52:54:00:6d:c1:41"])));
    assert_eq!(told[1], ("rs1", Some("macs"), macs(&["52:54:00:d0:51:c5"])));
    assert_eq!(
        told[2],
        ("nobody", Some("macs"), macs(&["52:54:00:27:3a:89", "52:54:00:f1:ea:19"]))
    );
}

#[test]
fn without_macs_addresses_tell_and_the_vip_does_not() {
    let rs1 = "eth0 UP 172.16.0.11/24\nlo UNKNOWN 127.0.0.1/8 172.16.0.8/32\n";
    // A name that fits and an address that every real server has.
    let vip = "lo UNKNOWN 127.0.0.1/8\ndummy0 UP 172.16.0.8/32\n";
    let report = run("healthy-dr", texts(&[("x", rs1), ("rs2", vip)])).report;
    let [rs1, rs2] = &report.host_states[..] else { panic!() };
    assert_eq!(rs1.matched_by.as_deref(), Some("addresses"));
    assert!(rs1.host.as_ref().unwrap().macs.contains(&"52:54:00:95:23:ba".to_owned()));
    assert_eq!((rs2.matched_by.as_deref(), &rs2.host), (None, &None));
    assert!(report.notes.iter().any(|n| n.contains("rs2 was taken for no host")));
}

#[test]
fn an_address_does_not_outweigh_another_mac() {
    // Somebody else has the address on the captured link.
    let other = "eth0 UP 52:54:00:00:00:99 <UP>\neth0 UP 172.16.0.11/24\n";
    let report = run("healthy-dr", texts(&[("rs1", other)])).report;
    assert_eq!(report.host_states[0].matched_by, None);
}

#[test]
fn a_bare_table_is_the_directors_unless_two_say_so() {
    let table = "-A -t 172.16.0.8:80 -s rr\n-a -t 172.16.0.8:80 -r 172.16.0.11:80 -g -w 1\n-a -t 172.16.0.8:80 -r 172.16.0.12:80 -g -w 1\n";
    let report = run("healthy-dr", texts(&[("a", table)])).report;
    assert_eq!(report.host_states[0].matched_by.as_deref(), Some("services"));
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::Clean);
    let report = run("healthy-dr", texts(&[("a", table), ("b", table)])).report;
    assert!(report.host_states.iter().all(|s| s.matched_by.is_none()));
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::NotCheckable);
}
