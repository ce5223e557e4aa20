//! What single situations are told by, beyond their finding.

use crate::situations::{is_loud, play};
use crate::{clusters, pods, pools};
use lbdiag::report::Report;

#[test]
fn a_node_that_answers_for_the_address_may_still_count_no_endpoint() {
    let (report, _) = play(&clusters::drops_what_comes_from_outside());
    let finding = &report.findings[0];
    assert_eq!(finding.id, "syn-unanswered");
    assert_eq!(finding.candidates[0].id, "node-without-local-endpoint");
    // It has the address, and its own capture is given.
    assert!(finding.candidates.iter().all(|c| c.id != "rs-missing-vip"));
    assert!(finding.to_confirm.iter().all(|c| !c.command.contains("tcpdump")));
}

/// The candidates of the first finding.
fn candidates(report: &Report) -> Vec<&str> {
    report.findings[0].candidates.iter().map(|c| c.id.as_str()).collect()
}

#[test]
fn a_full_table_hits_any_client_and_is_told_from_a_rule() {
    let (report, _) = play(&pods::table_full_now_and_then());
    assert_eq!(report.findings[0].id, "syn-unanswered");
    // Each client gets through at other times, and the node has no socket of its own.
    let offered = candidates(&report);
    assert_eq!(offered[0], "conntrack-table-full");
    assert!(!offered.contains(&"accept-queue-overflow") && !offered.contains(&"rs-silent"));
}

#[test]
fn who_is_behind_the_balancer_that_it_calls_may_have_been_chosen_itself() {
    let (report, _) = play(&pods::half_of_own_calls_in_vain());
    assert_eq!(report.findings[0].id, "syn-unanswered");
    assert_eq!(
        candidates(&report)[..2],
        ["l4-self-access-hairpin", "fullnat-source-port-exhaustion"]
    );
}

#[test]
fn checks_that_say_nothing_ill_of_a_server_wake_nobody() {
    for scene in [pools::probes_refused_before, pools::checks_told_401_and_clients_sent] {
        let (report, parts) = play(&scene());
        for report in std::iter::once(&report).chain(parts.iter().map(|(_, report)| report)) {
            assert!(!report.findings.iter().any(is_loud), "{:?}", report.findings);
            assert!(report.findings.iter().any(|f| f.id == "health-check-failing"));
        }
    }
}

#[test]
fn what_loses_small_answers_as_well_has_no_limit_of_size() {
    let (report, _) = play(&pools::all_answers_lost());
    assert!(report.findings.iter().any(is_loud));
    assert!(report.findings.iter().all(|f| f.id != "tun-mtu-blackhole"), "{:?}", report.findings);
}
