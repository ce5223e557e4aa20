//! Every detector, once.

use super::{
    Candidate, Detection, Facts, Finding, FindingId, Fix, Proof, Sighting, ToConfirm, Wording,
    cause, note, settle, symptom,
};
use crate::trace::{ConnectionId, Trace};

/// A symptom's detector.
#[derive(Debug, Clone, Copy)]
pub struct SymptomDetector {
    /// Its id, which is its file's name with `-` for `_`.
    pub id: FindingId,
    /// Its manual page, Markdown.
    pub manual: &'static str,
    /// It says how connections broke, so any cause that accounts for these explains it.
    pub of_breaks: bool,
    /// Where the symptom shows.
    pub sightings: fn(&Facts) -> Vec<Sighting>,
    /// Frames that show one sighting.
    pub proofs: fn(&Facts, &Sighting) -> Vec<Proof>,
    /// Words for a set of sightings.
    pub word: fn(&Facts, &[Sighting]) -> Wording,
    /// Why these captures could not show it, if so.
    pub blind: fn(&Facts) -> Option<String>,
    /// What it advises where it stands alone.
    pub advice: Advice,
}

/// What a symptom advises of one kind for its sightings.
pub type Advises<T> = Option<fn(&Facts, &[Sighting]) -> Vec<T>>;

/// What a symptom advises where no cause explains it; it may have nothing to say of any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Advice {
    /// What it may come from.
    pub suspects: Advises<Candidate>,
    /// What mends it, whatever the cause.
    pub fixes: Advises<Fix>,
    /// The captures or commands that would decide it.
    pub next: Advises<ToConfirm>,
    /// Whether it names the culprit of connections by itself, so that no capture is
    /// missing.
    pub names_culprit: Option<fn(&Trace, &[ConnectionId]) -> bool>,
}

impl Advice {
    const NONE: Self = Self { suspects: None, fixes: None, next: None, names_culprit: None };
}

/// A cause's detector.
#[derive(Debug, Clone, Copy)]
pub struct CauseDetector {
    /// Its id, which is its file's name with `-` for `_`.
    pub id: FindingId,
    /// Its manual page, Markdown.
    pub manual: &'static str,
    /// The symptoms that it explains, and causes that are its consequence.
    pub explains: &'static [&'static str],
    /// The detector.
    pub detect: fn(&Facts) -> Detection,
    /// What hosts said of themselves, held against a finding of it.
    pub settle: Option<fn(&Trace, &mut Finding)>,
}

/// A note's detector.
#[derive(Debug, Clone, Copy)]
pub struct NoteDetector {
    /// Its id, which is its file's name with `-` for `_`.
    pub id: FindingId,
    /// Its manual page, Markdown.
    pub manual: &'static str,
    /// The detector.
    pub detect: fn(&Facts) -> Detection,
}

macro_rules! notes {
    ($($id:literal $module:ident),* $(,)?) => {
        &[$(NoteDetector {
            id: FindingId::new($id),
            manual: include_str!(concat!("note/", stringify!($module), ".md")),
            detect: note::$module::detect,
        }),*]
    };
}

