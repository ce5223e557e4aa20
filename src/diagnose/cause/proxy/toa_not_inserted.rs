//! A FullNAT director names the client to the real server in a TCP option (TOA), and for
//! some connections it does not: no room in the TCP header or in the packet, the client's
//! own option in its place, or a segment that the option made too long to arrive.
//!
//! Each is a matter of counting bytes at the real server's capture or where the director
//! sends; a connection that lacks the option without a reason that shows is left alone.
//! A service whose clients are never named is none of this.

use crate::correlate::Leg;
use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::grown_packets::{first, limit, size, too_long};
use crate::diagnose::thresholds::{NO_COINCIDENCE, PAIR};
use crate::diagnose::words::{directors, share, tables};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::flow::{FullFirst, Mark};
use crate::topology::{Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Toa};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

/// Bytes of TCP options at most (RFC 9293, section 3.1), and those of the option that
/// names a client: kind, length, port, address; padded.
const OPTIONS: u32 = 40;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let named = facts.vantages.iter().any(|v| v.side_tables.clients().next().is_some());
    let mut sets: BTreeMap<ServiceId, Service<'_>> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|_| named) {
        if c.protocol.is_tcp() && c.progress.request && facts.service(id).mode == Mode::FullNat {
            let service = facts.service_of(id);
            sets.entry(service).or_default().take(facts, id);
        }
    }
    let findings = sets.into_iter().flat_map(|(id, set)| set.findings(facts, id)).collect();
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
        if seen {
            return Detection::Clean;
        }
        Detection::Unchecked(
            "no capture shows what the real servers get; capture on one of them".to_owned(),
        )
    })
}

/// Why a client is not named, or its name lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// The TCP header has no room.
    Header,
    /// The packet has none.
    Packet,
    /// The client sends such an option itself.
    Own,
    /// The packet left the director too long, and did not arrive.
    TooLong,
}

/// A connection whose client the real server does not know.
struct Unnamed<'a> {
    id: ConnectionId,
    leg: &'a Leg,
    shown: Mark,
    /// Bytes of options, of payload, and payload and options that fit a packet.
    options: u32,
    payload: u32,
    limit: u32,
    /// What the client wrote.
    own: Option<Toa>,
}

#[derive(Default)]
struct Service<'a> {
    named: usize,
    /// One that was named, for comparison.
    example: Option<(&'a Leg, Mark)>,
    /// Named although its packet has no room to spare.
    grown: bool,
    unnamed: BTreeMap<Why, Vec<Unnamed<'a>>>,
}

/// The leg at the real server, else where the director sends to it.
fn behind(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let last = trace.connection(id).tuples.saturating_sub(1);
    let service = trace.service(id);
    let legs = trace.legs(id).iter().filter(|leg| leg.tuple == last && last > 0);
    let whole = legs.filter(|leg| {
        let there = trace.forward(leg);
        there.opened() && there.ack.is_set() && !there.shape.cut()
    });
    whole.max_by_key(|leg| trace.host_of(leg).is_some_and(|h| !service.is_director(h)))
}

fn name_on<'a>(trace: &'a Trace, leg: &Leg) -> Option<&'a Toa> {
    trace.vantage(leg).side_tables.client_of(leg.stream)
}

