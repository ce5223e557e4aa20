//! How long what a report tells somebody to type lasts, and where it is made to last.

use super::Finding;

/// Programs that change a host until its next boot, and what holds for longer.
const LASTING: [(&[&str], &str); 5] = [
    (&["sysctl -w"], "sysctl: /etc/sysctl.d"),
    (
        &[
            "ip addr",
            "ip -6 addr",
            "ip route",
            "ip -6 route",
            "ip rule",
            "ip -6 rule",
            "ip link",
            "ethtool -K",
        ],
        "ip and ethtool: the network's configuration",
    ),
    (
        &["iptables", "ip6tables", "nft add", "nft insert"],
        "iptables and nft: the rules that the firewall loads",
    ),
    (&["modprobe"], "modprobe: /etc/modules-load.d"),
    (
        &["ipvsadm -a", "ipvsadm -A", "ipvsadm -d", "ipvsadm -e", "ipvsadm -E", "ipvsadm --set"],
        "ipvsadm: keepalived.conf, which else sets it back at its next reload, or ipvsadm-save",
    ),
];

/// Where the changes of a report's fixes are made to last; nothing where none is typed.
pub(super) fn note(findings: &[Finding]) -> Option<String> {
    let typed: Vec<&str> =
        findings.iter().flat_map(|f| &f.fix).flat_map(|fix| fix.command.lines()).collect();
    let places: Vec<&str> = LASTING
        .iter()
        .filter(|(begins, _)| typed.iter().any(|line| begins.iter().any(|b| line.starts_with(b))))
        .map(|(_, place)| *place)
        .collect();
    (!places.is_empty()).then(|| {
        format!(
            "commands of fixes last until the next boot: make what helps last in the host's configuration ({})",
            places.join("; ")
        )
    })
}
