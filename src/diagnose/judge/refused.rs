//! SYNs that a reset answers.

use super::{Opinions, two_owners};
use crate::breaks::Group;
use crate::diagnose::facts::address::claimants::{WrongOne, wrong_one};
use crate::diagnose::{Facts, Names};

/// It was answered by a reset, and nothing shows who made that: the host that was asked, or who balances before it.
pub(super) fn judge(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if let Some(WrongOne { whom, serves, .. }) = wrong_one(facts, group) {
        let (whom, serves) = (Names(facts).full(whom), Names(facts).full(serves));
        opinions.possible("vip-arp-conflict", format!("several answer for the address: all of these were sent to {whom}, which refuses, and those sent to {serves} are served; then only one is to have it"));
    } else {
        two_owners::sent_elsewhere(facts, group, opinions);
    }
    opinions.possible("connection-refused", "then the server's own capture shows the SYN arrive and the reset leave: nobody listens on that port there, 'ss -ltn' says so");
    opinions.possible("ipvs-no-destination", "then whoever balances has no server for it and resets the SYN itself: a service of a cluster without a ready endpoint ('kubectl get endpointslices'), a pool whose servers are all down");
    opinions.possible("rs-admin-prohibited", "then a rule that rejects by reset counts each: '--reject-with tcp-reset' in 'iptables-save -c', 'reject with tcp reset' in 'nft list ruleset'");
}
