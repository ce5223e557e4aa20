//! `ip route` and `ip -6 route`.

use crate::state::context::Cx;
use crate::state::model::Route;
use crate::state::text::{after, ip, prefix};
use crate::wire::Ip;

/// Types of a route (ip-route(8)) that stand before the network.
const KINDS: [&str; 10] = [
    "unicast",
    "local",
    "broadcast",
    "multicast",
    "throw",
    "unreachable",
    "prohibit",
    "blackhole",
    "nat",
    "anycast",
];

/// Words that may follow the network: other tables begin with addresses as well.
const WORDS: [&str; 15] = [
    "via", "dev", "proto", "scope", "src", "metric", "table", "nhid", "tos", "encap", "mtu",
    "onlink", "advmss", "from", "uid",
];

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    // `ip route get` says below a route where it comes from.
    if words.first() == Some(&"cache") {
        return true;
    }
    if let ["nexthop", rest @ ..] = words {
        return next_hop(cx, rest);
    }
    let (kind, words) = match words {
        [kind, rest @ ..] if KINDS.contains(kind) => (*kind, rest),
        _ => ("unicast", words),
    };
    let Some(first) = words.first() else { return false };
    let via = gateway(words);
    let to = if *first == "default" {
        let v6 = via.is_some_and(|ip| !ip.is_v4()) || words.contains(&"pref");
        Some(if v6 { (Ip::v6([0; 16]), 0) } else { (Ip::v4([0; 4]), 0) })
    } else {
        first.contains(['.', ':']).then(|| prefix(&padded(first))).flatten()
    };
    let Some(to) = to else { return false };
    if words.get(1).is_some_and(|word| !WORDS.contains(word)) {
        return false;
    }
    // An address alone is no route; a network may have its gateways below.
    if words.len() < 2 && *first != "default" && !first.contains('/') && kind == "unicast" {
        return false;
    }
    let row = Route {
        to,
        via,
        dev: after(words, "dev").map(str::to_owned),
        src: after(words, "src").and_then(ip),
        metric: after(words, "metric").and_then(|w| w.parse().ok()).unwrap_or(0),
        kind: kind.to_owned(),
        table: after(words, "table").filter(|t| *t != "main").map(str::to_owned),
        at: cx.at,
    };
    cx.keep(row);
    true
}

/// `via ADDRESS`, or `via inet6 ADDRESS` where the families differ.
fn gateway(words: &[&str]) -> Option<Ip> {
    match after(words, "via")? {
        family @ ("inet" | "inet6") => after(words, family).and_then(ip),
        address => ip(address),
    }
}

/// One of several gateways of the route above.
fn next_hop(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let at = cx.at;
    let above = cx.state.routes.last_mut();
    let is_next =
        |r: &&mut Route| r.at.file == at.file && r.at.line.checked_add(1) == Some(at.line);
    let Some(above) = above.filter(is_next) else {
        return false;
    };
    let via = gateway(words);
    let dev = after(words, "dev").map(str::to_owned);
    if above.via.is_none() && above.dev.is_none() {
        (above.via, above.dev, above.at) = (via, dev, at);
        return true;
    }
    let row = Route { via, dev, at, ..above.clone() };
    cx.keep(row);
    true
}

/// iproute2 leaves out trailing zeros only in very old versions: `10/8`.
fn padded(text: &str) -> String {
    let (head, bits) = text.split_once('/').map_or((text, None), |(h, b)| (h, Some(b)));
    let dots = head.bytes().filter(|b| *b == b'.').count();
    match bits {
        Some(bits) if !head.contains(':') && dots < 3 => {
            format!("{head}{}/{bits}", ".0".repeat(3 - dots))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn routes_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "default via 172.16.0.1 dev eth0 proto static metric 100 linkdown \n172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.12 \nunreachable 10.1.0.0/16 \nlocal 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 \ndefault via fe80::1 dev eth0 proto ra metric 1024 pref medium\ndefault proto static\n\tnexthop via 10.0.0.1 dev eth1 weight 1\n\tnexthop via 10.0.0.2 dev eth2 weight 1\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let r = &state.routes;
        assert_eq!(r.len(), 7);
        assert_eq!((r[0].to.1, r[0].via, r[0].metric), (0, Some(Ip::v4([172, 16, 0, 1])), 100));
        assert_eq!((r[1].to.1, r[1].src), (24, Some(Ip::v4([172, 16, 0, 12]))));
        assert_eq!((r[2].kind.as_str(), r[3].table.as_deref()), ("unreachable", Some("local")));
        assert!(!r[4].to.0.is_v4());
        assert_eq!((r[5].via, r[6].via), (ip("10.0.0.1"), ip("10.0.0.2")));
    }

    #[test]
    fn gateways_belong_to_the_route_right_above() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "blackhole 10.8.0.0/16 \n10.9.0.0/16 \n\tnexthop via 10.0.0.3 dev a weight 1 \n\tnexthop via 10.0.0.4 dev a weight 1 \n10.7.0.1\n\tnexthop via 10.0.0.5 dev a weight 1\n",
        );
        let vias: Vec<_> = state.routes.iter().map(|r| r.via).collect();
        assert_eq!(vias, [None, ip("10.0.0.3"), ip("10.0.0.4")]);
        assert_eq!(state.notes.len(), 2);
    }
}