macro_rules! symptoms {
    ($($id:literal $module:ident $($breaks:ident)? $([$($advice:ident),*])?),* $(,)?) => {
        &[$(SymptomDetector {
            id: FindingId::new($id),
            manual: include_str!(concat!("symptom/", stringify!($module), ".md")),
            of_breaks: of_breaks!($($breaks)?),
            sightings: symptom::$module::sightings,
            proofs: symptom::$module::proofs,
            word: symptom::$module::word,
            blind: symptom::$module::blind,
            advice: Advice {
                $($($advice: Some(symptom::$module::$advice),)*)?
                ..Advice::NONE
            },
        }),*]
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($function:path) => {
        Some($function)
    };
}

macro_rules! of_breaks {
    () => {
        false
    };
    (breaks) => {
        true
    };
}

macro_rules! causes {
    ($($id:literal $family:ident $module:ident $(=> $settle:path)?),* $(,)?) => {
        &[$(CauseDetector {
            id: FindingId::new($id),
            manual: include_str!(concat!("cause/", stringify!($family), "/", stringify!($module), ".md")),
            explains: cause::$family::$module::EXPLAINS,
            detect: cause::$family::$module::detect,
            settle: optional!($($settle)?),
        }),*]
    };
}

/// All symptoms.
pub const SYMPTOMS: &[SymptomDetector] = symptoms![
    "syn-ack-to-self" syn_ack_to_self,
    "syn-from-self" syn_from_self,
    "rst-no-socket" rst_no_socket,
    "asymmetric-return-path" asymmetric_return_path,
    "vip-arp-conflict" vip_arp_conflict [next],
    "syn-unanswered" syn_unanswered breaks [suspects, next],
    "syn-refused" syn_refused,
    "connection-reset" connection_reset [suspects, next],
    "icmp-unreachable" icmp_unreachable [suspects, next],
    "arp-unanswered" arp_unanswered [next],
    "handshake-incomplete" handshake_incomplete breaks,
    "slow-connect" slow_connect breaks,
    "no-greeting" no_greeting breaks [next],
    "request-unanswered" request_unanswered breaks,
    "datagram-unanswered" datagram_unanswered breaks [next],
    "health-check-failing" health_check_failing breaks,
    "slow-answer" slow_answer breaks,
    "retransmission" retransmission,
    "routing-loop" routing_loop [next, names_culprit],
    "http-5xx" http_5xx [fixes, next, names_culprit],
    "tls-refused" tls_refused breaks [next, names_culprit],
    "http2-refused" http2_refused breaks [next, names_culprit],
    "service-error" service_error breaks [next, names_culprit],
];

/// All causes. Where two explain one symptom, the earlier one takes it.
pub const CAUSES: &[CauseDetector] = causes![
    "l4-self-access-hairpin" way l4_self_access_hairpin,
    "nat-same-subnet-client" way nat_same_subnet_client,
    "nat-return-bypasses-director" way nat_return_bypasses_director => settle::way::bypass,
    "conntrack-invalid-rst" state conntrack_invalid_rst,
    "nat-director-not-forwarding" way nat_director_not_forwarding,
    "client-on-director" way client_on_director,
    "fake-load-balancing" way fake_load_balancing,
    "director-ping-pong" way director_ping_pong,
    "dr-arp-problem" address dr_arp_problem => settle::address::arp,
    "duplicate-na-for-vip" address duplicate_na_for_vip,
    "proxy-arp-or-arp-flux" address proxy_arp_or_arp_flux => settle::address::proxy,
    "ipv6-dad-failed" address ipv6_dad_failed,
    "dr-arp-announce-leak" address dr_arp_announce_leak,
    "director-bypassed" way director_bypassed,
    "dr-reply-via-director" way dr_reply_via_director,
    "dr-vip-foreign-subnet-return" silence dr_vip_foreign_subnet_return,
    "fabric-anti-spoof" silence fabric_anti_spoof,
    "dr-vip-wide-mask" address dr_vip_wide_mask,
    "stateful-device-half-path" way stateful_device_half_path,
    "garp-missing-stale-arp" address garp_missing_stale_arp,
    "untranslated-by-old-entry" silence untranslated_by_old_entry,
    "masquerade-missing" silence masquerade_missing,
    "control-channel-address" way control_channel_address,
    "node-without-local-endpoint" silence node_without_local_endpoint,
    "rs-missing-vip" silence rs_missing_vip => settle::silence::missing_vip,
    "windows-strong-host" silence windows_strong_host,
    "rs-route-overlap" silence rs_route_overlap,
    "rp-filter-drop" silence rp_filter_drop => settle::silence::filtered,
    "tunnel-not-decapsulated" silence tunnel_not_decapsulated,
    "tcp-signature-mismatch" silence tcp_signature_mismatch,
    "connection-refused" refusal connection_refused => settle::refusal::refused,
    "rs-admin-prohibited" refusal rs_admin_prohibited => settle::filter::prohibited,
    "ipvs-no-destination" refusal ipvs_no_destination => settle::refusal::no_destination,
    "arp-answer-lost" address arp_answer_lost,
    "vip-unowned" address vip_unowned,
    "vlan-mismatch" silence vlan_mismatch,
    "ipvs-reuse-to-dead-backend" refusal ipvs_reuse_to_dead_backend,
    "rs-unreachable" refusal rs_unreachable,
    "udp-reply-from-rip" way udp_reply_from_rip,
    "udp-stale-entry" state udp_stale_entry,
    "dns-conntrack-race-5s" state dns_conntrack_race_5s,
    "vxlan-or-nat-bad-checksum" silence vxlan_or_nat_bad_checksum,
    "forward-rule-drop" silence forward_rule_drop,
    "rs-silent" silence rs_silent => settle::silence::silent,
    "tw-recycle-nat-timestamps" silence tw_recycle_nat_timestamps => settle::silence::recycled,
    "accept-queue-overflow" silence accept_queue_overflow => settle::silence::overflow,
    "defer-accept-waits" silence defer_accept_waits,
    "fullnat-source-port-exhaustion" state fullnat_source_port_exhaustion
        => settle::refusal::exhausted,
    "conntrack-table-full" state conntrack_table_full => settle::table_full::settle,
    "tuple-reuse-challenge-ack" state tuple_reuse_challenge_ack,
    "ipvs-conn-reuse-1s" state ipvs_conn_reuse_1s,
    "synproxy-side-effects" state synproxy_side_effects,
    "syn-retry-rescheduled" silence syn_retry_rescheduled,
    "dsr-rst-from-rip" way dsr_rst_from_rip,
    "bgp-anycast-flap" way bgp_anycast_flap,
    "ecmp-rehash-wrong-server" way ecmp_rehash_wrong_server,
    "rs-lost-socket" state rs_lost_socket,
    "vrid-collision" address vrid_collision,
    "vrrp-advert-not-received" address vrrp_advert_not_received,
    "vrrp-split-brain" address vrrp_split_brain,
    "vrrp-flapping" address vrrp_flapping,
    "dr-half-close-120s" state dr_half_close_120s,
    "director-no-entry-rst" state director_no_entry_rst,
    "lb-idle-timeout" state lb_idle_timeout => settle::idle::forgotten,
    "fullnat-double-reset" state fullnat_double_reset,
    "toa-not-inserted" proxy toa_not_inserted,
    "backend-removed-silent-drop" silence backend_removed_silent_drop,
    "zero-window" load zero_window,
    "director-lro-oversize" size director_lro_oversize,
    "pmtud-icmp-misdelivered" size pmtud_icmp_misdelivered,
    "tun-mtu-blackhole" size tun_mtu_blackhole,
    "ip-fragments-split" size ip_fragments_split,
    "options-rewritten" size options_rewritten,
    "sack-not-translated" size sack_not_translated,
    "ip-option-drop" silence ip_option_drop,
    "syn-cookies-lost-options" state syn_cookies_lost_options,
    "packet-loss" load packet_loss,
    "tproxy-return-bypass" way tproxy_return_bypass,
    "no-server-up" proxy no_server_up,
    "l7-backend-refused" proxy l7_backend_refused,
    "l7-backend-silent" proxy l7_backend_silent,
    "l7-backend-tls-refused" proxy l7_backend_tls_refused,
    "l7-backend-timeout" proxy l7_backend_timeout,
    "l7-keepalive-race" proxy l7_keepalive_race,
    "l7-request-held" proxy l7_request_held,
    "l7-redirect-loop" proxy l7_redirect_loop,
    "l7-upgrade-not-passed" proxy l7_upgrade_not_passed,
    "proxy-protocol-mismatch" proxy proxy_protocol_mismatch,
    "slow-real-server" load slow_real_server,
    "network-latency" load network_latency,
    "healthcheck-source-blocked" silence healthcheck_source_blocked,
    "scheduler-imbalance" load scheduler_imbalance,
    "stated-not-seen" load stated_not_seen,
];

/// All notes.
pub const NOTES: &[NoteDetector] = notes![
    "l7-self-access-two-flows" l7_self_access_two_flows,
    "l7-backend-leg-deferred" l7_backend_leg_deferred,
    "icmp-echo-terminates-at-lb" icmp_echo_terminates_at_lb,
    "text-leaves-open" text_leaves_open,
];

/// Whether a symptom names the culprit of some connections by itself.
pub(super) fn names_culprit(id: FindingId, trace: &Trace, ids: &[ConnectionId]) -> bool {
    let of = SYMPTOMS.iter().find(|d| d.id == id).and_then(|d| d.advice.names_culprit);
    of.is_some_and(|of| of(trace, ids))
}

/// The manual page of a detector.
#[must_use]
pub fn manual(id: &str) -> Option<&'static str> {
    manuals().find(|(known, _)| *known == id).map(|(_, page)| page)
}

/// All ids with their manual pages: symptoms, causes, notes.
pub fn manuals() -> impl Iterator<Item = (&'static str, &'static str)> {
    let symptoms = SYMPTOMS.iter().map(|d| (d.id.as_str(), d.manual));
    let causes = CAUSES.iter().map(|d| (d.id.as_str(), d.manual));
    symptoms.chain(causes).chain(NOTES.iter().map(|d| (d.id.as_str(), d.manual)))
}

/// For tests of lists of ids: each is a detector's that explains or sees something, and stands once, in order.
#[cfg(test)]
#[track_caller]
pub(super) fn assert_listed<'a>(ids: impl IntoIterator<Item = &'a str>) {
    let ids: Vec<&str> = ids.into_iter().collect();
    let known = |id: &str| CAUSES.iter().any(|d| d.id == id) || SYMPTOMS.iter().any(|d| d.id == id);
    let unknown: Vec<&&str> = ids.iter().filter(|id| !known(id)).collect();
    assert!(unknown.is_empty(), "no detector: {unknown:?}");
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "each once, in order: {ids:?}");
}
