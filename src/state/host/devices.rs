//! What interfaces count and are set to: `ip -s link`, `ethtool -S`, `tc -s qdisc`, and the
//! offloads of `ethtool -k`. Of the counters those are kept that count losses and are not zero.

use crate::state::context::{Block, Cx};
use crate::state::records::{Loss, Offload};

/// Words in the name of a counter of losses.
const LOSSES: [&str; 10] =
    ["drop", "err", "miss", "crc", "fifo", "overrun", "discard", "no_buf", "nobuf", "length"];
/// Offloads that are asked for.
const OFFLOADS: [&str; 3] =
    ["large-receive-offload:", "generic-receive-offload:", "tx-checksum-ip-generic:"];

/// A command that names the interface which what follows is of.
pub(in crate::state) fn heading(cx: &mut Cx<'_>, line: &str) {
    let Some((_, after)) = line.split_once("ethtool -") else { return };
    let mut words = after.split_whitespace();
    if words.next().is_some_and(|option| matches!(option, "S" | "k"))
        && let Some(name) = words.next().filter(|name| name.bytes().all(|b| b.is_ascii_graphic()))
    {
        cx.block = Block::Device(Some(name.to_owned()));
    }
}

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    statistics(cx, words) || ethtool(cx, line, words) || qdisc(cx, line, words)
}

fn put(cx: &mut Cx<'_>, device: Option<&str>, counter: String, value: u64) {
    let row = Loss { device: device.map(str::to_owned), counter, value, at: cx.at };
    cx.keep(row);
}

fn counts_losses(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    LOSSES.iter().any(|word| name.contains(word))
}

/// `RX:  bytes packets errors dropped  missed   mcast` with the values below it.
fn statistics(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    if let Block::Interface(at) = cx.block {
        let (side, names) = match words {
            [side @ ("RX:" | "TX:"), names @ ..] => (side.trim_end_matches(':'), names),
            [side @ ("RX" | "TX"), "errors:", names @ ..] => (*side, names),
            _ => return false,
        };
        let names = names.iter().map(|name| format!("{side} {name}")).collect();
        cx.block = Block::Counts { interface: at, names };
        return true;
    }
    let Block::Counts { interface, names } = &mut cx.block else { return false };
    let (interface, names) = (*interface, std::mem::take(names));
    cx.block = Block::Interface(interface);
    let values: Option<Vec<u64>> = words.iter().map(|word| word.parse().ok()).collect();
    let Some(values) = values.filter(|values| values.len() == names.len()) else { return false };
    let device = cx.state.interfaces.get(interface).map(|i| i.name.clone());
    for (name, value) in names.into_iter().zip(values) {
        if value > 0 && counts_losses(&name) {
            put(cx, device.as_deref(), name, value);
        }
    }
    true
}

/// `NIC statistics:` with `rx_missed_errors: 12`, and `Features for eth0:`.
fn ethtool(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    match words {
        ["NIC", "statistics:"] => {
            if !matches!(cx.block, Block::Device(_)) {
                cx.block = Block::Device(None);
            }
            return true;
        }
        ["Features", "for", name] => {
            cx.block = Block::Device(Some(name.trim_end_matches(':').to_owned()));
            return true;
        }
        [name, value @ ("on" | "off"), ..] if OFFLOADS.contains(name) => {
            let device = match &cx.block {
                Block::Device(device) => device.clone(),
                _ => None,
            };
            let name = name.trim_end_matches(':').to_owned();
            let row = Offload { device, name, on: *value == "on", at: cx.at };
            cx.keep(row);
            return true;
        }
        _ => {}
    }
    let counted = line.rsplit_once(':').and_then(|(name, value)| {
        let name = name.trim().trim_start_matches('[').to_owned();
        value.trim().parse::<u64>().ok().map(|value| (name, value))
    });
    let Block::Device(device) = &cx.block else {
        // What grep left of it.
        let alone = |name: &str| {
            name.contains('_')
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let found = counted.filter(|(name, _)| alone(name) && counts_losses(name));
        let Some((name, value)) = found.filter(|_| line.starts_with(' ')) else { return false };
        if value > 0 {
            put(cx, None, name, value);
        }
        return true;
    };
    let device = device.clone();
    let Some((name, value)) = counted else {
        // Other features, of which nothing is asked.
        return matches!(words, [name, "on" | "off", ..] if name.ends_with(':'));
    };
    if value > 0 && counts_losses(&name) {
        put(cx, device.as_deref(), name, value);
    }
    true
}

/// `qdisc fq_codel 0: dev eth0 root ..` with ` Sent 1 bytes 2 pkt (dropped 3, overlimits 0 requeues 0)`
fn qdisc(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    if let ["qdisc", kind, _, "dev", device, ..] = words {
        cx.block = Block::Qdisc { kind: (*kind).to_owned(), device: (*device).to_owned() };
        return true;
    }
    let Block::Qdisc { kind, device } = &cx.block else { return false };
    if !line.starts_with(' ') {
        return false;
    }
    let dropped = words.iter().position(|word| *word == "(dropped");
    let value = dropped.and_then(|at| words.get(at + 1)?.trim_end_matches(',').parse().ok());
    if let Some(value) = value.filter(|value: &u64| *value > 0) {
        let (kind, device) = (format!("dropped by qdisc {kind}"), device.clone());
        put(cx, Some(&device), kind, value);
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::state::testkit::read;

    #[test]
    fn losses_are_kept_and_zeros_are_not() {
        let state = read(
            "2: eth0: <BROADCAST,UP> mtu 1500 qdisc mq state UP\n    link/ether ae:ef:5e:99:d7:61 brd ff:ff:ff:ff:ff:ff\n    RX:  bytes packets errors dropped  missed   mcast\n          9003     115      0       7       0       0\n    TX:  bytes packets errors dropped carrier collsns\n          5990      73      0       0       0       0\n$ ethtool -S eth1\nNIC statistics:\n     rx_packets: 12\n     rx_missed_errors: 9\n     tx_errors: 0\nqdisc fq_codel 0: dev eth2 root refcnt 2 limit 10240p\n Sent 99 bytes 3 pkt (dropped 4, overlimits 0 requeues 1)\n backlog 0b 0p requeues 1\n  maxpacket 0 drop_overlimit 0\n",
        );
        let seen: Vec<(Option<&str>, &str, u64)> = state
            .losses
            .iter()
            .map(|l| (l.device.as_deref(), l.counter.as_str(), l.value))
            .collect();
        assert_eq!(
            seen,
            [
                (Some("eth0"), "RX dropped", 7),
                (Some("eth1"), "rx_missed_errors", 9),
                (Some("eth2"), "dropped by qdisc fq_codel", 4)
            ]
        );
        let state = read("     rx_crc_errors: 3\n     tx_dropped: 0\n");
        assert_eq!((state.losses.len(), state.understood), (1, 2));
    }

    #[test]
    fn offloads_are_read() {
        let state = read(
            "Features for eth0:\nrx-checksumming: on\nlarge-receive-offload: on\ngeneric-receive-offload: off [fixed]\n",
        );
        let seen: Vec<(&str, bool)> =
            state.offloads.iter().map(|o| (o.name.as_str(), o.on)).collect();
        assert_eq!(seen, [("large-receive-offload", true), ("generic-receive-offload", false)]);
    }
}
