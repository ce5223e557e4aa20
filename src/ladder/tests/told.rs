//! Drawings of findings: the odd packet is among them, at its place, and none that is another's.

use super::{roles, sample};
use crate::diagnose;
use crate::ladder::telling;
use crate::report::ladder::{Ladder, Step, StepKind};

/// The drawing of the first loud finding of a sample.
fn told(name: &str) -> Ladder {
    let trace = sample(name);
    let diagnosis = diagnose::diagnose(&trace);
    telling(&trace, &diagnosis).unwrap()
}

fn step_of<'l>(ladder: &'l Ladder, vantage: &str, number: u64) -> Option<&'l Step> {
    let is = |f: &(String, u64)| f.0 == vantage && f.1 == number;
    ladder.steps.iter().find(|step| step.frames.iter().any(is))
}

#[test]
fn an_answer_from_elsewhere_is_drawn_beside_the_question() {
    let drawn = told("dr-udp-reply-from-rip");
    let answer = step_of(&drawn, "rs2", 7).unwrap();
    assert!(answer.marked);
    assert_eq!(answer.rewrite.as_deref(), Some("from 172.16.0.12:5300, not 172.16.0.8:5300"));
}

#[test]
fn two_transmissions_with_other_timestamps_are_two_however_close() {
    let drawn = told("nat-director-not-forwarding");
    let [first, last] = [35, 38].map(|n| step_of(&drawn, "director", n).unwrap());
    assert_ne!(first.packet, last.packet);
    assert!(last.marked && last.at_ns > 3_000_000_000, "{last:?}");
}

#[test]
fn an_error_about_another_connection_is_not_in_the_drawing() {
    let drawn = told("nat-answers-with-ttl-1");
    assert!(step_of(&drawn, "director", 58).is_some());
    assert!(step_of(&drawn, "director", 118).is_none());
}

#[test]
fn a_packet_that_does_not_arrive_while_others_do_is_lost_whatever_clocks_say() {
    let drawn = told("nat-dns-questions-lost");
    assert_eq!(step_of(&drawn, "client", 20).unwrap().kind, StepKind::Lost);
    assert_eq!(step_of(&drawn, "client", 21).unwrap().kind, StepKind::Arrow);
}

#[test]
fn a_real_server_that_is_called_again_and_again_has_one_column() {
    let drawn = told("two-tiers-one-proxy-cut-off");
    let of = |name: &str| drawn.columns.iter().filter(|c| c.name == name).count();
    assert_eq!(of("10.10.0.12"), 1, "{:?}", drawn.columns);
    assert_eq!(drawn.columns.last().unwrap().role, "real server");
    // The proxy tries it three times, from another port each.
    let tried = drawn.steps.iter().filter(|s| s.label.ends_with(" > 8080")).count();
    assert_eq!(tried, 3, "{:?}", drawn.steps);
}

#[test]
fn a_service_that_stays_in_what_is_sent_on_is_nobody() {
    let drawn = told("node-untranslated-by-old-entry");
    assert_eq!(roles(&drawn).last(), Some(&"service, not captured"));
}
