//! `arp -an`, as Linux and BSD print it, and the table of `arp -n`.

use crate::state::context::Cx;
use crate::state::model::Neighbour;
use crate::state::text::ip;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let (address, hardware) = match words {
        ["Address", "HWtype", ..] => return true,
        [_, address, "at", hardware, ..] => {
            let bare = address.strip_prefix('(').and_then(|a| a.strip_suffix(')'));
            (bare.and_then(ip), hardware)
        }
        [address, "ether", hardware, ..] | [address, hardware @ "(incomplete)", ..] => {
            (ip(address), hardware)
        }
        _ => return false,
    };
    let Some(address) = address else { return false };
    let mac = hardware.parse().ok();
    let state = match (mac, words.contains(&"PERM")) {
        (None, _) => "INCOMPLETE",
        (_, true) => "PERMANENT",
        _ => "",
    };
    let row = Neighbour { ip: address, mac, state: state.to_owned(), at: cx.at };
    cx.keep(row);
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn the_table_is_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "Address                  HWtype  HWaddress           Flags Mask            Iface\n172.16.0.2               ether   52:54:00:25:ad:53   CM                    eth0\n172.16.0.3                       (incomplete)                              eth0\n",
        );
        let seen: Vec<_> = state.neighbours.iter().map(|n| n.mac.is_some()).collect();
        assert_eq!((seen, state.notes.len()), (vec![true, false], 0));
    }

    #[test]
    fn entries_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "? (172.16.0.2) at 52:54:00:25:ad:53 [ether] PERM on eth0\ngw (172.16.0.1) at <incomplete> on eth0\n? (10.0.0.1) at 0:c:29:1:2:3 on en0 ifscope [ethernet]\n",
        );
        let seen: Vec<_> =
            state.neighbours.iter().map(|n| (n.mac.is_some(), n.state.as_str())).collect();
        assert_eq!(seen, [(true, "PERMANENT"), (false, "INCOMPLETE"), (true, "")]);
        assert!(state.notes.is_empty());
    }
}
