//! Commands of kubectl(1), where a service's translator is the node of a cluster: its table
//! is written by a program, and what is changed there by hand does not last.

use crate::diagnose::Fix;
use crate::topology::{HostId, Mode, Service};
use crate::trace::Trace;
use crate::wire::{Ip, Mac};
use std::net::IpAddr;

/// Where a fix is for nodes whose kube-proxy does not use netfilter.
pub const IPVS_MODE: &str = "if kube-proxy runs in IPVS mode";

/// Whether a service is translated by the node of a cluster: it says so, or it serves by
/// pods, whose addresses are made as container networks make them.
#[must_use]
pub fn is_clusters(trace: &Trace, service: &Service) -> bool {
    if !matches!(service.mode, Mode::Nat | Mode::FullNat) {
        return false;
    }
    let directors = service.directors.iter().map(|d| d.host);
    let servers = service.real_servers.iter().filter_map(|s| s.host);
    directors.clone().any(|host| says_so(trace, host))
        || directors.chain(servers).any(|host| is_container(trace, host))
}

/// Its own rules or tables name a cluster's.
fn says_so(trace: &Trace, host: HostId) -> bool {
    let states = trace.states.iter().filter(|state| state.hosts.contains(&host));
    states
        .into_iter()
        .any(|matched| matched.state.rules.iter().any(|rule| rule.chain.starts_with("KUBE-")))
}

/// Whether one of a host's MACs is made by a container network: `0a:58` and its IPv4 address
/// (containernetworking/cni, pkg/utils/hwaddr; OVN-Kubernetes too), or Calico's one for all.
fn is_container(trace: &Trace, host: HostId) -> bool {
    let host = trace.topology.hosts.get(host);
    let made = |mac: &Mac| {
        host.ips.iter().chain(&host.contested).any(|ip| match ip.addr() {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                mac.0 == [0x0a, 0x58, a, b, c, d]
            }
            IpAddr::V6(_) => false,
        })
    };
    host.macs.iter().any(|mac| mac.0 == [0xee; 6] || made(mac))
}

/// Sending a pod nothing more, and its undo.
#[must_use]
pub fn spared(pod: Option<Ip>, until: &str) -> Fix {
    let who = pod.map_or_else(|| "POD".to_owned(), |ip| ip.to_string());
    Fix::disruptive(
        format!("a host that has kubectl, {until}"),
        format!(
            "kubectl get pods -A -o wide --show-labels | grep -wF {who}   # NAMESPACE, POD, and the label that the service selects by\nkubectl -n NAMESPACE label pod POD KEY-   # the pod lives on and gets no new connections; its Deployment starts another"
        ),
        "kubectl -n NAMESPACE label pod POD KEY=VALUE",
    )
    .meanwhile()
}

/// More pods, and its undo.
#[must_use]
pub fn scaled(until: &str) -> Fix {
    Fix::safe(
        format!("a host that has kubectl, {until}"),
        "kubectl -n NAMESPACE get deployment NAME   # READY: the number of pods before\nkubectl -n NAMESPACE scale deployment NAME --replicas=MORE",
        "kubectl -n NAMESPACE scale deployment NAME --replicas=BEFORE",
    )
}
