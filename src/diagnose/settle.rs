//! What hosts said of themselves, held against the findings that they answer.
//!
//! A finding names candidates and the commands that tell them apart. Where the
//! output of such a command was given, it decides here, after detection and in
//! one place: the confidence rises, candidates go, and the explanation cites the
//! file and line. What frames show is never overruled: a state is from another
//! moment, and the explanation says so where the two disagree.

mod table_full;

use super::{Confidence, Finding, Fix, Kind, Names, Subject};
use crate::state::Route;
use crate::topology::{HostId, Role, Service};
use crate::trace::{ConnectionId, Said, Trace};
use crate::wire::Ip;
use std::collections::BTreeSet;

/// Real servers beyond which a sentence about all of them helps nobody.
const MANY: usize = 16;

pub(super) fn settle(trace: &Trace, findings: &mut [Finding]) {
    if trace.states.is_empty() {
        return;
    }
    for finding in findings {
        match finding.id {
            "proxy-arp-or-arp-flux" => proxy(trace, finding),
            "conntrack-table-full" => table_full::settle(trace, finding),
            _ => {}
        }
        let Some(hosts) = servers(trace, finding) else { continue };
        match finding.id {
            "rs-missing-vip" => missing_vip(trace, finding, &hosts),
            "rs-silent" => silent(trace, finding, &hosts),
            "rp-filter-drop" => filtered(trace, finding, &hosts),
            "accept-queue-overflow" => overflow(trace, finding, &hosts),
            "tw-recycle-nat-timestamps" => recycled(trace, finding, &hosts),
            "nat-return-bypasses-director" => bypass(trace, finding, &hosts),
            "dr-arp-problem" => arp(trace, finding, &hosts),
            _ => {}
        }
    }
}

/// The real servers that a finding names; `None` where one is unknown.
fn servers(trace: &Trace, finding: &Finding) -> Option<Vec<HostId>> {
    let named = finding.subjects.iter().filter(|s| s.role == Role::RealServer);
    let host = |s: &Subject| trace.host_by_mac(s.mac).or_else(|| trace.host_by_ip(s.address?));
    let hosts: Option<Vec<HostId>> = named.map(host).collect();
    hosts.filter(|hosts| !hosts.is_empty())
}

fn vip(trace: &Trace, finding: &Finding) -> Option<Ip> {
    finding.connections.first().map(|id| trace.service(*id).vip)
}

fn say(finding: &mut Finding, sentence: &str) {
    finding.explanation.push(' ');
    finding.explanation.push_str(sentence);
}

fn drop_candidate(finding: &mut Finding, id: &str) {
    finding.candidates.retain(|c| c.id != id);
}

/// Nothing else fits any more, and nothing is to be asked.
fn certain(finding: &mut Finding) {
    finding.confidence = Confidence::Certain;
    finding.candidates.clear();
    finding.to_confirm.clear();
}

/// What every host says of one thing; `None` where one is silent.
fn all<'a, T>(
    hosts: &[HostId],
    ask: impl Fn(HostId) -> Option<Said<'a, T>>,
) -> Option<Vec<Said<'a, T>>> {
    hosts.iter().map(|host| ask(*host)).collect()
}

