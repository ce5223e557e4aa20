//! Why: one cause a file.

pub mod accept_queue_overflow;
mod arrivals;
pub mod backend_removed_silent_drop;
pub mod bgp_anycast_flap;
pub mod client_on_director;
pub mod connection_refused;
pub mod conntrack_invalid_rst;
pub mod conntrack_table_full;
pub mod director_bypassed;
pub mod director_lro_oversize;
pub mod director_no_entry_rst;
pub mod director_ping_pong;
pub mod dns_conntrack_race_5s;
pub mod dr_arp_announce_leak;
pub mod dr_arp_problem;
pub mod dr_half_close_120s;
pub mod dr_reply_via_director;
pub mod dr_vip_foreign_subnet_return;
pub mod dr_vip_wide_mask;
pub mod dsr_rst_from_rip;
pub mod duplicate_na_for_vip;
mod durations;
pub mod ecmp_rehash_wrong_server;
pub mod fabric_anti_spoof;
pub mod fake_load_balancing;
mod forgotten;
pub mod fullnat_double_reset;
pub mod fullnat_source_port_exhaustion;
pub mod garp_missing_stale_arp;
pub mod healthcheck_source_blocked;
pub mod ip_fragments_split;
pub mod ip_option_drop;
pub mod ipv6_dad_failed;
pub mod ipvs_conn_reuse_1s;
pub mod ipvs_no_destination;
pub mod ipvs_reuse_to_dead_backend;
pub mod l4_self_access_hairpin;
pub mod l7_backend_refused;
pub mod l7_backend_timeout;
pub mod l7_keepalive_race;
pub mod lb_idle_timeout;
mod missing;
pub mod nat_director_not_forwarding;
pub mod nat_return_bypasses_director;
pub mod nat_same_subnet_client;
pub mod network_latency;
pub mod node_without_local_endpoint;
pub mod packet_loss;
pub mod pmtud_icmp_misdelivered;
pub mod proxy_arp_or_arp_flux;
pub mod proxy_protocol_mismatch;
mod reuse;
pub mod rp_filter_drop;
pub mod rs_admin_prohibited;
pub mod rs_lost_socket;
pub mod rs_missing_vip;
pub mod rs_route_overlap;
pub mod rs_silent;
pub mod rs_unreachable;
pub mod scheduler_imbalance;
mod silence;
pub mod slow_real_server;
pub mod stated_not_seen;
pub mod stateful_device_half_path;
pub mod syn_cookies_lost_options;
pub mod syn_retry_rescheduled;
mod synproxy;
pub mod synproxy_side_effects;
pub mod toa_not_inserted;
mod told;
pub mod tproxy_return_bypass;
pub mod tun_mtu_blackhole;
mod tunnel_end;
pub mod tunnel_not_decapsulated;
pub mod tuple_reuse_challenge_ack;
pub mod tw_recycle_nat_timestamps;
pub mod udp_reply_from_rip;
pub mod udp_stale_entry;
mod unheard;
pub mod vip_unowned;
pub mod vlan_mismatch;
pub mod vrid_collision;
mod vrrp;
pub mod vrrp_advert_not_received;
pub mod vrrp_split_brain;
pub mod vxlan_or_nat_bad_checksum;
pub mod windows_strong_host;
mod withheld;
pub mod zero_window;

