//! `ip -br addr` and `ip -br link`: one line an interface.

use super::addresses::{add, bare, interface};
use crate::state::context::Cx;
use crate::state::model::Address;
use crate::state::text::prefix;

/// Operational states (RFC 2863, section 3.1.14) as iproute2 prints them.
const STATES: [&str; 7] =
    ["UP", "DOWN", "UNKNOWN", "LOWERLAYERDOWN", "DORMANT", "NOTPRESENT", "TESTING"];

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let [name, state, rest @ ..] = words else { return false };
    if !STATES.contains(state) {
        return false;
    }
    let is_link = rest.last().is_some_and(|w| w.starts_with('<'));
    let place = cx.at;
    let Some(at) = interface(cx, bare(name)) else { return true };
    let Some(own) = cx.state.interfaces.get_mut(at) else { return true };
    if is_link {
        let found = rest
            .first()
            .and_then(|w| w.parse().ok())
            .filter(|mac: &crate::wire::Mac| mac.is_unicast());
        own.mac = found.or(own.mac);
        return true;
    }
    own.listed = true;
    let mut room = true;
    for (ip, bits) in rest.iter().filter(|w| w.contains(['.', ':'])).filter_map(|w| prefix(w)) {
        room &= add(own, Address { ip, prefix: bits, scope: None, at: place });
    }
    if !room {
        cx.full("addresses");
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::{Ip, Mac};

    #[test]
    fn links_and_addresses_meet() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "lo               UNKNOWN        127.0.0.1/8 ::1/128 \nveth0@x0         DOWN           \neth0             UP             172.16.0.12/24 metric 100 fe80::1/64 \nlo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \neth0             UP             52:54:00:4d:c7:f1 <BROADCAST,MULTICAST,UP> \n",
        );
        let [lo, veth, eth] = &state.interfaces[..] else { panic!("{:?}", state.interfaces) };
        assert_eq!((lo.mac, lo.addresses.len(), lo.listed), (None, 2, true));
        assert_eq!((veth.name.as_str(), veth.addresses.len(), veth.listed), ("veth0", 0, true));
        assert_eq!(eth.mac, Some(Mac([0x52, 0x54, 0, 0x4d, 0xc7, 0xf1])));
        assert_eq!(eth.addresses[0].ip, Ip::v4([172, 16, 0, 12]));
        assert_eq!((eth.addresses.len(), state.notes.len()), (2, 0));
    }
}
