//! The director resets a connection on both sides a moment after it was established and
//! used, though nobody asked for an end.
//!
//! Its own capture must show both resets leave and none arrive. After a pause it is an
//! idle timeout, and where a side has closed it is the end of a connection.

use crate::correlate::Leg;
use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::thresholds::{FULLNAT_DOUBLE_RESET_SOON_NS, FULLNAT_DOUBLE_RESET_TOGETHER_NS};
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
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
    Detection::from(findings.collect(), || {
        needs_mode(facts, &[Mode::Nat, Mode::FullNat]).unwrap_or(Detection::Clean)
    })
}

/// A connection that a director reset on both sides.
struct Double<'a> {
    id: ConnectionId,
    host: HostId,
    front: &'a Leg,
    back: &'a Leg,
}

fn double(trace: &Trace, id: ConnectionId) -> Option<Double<'_>> {
    let last = trace.connection(id).tuples.saturating_sub(1);
    trace.service(id).directors.iter().find_map(|d| {
        let legs = || trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(d.host));
        let front = legs().find(|leg| leg.tuple == 0)?;
        let back = legs().find(|leg| leg.tuple == last && last > 0)?;
        if trace.vantage(front).capture != trace.vantage(back).capture {
            return None;
        }
        let (asked, told) = (trace.forward(front), trace.reply(front));
        let (sent, served) = (trace.forward(back), trace.reply(back));
        // What goes to the client and to the server, and nothing from either.
        let both = told.rst.is_set() && sent.rst.is_set();
        let quiet = !asked.rst.is_set() && !served.rst.is_set();
        let open = [asked, told, sent, served].iter().all(|flow| !flow.fin.is_set());
        let before = |mark: crate::flow::Mark| told.rst.since(mark);
        let used = sent.data.is_set() && served.flags.ack() && served.last.is_set();
        let soon = (0..FULLNAT_DOUBLE_RESET_SOON_NS).contains(&before(asked.last))
            || (0..FULLNAT_DOUBLE_RESET_SOON_NS).contains(&before(served.last));
        let together = told.rst.since(sent.rst).abs() < FULLNAT_DOUBLE_RESET_TOGETHER_NS;
        (both && quiet && open && used && soon && together).then_some(Double {
            id,
            host: d.host,
            front,
            back,
        })
    })
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Double<'_>]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|d| d.id).collect();
    let director = names.full(host);
    let title =
        format!("the director {} resets connections on both sides at once", names.host(host));
    let explanation = format!(
        "Connections to {} are established on both sides and carry data; then {director} sends a RST to the client and one to the real server, within milliseconds, though neither side had closed and nothing was idle. Neither client nor server sent a reset. A timer of the director's that is zero or was never set does that, or a filter in it. {} connections are cut off.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("fullnat-double-reset", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Certain;
    finding.confirm(director.clone(), "ipvsadm -L --timeout; ipvsadm -Ln; dmesg | tail -50", "a timeout of 0 for established connections, or a filter that resets what it takes for an attack");
    finding.fixes = vec![Fix::safe(
        director,
        "ipvsadm --set 900 120 300   # TCP, TCP after FIN, UDP, in seconds; in dpvs and alibaba/LVS also the service's own est_timeout",
        "ipvsadm --set with what 'ipvsadm -L --timeout' printed before.",
    )];
    if let Some(d) = set.first() {
        let (told, sent) = (facts.reply(d.front), facts.forward(d.back));
        finding.proofs.extend(facts.proof(d.back, sent.data, "the client's data is sent on"));
        finding.proofs.extend(facts.proof(d.front, told.rst, "the director resets the client"));
        finding.proofs.extend(facts.proof(d.back, sent.rst, "and the real server"));
    }
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.connections = ids;
    finding
}
