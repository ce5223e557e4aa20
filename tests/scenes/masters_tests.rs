//! What is said of masters that change.

use crate::{diagnosed, ids, masters};

#[test]
fn a_master_that_gives_up_again_and_again_is_told() {
    let (report, text) = diagnosed(&masters::flapping());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "vrrp-flapping", "{text}");
    assert!(finding["title"].as_str().unwrap().contains("7 times in 36"), "{text}");
    assert!(
        finding["explanation"].as_str().unwrap().contains("4 times a master gave up"),
        "{text}"
    );
}

#[test]
fn a_hand_over_there_and_back_is_no_matter() {
    let (report, text) = diagnosed(&masters::maintained());
    assert!(!ids(&report).contains(&"vrrp-flapping"), "{text}");
}
