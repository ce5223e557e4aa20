//! `ip neigh`.

use crate::state::context::Cx;
use crate::state::model::Neighbour;
use crate::state::text::{after, ip};

/// States of a neighbour (ip-neighbour(8)).
const STATES: [&str; 9] =
    ["REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "INCOMPLETE", "PERMANENT", "NOARP", "NONE"];

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let Some(address) = words.first().and_then(|w| ip(w)) else { return false };
    let state = words.iter().rev().find(|w| STATES.contains(w));
    let lladdr = after(words, "lladdr");
    // `ip -br neigh` has no words between: address, interface, hardware address.
    if let [_, dev, hardware] = words
        && !STATES.contains(dev)
        && let Ok(mac) = hardware.parse()
    {
        let row = Neighbour { ip: address, mac: Some(mac), state: String::new(), at: cx.at };
        cx.keep(row);
        return true;
    }
    // A route has neither; where the file is cut, the second word tells.
    if state.is_none() && lladdr.is_none() {
        return false;
    }
    let row = Neighbour {
        ip: address,
        mac: lladdr.and_then(|text| text.parse().ok()),
        state: state.map_or_else(String::new, |s| (*s).to_owned()),
        at: cx.at,
    };
    cx.keep(row);
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn neighbours_are_read_and_routes_are_not_taken_for_them() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "172.16.0.2 dev eth0 lladdr 52:54:00:25:ad:53 router extern_learn REACHABLE \n172.16.0.9 dev eth0  FAILED\nfe80::1 lladdr 52:54:00:25:ad:53 STALE\n172.16.0.7 dev eth0 scope link\n172.16.0.8                              eth0             52:54:00:25:ad:54 \n",
        );
        let seen: Vec<_> =
            state.neighbours.iter().map(|n| (n.mac.is_some(), n.state.as_str())).collect();
        assert_eq!(seen, [(true, "REACHABLE"), (false, "FAILED"), (true, "STALE"), (true, "")]);
        assert_eq!((state.routes.len(), state.notes.len()), (1, 0));
    }
}
