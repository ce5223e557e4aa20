//! Every detector, once.

use super::{Detection, Proof, Sighting, Wording, cause, note, symptom};
use crate::trace::Trace;

/// A symptom's detector.
#[derive(Debug, Clone, Copy)]
pub struct SymptomDetector {
    /// Its id, which is its file's name with `-` for `_`.
    pub id: &'static str,
    /// Its manual page, Markdown.
    pub manual: &'static str,
    /// Where the symptom shows.
    pub sightings: fn(&Trace) -> Vec<Sighting>,
    /// Frames that show one sighting.
    pub proofs: fn(&Trace, &Sighting) -> Vec<Proof>,
    /// Words for a set of sightings.
    pub word: fn(&Trace, &[Sighting]) -> Wording,
    /// Why these captures could not show it, if so.
    pub blind: fn(&Trace) -> Option<String>,
}

/// A cause's detector.
#[derive(Debug, Clone, Copy)]
pub struct CauseDetector {
    /// Its id, which is its file's name with `-` for `_`.
    pub id: &'static str,
    /// Its manual page, Markdown.
    pub manual: &'static str,
    /// The symptoms that it explains, and causes that are its consequence.
    pub explains: &'static [&'static str],
    /// The detector.
    pub detect: fn(&Trace) -> Detection,
}

/// A note's detector.
#[derive(Debug, Clone, Copy)]
pub struct NoteDetector {
    /// Its id, which is its file's name with `-` for `_`.
    pub id: &'static str,
    /// Its manual page, Markdown.
    pub manual: &'static str,
    /// The detector.
    pub detect: fn(&Trace) -> Detection,
}

macro_rules! notes {
    ($($id:literal $module:ident),* $(,)?) => {
        &[$(NoteDetector {
            id: $id,
            manual: include_str!(concat!("note/", stringify!($module), ".md")),
            detect: note::$module::detect,
        }),*]
    };
}

macro_rules! symptoms {
    ($($id:literal $module:ident),* $(,)?) => {
        &[$(SymptomDetector {
            id: $id,
            manual: include_str!(concat!("symptom/", stringify!($module), ".md")),
            sightings: symptom::$module::sightings,
            proofs: symptom::$module::proofs,
            word: symptom::$module::word,
            blind: symptom::$module::blind,
        }),*]
    };
}

macro_rules! causes {
    ($($id:literal $module:ident),* $(,)?) => {
        &[$(CauseDetector {
            id: $id,
            manual: include_str!(concat!("cause/", stringify!($module), ".md")),
            explains: cause::$module::EXPLAINS,
            detect: cause::$module::detect,
        }),*]
    };
}

/// All symptoms.
pub const SYMPTOMS: &[SymptomDetector] = symptoms![
    "syn-ack-to-self" syn_ack_to_self,
    "syn-from-self" syn_from_self,
    "rst-no-socket" rst_no_socket,
    "asymmetric-return-path" asymmetric_return_path,
    "vip-arp-conflict" vip_arp_conflict,
    "syn-unanswered" syn_unanswered,
    "syn-refused" syn_refused,
    "connection-reset" connection_reset,
    "icmp-unreachable" icmp_unreachable,
    "arp-unanswered" arp_unanswered,
    "retransmission" retransmission,
    "routing-loop" routing_loop,
    "http-5xx" http_5xx,
];

