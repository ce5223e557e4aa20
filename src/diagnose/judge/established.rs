//! Connections that stood and then broke.

use super::evidence::{asked_again, connected, foreign_ttl, never_idle, small};
use super::{Against, Opinions};
use crate::breaks::{By, Group};
use crate::diagnose::Facts;

/// Causes that let no connection stand.
const BEFORE: &[&str] =
    &["rs-silent", "rs-missing-vip", "rp-filter-drop", "nat-return-bypasses-director"];

/// The last step of the handshake, or the first word of a server that speaks first, is
/// missing.
pub(super) fn silent(opinions: &mut Opinions) {
    opinions.possible(
        "accept-queue-overflow",
        "then 'ss -ltn' on the server shows a full queue (Recv-Q above Send-Q) and TcpExtListenOverflows grows",
    );
    opinions.possible(
        "defer-accept-waits",
        "then TcpExtTCPDeferAcceptDrop grows on the server, and a client that sends a byte first is greeted at once",
    );
    opinions.possible(
        "proxy-protocol-mismatch",
        "then the server waits for a PROXY header: its listener asks for one",
    );
}

/// Bytes are sent again, and no answer comes.
pub(super) fn stalled(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if asked_again(facts, group) {
        opinions.possible(
            "accept-queue-overflow",
            "the server repeats its SYN-ACK although the client went on: then 'ss -ltn' on it shows a full queue (Recv-Q above Send-Q) and TcpExtListenOverflows grows",
        );
    }
    opinions.unless(
        small(facts, group),
        "tun-mtu-blackhole",
        "then only segments above one size are missing, and 'ping -M do -s 1472' along the way fails",
    );
    opinions.unless(
        never_idle(facts, group),
        "lb-idle-timeout",
        "then these connections were silent for longer than any that lives",
    );
    opinions.possible(
        "packet-loss",
        "then a capture at the next host shows other segments missing, too",
    );
    if let Some(stood) = connected(facts, group) {
        opinions.refuted(BEFORE, &stood);
    }
}

/// Reset by somebody.
pub(super) fn cut(facts: &Facts, group: &Group, by: By, opinions: &mut Opinions) {
    let between = [
        ("lb-idle-timeout", "then these connections were silent for longer than any that lives"),
        (
            "ecmp-rehash-wrong-server",
            "then another server's capture shows segments of connections that it never opened",
        ),
        (
            "director-no-entry-rst",
            "then the balancer itself sends the reset: its entry for the connection is gone",
        ),
    ];
    let own = Against {
        why: "an end of the connection sent the reset itself",
        at: group.last.map(|last| last.at),
    };
    let idle = never_idle(facts, group);
    if let Some((ttl, before)) = foreign_ttl(facts, group).filter(|_| by == By::ServersName) {
        opinions.possible("ecmp-rehash-wrong-server", format!("another host than the one that served them sent the resets: their TTL is {ttl}, that of the answers before {before}; then routes, servers or nodes changed at that time, or a firewall resets in the server's name"));
    }
    for (id, tell) in between {
        if opinions.possible.iter().any(|known| known.id == id) {
            continue;
        }
        let own = matches!(by, By::Client | By::Server).then_some(own);
        let against = own.or(idle.filter(|_| id == "lb-idle-timeout"));
        opinions.unless(against, id, tell);
    }
}
