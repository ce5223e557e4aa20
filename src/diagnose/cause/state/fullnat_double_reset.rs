//! The director resets a connection on both sides a moment after it was established and
//! used, though nobody asked for an end.
//!
//! Its own capture must show both resets leave and none arrive. After a pause it is an
//! idle timeout, and where a side has closed it is the end of a connection.

use crate::diagnose::cause::{clean_in, severity};
use crate::diagnose::facts::state::double_resets::{Double, double};
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["connection-reset", "rst-no-socket"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Double<'_>>> = BTreeMap::new();
    for (id, c) in facts.requests() {
        let mode = facts.service(id).mode;
        if !c.protocol.is_tcp() || !c.progress.request || !matches!(mode, Mode::FullNat | Mode::Nat)
        {
            continue;
        }
        if let Some(double) = double(facts, id) {
            let service = facts.service_of(id);
            sets.entry((service, double.host)).or_default().push(double);
        }
    }
    let findings =
        sets.into_iter().map(|((service, host), set)| finding(facts, service, host, &set));
    Detection::from(findings.collect(), || clean_in(facts, &[Mode::Nat, Mode::FullNat]))
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Double<'_>]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|d| d.id).collect();
    let director = names.full(host);
    let title =
        format!("the director {} resets connections on both sides at once", names.host(host));
    let explanation = format!(
        "Connections to {} are established on both sides and carry data; then {director} sends a RST to the client and one to the real server, within milliseconds, though neither side had closed and nothing was idle. Neither client nor server sent a reset. A timer of the director's that is zero or was never set does that, or a filter in it. {} cut off.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("fullnat-double-reset", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.confirm(director.clone(), "ipvsadm -L --timeout; ipvsadm -Ln; dmesg | tail -50", "a timeout of 0 for established connections, or a filter that resets what it takes for an attack");
    finding.fixes = vec![Fix::safe(
        director,
        "ipvsadm -L --timeout\nipvsadm --set 900 0 0   # of open TCP connections, in seconds; 0 leaves the others as they are; in dpvs and alibaba/LVS also the service's own est_timeout",
        "ipvsadm --set TCP 0 0   # the first number that was printed before",
    )];
    if let Some(d) = set.first() {
        let (told, sent) = (facts.reply(d.front), facts.forward(d.back));
        finding.proofs.extend(facts.proof(d.back, sent.data, "the client's data is sent on"));
        finding.proofs.extend(facts.proof(d.front, told.rst, "the director resets the client"));
        finding.proofs.extend(facts.proof(d.back, sent.rst, "and the real server"));
    }
    finding.concerning(vec![names.subject(Role::Director, host)], ids)
}
