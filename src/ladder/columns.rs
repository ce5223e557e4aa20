//! The columns: parts in path order, with the name and role of each.

use super::arrow::Arrow;
use super::cast::{Cast, Node};
use super::packet::Sent;
use crate::report::ladder::Column;
use crate::topology::{HostId, Role};

/// Parts that some arrow touches, the client first, in the order in which the
/// client's packets pass them; those that only answers pass stand where the
/// answers pass them.
pub(super) fn order(arrows: &[Arrow], packets: &[Sent]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for forward in [true, false] {
        let mut at = None;
        let mut packet = None;
        for arrow in arrows.iter().filter(|a| packets[a.packet].forward == forward) {
            if packet.replace(arrow.packet) != Some(arrow.packet) {
                at = None;
            }
            for node in [arrow.from, arrow.to] {
                at = Some(match (nodes.iter().position(|n| *n == node), at) {
                    (Some(known), _) => known,
                    (None, None) => {
                        nodes.push(node);
                        nodes.len() - 1
                    }
                    (None, Some(before)) => {
                        // Answers come the other way.
                        let place = if forward { before + 1 } else { before };
                        nodes.insert(place, node);
                        place
                    }
                });
            }
        }
    }
    let mut middle: Vec<Node> =
        nodes.iter().copied().filter(|n| matches!(n, Node::Host(_))).collect();
    let has = |node| nodes.contains(&node);
    if has(Node::Client) {
        middle.insert(0, Node::Client);
    }
    if has(Node::Server) {
        middle.push(Node::Server);
    }
    middle
}

pub(super) fn columns(cast: &Cast<'_>, nodes: &[Node], arrows: &[Arrow]) -> Vec<Column> {
    let passed = |node: &Node| arrows.iter().any(|a| a.from == *node && !a.came.is_empty());
    nodes
        .iter()
        .map(|node| Column {
            name: name(cast, *node, nodes),
            role: role(cast, *node, nodes, passed(node)),
        })
        .collect()
}

fn name(cast: &Cast<'_>, node: Node, nodes: &[Node]) -> String {
    let vip = cast.service.vip;
    match node {
        Node::Client => cast.connection.front.client.0.to_string(),
        Node::Server if cast.is_self() => cast.connection.front.client.0.to_string(),
        Node::Server => {
            let server = cast.trace.server(cast.id).filter(|_| !cast.is_proxied());
            let address = server.and_then(|s| s.address);
            let rewritten = cast.connection.back.map(|back| back.server.0);
            let mac = server.and_then(|s| s.mac).map(|mac| mac.to_string());
            let known = address.or(rewritten).map(|ip| ip.to_string());
            known.or(mac).unwrap_or_else(|| vip.to_string())
        }
        Node::Host(host) => host_name(cast, host, nodes),
    }
}

/// The service's address for its only director, else its own address, else the service's if it
/// alone has that, else its MAC, else the capture that was taken on it.
fn host_name(cast: &Cast<'_>, host: HostId, nodes: &[Node]) -> String {
    let held = |node: &Node| cast.host(*node).is_some_and(|h| h != host && cast.holds_vip(h));
    // Beside another host that has the address, it names neither.
    let disputed = nodes.iter().any(held);
    let directors = &cast.service.directors;
    let balances = directors.len() == 1 && cast.service.is_director(host);
    let has = cast.holds_vip(host);
    if balances && (has || !disputed) {
        return cast.service.vip.to_string();
    }
    let known = cast.trace.topology.hosts.get(host);
    let vip = cast.service.vip;
    let usable = |ip: &&crate::wire::Ip| **ip != vip && !ip.is_link_local();
    let same = known.ips.iter().filter(usable).find(|ip| ip.is_v4() == vip.is_v4());
    let label = known.vantages.first().and_then(|v| cast.trace.vantages.get(v.index()));
    same.or_else(|| known.ips.iter().find(usable))
        .copied()
        .or(Some(vip).filter(|_| has && !disputed && directors.is_empty()))
        .map(|ip| ip.to_string())
        .or_else(|| known.macs.first().map(ToString::to_string))
        .or_else(|| label.map(|vantage| vantage.label.clone()))
        .unwrap_or_else(|| "?".to_owned())
}

fn role(cast: &Cast<'_>, node: Node, nodes: &[Node], passed: bool) -> String {
    // Where the service's address stays in what is sent on, nobody is known to have taken it.
    let rewritten = || cast.connection.back.is_some_and(|back| back.server.0 != cast.service.vip);
    let known = !cast.is_proxied() && cast.trace.server(cast.id).is_some();
    match node {
        Node::Client => "client",
        Node::Server if cast.is_self() && nodes.contains(&Node::Client) => {
            "real server (same host)"
        }
        Node::Server if cast.is_director(node) => "director, answers itself",
        Node::Server if known || rewritten() => "real server",
        Node::Server => "service, not captured",
        Node::Host(host) if cast.service.is_director(host) => "director",
        Node::Host(host) if cast.is_real_server(host) => "real server",
        // What it is to others says more than what this connection shows of it.
        Node::Host(host) => match cast.trace.roles().get(&host).map(|(role, _)| *role) {
            Some(Role::Director) => Role::Director.name(),
            Some(role @ (Role::RealServer | Role::Client)) if !passed => role.name(),
            _ if cast.holds_vip(host) => "holds the service's address",
            // Whatever it serves to others, it sends this on.
            Some(Role::RealServer | Role::Client) => Role::Router.name(),
            Some(role) => role.name(),
            None => "host",
        },
    }
    .to_owned()
}
