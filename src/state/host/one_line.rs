//! `ip -o addr` and `ip -o link`: one line for each address or link.

use super::addresses::{add, bare, interface};
use crate::state::context::{Block, Cx};
use crate::state::model::Address;
use crate::state::text::{after, prefix};
use crate::wire::Mac;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let [number, name, kind, address, ..] = words else { return false };
    if number.strip_suffix(':').is_none_or(|n| n.parse::<u32>().is_err()) {
        return false;
    }
    // A link, its hardware address behind a backslash on the same line.
    if kind.starts_with('<') && name.ends_with(':') {
        let Some(at) = words.iter().position(|word| word.starts_with("link/")) else {
            return false;
        };
        let mac = words.get(at + 1).and_then(|word| word.parse().ok());
        let Some(own) = interface(cx, bare(name.trim_end_matches(':'))) else { return true };
        let known = &mut cx.state.interfaces[own].mac;
        *known = mac.filter(|mac: &Mac| mac.is_unicast()).or(*known);
        cx.block = Block::None;
        return true;
    }
    if !matches!(*kind, "inet" | "inet6") {
        return false;
    }
    let Some((ip, bits)) = prefix(address) else { return false };
    let place = cx.at;
    let Some(at) = interface(cx, bare(name)) else { return true };
    let Some(own) = cx.state.interfaces.get_mut(at) else { return true };
    own.listed = true;
    let scope = after(words, "scope").map(|word| word.trim_end_matches('\\').to_owned());
    if !add(own, Address { ip, prefix: bits, scope, at: place }) {
        cx.full("addresses");
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::Ip;

    #[test]
    fn addresses_and_links_of_one_line_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n2: va    inet 10.9.0.1/24 scope global va\\       valid_lft forever\n2: va@if2: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether ae:ef:5e:99:d7:61 brd ff:ff:ff:ff:ff:ff link-netns b\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [lo, va] = &state.interfaces[..] else { panic!("{:?}", state.interfaces) };
        assert_eq!((lo.name.as_str(), va.addresses[0].ip), ("lo", Ip::v4([10, 9, 0, 1])));
        assert!(va.mac.is_some() && lo.listed);
    }
}
