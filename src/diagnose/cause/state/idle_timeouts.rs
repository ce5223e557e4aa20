//! Idle timeouts that balancers come with, and what mends connections that one of them ended.

use crate::diagnose::Fix;
use crate::diagnose::thresholds::LB_IDLE_TIMEOUT_NEAR_PERCENT;
use crate::diagnose::words::commands::sysctl;

/// Idle timeouts that balancers come with, seconds: 60 nginx and classic ELB, 240
/// Azure, 350 AWS NLB, 600 Google, 900 IPVS and Aliyun; 75, 300 and 3600 are set
/// by hand.
const USUAL_S: [i64; 8] = [60, 75, 240, 300, 350, 600, 900, 3600];

/// A timeout in IPVS that outlasts a silence, in whole hours.
pub(in crate::diagnose) fn raise(idle_ns: i64) -> String {
    const HOUR: i64 = 3600;
    let s = (idle_ns / 1_000_000_000 / HOUR + 1) * HOUR;
    format!(
        "ipvsadm -L --timeout\nipvsadm --set {s} 0 0   # of open TCP connections, in seconds; 0 leaves the others as they are; keepalived: lvs_timeouts tcp {s}"
    )
}

/// What a cloud lets its users set.
pub(in crate::diagnose) const CLOUD: &str = "# raise its idle timeout, if it has one that can be set: AWS network balancers 350 s unless set (tcp.idle_timeout.seconds), NAT gateways 350 s always; Azure 4 minutes unless set; Google Cloud 600 s always";

/// The one that it comes with.
pub(in crate::diagnose) const LOWER: &str =
    "ipvsadm --set 900 0 0   # or the first number that was printed before";

/// What tells how long the node of a cluster keeps a silent connection.
pub(in crate::diagnose) const TABLE: &str =
    "sysctl net.netfilter.nf_conntrack_tcp_timeout_established; conntrack -S";

/// The node of a cluster keeps them for longer.
pub(in crate::diagnose) fn longer(node: &str) -> Fix {
    sysctl::change(
        node.to_owned(),
        &[("net.netfilter.nf_conntrack_tcp_timeout_established", "432000", "86400")],
    )
    .undone("or what it was before; kube-proxy sets it anew when it starts (--conntrack-tcp-timeout-established, 24 h unless set)")
}

/// Keep-alives of an end, often enough for a silence that was too long.
pub(in crate::diagnose) fn keep_alive(host: &str, idle_ns: i64) -> Fix {
    sysctl::change(
        host.to_owned(),
        &[("net.ipv4.tcp_keepalive_time", &keepalive(idle_ns).to_string(), "7200")],
    )
    .because("works for sockets that ask for keep-alives")
}

/// The usual timeout that a silence points at.
pub(in crate::diagnose) fn usual(idle_ns: i64) -> Option<i64> {
    USUAL_S.into_iter().find(|s| {
        let timeout = s * 1_000_000_000;
        (idle_ns - timeout).abs() <= timeout / 100 * LB_IDLE_TIMEOUT_NEAR_PERCENT
    })
}

/// Well below the silence that was too long, seconds.
fn keepalive(idle_ns: i64) -> i64 {
    (idle_ns / 2_000_000_000).clamp(1, 240)
}

/// "6.0 s", "15 min".
pub(in crate::diagnose) fn seconds(ns: i64) -> String {
    let tenths = ns / 100_000_000;
    match tenths {
        ..1200 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => format!("{} min", tenths / 600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_timeouts_are_recognised_within_two_percent() {
        assert_eq!(usual(352_000_000_000), Some(350));
        assert_eq!(usual(899_000_000_000), Some(900));
        assert_eq!(usual(330_000_000_000), None);
        assert_eq!(usual(6_000_000_000), None);
    }

    #[test]
    fn what_is_set_outlasts_the_silence() {
        assert!(raise(900_000_000_000).contains("--set 3600 0 0"));
        assert!(raise(3_600_000_000_000).contains("--set 7200 0 0"));
        assert!(raise(3_699_000_000_000).ends_with("tcp 7200"));
    }

    #[test]
    fn silence_is_told_in_a_fitting_unit() {
        assert_eq!(seconds(6_001_000_000), "6.0 s");
        assert_eq!(seconds(901_000_000_000), "15 min");
    }
}
