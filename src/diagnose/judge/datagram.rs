//! Questions that had to be asked again.

use super::Opinions;

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
