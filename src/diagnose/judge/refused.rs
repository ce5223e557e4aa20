//! SYNs that a reset answers.

use super::evidence::ASKED;
use super::{Opinions, two_owners};
use crate::breaks::Group;
use crate::diagnose::facts::address::claimants::{WrongOne, wrong_one};
use crate::diagnose::facts::refusal::own_refusals::refuser;
use crate::diagnose::{Facts, Names};
use crate::trace::ConnectionId;

/// It was answered by a reset, and nothing shows who made that: the host that was asked, or who balances before it.
pub(super) fn judge(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if let Some(WrongOne { whom, serves, .. }) = wrong_one(facts, group) {
        let (whom, serves) = (Names(facts).full(whom), Names(facts).full(serves));
        opinions.possible("vip-arp-conflict", format!("several answer for the address: all of these were sent to {whom}, which refuses, and those sent to {serves} are served; then only one is to have it"));
    } else {
        two_owners::sent_elsewhere(facts, group, opinions);
    }
    let own = group.connections.iter().take(ASKED).all(|id| refuser(facts, *id).is_some());
    opinions.possible("connection-refused", if own {
        "these captures show the SYN come in and the reset leave this host: then nobody listens on that port there, and 'ss -ltn' on it says so"
    } else {
        "then the server's own capture shows the SYN arrive and the reset leave: nobody listens on that port there, 'ss -ltn' says so"
    });
    // Nobody balances what a host calls of itself.
    let itself = |id: &ConnectionId| facts.connection(*id).front.server.0.is_loopback();
    if !group.connections.iter().all(itself) {
        opinions.possible("ipvs-no-destination", "then whoever balances has no server for it and resets the SYN itself: a service of a cluster without a ready endpoint ('kubectl get endpointslices'), a pool whose servers are all down");
    }
    opinions.possible("rs-admin-prohibited", "then a rule that rejects by reset counts each: '--reject-with tcp-reset' in 'iptables-save -c', 'reject with tcp reset' in 'nft list ruleset'");
}