impl<'a> Service<'a> {
    fn take(&mut self, trace: &'a Trace, id: ConnectionId) {
        let Some(leg) = behind(trace, id) else { return };
        let client = trace.connection(id).front.client;
        let front = trace.legs(id).iter().find(|leg| leg.tuple == 0);
        let limit = limit(trace, id);
        let mut add = |why, leg: &'a Leg, first: Option<&FullFirst>, own| {
            let shown = first.map_or(trace.forward(leg).data, |f| f.mark);
            let (options, payload) = first.map_or((0, 0), |f| (u32::from(f.options), f.payload));
            let unnamed = Unnamed { id, leg, shown, options, payload, limit, own };
            self.unnamed.entry(why).or_default().push(unnamed);
        };
        if let Some(out) = too_long(trace, id) {
            return add(Why::TooLong, out, first(trace, out), None);
        }
        let there = trace.forward(leg);
        if !there.data.is_set() {
            return;
        }
        if let Some(name) = name_on(trace, leg) {
            let own = front.and_then(|leg| name_on(trace, leg)).filter(|own| *own == name);
            if (name.addr, name.port) != client && own.is_some() {
                return add(Why::Own, leg, None, own.copied());
            }
            self.named += 1;
            let bytes = first(trace, leg).map_or(0, |f| f.payload + u32::from(f.options));
            self.grown |= limit > 0 && bytes > limit;
            self.example = self.example.or(Some((leg, there.data)));
            return;
        }
        // The ACK before it may have named the client, and must have been seen.
        let apart = there.ack.frame() < there.data.frame();
        let Some(full) = first(trace, leg).filter(|_| apart) else { return };
        let bytes = full.payload + u32::from(full.options);
        if u32::from(full.options) + size(client.0) > OPTIONS {
            add(Why::Header, leg, Some(full), None);
        } else if limit > 0 && bytes <= limit && bytes + size(client.0) > limit {
            add(Why::Packet, leg, Some(full), None);
        }
    }

    fn findings(mut self, facts: &Facts, service: ServiceId) -> Vec<Finding> {
        if self.named < NO_COINCIDENCE {
            return Vec::new();
        }
        // Others as long were named: then length is not the reason.
        let grown = self.grown;
        self.unnamed.retain(|why, set| *why != Why::Packet || set.len() >= PAIR && !grown);
        let sets = std::mem::take(&mut self.unnamed);
        sets.into_iter().map(|(why, set)| finding(facts, service, why, &self, &set)).collect()
    }
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    why: Why,
    others: &Service<'_>,
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
    let who = if subjects.is_empty() {
        "the director".to_owned()
    } else {
        crate::diagnose::words::names(&subjects)
    };
    let u = &set[0];
    let bytes = size(facts.connection(u.id).front.client.0);
    let (title, reason) = match why {
        Why::Header => (
            format!("{who} cannot name the client to the real server: the TCP header is full"),
            format!(
                "The first segment with payload has {} bytes of TCP options, of 40 that there may be; the option that names the client takes {bytes}.",
                u.options
            ),
        ),
        Why::Packet => (
            format!("{who} does not name the client to the real server where the packet is full"),
            format!(
                "The first segment has {} bytes of payload and {} of options; {} fit, and the option that names the client takes {bytes} more.",
                u.payload, u.options, u.limit
            ),
        ),
        Why::Own => (
            format!("{who} lets clients' own TCP option pass for their address"),
            format!(
                "The option is in the segment before it reaches the director: the client writes it, or a balancer on the way. The real server takes {} for the client, whom the director does not see.",
                u.own.map_or_else(String::new, |own| own.addr.with_port(own.port))
            ),
        ),
        Why::TooLong => (
            format!("{who} makes packets too long by the client's name, and they are lost"),
            format!(
                "The first segment leaves with {} bytes of payload and {} of options, of which {bytes} name the client; {} fit. It leaves again and again, as long as before, and the real server's capture shows none.",
                u.payload, u.options, u.limit
            ),
        ),
    };
    let effect = match why {
        Why::TooLong => "Requests that are shorter arrive.",
        Why::Own => {
            "Whatever the real server does by the client's address, it does for the wrong one."
        }
        _ => "The real server takes the director for the client: in its logs, limits and rules.",
    };
    let explanation = format!(
        "Clients of {} are named to the real servers in a TCP option (kind 254), {} connections show it. {reason} {effect} {} connections are concerned.",
        s.name(),
        others.named,
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("toa-not-inserted", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = match why {
        Why::Header | Why::TooLong => Confidence::Certain,
        Why::Packet | Why::Own => Confidence::Likely,
    };
    finding.confirm(
        director.clone(),
        "ipvsadm -Ln --stats; cat /proc/net/ip_vs_ext_stats 2>/dev/null | grep -i toa".to_owned(),
        "alibaba/LVS counts what it could not name (fullnat_add_toa_fail_len, _head_full, _mem)"
            .to_owned(),
    );
    finding.fixes = vec![fix(s.vip, s.port, why, director)];
    let note = match why {
        Why::Header | Why::Packet => "the first payload: no option of kind 254 in it",
        Why::Own => "the option in it is the client's own",
        Why::TooLong => "it leaves the director, and arrives nowhere",
    };
    finding.proofs.extend(facts.proof(u.leg, u.shown, note));
    if why == Why::TooLong {
        finding.proofs.extend(facts.proof(u.leg, facts.forward(u.leg).last, "and again"));
    }
    if let Some((leg, mark)) = others.example {
        finding.proofs.extend(facts.proof(leg, mark, "another connection, whose client is named"));
    }
    finding.subjects = subjects;
    finding.connections = ids;
    finding
}

fn fix(vip: Ip, port: u16, why: Why, host: String) -> Fix {
    let tables = tables(vip);
    let of = format!("PREROUTING -d {vip} -p tcp --dport {port}");
    let (rule, note) = match why {
        Why::Own => (
            format!("{of} -j TCPOPTSTRIP --strip-options 254"),
            "takes what clients write themselves out; dpvs and alibaba/LVS bypass netfilter: do it before them",
        ),
        Why::Header => (
            format!("{of} --syn -j TCPOPTSTRIP --strip-options timestamp,30"),
            "new connections go without timestamps and MPTCP, which leaves room (alibaba/LVS: sysctl net.ipv4.vs.fullnat_timestamp_remove_entry=1); or name the client by PROXY header",
        ),
        Why::Packet | Why::TooLong => (
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
