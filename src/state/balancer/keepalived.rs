//! keepalived.conf(5): virtual servers with their real servers, and VRRP
//! instances.
//!
//! Blocks that say nothing of either are passed over. Groups, included files
//! and variables are not followed; the state is then [`HostState::partial`].
//!
//! [`HostState::partial`]: crate::state::HostState::partial

use super::ipvs_table::{server, service};
use crate::state::context::{Block, Braces, Cx, Level};
use crate::state::model::{Forwarding, Front, MAX_ROWS, StatedServer, Tunnel, VrrpInstance, keep};
use crate::state::text::{ip, prefix, protocol};
use crate::wire::Protocol;

/// Words that begin a block at the top of the file.
const TOP: [&str; 17] = [
    "global_defs",
    "vrrp_instance",
    "vrrp_sync_group",
    "vrrp_script",
    "vrrp_track_process",
    "vrrp_track_file",
    "track_file",
    "virtual_server",
    "virtual_server_group",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "garp_group",
    "bfd_instance",
    "local_address_group",
    "linkbeat_use_polling",
    "net_namespace",
];
/// Deeper blocks are counted and not told apart.
const MAX_DEPTH: usize = 32;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let end = words.iter().position(|w| w.starts_with(['!', '#'])).unwrap_or(words.len());
    let words = &words[..end];
    if !matches!(cx.block, Block::Braces(_)) {
        match words.first() {
            Some(&"include") => {
                partial(cx, "an included file is not followed; give it as well");
                return true;
            }
            Some(word) if TOP.contains(word) => cx.block = Block::Braces(Braces::default()),
            _ => return false,
        }
    }
    let Block::Braces(mut braces) = std::mem::take(&mut cx.block) else { return false };
    let mut said: Vec<&str> = Vec::new();
    for word in split(words) {
        match word {
            "{" => {
                let level = match (said.is_empty(), braces.waiting.take()) {
                    (true, Some(level)) => level,
                    _ => level(cx, &braces, &said),
                };
                said.clear();
                if braces.open.len() < MAX_DEPTH {
                    braces.open.push(level);
                } else {
                    braces.deeper += 1;
                }
            }
            "}" => {
                say(cx, &braces, &said);
                said.clear();
                if braces.deeper > 0 {
                    braces.deeper -= 1;
                } else {
                    braces.open.pop();
                }
            }
            word => said.push(word),
        }
    }
    if !said.is_empty() {
        let begins = if braces.open.is_empty() {
            TOP.contains(&said[0])
        } else {
            matches!(said[0], "real_server" | "virtual_ipaddress" | "virtual_ipaddress_excluded")
        };
        if begins {
            braces.waiting = Some(level(cx, &braces, &said));
        } else {
            say(cx, &braces, &said);
        }
    }
    if braces.is_open() {
        cx.block = Block::Braces(braces);
    }
    true
}

