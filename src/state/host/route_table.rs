//! `route -n` and `netstat -rn` of net-tools.

use super::proc_net::ones;
use crate::state::context::{Block, Cx};
use crate::state::model::Route;
use crate::state::text::ip;
use crate::wire::Ip;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        ["Kernel", "IP", "routing", "table"] => return true,
        ["Destination", "Gateway", "Genmask", "Flags", fifth, ..] => {
            cx.block = Block::Routes { metric: *fifth == "Metric" };
            return true;
        }
        _ => {}
    }
    let Block::Routes { metric } = cx.block else { return false };
    let [to, gateway, mask, flags, fifth, .., dev] = words else { return false };
    // Names where -n was left out.
    let address = |text: &str| match text {
        "default" | "0.0.0.0" | "*" | "-" => Some(Ip::v4([0; 4])),
        text => ip(text),
    };
    let read = (address(to), address(gateway), ip(mask).and_then(ones));
    let (Some(to), Some(gateway), Some(bits)) = read else { return false };
    let row = Route {
        to: (to, bits),
        via: (flags.contains('G') && !gateway.is_unspecified()).then_some(gateway),
        dev: Some((*dev).to_owned()).filter(|dev| dev != "-"),
        src: None,
        metric: if metric { fifth.parse().unwrap_or(0) } else { 0 },
        kind: if flags.contains('!') { "unreachable" } else { "unicast" }.to_owned(),
        table: None,
        at: cx.at,
    };
    cx.keep(row);
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::Ip;

    #[test]
    fn both_programs_tables_are_read() {
        for text in [
            "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n0.0.0.0         10.0.1.254      0.0.0.0         UG    100    0        0 eth0\n10.0.1.0        0.0.0.0         255.255.255.0   U     100    0        0 eth0\n192.0.2.0       -               255.255.255.0   !     0      -        0 -\n",
            "Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\ndefault         10.0.1.254      0.0.0.0         UG        0 0          0 eth0\n10.0.1.0        0.0.0.0         255.255.255.0   U         0 0          0 eth0\n192.0.2.0       -               255.255.255.0   !         0 0          0 -\n",
        ] {
            let mut state = HostState::default();
            parse(&mut state, "a", text);
            assert!(state.notes.is_empty(), "{:?}", state.notes);
            let [default, link, refused] = &state.routes[..] else { panic!("{state:?}") };
            assert_eq!((default.to.1, default.via), (0, Some(Ip::v4([10, 0, 1, 254]))));
            assert_eq!((link.to, link.via), ((Ip::v4([10, 0, 1, 0]), 24), None));
            assert_eq!(refused.kind, "unreachable");
        }
    }
}
