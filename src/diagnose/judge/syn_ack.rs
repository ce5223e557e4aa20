//! SYN-ACKs that do not come through: the server is not silent.

use super::Opinions;
use super::evidence::{answered, none_does_well};
use crate::breaks::{Group, Manner};
use crate::diagnose::Facts;
use crate::topology::Mode;

/// Causes of a server that says nothing.
const SILENT: &[&str] = &[
    "rs-silent",
    "rs-missing-vip",
    "node-without-local-endpoint",
    "accept-queue-overflow",
    "tw-recycle-nat-timestamps",
];

pub(super) fn judge(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let mode = facts.topology.service(group.service).mode;
    if group.manner == Manner::Swallowed {
        opinions.possible("dr-reply-via-director", "then this host owns the address that the SYN-ACK comes from, and drops it as a martian");
        opinions.possible(
            "nat-director-not-forwarding",
            "then 'sysctl net.ipv4.ip_forward' on this host is 0, or a rule of FORWARD counts them",
        );
        opinions.possible("rp-filter-drop", "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each: its own route to the server is by another interface");
        opinions.possible(
            "forward-rule-drop",
            "then a rule for forwarded packets, or one of the network plugin, counts them",
        );
    } else {
        opinions.possible("fabric-anti-spoof", "then the answer leaves with a source that its port may not use (EC2: source/destination check)");
        opinions.possible(
            "stateful-device-half-path",
            "then a firewall on the way back never saw the SYN",
        );
        if mode != Mode::Nat {
            opinions.possible(
                "dr-vip-foreign-subnet-return",
                "then the router drops answers whose source is not of this subnet",
            );
        }
        if mode != Mode::Dr {
            opinions.possible(
                "nat-return-bypasses-director",
                "then the answer leaves for another MAC than the one that the SYN came from",
            );
        }
    }
    opinions.unless(
        none_does_well(facts, group),
        "packet-loss",
        "then captures on both sides of the next link show it leave and not arrive",
    );
    if let Some(syn_ack) = answered(facts, group) {
        opinions.refuted(SILENT, &syn_ack);
    }
}
