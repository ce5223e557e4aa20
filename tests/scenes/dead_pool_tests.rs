//! What is said of the scenes of `dead_pool.rs`.

use crate::dead_pool::*;
use crate::{diagnosed, ids};

#[test]
fn servers_that_are_all_silent_are_the_proxys_trouble() {
    for stage in [silent_pool(), silent_pool_and_no_error()] {
        let (report, text) = diagnosed(&stage);
        assert_eq!(ids(&report)[0], "l7-backend-silent", "{text}");
        let finding = &report["findings"][0];
        assert_eq!(finding["severity"], "critical", "{text}");
        assert_eq!(finding["affected"]["failed"], 9, "{text}");
        assert!(!ids(&report).contains(&"syn-unanswered"), "{text}");
        assert_eq!(report["services"].as_array().unwrap().len(), 1, "{text}");
    }
}

#[test]
fn servers_that_all_refuse_are_the_proxys_trouble() {
    let (report, text) = diagnosed(&refusing_pool());
    assert_eq!(ids(&report)[0], "l7-backend-refused", "{text}");
    assert_eq!(report["findings"][0]["affected"]["failed"], 9, "{text}");
}

#[test]
fn a_dead_log_host_makes_no_proxy() {
    let (report, text) = diagnosed(&dead_log_host());
    assert!(!ids(&report).iter().any(|id| id.starts_with("l7-")), "{text}");
    assert!(text.contains(":5140"), "{text}");
}
