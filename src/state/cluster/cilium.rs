//! `cilium bpf lb list` and `cilium bpf ct list`. Written after cilium's command reference; none
//! was at hand.

use crate::state::balancer::ipvs_table::{server, service};
use crate::state::context::{Block, Cx};
use crate::state::model::{Front, StatedServer};
use crate::state::text::{endpoint, protocol};
use crate::wire::{Ip, Protocol};

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    match words {
        ["SERVICE", "ADDRESS", "BACKEND", "ADDRESS", ..] => {
            cx.block = Block::CiliumServices(None);
            return true;
        }
        // `TCP OUT 10.0.0.1:34567 -> 10.0.1.2:80 expires=... RevNAT=4 ...`: one side alone.
        ["TCP" | "UDP" | "ICMP", "IN" | "OUT" | "SVC", _, "->", _, ..] => return true,
        _ => {}
    }
    let Block::CiliumServices(above) = cx.block else { return false };
    let (front, rest) = match words {
        _ if line.starts_with(char::is_whitespace) => (above, words),
        [first, rest @ ..] => (front(first), rest),
        [] => return false,
    };
    let Some(front) = front else { return false };
    cx.block = Block::CiliumServices(Some(front));
    // The slot of the service may stand between; slot 0 has no backend.
    let Some(backend) = rest.iter().find_map(|word| end(word)) else { return true };
    let Some(at) = service(cx, front, true) else { return true };
    let (address, port) = backend.0;
    if address.is_host() {
        let row = StatedServer {
            address,
            port,
            weight: None,
            forwarding: None,
            active: None,
            inactive: None,
            at: cx.at,
        };
        server(cx, at, row);
    }
    true
}

/// `10.96.0.10:53/UDP`, of old without the protocol.
fn end(word: &str) -> Option<((Ip, u16), Protocol)> {
    let (address, name) = word.split_once('/').map_or((word, "TCP"), |(a, p)| (a, p));
    // Frontends of a scope: `10.96.0.10:53/UDP/i`.
    let name = name.split('/').next().unwrap_or(name);
    Some((endpoint(address).filter(|_| address.contains(':'))?, protocol(name)?))
}

fn front(word: &str) -> Option<Front> {
    end(word).map(|((vip, port), protocol)| Front::Address { vip, port, protocol })
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn services_with_backends_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "SERVICE ADDRESS               BACKEND ADDRESS (REVNAT_ID) (SLOT)\n10.96.0.10:53/UDP (0)         0.0.0.0:0 (4) (0) [ClusterIP, non-routable]\n10.96.0.10:53/UDP (1)         10.0.1.2:53/UDP (4) (1)\n10.96.0.10:53/UDP (2)         10.0.1.3:53/UDP (4) (2)\n10.96.0.1:443                 192.0.2.1:6443 (1) (1)\n                              192.0.2.2:6443 (1) (2)\n\nTCP OUT 10.0.1.2:34567 -> 10.0.1.3:80 expires=123 RxPackets=1 RevNAT=4\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let counts: Vec<usize> = state.services.iter().map(|s| s.servers.len()).collect();
        assert_eq!(counts, [2, 2]);
    }
}
