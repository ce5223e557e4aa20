//! Hosts' words on why a real server is silent: is the VIP there, did the reverse path
//! filter drop, did the accept queue overflow, is tcp_tw_recycle on.

use super::{all, certain, drop_candidate, places, say, servers, vip};
use crate::diagnose::settled::Settled;
use crate::diagnose::{Confidence, Finding, Fix, Names};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Said, Trace};

pub(in crate::diagnose) fn missing_vip(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let hosts = hosts.as_slice();
    let Some(vip) = vip(trace, finding) else { return };
    let mut absent = 0;
    for host in hosts {
        let Some(said) = trace.has_address(*host, vip) else { continue };
        let server = Names(trace).host(*host);
        if said.value {
            say(finding, Settled::VipListed { server, vip, at: said.place() });
        } else {
            absent += 1;
            say(finding, Settled::VipAbsent { server, vip, at: said.place() });
            let place = Names(trace).place(*host);
            finding.to_confirm.retain(|c| c.host != place);
        }
    }
    if absent == hosts.len() {
        certain(finding);
    }
}

/// Reasons of a silence that hosts exclude: a VIP that is there, a queue that never
/// was full.
fn excluded(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    let Some(vip) = vip(trace, finding) else { return };
    if let Some(said) = all(hosts, |h| trace.has_address(h, vip))
        && said.iter().all(|s| s.value)
        && finding.candidates.iter().any(|c| c.id == "rs-missing-vip")
    {
        drop_candidate(finding, "rs-missing-vip");
        say(finding, Settled::VipPresent { at: places(&said) });
    }
    if let Some(said) = all(hosts, |h| trace.counter(h, "TcpExtListenOverflows"))
        && said.iter().all(|s| s.value == 0)
    {
        drop_candidate(finding, "accept-queue-overflow");
        say(finding, Settled::QueuesHeld { at: places(&said) });
    }
}

pub(in crate::diagnose) fn silent(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let hosts = hosts.as_slice();
    excluded(trace, finding, hosts);
    let lost = lost(trace, finding);
    if super::filter::stopped(trace, finding, lost) {
        return;
    }
    let passed = finding.settled.iter().any(|s| matches!(s, Settled::FilterLetPass { .. }));
    let dropped = all(hosts, |h| trace.counter(h, "TcpExtIPReversePathFilter"));
    let filter = all(hosts, |h| trace.setting(h, "rp_filter"));
    let off = filter.as_ref().is_some_and(|f| f.iter().all(|s| s.value == 0));
    if let Some(said) = dropped.as_ref().filter(|d| d.iter().all(|s| s.value == 0)) {
        drop_candidate(finding, "rp-filter-drop");
        say(finding, Settled::FilterPassed { at: places(said) });
    } else if let Some(said) = filter.as_ref().filter(|_| off) {
        drop_candidate(finding, "rp-filter-drop");
        say(finding, Settled::FilterOff { at: places(said) });
    } else if let Some(dropped) = dropped.filter(|d| d.iter().all(|s| s.value > 0)) {
        reverse_path(trace, finding, hosts, &dropped, filter);
    }
    let open = finding.confidence != Confidence::Certain && !passed;
    if finding.candidates.is_empty() && open {
        say(finding, Settled::FirewallIsLeft);
        finding.confidence = Confidence::Certain;
    }
}

/// A filter that is on and dropped at least as much as was lost is the reason.
pub(in crate::diagnose) fn filtered(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let hosts = hosts.as_slice();
    excluded(trace, finding, hosts);
    let Some(dropped) = all(hosts, |h| trace.counter(h, "TcpExtIPReversePathFilter")) else {
        return;
    };
    let lost = lost(trace, finding);
    let total: u64 = dropped.iter().map(|s| s.value).sum();
    let filter = all(hosts, |h| trace.setting(h, "rp_filter"));
    say(finding, Settled::FilterDropped { packets: total, found: true, at: places(&dropped) });
    if total >= lost && filter.is_some_and(|f| f.iter().all(|s| s.value > 0)) {
        certain(finding);
        let names = Names(trace);
        finding.fixes =
            hosts.iter().zip(&dropped).map(|(host, said)| off(names.place(*host), said)).collect();
    }
}

