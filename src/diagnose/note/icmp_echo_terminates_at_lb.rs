//! Somebody pinged a balanced service: the balancer answers for itself, or nobody
//! does, and neither says anything about the real servers.
//!
//! Says nothing where a real server's own capture shows the ping: there the VIP's
//! packets do not end at the balancer.

use super::super::words::service_subject;
use super::super::{Confidence, Detection, Facts, Finding, Proof};
use crate::flow::{Echo, VantageId};
use crate::topology::{Mode, Service};
use crate::trace::{At, Trace};
use crate::wire::Ip;
use std::collections::BTreeSet;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut vips = BTreeSet::new();
    let balanced = facts.topology.services.iter().filter(|s| {
        s.mode != Mode::Unknown && !s.is_backend && !s.directors.is_empty() && vips.insert(s.vip)
    });
    let findings = balanced.filter_map(|s| finding(facts, s)).collect();
    Detection::from(findings, || Detection::Clean)
}

fn echoes(trace: &Trace, vip: Ip) -> impl Iterator<Item = (VantageId, &Echo)> {
    VantageId::each(&trace.vantages).flat_map(move |(v, vantage)| {
        vantage.echoes.iter().filter(move |e| e.dst == vip && e.requests > 0).map(move |e| (v, e))
    })
}

fn finding(trace: &Trace, s: &Service) -> Option<Finding> {
    let asked: Vec<(VantageId, &Echo)> = echoes(trace, s.vip).collect();
    let (v, first) = *asked.first()?;
    let at_server = asked.iter().any(|(v, echo)| {
        let host = trace.host_of_vantage(*v);
        // A real server's own question left there.
        host.is_some()
            && trace.host_by_ip(echo.src) != host
            && s.real_servers.iter().any(|r| r.host == host)
    });
    if at_server || !trace.vantages[v.index()].shows.both_ways {
        return None;
    }
    let answered = asked.iter().any(|(_, e)| e.replies > 0);
    let at_director =
        asked.iter().any(|(v, _)| trace.host_of_vantage(*v).is_some_and(|h| s.is_director(h)));
    let served = s.real_servers.iter().any(|r| r.host.is_some_and(|h| trace.is_captured(h)));
    // That nobody answers is worth a word only where connections are answered.
    let works = trace
        .requests()
        .any(|(id, c)| c.front.server.0 == s.vip && c.progress.response && trace.concerns(id));
    let vip = s.vip;
    let (title, explanation) = match (answered, works) {
        (true, _) => (
            format!("the balancer itself answers ping to {vip}: it says nothing of real servers"),
            "Echo requests to the VIP end at the balancer and are not forwarded. They are answered while every real server is down, and a service can be well while they are not.".to_owned(),
        ),
        (false, true) => (
            format!("ping to {vip} is not answered, connections to it are: no fault of the service"),
            "Balancers answer echo requests to a VIP themselves, or not at all. Connections to the service were answered meanwhile.".to_owned(),
        ),
        (false, false) => return None,
    };
    let mut note = Finding::note("icmp-echo-terminates-at-lb", title, explanation);
    note.confidence = if at_director && served { Confidence::Certain } else { Confidence::Likely };
    let proof = format!("echo request {} > {vip}, {} in all", first.src, first.requests);
    note.proofs.push(Proof { at: At { vantage: v, mark: first.first }, note: proof });
    note.subjects = vec![service_subject(s)];
    Some(note)
}
