//! Outputs in JSON: `ip -j` of addr, link, route, neigh and rule (an array), and what kubectl gives
//! with `-o json` (an object, [`kubernetes`](super::cluster::kubernetes)).
//!
//! Only the fields that are asked for are taken in. Rows stand in the document's order, so the
//! line of one is found by going on from the one before.

use super::cluster::kubernetes;
use super::context::Cx;
use super::filter::{dropped_json, nft_json};
use super::host::addresses::{add, bare, interface};
use super::model::{Address, Neighbour, Route};
use super::place::Lines;
use super::records::PolicyRule;
use super::text::{ip, prefix};
use crate::wire::{Ip, Mac};
use serde::Deserialize;
use serde_json::Value;

/// Whether a text begins as such a value does: counts of iptables-save stand in brackets too.
pub(super) fn begins(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['[', '{']) else { return false };
    rest.trim_start().starts_with(['{', '"', ']', '}'])
}

/// Reads the value that begins a text; how many bytes it takes, `None` where it is none of these.
pub(super) fn take(cx: &mut Cx<'_>, text: &str) -> Option<usize> {
    if nft_json::begins(text) {
        return nft_json::take(cx, text);
    }
    if dropped_json::begins(text) {
        return dropped_json::take(cx, text);
    }
    let mut lines = Lines::new(text, cx.at.line);
    if text.starts_with('{') {
        let mut all = serde_json::Deserializer::from_str(text).into_iter::<kubernetes::Document>();
        let document = all.next()?.ok()?;
        let end = all.byte_offset();
        return kubernetes::take(cx, document, &mut lines).then_some(end);
    }
    let mut all = serde_json::Deserializer::from_str(text).into_iter::<Vec<Row>>();
    let rows = all.next()?.ok()?;
    let end = all.byte_offset();
    let mut any = rows.is_empty();
    for row in rows {
        any |= take_row(cx, row, &mut lines);
    }
    any.then_some(end)
}

