//! What of a frame a detector decides by, as far as a text need not print it: hardware addresses
//! (`tcpdump -e`), TTL, identification, checksums and fragments (`-v`), bytes (`-x`).
//!
//! A detector that is listed here and found nothing in a text without its field has not checked
//! anything. One that is not listed goes by what every line prints.

use super::FindingId;
use crate::trace::Printed;

const E: Printed = Printed { hardware: true, headers: false, bytes: false };
const V: Printed = Printed { hardware: false, headers: true, bytes: false };
const X: Printed = Printed { hardware: false, headers: false, bytes: true };
const EX: Printed = Printed { hardware: true, headers: false, bytes: true };
const EV: Printed = Printed { hardware: true, headers: true, bytes: false };
const EVX: Printed = Printed { hardware: true, headers: true, bytes: true };

/// By what each detector decides.
const RESTS_ON: &[(&str, Printed)] = &[
    ("accept-queue-overflow", E),
    ("arp-answer-lost", E),
    ("asymmetric-return-path", E),
    ("backend-removed-silent-drop", E),
    ("bgp-anycast-flap", V),
    ("client-on-director", E),
    ("connection-refused", E),
    ("conntrack-invalid-rst", E),
    ("conntrack-table-full", E),
    ("control-channel-address", X),
    ("defer-accept-waits", EV),
    ("director-bypassed", EV),
    ("director-lro-oversize", EV),
    ("director-no-entry-rst", EV),
    ("director-ping-pong", EV),
    ("dns-conntrack-race-5s", E),
    ("dr-arp-announce-leak", E),
    ("dr-arp-problem", EV),
    ("dr-half-close-120s", EV),
    ("dr-reply-via-director", E),
    ("dr-vip-foreign-subnet-return", EV),
    ("dr-vip-wide-mask", E),
    ("dsr-rst-from-rip", E),
    ("duplicate-na-for-vip", E),
    ("ecmp-rehash-wrong-server", EV),
    ("fabric-anti-spoof", E),
    ("fake-load-balancing", E),
    ("forward-rule-drop", E),
    ("fullnat-double-reset", E),
    ("fullnat-source-port-exhaustion", E),
    ("garp-missing-stale-arp", EV),
    ("healthcheck-source-blocked", E),
    ("http2-refused", X),
    ("ip-fragments-split", V),
    ("ip-option-drop", EV),
    ("ipv6-dad-failed", E),
    ("ipvs-conn-reuse-1s", E),
    ("ipvs-no-destination", V),
    ("ipvs-reuse-to-dead-backend", EV),
    ("l4-self-access-hairpin", E),
    ("l7-backend-refused", X),
    ("l7-backend-silent", X),
    ("l7-backend-timeout", X),
    ("l7-backend-tls-refused", X),
    ("l7-keepalive-race", X),
    ("l7-redirect-loop", X),
    ("l7-request-held", X),
    ("l7-upgrade-not-passed", X),
    ("lb-idle-timeout", EV),
    ("masquerade-missing", E),
    ("nat-director-not-forwarding", E),
    ("nat-return-bypasses-director", E),
    ("nat-same-subnet-client", E),
    ("network-latency", E),
    ("no-server-up", EX),
    ("node-without-local-endpoint", X),
    ("packet-loss", E),
    ("pmtud-icmp-misdelivered", EV),
    ("proxy-protocol-mismatch", X),
    ("routing-loop", V),
    ("rp-filter-drop", E),
    ("rs-admin-prohibited", V),
    ("rs-lost-socket", EV),
    ("rs-missing-vip", E),
    ("rs-route-overlap", E),
    ("rs-silent", E),
    ("rs-unreachable", EV),
    ("sack-not-translated", X),
    ("scheduler-imbalance", E),
    ("service-error", X),
    ("stateful-device-half-path", E),
    ("syn-cookies-lost-options", E),
    ("syn-retry-rescheduled", EV),
    ("synproxy-side-effects", EV),
    ("tls-refused", X),
    ("toa-not-inserted", X),
    ("tproxy-return-bypass", EV),
    ("tun-mtu-blackhole", EV),
    ("tunnel-not-decapsulated", E),
    ("tw-recycle-nat-timestamps", E),
    ("udp-reply-from-rip", V),
    ("udp-stale-entry", E),
    ("untranslated-by-old-entry", E),
    ("vlan-mismatch", E),
    ("vrid-collision", V),
    ("vrrp-advert-not-received", V),
    // What stands outside of a tunnel has a sum of its own, which tcpdump prints of no overlay.
    ("vxlan-or-nat-bad-checksum", EVX),
    ("windows-strong-host", EV),
];

/// By what a detector decides beside what every line prints.
pub(super) fn rests_on(id: FindingId) -> Printed {
    let known = RESTS_ON.iter().find(|(known, _)| id == *known);
    known.map_or(Printed::default(), |(_, printed)| *printed)
}

/// The fields in words, with the options of tcpdump that print them.
pub(super) fn name(fields: Printed) -> String {
    let mut words = Vec::new();
    if fields.hardware {
        words.push("hardware addresses (-e)".to_owned());
    }
    if fields.headers {
        words.push("TTL, identification and checksums (-v)".to_owned());
    }
    if fields.bytes {
        words.push("the bytes of packets (-xx)".to_owned());
    }
    super::words::list(&words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::registry;

    #[test]
    fn every_entry_is_a_detector() {
        registry::assert_listed(RESTS_ON.iter().map(|(id, _)| *id));
        assert!(RESTS_ON.iter().all(|(_, fields)| fields.any()));
    }
}
