//! Hosts' words on refusals: who listens, and whether a service has anybody to go to.

use super::table_full::{director, number_of};
use super::{all, certain, places, say, servers};
use crate::diagnose::settled::Settled;
use crate::diagnose::{Confidence, Finding, Names};
use crate::trace::Trace;

/// Nobody listens: the host's list of sockets says so, or that somebody does by now.
pub(in crate::diagnose) fn refused(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let Some(id) = finding.connections.first().copied() else { return };
    let asked = trace.asked(id);
    let Some(said) = all(&hosts, |host| trace.listener(host, asked.protocol, asked.to)) else {
        return;
    };
    let (port, at) = (asked.to.1, places(&said));
    if said.iter().all(|one| one.value.is_none()) {
        say(finding, Settled::NobodyListens { port, at });
        certain(finding);
    } else if said.iter().all(|one| one.value.is_some()) {
        say(finding, Settled::Listens { port, at });
    }
}

/// A director that refuses for want of real servers: its own table says whether it has any.
pub(in crate::diagnose) fn no_destination(trace: &Trace, finding: &mut Finding) {
    let Some(host) = director(trace, finding) else { return };
    let Some(id) = finding.connections.first().copied() else { return };
    let Some(said) = trace.stated_service(host, trace.service(id)) else { return };
    let who = Names(trace).host(host);
    let none = said.value.servers.iter().all(|server| server.weight == Some(0));
    let at = said.place();
    say(finding, Settled::Destinations { who, none, at });
    if none && !said.value.configured {
        certain(finding);
    } else if !none {
        finding.confidence = finding.confidence.min(Confidence::Likely);
    }
}

/// No source port was free: netfilter counts what it could not enter.
pub(in crate::diagnose) fn exhausted(trace: &Trace, finding: &mut Finding) {
    let Some(host) = director(trace, finding) else { return };
    let Some(failed) = number_of(trace, host, "conntrack-insert_failed") else { return };
    let at = failed.place();
    say(finding, Settled::InsertFailed { count: failed.value, at });
    if failed.value > 0 {
        certain(finding);
    }
}