/// All causes. Where two explain one symptom, the earlier one takes it.
pub const CAUSES: &[CauseDetector] = causes![
    "l4-self-access-hairpin" l4_self_access_hairpin,
    "nat-same-subnet-client" nat_same_subnet_client,
    "nat-return-bypasses-director" nat_return_bypasses_director,
    "conntrack-invalid-rst" conntrack_invalid_rst,
    "nat-director-not-forwarding" nat_director_not_forwarding,
    "client-on-director" client_on_director,
    "fake-load-balancing" fake_load_balancing,
    "director-ping-pong" director_ping_pong,
    "dr-arp-problem" dr_arp_problem,
    "duplicate-na-for-vip" duplicate_na_for_vip,
    "proxy-arp-or-arp-flux" proxy_arp_or_arp_flux,
    "ipv6-dad-failed" ipv6_dad_failed,
    "dr-arp-announce-leak" dr_arp_announce_leak,
    "director-bypassed" director_bypassed,
    "dr-reply-via-director" dr_reply_via_director,
    "dr-vip-foreign-subnet-return" dr_vip_foreign_subnet_return,
    "fabric-anti-spoof" fabric_anti_spoof,
    "dr-vip-wide-mask" dr_vip_wide_mask,
    "stateful-device-half-path" stateful_device_half_path,
    "garp-missing-stale-arp" garp_missing_stale_arp,
    "node-without-local-endpoint" node_without_local_endpoint,
    "rs-missing-vip" rs_missing_vip,
    "windows-strong-host" windows_strong_host,
    "rs-route-overlap" rs_route_overlap,
    "rp-filter-drop" rp_filter_drop,
    "tunnel-not-decapsulated" tunnel_not_decapsulated,
    "connection-refused" connection_refused,
    "rs-admin-prohibited" rs_admin_prohibited,
    "ipvs-no-destination" ipvs_no_destination,
    "vip-unowned" vip_unowned,
    "vlan-mismatch" vlan_mismatch,
    "ipvs-reuse-to-dead-backend" ipvs_reuse_to_dead_backend,
    "rs-unreachable" rs_unreachable,
    "udp-reply-from-rip" udp_reply_from_rip,
    "udp-stale-entry" udp_stale_entry,
    "dns-conntrack-race-5s" dns_conntrack_race_5s,
    "vxlan-or-nat-bad-checksum" vxlan_or_nat_bad_checksum,
    "rs-silent" rs_silent,
    "tw-recycle-nat-timestamps" tw_recycle_nat_timestamps,
    "accept-queue-overflow" accept_queue_overflow,
    "fullnat-source-port-exhaustion" fullnat_source_port_exhaustion,
    "conntrack-table-full" conntrack_table_full,
    "tuple-reuse-challenge-ack" tuple_reuse_challenge_ack,
    "ipvs-conn-reuse-1s" ipvs_conn_reuse_1s,
    "synproxy-side-effects" synproxy_side_effects,
    "syn-retry-rescheduled" syn_retry_rescheduled,
    "dsr-rst-from-rip" dsr_rst_from_rip,
    "bgp-anycast-flap" bgp_anycast_flap,
    "ecmp-rehash-wrong-server" ecmp_rehash_wrong_server,
    "rs-lost-socket" rs_lost_socket,
    "vrid-collision" vrid_collision,
    "vrrp-advert-not-received" vrrp_advert_not_received,
    "vrrp-split-brain" vrrp_split_brain,
    "dr-half-close-120s" dr_half_close_120s,
    "director-no-entry-rst" director_no_entry_rst,
    "lb-idle-timeout" lb_idle_timeout,
    "fullnat-double-reset" fullnat_double_reset,
    "toa-not-inserted" toa_not_inserted,
    "backend-removed-silent-drop" backend_removed_silent_drop,
    "zero-window" zero_window,
    "director-lro-oversize" director_lro_oversize,
    "pmtud-icmp-misdelivered" pmtud_icmp_misdelivered,
    "tun-mtu-blackhole" tun_mtu_blackhole,
    "ip-fragments-split" ip_fragments_split,
    "ip-option-drop" ip_option_drop,
    "syn-cookies-lost-options" syn_cookies_lost_options,
    "packet-loss" packet_loss,
    "tproxy-return-bypass" tproxy_return_bypass,
    "l7-backend-refused" l7_backend_refused,
    "l7-backend-timeout" l7_backend_timeout,
    "l7-keepalive-race" l7_keepalive_race,
    "proxy-protocol-mismatch" proxy_protocol_mismatch,
    "slow-real-server" slow_real_server,
    "network-latency" network_latency,
    "healthcheck-source-blocked" healthcheck_source_blocked,
    "scheduler-imbalance" scheduler_imbalance,
    "stated-not-seen" stated_not_seen,
];

/// All notes.
pub const NOTES: &[NoteDetector] = notes![
    "l7-self-access-two-flows" l7_self_access_two_flows,
    "l7-backend-leg-deferred" l7_backend_leg_deferred,
    "icmp-echo-terminates-at-lb" icmp_echo_terminates_at_lb,
];

/// The manual page of a detector.
#[must_use]
pub fn manual(id: &str) -> Option<&'static str> {
    manuals().find(|(known, _)| *known == id).map(|(_, page)| page)
}

/// All ids with their manual pages: symptoms, causes, notes.
pub fn manuals() -> impl Iterator<Item = (&'static str, &'static str)> {
    let symptoms = SYMPTOMS.iter().map(|d| (d.id, d.manual));
    let causes = CAUSES.iter().map(|d| (d.id, d.manual));
    symptoms.chain(causes).chain(NOTES.iter().map(|d| (d.id, d.manual)))
}
