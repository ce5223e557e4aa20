//! `ip addr` and `ip link` of iproute2, with and without `-d` and `-s`.

use crate::state::context::{Block, Cx};
use crate::state::model::{Address, Interface, MAX_ROWS, keep};
use crate::state::text::{after, prefix};

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    if let Some(name) = heading(words) {
        cx.block = interface(cx, name).map_or(Block::None, Block::Interface);
        return true;
    }
    let Block::Interface(at) = cx.block else { return false };
    if !line.starts_with(char::is_whitespace) {
        return false;
    }
    let place = cx.at;
    let Some(own) = cx.state.interfaces.get_mut(at) else { return false };
    match words {
        [kind, address, ..] if kind.starts_with("link/") => {
            own.mac =
                address.parse().ok().filter(|mac: &crate::wire::Mac| mac.is_unicast()).or(own.mac);
        }
        ["inet" | "inet6", address, ..] => {
            own.listed = true;
            let Some((ip, prefix)) = prefix(address) else {
                cx.note("not an address, left out");
                return true;
            };
            let scope = after(words, "scope").map(str::to_owned);
            if !add(own, Address { ip, prefix, scope, at: place }) {
                cx.full("addresses");
            }
        }
        // Lifetimes, other names, statistics, details: nothing that is asked for.
        _ => {}
    }
    true
}

/// `2: eth0@if7: <BROADCAST,...> mtu 1500 ...`
fn heading<'a>(words: &[&'a str]) -> Option<&'a str> {
    let [number, name, flags, ..] = words else { return None };
    let digits = number.strip_suffix(':')?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || !flags.starts_with('<') {
        return None;
    }
    name.strip_suffix(':').map(bare)
}

/// A name without its peer.
pub(in crate::state) fn bare(name: &str) -> &str {
    name.split_once('@').map_or(name, |(own, _)| own)
}

/// The interface with this name, made where it is new.
pub(in crate::state) fn interface(cx: &mut Cx<'_>, name: &str) -> Option<usize> {
    // A host lists an interface once with its link and once with its addresses.
    if let Some(known) = cx.state.interfaces.iter().rposition(|i| i.name == name) {
        return Some(known);
    }
    let row = Interface { name: name.to_owned(), at: cx.at, ..Interface::default() };
    if keep(&mut cx.state.interfaces, MAX_ROWS >> 4, row) {
        return Some(cx.state.interfaces.len() - 1);
    }
    cx.full("interfaces");
    None
}

/// Adds an address; whether there was room.
pub(in crate::state) fn add(own: &mut Interface, address: Address) -> bool {
    keep(&mut own.addresses, MAX_ROWS >> 2, address)
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::{Ip, Mac};

    const LISTING: &str = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet 172.16.0.8/32 scope global lo
       valid_lft forever preferred_lft forever
4: eth0@if7: <BROADCAST,MULTICAST,UP> mtu 1500 qdisc pfifo_fast state UP group default qlen 1000
    link/ether 52:54:00:4d:c7:f1 brd ff:ff:ff:ff:ff:ff link-netnsid 0
    altname enp1s0
    inet 172.16.0.12/24 brd 172.16.0.255 scope global dynamic eth0
       valid_lft 3000sec preferred_lft 3000sec
    inet 10.9.0.1 peer 10.9.0.2/32 scope global eth0
    inet6 fe80::5054:ff:fe4d:c7f1/64 scope link 
";

    #[test]
    fn interfaces_have_their_addresses() {
        let mut state = HostState::default();
        parse(&mut state, "a", LISTING);
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [lo, eth] = &state.interfaces[..] else { panic!("{:?}", state.interfaces) };
        assert_eq!((lo.name.as_str(), lo.mac, lo.addresses.len()), ("lo", None, 2));
        assert_eq!((lo.addresses[1].prefix, lo.addresses[1].at.line), (32, 5));
        assert_eq!(eth.name, "eth0");
        assert_eq!(eth.mac, Some(Mac([0x52, 0x54, 0, 0x4d, 0xc7, 0xf1])));
        assert_eq!(eth.addresses.len(), 3);
        assert_eq!((eth.addresses[0].ip, eth.addresses[0].prefix), (Ip::v4([172, 16, 0, 12]), 24));
        assert_eq!(eth.addresses[0].scope.as_deref(), Some("global"));
        assert_eq!(eth.addresses[1].prefix, 32);
    }

    #[test]
    fn an_interface_without_an_address_is_known_to_have_none() {
        let mut state = HostState::default();
        parse(&mut state, "a", &LISTING.replace("inet ", "altname "));
        assert!(state.interfaces.iter().all(|i| i.name != "lo" || i.addresses.is_empty()));
    }
}
