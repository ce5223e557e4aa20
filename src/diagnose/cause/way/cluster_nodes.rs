//! The words of `control-channel-address` where a node of a cluster sends its clients to another node
//! that they do not reach.

use crate::diagnose::Finding;

/// Title and explanation. `ends`: the nodes; `fail`: what became of connections to them.
pub(super) fn words(service: &str, ends: &str, fail: &str) -> (String, String) {
    (
        format!("{service} sends its clients to {ends}, which they do not reach"),
        format!(
            "A node of the Redis cluster behind {service} answers -MOVED or -ASK: the key is at {ends}. The client dials what it is told: {fail}. A cluster names its nodes by the addresses that they have among themselves, and a balancer before it does not change them."
        ),
    )
}

/// `service`: address and port that clients know.
pub(super) fn advise(finding: &mut Finding, service: &str) {
    let (ip, port) = service.rsplit_once(':').unwrap_or((service, "6379"));
    finding.confirm(
        "a client",
        format!("redis-cli -h {} -p {port} CLUSTER SLOTS", ip.trim_matches(['[', ']'])),
        "the addresses that it lists are those that each client has to reach",
    );
    finding.fix_disruptive(
        "each node of the cluster",
        "# announce an address that clients reach, one for each node: 'cluster-announce-ip', 'cluster-announce-port' (or 'cluster-announce-hostname' with 'cluster-preferred-endpoint-type hostname', Redis 7); or let clients reach the nodes' own network",
        "Take the lines out again and restart the node.",
    );
}
