//! `ipvsadm -Ln`: services with their real servers, weights and counts.
//!
//! Also reads the listing of `--stats` and `--rate`, of which it takes the
//! addresses alone.

use crate::state::context::{Block, Cx};
use crate::state::model::{
    Forwarding, Front, MAX_SERVICES, StatedServer, StatedService, Tunnel, keep,
};
use crate::state::text::{endpoint, protocol, wire_endpoint};
use crate::wire::Protocol;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        ["IP", "Virtual", "Server", "version", ..] | ["Prot", "LocalAddress:Port", ..] => true,
        ["->", "RemoteAddress:Port", ..] => true,
        ["->", rest @ ..] if matches!(cx.block, Block::Service(_)) => {
            real_server(cx, rest);
            true
        }
        [first, second, rest @ ..] => virtual_service(cx, first, second, rest),
        _ => false,
    }
}

fn virtual_service(cx: &mut Cx<'_>, first: &str, second: &str, rest: &[&str]) -> bool {
    let front = if first == "FWM" {
        second.parse().ok().map(Front::Mark)
    } else if first.bytes().all(|b| b.is_ascii_uppercase()) && protocol(first).is_some() {
        let number = protocol(first).unwrap_or(Protocol(0));
        wire_endpoint(second).or_else(|| endpoint(second)).map(|(vip, port)| Front::Address {
            vip,
            port,
            protocol: number,
        })
    } else {
        return false;
    };
    let Some(front) = front else {
        cx.note("names instead of addresses and ports; list it with ipvsadm -Ln");
        cx.block = Block::Service(None);
        return true;
    };
    let at = service(cx, front, false);
    if let Some(known) = at.and_then(|at| cx.state.services.get_mut(at)) {
        let is_name = |w: &&&str| w.bytes().all(|b| b.is_ascii_lowercase());
        known.scheduler =
            rest.first().filter(is_name).map(|w| (*w).to_owned()).or(known.scheduler.take());
        if let Some(seconds) = crate::state::text::after(rest, "persistent") {
            known.persistence = seconds.parse().ok();
        }
    }
    cx.block = Block::Service(at);
    true
}

fn real_server(cx: &mut Cx<'_>, words: &[&str]) {
    let Block::Service(Some(of)) = cx.block else { return };
    let Some((address, port)) =
        words.first().and_then(|w| wire_endpoint(w).or_else(|| endpoint(w)))
    else {
        cx.note("a real server by name; list it with ipvsadm -Ln");
        return;
    };
    let forwarding = match words.get(1) {
        Some(&"Masq") => Some(Forwarding::Masquerading),
        Some(&"Route") => Some(Forwarding::Direct),
        Some(&"Tunnel") => Some(Forwarding::Tunnel(Tunnel::Ipip)),
        Some(&"Local") => Some(Forwarding::Local),
        Some(&("FullNat" | "FNAT")) => Some(Forwarding::FullNat),
        _ => None,
    };
    // Without the method the numbers are traffic, not weights.
    let number = |at: usize| forwarding.and(words.get(at)).and_then(|w| w.parse().ok());
    let place = cx.at;
    let row = StatedServer {
        address,
        port,
        weight: number(2),
        forwarding,
        active: number(3),
        inactive: number(4),
        at: place,
    };
    server(cx, of, row);
}

/// The service with this front, made where it is new; `None` where there is no
/// room.
pub(in crate::state) fn service(cx: &mut Cx<'_>, front: Front, configured: bool) -> Option<usize> {
    let same = |s: &StatedService| s.front == front && s.configured == configured;
    if let Some(known) = cx.state.services.iter().position(same) {
        return Some(known);
    }
    let row = StatedService {
        front,
        scheduler: None,
        persistence: None,
        method: None,
        configured,
        servers: Vec::new(),
        at: cx.at,
    };
    if keep(&mut cx.state.services, MAX_SERVICES, row) {
        return Some(cx.state.services.len() - 1);
    }
    cx.full("virtual services");
    None
}

/// Adds a real server to a service, or what is new of it to the one that is
/// known from another listing.
pub(in crate::state) fn server(cx: &mut Cx<'_>, of: usize, row: StatedServer) {
    let Some(service) = cx.state.services.get_mut(of) else { return };
    let same = |s: &&mut StatedServer| (s.address, s.port) == (row.address, row.port);
    if let Some(known) = service.servers.iter_mut().find(same) {
        known.weight = row.weight.or(known.weight);
        // `-Ln` does not print the type of a tunnel, which `-Sn` did.
        let typed = matches!(known.forwarding, Some(Forwarding::Tunnel(_)));
        if !(typed && row.forwarding == Some(Forwarding::Tunnel(Tunnel::Ipip))) {
            known.forwarding = row.forwarding.or(known.forwarding);
        }
        known.active = row.active.or(known.active);
        known.inactive = row.inactive.or(known.inactive);
    } else if !keep(&mut service.servers, MAX_SERVICES, row) {
        cx.full("real servers");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::model::HostState;
    use crate::state::parse;

    const TABLE: &str = "IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  172.16.0.8:80 rr persistent 50
  -> 172.16.0.11:80               Route   1      0          2         
  -> 172.16.0.12:80               Tunnel  2      2          0         
UDP  [2001:db8::8]:53 wlc ops
  -> [2001:db8::11]:53            Masq    1      0          0
FWM  1 sh
";

    #[test]
    fn a_listing_is_read() {
        let mut state = HostState::default();
        assert!(parse(&mut state, "a", TABLE));
        assert_eq!(state.services.len(), 3);
        let first = &state.services[0];
        assert_eq!((first.scheduler.as_deref(), first.persistence), (Some("rr"), Some(50)));
        let counts: Vec<_> =
            first.servers.iter().map(|s| (s.weight, s.active, s.inactive)).collect();
        assert_eq!(counts, [(Some(1), Some(0), Some(2)), (Some(2), Some(2), Some(0))]);
        assert_eq!(state.services[1].servers[0].forwarding, Some(Forwarding::Masquerading));
        assert_eq!(state.services[2].front, Front::Mark(1));
        assert!(state.notes.is_empty(), "{:?}", state.notes);
    }

    #[test]
    fn a_saved_table_and_its_listing_are_one() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            &format!(
                "-A -t 172.16.0.8:80 -s rr\n-a -t 172.16.0.8:80 -r 172.16.0.12:80 -i -w 2 --tun-type gre\n\n{TABLE}"
            ),
        );
        assert_eq!((state.services.len(), state.services[0].servers.len()), (3, 2));
        let merged = &state.services[0].servers[0];
        assert_eq!(merged.forwarding, Some(Forwarding::Tunnel(Tunnel::Gre)));
        assert_eq!((merged.active, merged.at.line), (Some(2), 2));
    }

    #[test]
    fn traffic_is_not_taken_for_weights() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "TCP  172.16.0.8:80   7   38   21   2860   2230\n  -> 172.16.0.11:80   4   20   10   1500   1200\n",
        );
        assert_eq!(state.services[0].servers[0].weight, None);
        assert_eq!(state.services[0].scheduler, None);
    }

    #[test]
    fn an_arrow_without_a_service_is_not_understood() {
        let mut state = HostState::default();
        assert!(!parse(&mut state, "a", "  -> 172.16.0.11:80   Route 1 0 2\n"));
        assert!(state.services.is_empty());
    }
}
