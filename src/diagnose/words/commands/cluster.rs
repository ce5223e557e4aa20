//! Commands of kubectl(1), where a service's translator is the node of a cluster: its table
//! is written by a program, and what is changed there by hand does not last.

use super::explained;
use super::netfilter::Rule;
use crate::diagnose::{Fix, ToConfirm};
use crate::topology::{HostId, Mode, Service};
use crate::trace::Trace;
use crate::wire::{Ip, Mac};
use std::net::IpAddr;

/// Where a fix is for nodes whose kube-proxy does not use netfilter.
pub const IPVS_MODE: &str = "if kube-proxy runs in IPVS mode";

/// Ports that a cluster gives services on its nodes, unless it was told others
/// (`--service-node-port-range`).
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// Whether a service is translated by the node of a cluster: it says so, its devices or the names
/// that it asks for are a cluster's, it serves by pods, whose addresses are made as container
/// networks make them, or on a port that nodes have, and states no table of IPVS.
#[must_use]
pub fn is_clusters(trace: &Trace, service: &Service) -> bool {
    if !matches!(service.mode, Mode::Nat | Mode::FullNat) {
        return false;
    }
    let directors = service.directors.iter().map(|d| d.host);
    let servers = service.real_servers.iter().filter_map(|s| s.host);
    let hosts: Vec<HostId> = directors.clone().chain(servers).collect();
    let of_node = || {
        NODE_PORTS.contains(&service.port)
            && !directors.clone().any(|host| trace.stated_service(host, service).is_some())
    };
    directors.clone().any(|host| says_so(trace, host))
        || hosts.iter().any(|host| is_container(trace, *host))
        || names_it(trace, service)
        || trace.in_cluster(&directors.clone().collect::<Vec<HostId>>())
        || of_node()
}

/// What a cluster said of its services names it.
fn names_it(trace: &Trace, service: &Service) -> bool {
    let said = trace.states.iter().flat_map(|matched| &matched.state.cluster.services);
    said.into_iter().any(|s| {
        s.protocol == service.protocol
            && (s.port == service.port && s.addresses.contains(&service.vip)
                || s.node_port == Some(service.port))
    })
}

/// Where a service's endpoints and nodes are asked for.
pub const KUBECTL: &str = "a host that has kubectl";

/// What a cluster has for a service, by its address and port.
#[must_use]
pub fn endpoints(service: &Service) -> String {
    let (vip, port) = (service.vip, service.port);
    format!(
        "kubectl get svc -A -o wide | grep -wE '{vip}|{port}'; kubectl get endpointslices,pods -A -o wide"
    )
}

/// What a pod's program says of itself, and the cluster of the pod.
#[must_use]
pub fn says(pod: Ip) -> ToConfirm {
    ToConfirm {
        host: KUBECTL.to_owned(),
        command: format!(
            "kubectl get pods -A -o wide | grep -wF {pod}   # NAMESPACE, POD\nkubectl -n NAMESPACE logs POD --tail=50; kubectl -n NAMESPACE describe pod POD"
        ),
        why: "whether its program runs and says anything while these come: one that hangs is silent, restarts and failed probes stand in the last list".to_owned(),
    }
}

/// Source addresses of the node's own for what one client sends to a service, so that answers
/// come back to the node; and its undo.
#[must_use]
pub fn masquerade(node: String, client: Ip, server: Option<Ip>, vip: Ip, why: &str) -> Fix {
    let to = server.map_or_else(String::new, |server| format!(" -d {server}"));
    let spec =
        format!("-s {client}{to} -m conntrack --ctstate DNAT --ctorigdst {vip} -j MASQUERADE");
    let rule = Rule::nat(vip, "POSTROUTING", spec);
    Fix::safe(node, explained(rule.append(), why), rule.delete())
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
    let made = |mac: &Mac| match mac.0 {
        [0x0a, 0x58, a, b, c, d] => {
            let of = Ip::from(IpAddr::from([a, b, c, d]));
            host.ips.binary_search(&of).is_ok() || host.contested.contains(&of)
        }
        _ => false,
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
