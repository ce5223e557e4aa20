//! Datagrams that nothing answers.

use super::Opinions;
use super::evidence::came_in;
use crate::breaks::Group;

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
