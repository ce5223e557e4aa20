//! Every id that the project knows, whether a detector for it exists or not: a
//! candidate, a manual page or a sample may name these and no others.

/// What is seen.
pub const SYMPTOMS: [&str; 23] = [
    "syn-ack-to-self",
    "syn-from-self",
    "rst-no-socket",
    "asymmetric-return-path",
    "vip-arp-conflict",
    "syn-unanswered",
    "syn-refused",
    "connection-reset",
    "icmp-unreachable",
    "arp-unanswered",
    "retransmission",
    "routing-loop",
    "http-5xx",
    "handshake-incomplete",
    "slow-connect",
    "no-greeting",
    "request-unanswered",
    "datagram-unanswered",
    "health-check-failing",
    "slow-answer",
    "tls-refused",
    "http2-refused",
    "service-error",
];

/// What is worth knowing, and no fault.
pub const NOTES: [&str; 4] = [
    "l7-self-access-two-flows",
    "l7-backend-leg-deferred",
    "icmp-echo-terminates-at-lb",
    "text-leaves-open",
];

/// Why.
pub const CAUSES: [&str; 94] = [
    "arp-answer-lost",
    "l4-self-access-hairpin",
    "dr-arp-problem",
    "dr-arp-announce-leak",
    "director-bypassed",
    "fake-load-balancing",
    "rs-missing-vip",
    "dr-vip-wide-mask",
    "dr-vip-foreign-subnet-return",
    "nat-return-bypasses-director",
    "nat-same-subnet-client",
    "nat-director-not-forwarding",
    "healthcheck-noise",
    "healthcheck-source-blocked",
    "tw-recycle-nat-timestamps",
    "lb-idle-timeout",
    "stateful-device-half-path",
    "rp-filter-drop",
    "tun-mtu-blackhole",
    "pmtud-icmp-misdelivered",
    "director-lro-oversize",
    "vrrp-split-brain",
    "vrrp-flapping",
    "garp-missing-stale-arp",
    "vrrp-advert-not-received",
    "vrid-collision",
    "conntrack-invalid-rst",
    "director-no-entry-rst",
    "backend-removed-silent-drop",
    "ipvs-conn-reuse-1s",
    "ipvs-reuse-to-dead-backend",
    "ipvs-no-destination",
    "connection-refused",
    "fullnat-source-port-exhaustion",
    "tuple-reuse-challenge-ack",
    "accept-queue-overflow",
    "ecmp-rehash-wrong-server",
    "proxy-protocol-mismatch",
    "l7-keepalive-race",
    "node-without-local-endpoint",
    "udp-stale-entry",
    "rs-route-overlap",
    "scheduler-imbalance",
    "fabric-anti-spoof",
    "tproxy-return-bypass",
    "syn-retry-rescheduled",
    "director-ping-pong",
    "dr-reply-via-director",
    "client-on-director",
    "synproxy-side-effects",
    "toa-not-inserted",
    "vxlan-or-nat-bad-checksum",
    "ip-fragments-split",
    "dr-half-close-120s",
    "ipv6-dad-failed",
    "duplicate-na-for-vip",
    "vlan-mismatch",
    "windows-strong-host",
    "tunnel-not-decapsulated",
    "dsr-rst-from-rip",
    "ip-option-drop",
    "conntrack-table-full",
    "dns-conntrack-race-5s",
    "proxy-arp-or-arp-flux",
    "bgp-anycast-flap",
    "syn-cookies-lost-options",
    "fullnat-double-reset",
    "rs-unreachable",
    "rs-silent",
    "rs-admin-prohibited",
    "rs-lost-socket",
    "packet-loss",
    "slow-real-server",
    "network-latency",
    "l7-backend-refused",
    "l7-backend-tls-refused",
    "no-server-up",
    "l7-backend-silent",
    "l7-backend-timeout",
    "l7-request-held",
    "l7-redirect-loop",
    "l7-upgrade-not-passed",
    "udp-reply-from-rip",
    "vip-unowned",
    "zero-window",
    "stated-not-seen",
    "defer-accept-waits",
    "forward-rule-drop",
    "masquerade-missing",
    "untranslated-by-old-entry",
    "control-channel-address",
    "options-rewritten",
    "sack-not-translated",
    "tcp-signature-mismatch",
];

/// Whether an id is known.
pub fn knows(id: &str) -> bool {
    SYMPTOMS.contains(&id) || CAUSES.contains(&id) || NOTES.contains(&id)
}

/// Words in backquotes that can only be ids.
pub fn quoted_ids(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|text| text.split('`').skip(1).step_by(2)).filter(|word| {
        let part = |w: &str| {
            !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        word.contains('-') && word.split('-').all(part)
    })
}
