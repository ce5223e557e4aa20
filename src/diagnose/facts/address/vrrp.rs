//! What the detectors of VRRP have in common.

use crate::diagnose::{Names, Subject};
use crate::flow::{Mark, VantageId, VrrpSpeaker};
use crate::topology::{HostId, Role};
use crate::trace::Trace;

/// Three intervals and the skew, after which a backup that hears nothing takes
/// over (RFC 5798, section 6.1), nanoseconds.
pub(in crate::diagnose) fn patience_ns(s: &VrrpSpeaker) -> i64 {
    3 * s.interval_ns() + (256 - i64::from(s.priority.1)) * s.interval_ns() / 256
}

/// Whether a vantage was taken on a speaker's host.
pub(in crate::diagnose) fn is_own(trace: &Trace, vantage: VantageId, s: &VrrpSpeaker) -> bool {
    s.mac.is_some_and(|mac| trace.vantages[vantage.index()].own.has(mac))
}

/// Where the own capture of one shows the other's advertisements come in.
pub(in crate::diagnose) fn arrives(
    trace: &Trace,
    to: &VrrpSpeaker,
    of: &VrrpSpeaker,
) -> Option<(VantageId, Mark)> {
    VantageId::each(&trace.vantages).find_map(|(v, vantage)| {
        let heard = |s: &&VrrpSpeaker| (s.src, s.vrid) == (of.src, of.vrid) && !is_own(trace, v, s);
        let own = is_own(trace, v, to).then_some(vantage)?;
        own.vrrp.iter().find(heard).map(|s| (v, s.first))
    })
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

/// In what the advertisements of two speakers differ, so that each discards the other's (RFC
/// 3768, section 7.1; RFC 5798, section 7.1).
pub(in crate::diagnose) fn differences(a: &VrrpSpeaker, b: &VrrpSpeaker) -> Vec<String> {
    if a.version != b.version {
        return vec![format!("versions {} and {} of the protocol", a.version, b.version)];
    }
    let mut found = Vec::new();
    let name = |kind: Option<u8>| match kind {
        Some(0) => "none".to_owned(),
        Some(1) => "a password".to_owned(),
        Some(2) => "an authentication header".to_owned(),
        other => format!("type {}", other.unwrap_or_default()),
    };
    let ((kind, data), (other_kind, other_data)) = (a.auth, b.auth);
    if kind != other_kind {
        found.push(format!("authentication by {} and by {}", name(kind), name(other_kind)));
    } else if kind == Some(1) && data.is_some() && other_data.is_some() && data != other_data {
        found.push("different passwords".to_owned());
    }
    // Version 3 learns the master's interval.
    if a.version == 2 && a.interval_cs != b.interval_cs {
        found.push(format!("intervals of {} s and {} s", a.interval_cs / 100, b.interval_cs / 100));
    }
    found
}
