//! What is said of the scenes of `tried.rs`.

use crate::tried::*;
use crate::{candidates, diagnosed, ids};

#[test]
fn a_silent_server_behind_a_proxy_costs_its_clients_time_and_is_named() {
    let (report, text) = diagnosed(&redispatched());
    assert_eq!(ids(&report), ["l7-backend-silent", "slow-answer"], "{text}");
    let finding = &report["findings"][0];
    assert_eq!(finding["severity"], "warning", "{text}");
    assert_eq!(finding["subjects"][0]["address"], "10.20.0.12", "{text}");
    assert_eq!(finding["affected"]["suffered"], 3, "{text}");
    assert!(finding["affected"]["by_real_server"].as_object().unwrap().is_empty(), "{text}");
    assert!(text.contains("up to 2.0 s later"), "{text}");
    let (report, text) = diagnosed(&answered_at_the_repeat());
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn attempts_of_several_that_wait_are_each_his_own() {
    let (report, text) = diagnosed(&several_wait_at_once());
    assert_eq!(ids(&report), ["l7-backend-silent", "http-5xx"], "{text}");
    let finding = &report["findings"][0];
    assert_eq!(finding["severity"], "critical", "{text}");
    assert_eq!(finding["affected"]["failed"], 4, "{text}");
}

#[test]
fn an_answer_that_is_lost_on_the_way_is_no_slow_server() {
    let (report, text) = diagnosed(&answer_lost_behind());
    assert_eq!(ids(&report), ["http-5xx"], "{text}");
    assert!(candidates(&report["findings"][0]).contains(&"packet-loss"), "{text}");
    assert!(!text.contains("timeout server"), "{text}");
}

#[test]
fn a_port_that_accepts_others_has_somebody_who_listens() {
    let (report, text) = diagnosed(&refused_now_and_then());
    assert_eq!(ids(&report)[0], "connection-refused", "{text}");
    let finding = &report["findings"][0];
    assert_eq!(finding["confidence"], "likely", "{text}");
    assert!(finding["fix"].as_array().unwrap().is_empty(), "{text}");
    assert!(text.contains("so a process listens there"), "{text}");
}

#[test]
fn a_node_that_a_cluster_names_and_nobody_reaches_is_told() {
    let (report, text) = diagnosed(&sent_to_another_node(false));
    assert_eq!(ids(&report)[0], "control-channel-address", "{text}");
    assert!(text.contains("10.20.0.12:6379"), "{text}");
    let (report, text) = diagnosed(&sent_to_another_node(true));
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn answers_of_datagrams_that_leave_and_do_not_come_are_lost() {
    let (report, text) = diagnosed(&datagrams_answered_in_vain());
    assert_eq!(ids(&report), ["datagram-unanswered"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["failed"], 3, "{text}");
    assert!(text.contains("answers to datagrams do not arrive"), "{text}");
}
