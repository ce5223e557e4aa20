//! What kubectl gives with `-o json` of services, endpoint slices, nodes and pods, and what it all
//! comes to: which endpoints a service has, and on which nodes.

use crate::state::balancer::ipvs_table::{server, service};
use crate::state::cluster::{ClusterService, Endpoint};
use crate::state::context::Cx;
use crate::state::model::{Front, HostState, MAX_SERVICES, StatedServer, keep};
use crate::state::place::{Lines, Place};
use crate::state::text::{ip, protocol};
use crate::wire::{Ip, Protocol};
use serde::Deserialize;
use serde_json::Value;

/// An object, or a list of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::state) struct Document {
    kind: String,
    items: Vec<Document>,
    metadata: Metadata,
    spec: Spec,
    status: Status,
    ports: Vec<Port>,
    endpoints: Vec<Slot>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
    labels: Labels,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Labels {
    #[serde(rename = "kubernetes.io/service-name")]
    service: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(rename = "clusterIPs")]
    cluster_ips: Vec<String>,
    #[serde(rename = "externalIPs")]
    external_ips: Vec<String>,
    external_traffic_policy: Option<String>,
    ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Port {
    name: Option<String>,
    protocol: Option<String>,
    port: Option<u16>,
    node_port: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    load_balancer: Balancer,
    addresses: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Balancer {
    ingress: Vec<Ingress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ingress {
    ip: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Slot {
    addresses: Vec<String>,
    conditions: Conditions,
    node_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Conditions {
    /// Absent means yes (EndpointConditions of discovery.k8s.io/v1).
    ready: Option<bool>,
}

/// Takes in what a document lists; whether it is of these kinds.
pub(in crate::state) fn take(cx: &mut Cx<'_>, document: Document, lines: &mut Lines<'_>) -> bool {
    if document.kind.ends_with("List") || document.kind == "List" {
        let mut any = document.items.is_empty();
        for item in document.items {
            any |= take(cx, item, lines);
        }
        return any;
    }
    let at = lines.of(cx.at.file, &format!("\"{}\"", document.metadata.name));
    match document.kind.as_str() {
        "Service" => services(cx, &document, at),
        "EndpointSlice" => slices(cx, &document, lines),
        "Node" => {
            let addresses = document.status.addresses.as_array();
            let internal = addresses.into_iter().flatten().filter(|a| a["type"] == "InternalIP");
            let found = internal.filter_map(|a| a["address"].as_str()).find_map(ip);
            if let Some(ip) = found {
                let row = (document.metadata.name, ip);
                keep(&mut cx.state.cluster.nodes, MAX_SERVICES, row);
            }
        }
        // Endpoints name the pods that serve.
        "Pod" => {}
        _ => return false,
    }
    true
}

fn services(cx: &mut Cx<'_>, of: &Document, at: Place) {
    let ingress = of.status.load_balancer.ingress.iter().filter_map(|i| i.ip.as_ref());
    let all = of.spec.cluster_ips.iter().chain(&of.spec.external_ips).chain(ingress);
    let addresses: Vec<Ip> = all.filter_map(|text| ip(text)).collect();
    for port in &of.spec.ports {
        let row = ClusterService {
            name: (of.metadata.namespace.clone(), of.metadata.name.clone()),
            addresses: addresses.clone(),
            port: port.port.unwrap_or(0),
            node_port: port.node_port.filter(|port| *port > 0),
            port_name: port.name.clone().unwrap_or_default(),
            protocol: port.protocol.as_deref().and_then(protocol).unwrap_or(Protocol::TCP),
            local: of.spec.external_traffic_policy.as_deref() == Some("Local"),
            at,
        };
        cx.keep(row);
    }
}

fn slices(cx: &mut Cx<'_>, of: &Document, lines: &mut Lines<'_>) {
    let Some(service) = of.metadata.labels.service.clone() else { return };
    for slot in &of.endpoints {
        for text in &slot.addresses {
            let Some(ip) = ip(text) else { continue };
            let at = lines.of(cx.at.file, text);
            for port in &of.ports {
                let row = Endpoint {
                    service: (of.metadata.namespace.clone(), service.clone()),
                    port_name: Some(port.name.clone().unwrap_or_default()),
                    address: (ip, port.port.unwrap_or(0)),
                    ready: slot.conditions.ready != Some(false),
                    node: slot.node_name.clone(),
                    at,
                };
                cx.keep(row);
            }
        }
    }
}

/// Services with those of their endpoints that take traffic, as tables of a balancer are kept.
pub(in crate::state) fn join(state: &mut HostState) {
    if state.cluster.services.is_empty() {
        return;
    }
    let cluster = std::mem::take(&mut state.cluster);
    let file = u16::try_from(state.files.len().saturating_sub(1)).unwrap_or(u16::MAX);
    let mut cx =
        Cx { state, at: Place { file, line: 0 }, block: crate::state::context::Block::None };
    for own in &cluster.services {
        for address in &own.addresses {
            cx.at = own.at;
            let front = Front::Address { vip: *address, port: own.port, protocol: own.protocol };
            let Some(at) = service(&mut cx, front, true) else { continue };
            let fits = cluster.endpoints.iter().filter(|e| {
                e.ready
                    && e.service == own.name
                    && e.address.0.is_v4() == address.is_v4()
                    && e.port_name.as_ref().is_none_or(|name| *name == own.port_name)
            });
            for endpoint in fits {
                let row = StatedServer {
                    address: endpoint.address.0,
                    port: endpoint.address.1,
                    weight: None,
                    forwarding: None,
                    active: None,
                    inactive: None,
                    at: endpoint.at,
                };
                server(&mut cx, at, row);
            }
        }
    }
    cx.state.cluster = cluster;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::parse;

    // After the API reference of Kubernetes (core/v1, discovery.k8s.io/v1).
    const LIST: &str = r#"{
  "apiVersion": "v1",
  "items": [
    {"apiVersion": "v1", "kind": "Service",
     "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
     "spec": {"clusterIP": "10.96.0.8", "clusterIPs": ["10.96.0.8"], "type": "LoadBalancer",
       "externalTrafficPolicy": "Local",
       "ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 31080, "protocol": "TCP"}]},
     "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.8"}]}}},
    {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
     "metadata": {"name": "web-abcde", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
     "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
     "endpoints": [
       {"addresses": ["10.244.1.5"], "conditions": {"ready": true}, "nodeName": "node1"},
       {"addresses": ["10.244.2.6"], "conditions": {"ready": false}, "nodeName": "node2"}]},
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"},
     "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.11"}, {"type": "Hostname", "address": "node1"}]}}
  ],
  "kind": "List"
}
"#;

    #[test]
    fn services_have_the_endpoints_that_take_traffic() {
        let mut state = HostState::default();
        parse(&mut state, "a", LIST);
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        assert_eq!(state.services.len(), 2);
        let external = &state.services[1];
        assert!(matches!(external.front, Front::Address { port: 80, .. }));
        assert_eq!(external.servers.len(), 1);
        assert_eq!((external.servers[0].port, external.servers[0].at.line), (8080, 14));
        assert!(state.cluster.services[0].local);
        assert_eq!(state.cluster.nodes.len(), 1);
        assert_eq!(state.cluster.endpoints[1].node.as_deref(), Some("node2"));
    }
}
