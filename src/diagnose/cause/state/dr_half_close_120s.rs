//! A client closed its side early and the server answers for long: the director, which
//! sees the client alone, takes the connection for ended, forgets it, and resets the
//! client's next acknowledgment.
//!
//! Told from a lost table by the client's FIN before and by the silence after it; from an
//! idle timeout by the same FIN, after which another, shorter time counts.

use crate::diagnose::cause::clean_in;
use crate::diagnose::facts::state::half_closed::{HalfClosed, forgot};
use crate::diagnose::words::{count, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<HalfClosed<'_>>> = BTreeMap::new();
    for (id, c) in facts.requests() {
        let mode = facts.service(id).mode;
        if !c.protocol.is_tcp() || !c.progress.no_socket || !matches!(mode, Mode::Dr | Mode::Tun) {
            continue;
        }
        if let Some(forgot) = forgot(facts, id) {
            let service = facts.service_of(id);
            sets.entry((service, forgot.host)).or_default().push(forgot);
        }
    }
    let findings =
        sets.into_iter().map(|((service, host), set)| finding(facts, service, host, &set));
    Detection::from(findings.collect(), || clean_in(facts, &[Mode::Dr, Mode::Tun]))
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[HalfClosed<'_>]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|f| f.id).collect();
    let director = names.full(host);
    let least = set.iter().map(|f| f.silent_ns).min().unwrap_or(0) / 100_000_000;
    let silence = format!("{}.{} s", least / 10, least % 10);
    let title = format!(
        "the director {} forgets connections that the client has half closed",
        names.host(host)
    );
    let explanation = format!(
        "The clients of {} to {} close their side and wait for the answer. {director} sees what clients send and nothing of the answer, which goes around it: to it the connection is about to end, and after some time without a packet its entry is gone. {silence} after the last one it resets the client's acknowledgment of the answer, which the client takes for the server's reset: the answer is cut off. {} so.",
        count(ids.len(), "connection"),
        s.name(),
        share(facts, service, &ids, "end")
    );
    let mut finding = Finding::cause("dr-half-close-120s", title, explanation)
        .rated(Severity::Critical, Confidence::Likely);
    finding.candidate(
        "director-no-entry-rst",
        "then connections that no side has closed are reset as well, at the same moment",
    );
    finding.confirm(
        director.clone(),
        "ipvsadm -L --timeout",
        format!("the second number, the time after FIN, is {silence} or less: this is it"),
    );
    finding.fixes = vec![
        Fix::safe(
            director,
            "ipvsadm -L --timeout\nipvsadm --set 0 600 0   # the time after FIN, in seconds; 0 leaves the others as they are",
            "ipvsadm --set 0 120 0   # or the second number that was printed before",
        ),
        Fix::safe(
            "the clients",
            "# close when the answer is there, not with the request",
            "Close with the request again.",
        )
        .or(),
    ];
    finding.proofs = set.first().map(|f| proofs(facts, f)).unwrap_or_default();
    finding.concerning(vec![names.subject(Role::Director, host)], ids)
}

fn proofs(trace: &Trace, shown: &HalfClosed<'_>) -> Vec<Proof> {
    let (there, back) = (trace.forward(shown.leg), trace.reply(shown.leg));
    let mut proofs: Vec<Proof> =
        trace.proof(shown.leg, there.fin, "the client closes its side").into_iter().collect();
    let note = "the last packet that the director sends on".to_owned();
    proofs.push(Proof::at(shown.out, note));
    proofs.extend(trace.proof(shown.leg, back.rst_answers, "the client acknowledges the answer"));
    proofs.extend(trace.proof(shown.leg, back.rst, "the director's own reset: it has no entry"));
    proofs
}
