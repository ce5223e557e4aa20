//! SYNs that are not answered.

mod accept_queue_asks_again;
pub mod accept_queue_overflow;
mod answers_filtered;
pub mod backend_removed_silent_drop;
pub(in crate::diagnose) mod blocked_checks;
pub mod defer_accept_waits;
pub mod dr_vip_foreign_subnet_return;
pub mod fabric_anti_spoof;
pub mod forward_rule_drop;
pub mod healthcheck_source_blocked;
pub mod ip_option_drop;
pub mod masquerade_missing;
pub mod node_without_local_endpoint;
pub(in crate::diagnose) mod outer_checksum;
pub mod rp_filter_drop;
pub mod rs_missing_vip;
pub mod rs_route_overlap;
pub mod rs_silent;
pub(in crate::diagnose) mod strange_address;
pub mod syn_retry_rescheduled;
pub mod tcp_signature_mismatch;
pub mod tunnel_not_decapsulated;
pub mod tw_recycle_nat_timestamps;
pub(in crate::diagnose) mod unheard;
pub mod untranslated_by_old_entry;
pub mod vlan_mismatch;
pub mod vxlan_or_nat_bad_checksum;
pub mod windows_strong_host;

use crate::diagnose::facts::silence::local_endpoints::NODE_PORTS;
use crate::diagnose::words::commands::{ip, step, sysctl};
use crate::diagnose::words::{agree, ease, name};
use crate::diagnose::{Candidate, Facts, Finding, Fix, Names};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::wire::Ip;

/// The VIP on a real server, so that it takes packets for it and claims nothing on the link.
fn give_vip(host: String, vip: Ip, mode: Mode) -> Fix {
    let device = if mode == Mode::Tun { "tunl0" } else { "lo" };
    let address = ip::Address::single(vip, device);
    // In IPv6 nobody answers for what another of its interfaces has.
    if !vip.is_v4() {
        return step::safe(host, [address.given_unasked()]);
    }
    let quiet = sysctl::quiet().because("first, or it will answer ARP for it");
    step::safe(host, [quiet, address.given()])
}

/// What another cause of silence says of this one, where the port may be a node's.
fn no_endpoint(port: u16) -> Option<Candidate> {
    NODE_PORTS.contains(&port).then(|| Candidate {
        id: "node-without-local-endpoint".into(),
        tell_apart: "then the service has externalTrafficPolicy Local and no pod there; its healthCheckNodePort answers 503".to_owned(),
    })
}

/// What tells that queues are full on these hosts, and mends it.
fn queue_mended(
    facts: &Facts,
    finding: &mut Finding,
    service: ServiceId,
    hosts: &[HostId],
    port: u16,
) {
    for host in hosts {
        let server = name(&Names(facts).subject(Role::RealServer, *host));
        finding.confirm(
            server.clone(),
            format!("nstat -az TcpExtListenOverflows TcpExtListenDrops; ss -ltn 'sport = :{port}'"),
            "ListenOverflows that grows with every lost SYN or ACK, or a Recv-Q above Send-Q: this is it",
        );
        let longer = sysctl::step(&[("net.core.somaxconn", "4096", "128")]);
        finding.fixes.push(step::disruptive(
            format!("{server}, with a listen backlog as long in the program, which then must be restarted"),
            [longer],
        ));
    }
    // Nobody is given a table that may not be there.
    if !facts.topology.service(service).mode.is_layer_4() {
        return;
    }
    // What one cannot bear, the next cannot either: nobody is taken out.
    let until = agree(hosts.len(), "until the program keeps up", "until the programs keep up");
    finding.fixes.extend(ease(facts, service, hosts, port, until));
}