/// One row of `ip -j`; which table it is of is told by the fields that it has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    ifname: Option<String>,
    address: Option<String>,
    addr_info: Option<Vec<Own>>,
    dst: Option<String>,
    gateway: Option<String>,
    via: Option<Via>,
    dev: Option<String>,
    prefsrc: Option<String>,
    metric: Option<u32>,
    #[serde(rename = "type")]
    kind: Option<String>,
    table: Option<Value>,
    nexthops: Vec<Hop>,
    lladdr: Option<String>,
    state: Option<Value>,
    priority: Option<u32>,
    src: Option<String>,
    srclen: Option<u8>,
    dstlen: Option<u8>,
    fwmark: Option<Value>,
    iif: Option<String>,
    oif: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    local: Option<String>,
    prefixlen: u8,
    scope: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Via {
    host: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hop {
    gateway: Option<String>,
    via: Option<Via>,
    dev: Option<String>,
}

fn take_row(cx: &mut Cx<'_>, row: Row, lines: &mut Lines<'_>) -> bool {
    if row.ifname.is_some() {
        link(cx, &row, lines);
    } else if row.priority.is_some() {
        rule(cx, &row, lines);
    } else if row.lladdr.is_some() || matches!(row.state, Some(Value::Array(_))) {
        neighbour(cx, &row, lines);
    } else if row.dst.is_some() {
        route(cx, row, lines);
    } else {
        // `ip -j addr show dev x` puts empty objects where it filters.
        return row.addr_info.is_none();
    }
    true
}

fn link(cx: &mut Cx<'_>, row: &Row, lines: &mut Lines<'_>) {
    let file = cx.at.file;
    let name = row.ifname.as_deref().unwrap_or("");
    cx.at = lines.of(file, name);
    let Some(at) = interface(cx, bare(name)) else { return };
    let mac = row.address.as_deref().and_then(|text| text.parse().ok());
    let own = &mut cx.state.interfaces[at];
    own.mac = mac.filter(|mac: &Mac| mac.is_unicast()).or(own.mac);
    own.listed |= row.addr_info.is_some();
    let mut room = true;
    for address in row.addr_info.iter().flatten() {
        let Some(text) = address.local.as_deref() else { continue };
        let Some(ip) = ip(text) else { continue };
        let at = lines.of(file, text);
        let scope = address.scope.clone();
        room &= add(own, Address { ip, prefix: address.prefixlen, scope, at });
    }
    if !room {
        cx.full("addresses");
    }
}

fn name_of(table: Option<&Value>) -> Option<String> {
    match table? {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn route(cx: &mut Cx<'_>, row: Row, lines: &mut Lines<'_>) {
    let Some(text) = row.dst.as_deref() else { return };
    let at = lines.of(cx.at.file, text);
    let gateway = |gateway: Option<&String>, via: Option<&Via>| {
        let text = gateway.or(via.and_then(|v| v.host.as_ref()));
        text.and_then(|text| ip(text))
    };
    let via = gateway(row.gateway.as_ref(), row.via.as_ref());
    let to = match text {
        "default" if via.is_some_and(|via| !via.is_v4()) => Some((Ip::v6([0; 16]), 0)),
        "default" => Some((Ip::v4([0; 4]), 0)),
        _ => prefix(text),
    };
    let Some(to) = to else { return };
    let whole = Route {
        to,
        via,
        dev: row.dev,
        src: row.prefsrc.as_deref().and_then(ip),
        metric: row.metric.unwrap_or(0),
        kind: row.kind.unwrap_or_else(|| "unicast".to_owned()),
        table: name_of(row.table.as_ref()).filter(|name| name != "main"),
        at,
    };
    let hops: Vec<Route> = row
        .nexthops
        .into_iter()
        .map(|hop| Route {
            via: gateway(hop.gateway.as_ref(), hop.via.as_ref()),
            dev: hop.dev,
            ..whole.clone()
        })
        .collect();
    let rows = if hops.is_empty() { vec![whole] } else { hops };
    for row in rows {
        cx.keep(row);
    }
}

fn neighbour(cx: &mut Cx<'_>, row: &Row, lines: &mut Lines<'_>) {
    let Some(text) = row.dst.as_deref() else { return };
    let Some(ip) = ip(text) else { return };
    let state = match &row.state {
        Some(Value::Array(all)) => all.first().and_then(Value::as_str).unwrap_or(""),
        _ => "",
    };
    let row = Neighbour {
        ip,
        mac: row.lladdr.as_deref().and_then(|text| text.parse().ok()),
        state: state.to_owned(),
        at: lines.of(cx.at.file, text),
    };
    cx.keep(row);
}

fn rule(cx: &mut Cx<'_>, row: &Row, lines: &mut Lines<'_>) {
    let priority = row.priority.unwrap_or(0);
    let net = |text: Option<&String>, bits: Option<u8>| {
        let text = text.filter(|text| *text != "all")?;
        let whole = bits.map_or_else(|| text.clone(), |bits| format!("{text}/{bits}"));
        prefix(&whole)
    };
    let row = PolicyRule {
        priority,
        from: net(row.src.as_ref(), row.srclen),
        to: net(row.dst.as_ref(), row.dstlen),
        more: row.fwmark.is_some() || row.iif.is_some() || row.oif.is_some(),
        table: name_of(row.table.as_ref()).unwrap_or_default(),
        at: lines.of(cx.at.file, &format!("{priority}")),
    };
    cx.keep(row);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn all_tables_of_ip_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "$ ip -j addr\n[{\"ifindex\":2,\"ifname\":\"va\",\"address\":\"ae:ef:5e:99:d7:61\",\"addr_info\":[{\"family\":\"inet\",\"local\":\"10.9.0.1\",\"prefixlen\":24,\"scope\":\"global\"}]}]\n[{\"dst\":\"default\",\"gateway\":\"10.9.0.254\",\"dev\":\"va\",\"flags\":[]},{\"dst\":\"10.8.0.0/16\",\"nexthops\":[{\"gateway\":\"10.9.0.7\",\"dev\":\"va\"},{\"gateway\":\"10.9.0.8\",\"dev\":\"va\"}],\"table\":\"7\"}]\n[{\"dst\":\"10.9.0.2\",\"dev\":\"va\",\"lladdr\":\"ca:9a:cc:82:56:39\",\"state\":[\"REACHABLE\"]}]\n[{\"priority\":0,\"src\":\"all\",\"table\":\"local\"},{\"priority\":9,\"src\":\"10.9.0.1\",\"table\":\"7\"}]\nnet.ipv4.ip_forward = 1\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        assert_eq!(state.interfaces[0].addresses[0].ip, Ip::v4([10, 9, 0, 1]));
        assert_eq!(state.interfaces[0].addresses[0].at.line, 2);
        assert_eq!((state.routes.len(), state.routes[0].to.1, state.routes[2].at.line), (3, 0, 3));
        assert_eq!(state.neighbours[0].state, "REACHABLE");
        assert_eq!((state.rules_of_routing.len(), state.sysctls.len()), (2, 1));
    }

    #[test]
    fn lines_are_those_of_the_values() {
        let mut state = HostState::default();
        let text = "[ {\n        \"ifname\": \"lo\",\n        \"addr_info\": [ {\n                \"local\": \"10.0.0.8\",\n                \"prefixlen\": 32\n            } ]\n    } ]\nnet.ipv4.ip_forward = 1\n";
        parse(&mut state, "a", text);
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        assert_eq!((state.interfaces[0].at.line, state.interfaces[0].addresses[0].at.line), (2, 4));
        assert_eq!(state.sysctls["net.ipv4.ip_forward"].at.line, 8);
    }
}