fn places<T>(said: &[Said<'_, T>]) -> String {
    super::words::list(&said.iter().map(Said::place).collect::<Vec<_>>())
}

fn missing_vip(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    let Some(vip) = vip(trace, finding) else { return };
    let mut absent = 0;
    for host in hosts {
        let Some(said) = trace.has_address(*host, vip) else { continue };
        let server = Names(trace).host(*host);
        if said.value {
            say(
                finding,
                &format!(
                    "{} lists {vip} on {server}: it was added after the capture, or is on an interface that was down.",
                    said.place()
                ),
            );
        } else {
            absent += 1;
            say(
                finding,
                &format!(
                    "The addresses of {server}, listed from {} on, do not include {vip}.",
                    said.place()
                ),
            );
            finding.to_confirm.retain(|c| c.host != server);
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
        say(finding, &format!("The VIP is not missing (it stands at {}).", places(&said)));
    }
    if let Some(said) = all(hosts, |h| trace.counter(h, "TcpExtListenOverflows"))
        && said.iter().all(|s| s.value == 0)
    {
        drop_candidate(finding, "accept-queue-overflow");
        say(finding, &format!("No accept queue overflowed ({}).", places(&said)));
    }
}

fn silent(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    excluded(trace, finding, hosts);
    let dropped = all(hosts, |h| trace.counter(h, "TcpExtIPReversePathFilter"));
    let filter = all(hosts, |h| trace.setting(h, "rp_filter"));
    let off = filter.as_ref().is_some_and(|f| f.iter().all(|s| s.value == 0));
    if let Some(said) = dropped.as_ref().filter(|d| d.iter().all(|s| s.value == 0)) {
        drop_candidate(finding, "rp-filter-drop");
        say(finding, &format!("The reverse path filter dropped nothing ({}).", places(said)));
    } else if let Some(said) = filter.as_ref().filter(|_| off) {
        drop_candidate(finding, "rp-filter-drop");
        say(finding, &format!("The reverse path filter is off ({}).", places(said)));
    } else if let Some(dropped) = dropped.filter(|d| d.iter().all(|s| s.value > 0)) {
        reverse_path(trace, finding, hosts, &dropped, filter);
    }
    if finding.candidates.is_empty() && finding.confidence != Confidence::Certain {
        say(finding, "What is left is a firewall on the host.");
        finding.confidence = Confidence::Certain;
    }
}

/// A filter that is on and dropped at least as much as was lost is the reason.
fn filtered(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    excluded(trace, finding, hosts);
    let Some(dropped) = all(hosts, |h| trace.counter(h, "TcpExtIPReversePathFilter")) else {
        return;
    };
    let lost = lost(trace, finding);
    let total: u64 = dropped.iter().map(|s| s.value).sum();
    let filter = all(hosts, |h| trace.setting(h, "rp_filter"));
    say(finding, &format!("It dropped {total} packets since boot ({}).", places(&dropped)));
    if total >= lost && filter.is_some_and(|f| f.iter().all(|s| s.value > 0)) {
        certain(finding);
        let names = Names(trace);
        finding.fixes =
            hosts.iter().zip(&dropped).map(|(host, said)| off(names.host(*host), said)).collect();
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
    say(
        finding,
        &format!(
            "The reverse path filter dropped {total} packets since boot ({}).",
            places(dropped)
        ),
    );
    let lost = lost(trace, finding);
    let only = matches!(&finding.candidates[..], [one] if one.id == "rp-filter-drop");
    let Some(filter) = filter.filter(|f| f.iter().all(|s| s.value > 0)) else { return };
    say(finding, &format!("It is on ({}).", places(&filter)));
    if total < lost || !only {
        return;
    }
    certain(finding);
    finding.title = finding.title.replace(" not answer the SYNs that", " not take the SYNs that")
        + ": the reverse path filter drops them";
    let names = Names(trace);
    finding.fixes =
        hosts.iter().zip(dropped).map(|(host, said)| off(names.host(*host), said)).collect();
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
    Fix { host, command: set, disruptive: false, undo }
}

fn overflow(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    let Some(said) = all(hosts, |h| trace.counter(h, "TcpExtListenOverflows")) else { return };
    let counts: Vec<String> = said.iter().map(|s| s.value.to_string()).collect();
    let counts = super::words::list(&counts);
    if said.iter().all(|s| s.value > 0) {
        say(finding, &format!("TcpExtListenOverflows says so: {counts} ({}).", places(&said)));
        certain(finding);
    } else {
        say(
            finding,
            &format!(
                "TcpExtListenOverflows says otherwise: {counts} ({}); if that was taken after the capture, the queue was not full.",
                places(&said)
            ),
        );
        finding.confidence = Confidence::Possible;
    }
}

/// A setting that is on is the reason; a kernel without it, or with it off, is not.
fn recycled(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    let told = |h: HostId| {
        trace.states_of(h).find_map(|m| {
            let told = m.state.sysctls.get("net.ipv4.tcp_tw_recycle")?;
            Some(Said { value: told.value.parse().ok()?, state: &m.state, at: told.at })
        })
    };
    let Some(said): Option<Vec<Said<'_, u32>>> = all(hosts, told) else { return };
    if said.iter().all(|s| s.value > 0) {
        say(finding, &format!("It is on ({}).", places(&said)));
        certain(finding);
    } else {
        say(finding, &format!("When its settings were taken, it was off ({}).", places(&said)));
        finding.confidence = finding.confidence.min(Confidence::Likely);
    }
}

/// Whether an address is one of a service's directors.
fn is_director(trace: &Trace, service: &Service, ip: Ip) -> bool {
    service.directors.iter().any(|d| {
        trace.topology.hosts.get(d.host).ips.contains(&ip)
            || trace.has_address(d.host, ip).is_some_and(|s| s.value)
    })
}

/// The suspects of symptoms that nothing explains: what the real servers say
/// excludes or supports them, and no more, since no frame shows which it is.
pub(super) fn suspects(trace: &Trace, findings: &mut [Finding]) {
    if trace.states.is_empty() {
        return;
    }
    for finding in findings.iter_mut().filter(|f| f.kind == Kind::Symptom) {
        let Some(id) = finding.connections.first().copied() else { continue };
        let service = trace.service(id);
        let of = |id: &ConnectionId| trace.server(*id).and_then(|s| s.host);
        let hosts: Option<BTreeSet<HostId>> = finding.connections.iter().map(of).collect();
        let Some(hosts) = hosts.filter(|h| h.len() <= MANY) else { continue };
        let hosts: Vec<HostId> = hosts.into_iter().collect();
        let is_suspect = |id: &str| finding.candidates.iter().any(|c| c.id == id);
        if is_suspect("rs-missing-vip")
            && let Some(said) = all(&hosts, |h| trace.has_address(h, service.vip))
        {
            if said.iter().all(|s| s.value) {
                drop_candidate(finding, "rs-missing-vip");
                say(finding, &format!("The VIP is not missing (it stands at {}).", places(&said)));
            } else if said.iter().all(|s| !s.value) {
                say(finding, &format!("{} is on no interface ({}).", service.vip, places(&said)));
            }
        } else if is_suspect("nat-return-bypasses-director") {
            let client = trace.connection(id).front.client.0;
            let Some(said) = all(&hosts, |h| trace.route_to(h, client)) else { continue };
            let lead = |s: &Said<'_, &Route>| {
                s.value.via.is_some_and(|via| is_director(trace, service, via))
            };
            if said.iter().all(lead) {
                drop_candidate(finding, "nat-return-bypasses-director");
                say(
                    finding,
                    &format!("The real servers' routes lead to the director ({}).", places(&said)),
                );
            } else if !service.directors.is_empty() && !said.iter().any(lead) {
                say(
                    finding,
                    &format!(
                        "The real servers' routes to {client} do not lead to the director ({}).",
                        places(&said)
                    ),
                );
            }
        }
    }
}

fn bypass(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    let Some(id) = finding.connections.first().copied() else { return };
    let client = trace.connection(id).front.client.0;
    let service = trace.service(id);
    let mut agree = 0;
    for host in hosts {
        let Some(said) = trace.route_to(*host, client) else { continue };
        let Some(via) = said.value.via else { continue };
        let server = Names(trace).host(*host);
        if is_director(trace, service, via) {
            say(
                finding,
                &format!(
                    "The route of {server} at {} does lead to the director, {via}: it was changed since, or a policy rule or another table goes first.",
                    said.place()
                ),
            );
            continue;
        }
        agree += 1;
        say(
            finding,
            &format!("The gateway of {server} towards {client} is {via} ({}).", said.place()),
        );
        finding.to_confirm.retain(|c| c.host != server);
        if said.value.to.1 == 0 {
            let dev = said.value.dev.as_ref().filter(|d| is_name(d));
            let dev = dev.map_or_else(String::new, |d| format!(" dev {d}"));
            for fix in finding.fixes.iter_mut().filter(|f| f.host == server) {
                fix.undo = format!("ip route replace default via {via}{dev}");
            }
        }
    }
    if agree == hosts.len() && !service.directors.is_empty() {
        certain(finding);
    }
}

/// An interface's name that may stand in a command.
fn is_name(text: &str) -> bool {
    text.len() < 16 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn proxy(trace: &Trace, finding: &mut Finding) {
    let host = finding.subjects.first().and_then(|s| trace.host_by_mac(s.mac));
    let (Some(host), Some(vip)) = (host, finding.addresses.first().copied()) else { return };
    let Some(said) = trace.setting(host, "proxy_arp") else { return };
    say(finding, &format!("Its proxy_arp is {} ({}).", said.value, said.place()));
    let owns = trace.has_address(host, vip).is_some_and(|s| s.value);
    match (said.value, owns) {
        (0, _) | (_, true) => finding.confidence = Confidence::Possible,
        _ => certain(finding),
    }
}

fn arp(trace: &Trace, finding: &mut Finding, hosts: &[HostId]) {
    let Some(vip) = finding.addresses.first().copied() else { return };
    let mut culprits = 0;
    for host in hosts {
        let server = Names(trace).host(*host);
        if let Some(said) = trace.setting(*host, "arp_ignore") {
            let what = match said.value {
                0 => "so it answers ARP for addresses of any interface",
                _ => "so it was set after the neighbours had learnt, or the VIP is not on lo",
            };
            say(
                finding,
                &format!("arp_ignore of {server} is {}, {what} ({}).", said.value, said.place()),
            );
            let has = trace.has_address(*host, vip).is_some_and(|s| s.value);
            culprits += usize::from(said.value == 0 && has);
        }
    }
    // Whoever has the table is the director, and the others are not.
    let claimants = finding.subjects.iter().filter(|s| s.role != Role::RealServer);
    let table = claimants
        .filter_map(|s| trace.host_by_mac(s.mac))
        .flat_map(|host| trace.states_of(host))
        .find_map(|m| {
            let names = |f: crate::state::Front| {
                matches!(f, crate::state::Front::Address { vip: v, .. } if v == vip)
            };
            let service = m.state.services.iter().find(|s| names(s.front))?;
            Some(m.state.place(service.at))
        });
    if let Some(place) = &table {
        say(finding, &format!("The director is the host that balances {vip} ({place})."));
    }
    if table.is_some() || culprits == hosts.len() {
        certain(finding);
    }
}