/// Words with each brace on its own.
fn split<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut all = Vec::new();
    for word in words {
        let mut rest = *word;
        while let Some(at) = rest.find(['{', '}']) {
            if at > 0 {
                all.push(&rest[..at]);
            }
            all.push(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() {
            all.push(rest);
        }
    }
    all
}

fn partial(cx: &mut Cx<'_>, what: &str) {
    cx.state.partial = true;
    cx.note(what);
}

/// What a block is, by the words before its brace.
fn level(cx: &mut Cx<'_>, braces: &Braces, words: &[&str]) -> Level {
    match (braces.open.last(), words) {
        (None, ["virtual_server", "fwmark", mark, ..]) => {
            Level::Virtual(mark.parse().ok().and_then(|m| service(cx, Front::Mark(m), true)))
        }
        (None, ["virtual_server", "group", ..] | ["virtual_server_group", ..]) => {
            partial(cx, "virtual_server groups are not followed");
            Level::Other
        }
        (None, ["virtual_server", vip, rest @ ..]) => {
            let port = rest.first().map_or(Some(0), |p| p.parse().ok());
            let (Some(vip), Some(port)) = (ip(vip), port) else {
                partial(cx, "names instead of an address and a port, left out");
                return Level::Virtual(None);
            };
            Level::Virtual(service(cx, Front::Address { vip, port, protocol: Protocol::TCP }, true))
        }
        (Some(Level::Virtual(of)), ["real_server", address, rest @ ..]) => {
            Level::Real(of.and_then(|of| real_server(cx, of, address, rest, 1)))
        }
        (None, ["vrrp_instance", name, ..]) => {
            let row = VrrpInstance { name: (*name).to_owned(), at: cx.at, ..Default::default() };
            let kept = keep(&mut cx.state.vrrp, MAX_ROWS, row);
            Level::Vrrp(kept.then(|| cx.state.vrrp.len() - 1))
        }
        (Some(Level::Vrrp(of)), ["virtual_ipaddress" | "virtual_ipaddress_excluded", ..]) => {
            Level::Addresses(*of)
        }
        _ => Level::Other,
    }
}

fn real_server(
    cx: &mut Cx<'_>,
    of: usize,
    address: &str,
    rest: &[&str],
    weight: u32,
) -> Option<(usize, usize)> {
    let port = rest.first().map_or(Some(0), |p| p.parse().ok());
    let (Some(address), Some(port)) = (ip(address), port) else {
        partial(cx, "a real server by name, left out");
        return None;
    };
    let row = StatedServer {
        address,
        port,
        weight: Some(weight),
        forwarding: None,
        active: None,
        inactive: None,
        at: cx.at,
    };
    server(cx, of, row);
    let servers = &cx.state.services.get(of)?.servers;
    let at = servers.iter().position(|s| (s.address, s.port) == (address, port))?;
    Some((of, at))
}

/// A setting inside a block.
fn say(cx: &mut Cx<'_>, braces: &Braces, words: &[&str]) {
    let ([key, values @ ..], Some(level)) = (words, braces.open.last()) else { return };
    let value = values.first().copied().unwrap_or("");
    match *level {
        Level::Virtual(Some(of)) => virtual_server(cx, of, key, value, values),
        Level::Real(Some((of, at))) => {
            let server = cx.state.services.get_mut(of).and_then(|s| s.servers.get_mut(at));
            let Some(server) = server else { return };
            match *key {
                "weight" => server.weight = value.parse().ok().or(server.weight),
                "lb_kind" | "lvs_method" => {
                    server.forwarding = method(value, values).or(server.forwarding);
                }
                _ => {}
            }
        }
        Level::Vrrp(Some(of)) => {
            let Some(instance) = cx.state.vrrp.get_mut(of) else { return };
            match *key {
                "state" => instance.state = Some(value.to_owned()),
                "interface" => instance.interface = Some(value.to_owned()),
                "virtual_router_id" => instance.id = value.parse().ok(),
                "priority" => instance.priority = value.parse().ok(),
                "unicast_src_ip" | "mcast_src_ip" => instance.source = ip(value),
                _ => {}
            }
        }
        Level::Addresses(Some(of)) => {
            if let (Some((ip, _)), Some(instance)) = (prefix(key), cx.state.vrrp.get_mut(of)) {
                keep(&mut instance.addresses, MAX_ROWS >> 2, ip);
            }
        }
        _ => {}
    }
}

fn virtual_server(cx: &mut Cx<'_>, of: usize, key: &str, value: &str, values: &[&str]) {
    if key == "sorry_server" {
        // It serves only where no other does.
        real_server(cx, of, value, values.get(1..).unwrap_or(&[]), 0);
        return;
    }
    let Some(service) = cx.state.services.get_mut(of) else { return };
    match key {
        "lb_algo" | "lvs_sched" => service.scheduler = Some(value.to_owned()),
        "persistence_timeout" => service.persistence = value.parse().ok(),
        "protocol" => {
            if let (Front::Address { protocol: known, .. }, Some(number)) =
                (&mut service.front, protocol(value))
            {
                *known = number;
            }
        }
        "lb_kind" | "lvs_method" => service.method = method(value, values),
        _ => {}
    }
}

fn method(value: &str, values: &[&str]) -> Option<Forwarding> {
    Some(match value {
        "NAT" => Forwarding::Masquerading,
        "DR" => Forwarding::Direct,
        "FNAT" => Forwarding::FullNat,
        "TUN" => Forwarding::Tunnel(match crate::state::text::after(values, "type") {
            Some("gue") => Tunnel::Gue,
            Some("gre") => Tunnel::Gre,
            _ => Tunnel::Ipip,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::Ip;

    pub(super) const CONF: &str = "! Configuration File for keepalived
global_defs {
    router_id LB1
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150   # of 255
    authentication {
        auth_type PASS
    }
    virtual_ipaddress {
        172.16.0.8/32 dev eth0 label eth0:1
        2001:db8::8
    }
}
virtual_server 172.16.0.8 80
{
    delay_loop 6
    lb_algo wrr
    persistence_timeout 50
    protocol TCP
    real_server 172.16.0.11 80 {
        weight 3
        HTTP_GET { url { path / status_code 200 } connect_timeout 3 }
    }
    lb_kind DR
    real_server 172.16.0.12 80 {
        TCP_CHECK {
            connect_timeout 3
        }
    }
    sorry_server 172.16.0.99 80
}
virtual_server 172.16.0.8 53 {
    protocol UDP
}
";

    #[test]
    fn servers_and_instances_are_read() {
        let mut state = HostState::default();
        parse(&mut state, "a", CONF);
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [web, dns] = &state.services[..] else { panic!("{:?}", state.services) };
        assert_eq!(
            web.front,
            Front::Address { vip: Ip::v4([172, 16, 0, 8]), port: 80, protocol: Protocol::TCP }
        );
        assert_eq!((web.scheduler.as_deref(), web.persistence), (Some("wrr"), Some(50)));
        assert!(
            web.configured && matches!(dns.front, Front::Address { protocol: Protocol::UDP, .. })
        );
        let told: Vec<_> = web.servers.iter().map(|s| (s.weight, web.method_of(s))).collect();
        let dr = Some(Forwarding::Direct);
        assert_eq!(told, [(Some(3), dr), (Some(1), dr), (Some(0), dr)]);
        let vrrp = &state.vrrp[0];
        assert_eq!((vrrp.id, vrrp.priority, vrrp.addresses.len()), (Some(51), Some(150), 2));
        assert_eq!(vrrp.state.as_deref(), Some("MASTER"));
        assert!(!state.partial);
    }

    #[test]
    fn what_is_not_followed_is_said() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "include /etc/keepalived/conf.d/*.conf\nvirtual_server group WEB {\n lb_kind DR\n}\nvirtual_server web.example 80 {\n real_server 10.0.0.1 80 { }\n}\n",
        );
        assert!(state.partial && state.services.is_empty());
        assert_eq!(state.notes.len(), 3, "{:?}", state.notes);
    }

    #[test]
    fn a_block_that_is_not_closed_ends_at_the_next_heading() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "virtual_server 10.0.0.8 80 {\n lb_kind NAT\n\n$ ip route\ndefault via 10.0.0.1 dev eth0\n",
        );
        assert_eq!((state.services.len(), state.routes.len()), (1, 1));
        assert!(state.notes.iter().any(|n| n.ends_with("is not closed")), "{:?}", state.notes);
    }

    #[test]
    fn depth_is_bounded() {
        let mut state = HostState::default();
        let deep = "a {\n".repeat(100_000);
        parse(&mut state, "a", &format!("global_defs {{\n{deep}{}", "}\n".repeat(100_000)));
        parse(&mut state, "b", "}}}}{{{{\n{ }\n");
        assert!(state.services.is_empty());
    }
}
