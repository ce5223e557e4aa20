//! The director drops the first SYN of a client port that was used a moment before;
//! the client's repeat, a second later, gets through.
//!
//! Only the director's own capture shows it: one SYN more comes in than goes out, and
//! what goes out goes out with the repeat. Ports that were not used before have no such
//! loss, else it is a loss like any other.

use crate::diagnose::cause::clean_in;
use crate::diagnose::facts::state::late_syns::{Late, is_reused, second_passed};
use crate::diagnose::facts::state::port_reuse::forerunners;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{count, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::flow::Mark;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::{BTreeMap, HashMap};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

/// The modes in which conntrack goes with IPVS: a node that replaces the source, too.
const MODES: [Mode; 2] = [Mode::Nat, Mode::FullNat];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut late: Vec<Late<'_>> = Vec::new();
    for (id, _) in facts.requests().filter(|(id, c)| {
        c.protocol.is_tcp() && c.progress.syns > 1 && MODES.contains(&facts.service(*id).mode)
    }) {
        late.extend(second_passed(facts, id));
    }
    let ids: Vec<ConnectionId> = late.iter().map(|l| l.id).collect();
    let before = forerunners(facts, &ids);
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Late<'_>>> = BTreeMap::new();
    let mut fresh: Vec<(ServiceId, HostId)> = Vec::new();
    for one in late {
        let key = (facts.topology.service_of[one.id.0 as usize], one.director);
        if is_reused(facts, &one, &before) {
            sets.entry(key).or_default().push(one);
        } else {
            fresh.push(key);
        }
    }
    // What befalls ports that were never used is not reuse.
    sets.retain(|key, _| !fresh.contains(key));
    let findings =
        sets.into_iter().map(|((service, host), set)| finding(facts, service, host, &set, &before));
    Detection::from(findings.collect(), || clean_in(facts, &MODES))
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    host: HostId,
    set: &[Late<'_>],
    before: &HashMap<ConnectionId, ConnectionId>,
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|l| l.id).collect();
    let director = names.full(host);
    let title = format!(
        "the director {} drops the first SYN of client ports used before: connecting takes 1 s longer",
        names.host(host)
    );
    let explanation = format!(
        "{} to {} come from a client port that had carried another connection less than two minutes before. Their first SYN comes in at {director} and does not go out; the client's repeat, one second later, does. IPVS did so up to Linux 5.8 where it uses conntrack and must replace an old entry (conn_reuse_mode=1). No SYN of an unused port is lost. {} a second longer.",
        count(ids.len(), "connection"),
        s.name(),
        share(facts, service, &ids, "take")
    );
    let mut finding = Finding::cause("ipvs-conn-reuse-1s", title, explanation);
    finding.confidence =
        if ids.len() >= NO_COINCIDENCE { Confidence::Certain } else { Confidence::Likely };
    if ids.len() < NO_COINCIDENCE {
        finding.candidate(
            "packet-loss",
            "then SYNs of ports that were not used before are lost at the director as well",
        );
    }
    finding.confirm(
        director.clone(),
        "uname -r; sysctl net.ipv4.vs.conntrack net.ipv4.vs.conn_reuse_mode",
        "a kernel before 5.9 with both set to 1: this is it",
    );
    finding.fixes = vec![
        Fix::disruptive(
            director.clone(),
            "# a kernel from 5.9 on replaces the entry without dropping the SYN",
            "Boot the old kernel.",
        ),
        sysctl::change(
            format!("{director}, where the kernel must stay"),
            &[("net.ipv4.vs.conn_reuse_mode", "0", "1")],
        )
        .because("then used ports stick to their old real server, also after it was removed")
        .or(),
    ];
    finding.proofs = set.first().map(|one| proofs(facts, one, before)).unwrap_or_default();
    finding.concerning(vec![names.subject(Role::Director, host)], ids)
}

fn proofs(
    trace: &Trace,
    one: &Late<'_>,
    before: &HashMap<ConnectionId, ConnectionId>,
) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let old = before.get(&one.id).and_then(|old| {
        let leg = trace.legs(*old).iter().find(|l| l.vantage == one.came.0.vantage)?;
        trace.proof(leg, trace.forward(leg).last, "the last packet of the port's connection before")
    });
    proofs.extend(old);
    let mark: Mark = one.came.1.first;
    proofs.extend(trace.proof(one.came.0, mark, "the first SYN comes in, and does not go out"));
    let out = "the first SYN that goes out, a second later: the client's repeat";
    proofs.extend(trace.proof(one.left.0, one.left.1.first, out));
    proofs
}
