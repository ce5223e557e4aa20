//! A FullNAT director has no free local port towards a real server: SYNs come in
//! and nothing goes out for them.
//!
//! Its own capture must show the SYNs come in, of sources that it served before,
//! while other connections go on; and towards a real server every local port that
//! it was ever seen to use must be in use at that moment, with no gap between
//! them and not in rising order. A director that merely counts ports up shows
//! ports without gaps too, one with ports to spare scatters them.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::state::source_ports::{Exhausted, Translated, look};
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{self, directors, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    let mut looked = false;
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || service.mode != Mode::FullNat || !service.protocol.is_tcp() {
            continue;
        }
        let id = ServiceId(i as u32);
        for host in service.directors.iter().map(|d| d.host) {
            let side = look(facts, id, host);
            looked |= !side.passed.is_empty();
            if let Some(full) = side.full(facts) {
                findings.push(finding(facts, id, host, &side, &full));
            }
        }
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::FullNat]) {
            return other;
        }
        Detection::clean_if(
            looked,
            "no capture shows both sides of the director; capture there with 'tcpdump -i any'",
        )
    })
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    host: HostId,
    side: &Translated,
    full: &[Exhausted],
) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = side.withheld.iter().map(|w| w.id).collect();
    let director = say.full(host);
    let servers: Vec<String> = full.iter().map(|e| e.server.0.with_port(e.server.1)).collect();
    let servers = words::list(&servers);
    let locals: Vec<String> = full[0]
        .ranges
        .iter()
        .map(|(ip, low, high, n)| format!("{n} ports of {ip}, {low} to {high}"))
        .collect();
    let locals = words::list(&locals);
    let title = format!("the director {} has no local port left for {servers}", say.host(host));
    let explanation = format!(
        "SYNs for {} reach {director} and nothing goes out for them, while the connections that it has go on. Towards {servers} all local ports that it was seen to use are in use: {locals}, without a gap. {} no answer; as ports become free, some will.",
        s.name(),
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("fullnat-source-port-exhaustion", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate("conntrack-table-full", "then 'dmesg' on the director says 'nf_conntrack: table full', and connections to all servers and services are lost alike");
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(director.clone(), format!("{tables}-save -t nat | grep -E 'SNAT|MASQUERADE'; sysctl net.ipv4.ip_local_port_range net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; conntrack -S; dmesg | grep conntrack"), "insert_failed or drop in 'conntrack -S' that grows, with count below max: no port was free");
    if let Some((local, ..)) = full[0].ranges.first() {
        for e in full {
            let to = Ip::with_port(*local, 1024);
            let spec = format!(
                "-p tcp -d {} --dport {} -j SNAT --to-source {to}-65535",
                e.server.0, e.server.1
            );
            let rule = Rule::nat(*local, "POSTROUTING", spec);
            finding.fixes.push(step::safe(
                format!("{director}, or another local address beside it (dpvs: ipvsadm -P -t {} -z LIP)", s.name()),
                [rule.inserted()],
            ));
        }
    }
    if let Some(w) = side.withheld.first() {
        let at = |mark| At { vantage: w.vantage, mark };
        finding.proofs = vec![
            Proof::at(at(w.first), "a SYN comes in and nothing goes out"),
            Proof::at(at(w.last), "and again"),
        ];
    }
    finding.subjects = directors(facts, service);
    finding.subjects.sort_by_key(|subject| subject.address != say.address(host));
    finding.connections = ids;
    finding
}
