//! Datagrams that nothing answers, and questions that had to be asked again.

use super::Opinions;
use super::evidence::came_in;
use crate::breaks::Group;

/// One of two questions that left one port together was answered, the other only when it was
/// asked again.
pub(super) fn late(opinions: &mut Opinions) {
    opinions.possible(
        "dns-conntrack-race-5s",
        "then 'conntrack -S' on the host that translates (a cluster: the node of who asks) counts insert_failed with each, and questions that are asked alone are never lost",
    );
    opinions.possible(
        "packet-loss",
        "then a capture at the next host lacks the question or the answer, and questions asked alone are lost as well",
    );
}

pub(super) fn judge(group: &Group, opinions: &mut Opinions) {
    if came_in(group) {
        opinions.possible(
            "rs-silent",
            "then 'ss -lun' on this host shows nobody on the port, or a rule of its firewall counts them",
        );
        opinions.possible(
            "rp-filter-drop",
            "then 'nstat -az TcpExtIPReversePathFilter' on this host grows with each",
        );
    } else {
        opinions.possible(
            "rs-silent",
            "then the server's own capture shows the datagram and no answer",
        );
        opinions.possible(
            "udp-stale-entry",
            "then the same client is answered from another port of its own",
        );
        opinions.possible(
            "udp-reply-from-rip",
            "then the server's own capture shows the answer leave from another address",
        );
    }
}
