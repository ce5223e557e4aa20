//! Requests that wait in a proxy before it calls a server for them.

use crate::proxied::{Proxied, server};
use crate::stage::Stage;
use crate::tried::{proxy, served};
use crate::{diagnosed, ids};

/// Every third client's request waits so long in the proxy.
fn kept(ms: u64) -> Stage {
    let mut stage = proxy();
    for n in 0..9u16 {
        let mut one = Proxied::new(42_000 + n * 3, 61_000 + n, server(0));
        if n % 3 == 2 {
            one.ask(&mut stage);
            stage.wait_ms(ms);
            served(&mut stage, &mut one);
        } else {
            one.whole(&mut stage);
        }
        stage.wait_ms(700);
    }
    stage
}

#[test]
fn a_proxy_that_keeps_requests_is_told_and_the_server_is_not_slow() {
    let (report, text) = diagnosed(&kept(2500));
    assert_eq!(ids(&report), ["l7-request-held", "slow-answer"], "{text}");
    assert_eq!(report["findings"][0]["affected"]["connections"], 3, "{text}");
    // What nobody notices is none.
    let (report, text) = diagnosed(&kept(300));
    assert!(ids(&report).is_empty(), "{text}");
}
