//! What the detectors of VRRP have in common.

use crate::diagnose::{Names, Subject};
use crate::flow::VrrpSpeaker;
use crate::topology::{HostId, Role};
use crate::trace::Trace;

/// Three intervals and the skew, after which a backup that hears nothing takes
/// over (RFC 5798, section 6.1), nanoseconds.
pub(in crate::diagnose) fn patience_ns(s: &VrrpSpeaker) -> i64 {
    3 * s.interval_ns() + (256 - i64::from(s.priority.1)) * s.interval_ns() / 256
}

/// Whether a vantage was taken on a speaker's host.
pub(in crate::diagnose) fn is_own(trace: &Trace, vantage: usize, s: &VrrpSpeaker) -> bool {
    s.mac.is_some_and(|mac| trace.vantages[vantage].own.has(mac))
}

/// The host of a speaker.
pub(in crate::diagnose) fn host(trace: &Trace, s: &VrrpSpeaker) -> Option<HostId> {
    trace.host_by_ip(s.src).or_else(|| trace.host_by_mac(s.mac.filter(|mac| !mac.is_vrrp())))
}

/// A speaker as a subject, by the address that it advertises from.
pub(in crate::diagnose) fn subject(trace: &Trace, s: &VrrpSpeaker) -> Subject {
    let known = host(trace, s).map(|host| Names(trace).subject(Role::Director, host));
    match known {
        Some(subject) => Subject { address: Some(s.src), ..subject },
        None => Subject { role: Role::Director, address: Some(s.src), mac: s.mac, port: None },
    }
}

/// Whether two speakers advertise addresses of which they have none in common: they
/// are of two clusters.
pub(in crate::diagnose) fn are_strangers(a: &VrrpSpeaker, b: &VrrpSpeaker) -> bool {
    let (x, y) = (&a.addresses, &b.addresses);
    let told = x.whole && y.whole && !x.list().is_empty() && !y.list().is_empty();
    told && a.src.is_v4() == b.src.is_v4() && !x.list().iter().any(|ip| y.list().contains(ip))
}
