//! Connections of which nothing comes back from a host, although it could take their SYNs.

use super::checksums::spoilt;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// Nothing at all came back: no SYN-ACK, no RST, no ICMP from the host.
pub(in crate::diagnose) fn is_quiet(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let c = trace.connection(id);
    let told = trace.errors_of(id).any(|(_, e)| {
        trace.host_by_ip(e.src) == Some(host)
            && !matches!(e.kind, crate::flow::IcmpErrorKind::TimeExceeded)
    });
    c.progress.syn
        && !c.progress.answered
        && !c.progress.established
        && !told
        && !trace.is_self_access(c)
        && !trace.is_sent_back(id)
        && spoilt(trace, id).is_none()
}