/// SYNs that a finding's connections sent.
fn lost(trace: &Trace, finding: &Finding) -> u64 {
    let syns = |id: &ConnectionId| u64::from(trace.connection(*id).progress.syns);
    finding.connections.iter().map(syns).sum()
}

/// The filter dropped at least as much as was lost, and nothing else fits.
fn reverse_path(
    trace: &Trace,
    finding: &mut Finding,
    hosts: &[HostId],
    dropped: &[Said<'_, u64>],
    filter: Option<Vec<Said<'_, u32>>>,
) {
    let total: u64 = dropped.iter().map(|s| s.value).sum();
    say(finding, Settled::FilterDropped { packets: total, found: false, at: places(dropped) });
    let lost = lost(trace, finding);
    let only = matches!(&finding.candidates[..], [one] if one.id == "rp-filter-drop");
    let Some(filter) = filter.filter(|f| f.iter().all(|s| s.value > 0)) else { return };
    say(finding, Settled::FilterOn { at: places(&filter) });
    if total < lost || !only {
        return;
    }
    certain(finding);
    say(finding, Settled::FilterIsTheReason);
    let names = Names(trace);
    finding.fixes =
        hosts.iter().zip(dropped).map(|(host, said)| off(names.place(*host), said)).collect();
}

/// Turns the filter off wherever it is on, and back to what it was.
fn off(host: String, said: &Said<'_, u64>) -> Fix {
    let settings = said.state.sysctls.iter().filter(|(name, told)| {
        let of_interface =
            !name.ends_with(".lo.rp_filter") && !name.ends_with(".default.rp_filter");
        name.ends_with(".rp_filter") && of_interface && told.value != "0"
    });
    let (mut set, mut undo) = (String::from("sysctl -w"), String::from("sysctl -w"));
    for (name, told) in settings {
        set.push_str(&format!(" {name}=0"));
        // A value out of a file goes into a command only as a number.
        undo.push_str(&format!(" {name}={}", told.value.parse::<u32>().unwrap_or(1)));
    }
    Fix::safe(host, set, undo)
}

pub(in crate::diagnose) fn overflow(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let hosts = hosts.as_slice();
    // A queue that is full when it is asked is one that nobody empties.
    if let Some(id) = finding.connections.first().copied() {
        let asked = trace.asked(id);
        let full = all(hosts, |h| {
            let said = trace.listener(h, asked.protocol, asked.to)?;
            let queue = said.value.filter(|l| l.is_full())?;
            Some(Said { value: queue, state: said.state, at: said.at })
        });
        if let Some(said) = full {
            let (waiting, most) = (said[0].value.waiting, said[0].value.backlog.unwrap_or(0));
            say(finding, Settled::QueueIsFull { waiting, most, at: places(&said) });
            certain(finding);
            return;
        }
    }
    let Some(said) = all(hosts, |h| trace.counter(h, "TcpExtListenOverflows")) else { return };
    let counts: Vec<String> = said.iter().map(|s| s.value.to_string()).collect();
    let counts = crate::diagnose::words::list(&counts);
    if said.iter().all(|s| s.value > 0) {
        say(finding, Settled::QueuesOverflowed { counts, at: places(&said) });
        certain(finding);
    } else {
        say(finding, Settled::QueuesDenied { counts, at: places(&said) });
        finding.confidence = Confidence::Possible;
    }
}

/// A setting that is on is the reason; a kernel without it, or with it off, is not.
pub(in crate::diagnose) fn recycled(trace: &Trace, finding: &mut Finding) {
    let Some(hosts) = servers(trace, finding) else { return };
    let hosts = hosts.as_slice();
    let told = |h: HostId| {
        trace.states_of(h).find_map(|m| {
            let told = m.state.sysctls.get("net.ipv4.tcp_tw_recycle")?;
            Some(Said { value: told.value.parse().ok()?, state: &m.state, at: told.at })
        })
    };
    let Some(said): Option<Vec<Said<'_, u32>>> = all(hosts, told) else { return };
    if said.iter().all(|s| s.value > 0) {
        say(finding, Settled::Recycling { on: true, at: places(&said) });
        certain(finding);
    } else {
        say(finding, Settled::Recycling { on: false, at: places(&said) });
        finding.confidence = finding.confidence.min(Confidence::Likely);
    }
}