pub use super::facts::telling;
use super::{Names, Severity, Subject};
use crate::topology::{HostId, Mode, RealServer, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Connections by service, so that one cause gives one finding a service.
pub(super) fn by_service(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
) -> BTreeMap<ServiceId, Vec<ConnectionId>> {
    let mut sets: BTreeMap<ServiceId, Vec<ConnectionId>> = BTreeMap::new();
    for id in ids {
        sets.entry(trace.topology.service_of[id.0 as usize]).or_default().push(id);
    }
    sets
}

/// Connections by the host of their real server.
fn by_server_host(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
) -> BTreeMap<HostId, Vec<ConnectionId>> {
    let mut sets: BTreeMap<HostId, Vec<ConnectionId>> = BTreeMap::new();
    for id in ids {
        if let Some(host) = trace.server(id).and_then(|s| s.host) {
            sets.entry(host).or_default().push(id);
        }
    }
    sets
}

/// The real servers of a set of connections as subjects, most concerned first.
fn servers(trace: &Trace, ids: &[ConnectionId]) -> Vec<Subject> {
    let mut counts: Vec<(Subject, usize)> = Vec::new();
    for id in ids {
        let Some(subject) = super::facts::server_subject(trace, *id) else { continue };
        match counts.iter_mut().find(|(known, _)| *known == subject) {
            Some((_, n)) => *n += 1,
            None => counts.push((subject, 1)),
        }
    }
    counts.sort_by_key(|(s, n)| (std::cmp::Reverse(*n), s.address, s.mac, s.port));
    counts.into_iter().map(|(subject, _)| subject).collect()
}

/// A real server as a subject.
fn server_of(server: &RealServer) -> Subject {
    Subject {
        role: "real server",
        address: server.address,
        mac: server.mac,
        port: Some(server.port),
    }
}

/// Directors of a service as subjects.
fn directors(trace: &Trace, service: ServiceId) -> Vec<Subject> {
    let service = &trace.topology.services[service.0 as usize];
    service.directors.iter().map(|d| Names(trace).subject("director", d.host)).collect()
}

/// Whether a host sends VRRP advertisements.
pub(super) fn speaks_vrrp(trace: &Trace, host: HostId) -> bool {
    let h = trace.topology.hosts.get(host);
    trace.vantages.iter().flat_map(|v| &v.vrrp).any(|speaker| {
        speaker.mac.is_some_and(|mac| h.macs.contains(&mac)) || h.ips.contains(&speaker.src)
    })
}

/// Sending a real server nothing more, at a layer-7 proxy.
pub(super) fn out_of_proxy(subject: &Subject) -> super::Fix {
    super::Fix {
        host: format!("the proxy, until {} serves again", name(subject)),
        command: "# take the server out: 'set server BACKEND/SERVER state maint' (haproxy), 'down' in its upstream (nginx); let health checks do it from then on".to_owned(),
        disruptive: false,
        undo: "Put it back: 'state ready', or without 'down'.".to_owned(),
    }
}

/// A subject's shortest name.
pub(super) fn name(subject: &Subject) -> String {
    match (subject.address, subject.mac) {
        (Some(ip), _) => ip.to_string(),
        (None, Some(mac)) => mac.to_string(),
        (None, None) => "an unknown host".to_owned(),
    }
}

/// Names of subjects, for a sentence.
fn names(subjects: &[Subject]) -> String {
    super::facts::list(&subjects.iter().map(name).collect::<Vec<_>>())
}

/// Critical where connections failed, else a warning.
fn severity(trace: &Trace, ids: &[ConnectionId]) -> Severity {
    let failed = ids.iter().any(|id| trace.connection(*id).outcome.failed());
    if failed { Severity::Critical } else { Severity::Warning }
}

/// How many of a service's connections failed or not, "3 of 6".
fn share(trace: &Trace, service: ServiceId, ids: &[ConnectionId]) -> String {
    let all = trace
        .requests()
        .filter(|(id, _)| trace.topology.service_of[id.0 as usize] == service)
        .count();
    format!("{} of {all}", ids.len())
}

/// Why a detector of one mode had nothing to look at; `None` if it had.
fn needs_mode(trace: &Trace, modes: &[Mode]) -> Option<super::Detection> {
    let services = || trace.topology.services.iter().filter(|s| !s.is_backend);
    if services().any(|s| modes.contains(&s.mode)) {
        return None;
    }
    if services().any(|s| s.mode == Mode::Unknown) || services().count() == 0 {
        return Some(super::Detection::Unchecked(
            "no forwarding mode shows; capture on the director with 'tcpdump -i any', where both sides of it appear"
                .to_owned(),
        ));
    }
    Some(super::Detection::Clean)
}

/// What a detector of answers to SYNs could look at.
fn syns_or_blind(trace: &Trace) -> super::Detection {
    match super::symptom::syn_refused::blind(trace) {
        Some(why) => super::Detection::Unchecked(why),
        None => super::Detection::Clean,
    }
}

/// What a detector of proxies says where none was seen.
pub(super) fn no_proxy(trace: &Trace) -> super::Detection {
    needs_mode(trace, &[Mode::Proxy]).unwrap_or(super::Detection::Clean)
}

/// Choosing a real server no more, on the director, and its undo.
fn rest(trace: &Trace, service: ServiceId, host: HostId, port: u16, until: &str) -> super::Fix {
    let s = &trace.topology.services[service.0 as usize];
    let flag = forwarding_flag(s.mode);
    let server =
        Names(trace).address(host).map_or_else(|| "RIP".to_owned(), |ip| ip.with_port(port));
    let edit = |weight: &str| format!("ipvsadm -e -t {} -r {server} {flag} -w {weight}", s.name());
    let director = s.directors.first().map_or_else(
        || "the director".to_owned(),
        |d| format!("the director {}", Names(trace).host(d.host)),
    );
    super::Fix {
        host: format!("{director}, {until}"),
        command: edit("0"),
        disruptive: false,
        undo: edit("1"),
    }
}

/// The option of ipvsadm(8) for a mode.
fn forwarding_flag(mode: Mode) -> &'static str {
    match mode {
        Mode::Dr => "-g",
        Mode::Tun => "-i",
        _ => "-m",
    }
}

/// The command that rules an address' packets in netfilter.
fn tables(ip: crate::wire::Ip) -> &'static str {
    if ip.is_v4() { "iptables" } else { "ip6tables" }
}

/// Puts hosts in the order of their addresses, each once: their numbers follow the order
/// of the files.
fn by_address(trace: &Trace, hosts: &mut Vec<HostId>) {
    let names = Names(trace);
    hosts.sort_by_key(|h| (names.address(*h), trace.topology.hosts.get(*h).macs.first().copied()));
    hosts.dedup();
}
