//! What is said of the scenes of `transport.rs`, and of their healthy twins.

use crate::stage::Stage;
use crate::transport::*;
use crate::{candidates, diagnosed, ids};

fn fate(report: &serde_json::Value) -> &str {
    report["verdict"]["status"].as_str().unwrap()
}

/// Nothing loud is said of it.
fn is_quiet(stage: &Stage) {
    let (report, text) = diagnosed(stage);
    assert!(ids(&report).is_empty(), "{text}");
    assert_ne!(fate(&report), "failing", "{text}");
}

#[test]
fn what_is_sent_again_and_again_after_an_answer_was_not_taken() {
    let (report, text) = diagnosed(&answer_unacknowledged());
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["failed"], 3, "{text}");
    assert!(text.contains("server's datagram"), "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "control-channel-address", "{text}");
    is_quiet(&answer_acknowledged());
    let (report, text) = diagnosed(&answer_for_nobody());
    assert!(!ids(&report).contains(&"datagram-unanswered"), "{text}");
    let (report, text) = diagnosed(&quic_probes_in_vain());
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "ecmp-rehash-wrong-server", "{text}");
    for stage in quic_ends() {
        is_quiet(&stage);
    }
}

#[test]
fn a_question_on_a_closed_connection_is_lost_and_a_farewell_is_not() {
    let (report, text) = diagnosed(&asked_on_a_closed_one());
    assert_eq!(ids(&report), ["connection-reset"], "{text}");
    let told = report["findings"][0]["explanation"].as_str().unwrap();
    assert!(told.contains("used a connection that its peer had let go"), "{text}");
    for stage in farewell_on_a_closed_one() {
        is_quiet(&stage);
    }
}

#[test]
fn an_error_for_a_greeting_is_told() {
    let (report, text) = diagnosed(&greets_with_an_error());
    assert_eq!(ids(&report), ["no-greeting"], "{text}");
    let finding = &report["findings"][0];
    assert!(finding["title"].as_str().unwrap().contains("1129"), "{text}");
    assert!(candidates(finding).is_empty(), "{text}");
    is_quiet(&greets_well());
}

#[test]
fn http2_that_is_answered_in_http1_is_told() {
    let (report, text) = diagnosed(&http2_refused());
    assert_eq!(ids(&report), ["http2-refused"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["failed"], 4, "{text}");
    let (report, text) = diagnosed(&http2_spoken());
    assert_eq!((fate(&report), ids(&report).len()), ("healthy", 0), "{text}");
}

#[test]
fn a_host_that_keeps_what_follows_syns_is_told_from_one_that_sees_one_way() {
    let (report, text) = diagnosed(&acks_kept());
    assert_eq!(ids(&report)[0], "stateful-device-half-path", "{text}");
    assert_eq!(fate(&report), "failing", "{text}");
    assert!(!text.contains("an unknown host"), "{text}");
    is_quiet(&answers_elsewhere());
}

#[test]
fn what_no_new_connection_passes_is_no_rule_for_some_clients() {
    let (report, text) = diagnosed(&no_port_left());
    assert_eq!(ids(&report), ["syn-unanswered"], "{text}");
    let offered = candidates(&report["findings"][0]);
    assert!(offered.contains(&"fullnat-source-port-exhaustion"), "{text}");
    assert!(offered.contains(&"conntrack-table-full"), "{text}");
    let (report, text) = diagnosed(&some_clients_kept());
    assert_eq!(ids(&report)[0], "forward-rule-drop", "{text}");
}

#[test]
fn who_breaks_off_alone_of_its_pool_waits_for_no_header() {
    let (report, text) = diagnosed(&one_breaks_off(true));
    assert_eq!(ids(&report)[0], "http-5xx", "{text}");
    assert!(!ids(&report).contains(&"proxy-protocol-mismatch"), "{text}");
    let (report, text) = diagnosed(&one_breaks_off(false));
    assert!(ids(&report).contains(&"proxy-protocol-mismatch"), "{text}");
}

#[test]
fn time_exceeded_is_a_circle_and_no_silent_server() {
    let (report, text) = diagnosed(&time_is_up());
    assert_eq!(ids(&report)[0], "routing-loop", "{text}");
    let finding = &report["findings"][0];
    assert!(!finding["explanation"].as_str().unwrap().contains("the same link"), "{text}");
    assert_eq!(finding["to_confirm"][0]["host"], "the routers 192.0.2.1 and 192.0.2.2", "{text}");
    let all = report["findings"].as_array().unwrap();
    assert!(all.iter().all(|f| candidates(f).is_empty()), "{text}");
}

#[test]
fn closings_after_one_time_are_a_limits() {
    let (report, text) = diagnosed(&closed_by_a_limit());
    assert_eq!(candidates(&report["findings"][0]), ["l7-backend-timeout"], "{text}");
    let (report, text) = diagnosed(&closed_by_and_by());
    assert!(candidates(&report["findings"][0]).is_empty(), "{text}");
}
