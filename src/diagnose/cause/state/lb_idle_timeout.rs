//! A connection was used again after the director had forgotten it for being
//! idle.
//!
//! The same reset as from a director that lost its table; what tells them apart
//! is the silence before it, and that the same director had forwarded the
//! connection. Where no capture shows the director, the ends tell ([`expired`]).

use super::expired::by_the_ends;
use super::idle_timeouts::{LOWER, TABLE, keep_alive, longer, raise, seconds, usual};
use crate::diagnose::cause::severity;
use crate::diagnose::decide::reset::{WhyDied, WhyReset};
use crate::diagnose::facts::state::expired;
use crate::diagnose::facts::state::lost_entries::proofs;
use crate::diagnose::facts::state::resets::{Forgotten, by_host};
use crate::diagnose::words::commands::cluster;
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission", "arp-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.resets().iter().filter(|one| one.why() == WhyReset::IdleTimeout);
    let findings = by_host(facts, own)
        .into_iter()
        .map(|((service, host), set)| finding(facts, service, host, &set));
    let ends = facts.resets().iter().filter(|one| one.why().is_of_an_end());
    let unseen = expired::sets(facts, &ends.map(|one| one.id).collect());
    let unseen = unseen.iter().filter(|set| set.why() == WhyDied::Forgotten);
    let findings = findings.chain(unseen.map(|set| by_the_ends(facts, set)));
    Detection::from(findings.collect(), || super::no_entries(facts))
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Forgotten]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|l| l.id).collect();
    let idle = set.iter().filter_map(|l| l.signs.idle_ns).min().unwrap_or(0);
    let longest = set.iter().filter_map(|l| l.signs.idle_ns).max().unwrap_or(0);
    let silence = seconds(idle);
    let director = names.full(host);
    let title = format!(
        "the director {} forgets idle connections: its timeout is {silence} or less",
        names.host(host)
    );
    let known = usual(idle)
        .map_or_else(String::new, |s| format!(" A timeout of {s} s is usual in balancers."));
    let explanation = format!(
        "The connections to {} were silent for {silence} or longer. Their next segment reaches {director}, which had forwarded them before: it sends nothing to a real server and answers with a bare RST, as its entry is gone.{known} {} cut off; the real server is not told and keeps its side open.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("lb-idle-timeout", title, explanation);
    finding.severity = severity(facts, &ids);
    // The table may have been emptied during the silence.
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "director-no-entry-rst",
        "then connections that were never idle are reset as well, all at one moment",
    );
    let in_cluster = cluster::is_clusters(facts, s);
    finding.confirm(
        director.clone(),
        if in_cluster {
            TABLE
        } else {
            "ipvsadm -L --timeout; sysctl net.ipv4.vs.expire_nodest_conn"
        },
        format!("a TCP timeout of {silence} or less: this is it"),
    );
    finding.fixes = vec![
        if in_cluster { longer(&director) } else { Fix::safe(director, raise(longest), LOWER) },
        keep_alive("the clients or the real servers, where the timeout cannot be raised", idle)
            .or(),
    ];
    let shown = set.iter().find(|l| l.is_withheld() && l.own).or_else(|| set.first());
    finding.proofs = shown.map(|l| proofs(facts, l)).unwrap_or_default();
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.addresses = vec![s.vip];
    finding.connections = ids;
    finding
}
