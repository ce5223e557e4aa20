//! SYNs that a reset without ACK answers, which no client heeds (RFC 9293, section 3.10.7.3).

use crate::packet::{Body, RST};
use crate::places::*;
use crate::stage::Stage;
use crate::talk::{Step, Talk, step};
use crate::{candidates, diagnosed, ids};

const THERE: [Step; 1] = [step(CLIENT, ROUTER)];
const BACK: [Step; 1] = [step(ROUTER, CLIENT)];

/// SYNs, each of which is answered so, or by nothing.
fn calls(answered: bool) -> Stage {
    let mut stage = Stage::capturing(&["client"]);
    stage.resolve((CLIENT, CLIENT_IP), (ROUTER, ROUTER_OUT_IP), &[CLIENT, ROUTER]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(CLIENT_IP, 44_000 + n), at(VIP, 443));
        let syn = talk.syn();
        stage.sent_again(&syn, 3, |stage, syn| {
            stage.carry(&THERE, syn);
            if answered {
                let mut reset = Talk::refusal_of(syn).ttl(61);
                if let Body::Tcp { ack, flags, .. } = &mut reset.body {
                    (*ack, *flags) = (0, RST);
                }
                stage.carry(&BACK, &reset);
            }
        });
        stage.wait_ms(9_000);
    }
    stage
}

#[test]
fn a_reset_that_acknowledges_nothing_is_no_silence() {
    let (report, text) = diagnosed(&calls(true));
    let finding = &report["findings"][0];
    assert_eq!(ids(&report), ["syn-unanswered"], "{text}");
    let title = finding["title"].as_str().unwrap();
    assert!(title.contains("reset"), "{text}");
    let found = candidates(finding);
    assert!(!found.contains(&"rs-silent") && !found.contains(&"rs-missing-vip"), "{text}");
    let (report, text) = diagnosed(&calls(false));
    assert!(!report["findings"][0]["title"].as_str().unwrap().contains("reset"), "{text}");
    assert!(candidates(&report["findings"][0]).contains(&"rs-silent"), "{text}");
}
