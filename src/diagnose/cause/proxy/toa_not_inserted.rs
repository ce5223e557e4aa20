//! A FullNAT director names the client to the real server in a TCP option (TOA), and for
//! some connections it does not: no room in the TCP header or in the packet, the client's
//! own option in its place, or a segment that the option made too long to arrive.
//!
//! Each is a matter of counting bytes at the real server's capture or where the director
//! sends; a connection that lacks the option without a reason that shows is left alone.
//! A service whose clients are never named is none of this.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::proxy::unnamed_clients::{Served, Unnamed, WhyUnnamed};
use crate::diagnose::facts::size::grown_packets::size;
use crate::diagnose::words::{self, counted, directors, share, tables};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{Mode, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let named = facts.vantages.iter().any(|v| v.side_tables.clients().next().is_some());
    let mut sets: BTreeMap<ServiceId, Served<'_>> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|_| named) {
        if c.protocol.is_tcp() && c.progress.request && facts.service(id).mode == Mode::FullNat {
            let service = facts.service_of(id);
            sets.entry(service).or_default().take(facts, id);
        }
    }
    let mut findings = Vec::new();
    for (service, mut served) in sets {
        for (why, set) in served.by_reason() {
            findings.push(finding(facts, service, why, &served, &set));
        }
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::FullNat]) {
            return other;
        }
        let mut full = facts.topology.services.iter().filter(|s| s.mode == Mode::FullNat);
        let seen = full.any(|s| {
            let directors = s.directors.iter().map(|d| d.host);
            let servers = s.real_servers.iter().filter_map(|r| r.host);
            directors.chain(servers).any(|h| facts.is_captured(h))
        });
        Detection::clean_if(
            seen,
            "no capture shows what the real servers get; capture on one of them",
        )
    })
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    why: WhyUnnamed,
    others: &Served<'_>,
    set: &[Unnamed<'_>],
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|u| u.id).collect();
    let subjects = directors(facts, service);
    let director = s.directors.first().map_or_else(
        || "the director".to_owned(),
        |d| format!("the director {}", names.full(d.host)),
    );
    let who = if subjects.is_empty() { "the director".to_owned() } else { words::names(&subjects) };
    let u = &set[0];
    let bytes = size(facts.connection(u.id).front.client.0);
    let (title, reason) = match why {
        WhyUnnamed::Header => (
            format!("{who} cannot name the client to the real server: the TCP header is full"),
            format!(
                "The first segment with payload has {} bytes of TCP options, of 40 that there may be; the option that names the client takes {bytes}.",
                u.options
            ),
        ),
        WhyUnnamed::Packet => (
            format!("{who} does not name the client to the real server where the packet is full"),
            format!(
                "The first segment has {} bytes of payload and {} of options; {} fit, and the option that names the client takes {bytes} more.",
                u.payload, u.options, u.limit
            ),
        ),
        WhyUnnamed::Own => (
            format!("{who} lets clients' own TCP option pass for their address"),
            format!(
                "The option is in the segment before it reaches the director: the client writes it, or a balancer on the way. The real server takes {} for the client, whom the director does not see.",
                u.own.map_or_else(String::new, |own| own.addr.with_port(own.port))
            ),
        ),
        WhyUnnamed::TooLong => (
            format!("{who} makes packets too long by the client's name, and they are lost"),
            format!(
                "The first segment leaves with {} bytes of payload and {} of options, of which {bytes} name the client; {} fit. It leaves again and again, as long as before, and the real server's capture shows none.",
                u.payload, u.options, u.limit
            ),
        ),
    };
    let effect = match why {
        WhyUnnamed::TooLong => "Requests that are shorter arrive.",
        WhyUnnamed::Own => {
            "Whatever the real server does by the client's address, it does for the wrong one."
        }
        _ => "The real server takes the director for the client: in its logs, limits and rules.",
    };
    let explanation = format!(
        "Clients of {} are named to the real servers in a TCP option (kind 254), as {}. {reason} {effect} {} concerned.",
        s.name(),
        counted(others.named, "connection", "show"),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("toa-not-inserted", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = match why {
        WhyUnnamed::Header | WhyUnnamed::TooLong => Confidence::Certain,
        WhyUnnamed::Packet | WhyUnnamed::Own => Confidence::Likely,
    };
    finding.confirm(
        director.clone(),
        "ipvsadm -Ln --stats; cat /proc/net/ip_vs_ext_stats 2>/dev/null | grep -i toa",
        "alibaba/LVS counts what it could not name (fullnat_add_toa_fail_len, _head_full, _mem)",
    );
    finding.fixes = vec![fix(s.vip, s.port, why, director)];
    let note = match why {
        WhyUnnamed::Header | WhyUnnamed::Packet => "the first payload: no option of kind 254 in it",
        WhyUnnamed::Own => "the option in it is the client's own",
        WhyUnnamed::TooLong => "it leaves the director, and arrives nowhere",
    };
    finding.proofs.extend(facts.proof(u.leg, u.shown, note));
    if why == WhyUnnamed::TooLong {
        finding.proofs.extend(facts.proof(u.leg, facts.forward(u.leg).last, "and again"));
    }
    if let Some((leg, mark)) = others.example {
        finding.proofs.extend(facts.proof(leg, mark, "another connection, whose client is named"));
    }
    finding.concerning(subjects, ids)
}

fn fix(vip: Ip, port: u16, why: WhyUnnamed, host: String) -> Fix {
    let tables = tables(vip);
    let of = format!("PREROUTING -d {vip} -p tcp --dport {port}");
    let (rule, note) = match why {
        WhyUnnamed::Own => (
            format!("{of} -j TCPOPTSTRIP --strip-options 254"),
            "takes what clients write themselves out; dpvs and alibaba/LVS bypass netfilter: do it before them",
        ),
        WhyUnnamed::Header => (
            format!("{of} --syn -j TCPOPTSTRIP --strip-options timestamp,30"),
            "new connections go without timestamps and MPTCP, which leaves room (alibaba/LVS: sysctl net.ipv4.vs.fullnat_timestamp_remove_entry=1); or name the client by PROXY header",
        ),
        WhyUnnamed::Packet | WhyUnnamed::TooLong => (
            format!(
                "POSTROUTING -s {vip} -p tcp --sport {port} --tcp-flags SYN,ACK SYN,ACK -j TCPMSS --set-mss {}",
                if vip.is_v4() { 1452 } else { 1420 }
            ),
            "clients leave room for the option (alibaba/LVS: sysctl net.ipv4.vs.fullnat_mss_adjust_entry=1)",
        ),
    };
    Fix::safe(
        host,
        format!("{tables} -t mangle -A {rule}   # {note}"),
        format!("{tables} -t mangle -D {rule}"),
    )
}
