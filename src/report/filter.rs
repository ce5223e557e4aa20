//! The Wireshark display filter of a finding: it shows the connections concerned, on
//! every five-tuple that they have, and every frame of the evidence.
//!
//! Made from what the trace knows, without reading a frame again. Refuses to list
//! ports without end: of many connections, the servers are named instead.

use super::build::Builder;
use crate::correlate::Tuple;
use crate::diagnose::Finding;
use crate::diagnose::evidence::{self, Frames};
use crate::flow::{Side, Stream};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, Protocol};
use std::collections::{BTreeMap, BTreeSet};

/// Ports that a filter names; more make it unwieldy.
const MAX_PORTS: usize = 20;
/// Addresses that a filter names.
const MAX_ADDRESSES: usize = 20;

/// What a filter is made of.
#[derive(Debug, Default)]
struct Parts {
    /// Clients' ports, by protocol.
    ports: BTreeMap<Protocol, BTreeSet<u16>>,
    /// Servers' ends, by protocol, for where those are many.
    servers: BTreeMap<Protocol, (BTreeSet<Ip>, BTreeSet<u16>)>,
    /// Addresses in ARP and neighbour discovery.
    claimed: BTreeSet<Ip>,
    /// Whom ICMP errors tell.
    told: BTreeSet<Ip>,
    /// Fragments: later ones have no ports, and Wireshark gives the first one none either.
    fragments: bool,
    /// Whom echo requests ask.
    pinged: BTreeSet<Ip>,
    /// Routers' advertisements.
    vrrp: bool,
}

impl Builder<'_> {
    /// `None` where the finding is about no connection, no address and no frame.
    pub(super) fn filter(&self, finding: &Finding) -> Option<String> {
        let trace = self.trace;
        let mut parts = Parts::default();
        for id in evidence::concerned(trace, finding) {
            parts.connection(trace, id);
        }
        for proof in &finding.proofs {
            parts.proof(trace, &self.frames, proof.at);
        }
        if finding.connections.is_empty() {
            parts.claimed.extend(&finding.addresses);
        }
        let text = parts.text();
        (!text.is_empty()).then_some(text)
    }
}

impl Parts {
    fn connection(&mut self, trace: &Trace, id: ConnectionId) {
        let protocol = trace.connection(id).protocol;
        for leg in trace.legs(id) {
            let tuple = Tuple::of(leg.of(&trace.vantages), leg.client);
            self.ports.entry(protocol).or_default().insert(tuple.client.1);
            let (addresses, ports) = self.servers.entry(protocol).or_default();
            addresses.insert(tuple.server.0);
            ports.insert(tuple.server.1);
        }
    }

    /// Adds what shows a frame, unless it is there.
    fn proof(&mut self, trace: &Trace, frames: &Frames<'_>, at: At) {
        let vantage = &trace.vantages[at.vantage.index()];
        self.fragments |= vantage.side_tables.is_later_fragment(at.mark);
        if let Some(stream) = frames.stream_of(at).and_then(|at| vantage.streams.get(at)) {
            self.fragments |=
                stream.flows.iter().any(|flow| vantage.fragments_of(flow).next().is_some());
            let client = client_of(stream);
            let ports = self.ports.entry(stream.key.protocol).or_default();
            if !stream.key.ports.iter().any(|port| ports.contains(port)) {
                ports.insert(stream.key.port(client));
            }
            let (addresses, ports) = self.servers.entry(stream.key.protocol).or_default();
            addresses.insert(stream.key.ip(client.other()));
            ports.insert(stream.key.port(client.other()));
            return;
        }
        if let Some(ip) = frames.neighbor_of(at) {
            self.claimed.insert(ip);
        } else if let Some(error) = vantage.errors.iter().find(|e| e.mark == at.mark) {
            self.told.insert(error.dst);
        } else if let Some(echo) = vantage.echoes.iter().find(|e| e.first == at.mark) {
            self.pinged.insert(echo.dst);
        } else if vantage.vrrp.iter().any(|s| evidence::is_within(s.first, s.last, at.mark)) {
            self.vrrp = true;
        }
    }

    fn text(&self) -> String {
        let mut any = Vec::new();
        for (number, ports) in &self.ports {
            if !matches!(*number, Protocol::TCP | Protocol::UDP) {
                any.push(format!("ip.proto == {}", number.0));
                continue;
            }
            let name = number.to_string();
            if ports.len() <= MAX_PORTS {
                any.push(format!("{name}.port in {{{}}}", joined(ports)));
                continue;
            }
            let Some((addresses, ports)) = self.servers.get(number) else { continue };
            let mut all = Vec::new();
            if addresses.len() <= MAX_ADDRESSES {
                all.push(parenthesised(&among("addr", addresses)));
            }
            if ports.len() <= MAX_PORTS {
                all.push(format!("{name}.port in {{{}}}", joined(ports)));
            }
            any.push(if all.is_empty() { name } else { format!("({})", all.join(" && ")) });
        }
        for ip in self.claimed.iter().take(MAX_ADDRESSES) {
            any.push(if ip.is_v4() {
                format!("arp.src.proto_ipv4 == {ip} || arp.dst.proto_ipv4 == {ip}")
            } else {
                format!(
                    "icmpv6.nd.na.target_address == {ip} || icmpv6.nd.ns.target_address == {ip}"
                )
            });
        }
        if !self.told.is_empty() {
            any.push(format!("((icmp || icmpv6) && {})", parenthesised(&among("dst", &self.told))));
        }
        if self.fragments {
            any.push("ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr".to_owned());
        }
        if !self.pinged.is_empty() {
            let asked = parenthesised(&among("addr", &self.pinged));
            any.push(format!("(icmp.type in {{0, 8}} || icmpv6.type in {{128, 129}}) && {asked}"));
        }
        if self.vrrp {
            any.push("vrrp".to_owned());
        }
        any.join(" || ")
    }
}

/// `ip.addr in {...}`, `ipv6.addr in {...}`, or both.
fn among(field: &str, addresses: &BTreeSet<Ip>) -> Vec<String> {
    let of = |v4: bool, family: &str| {
        let these: BTreeSet<Ip> = addresses.iter().filter(|ip| ip.is_v4() == v4).copied().collect();
        (!these.is_empty()).then(|| format!("{family}.{field} in {{{}}}", joined(&these)))
    };
    [of(true, "ip"), of(false, "ipv6")].into_iter().flatten().collect()
}

fn parenthesised(any: &[String]) -> String {
    if any.len() == 1 { any.concat() } else { format!("({})", any.join(" || ")) }
}

fn joined<T: ToString>(all: &BTreeSet<T>) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The side that opened a stream; where none shows it, that with the higher port.
fn client_of(stream: &Stream) -> Side {
    let higher = if stream.key.ports[0] > stream.key.ports[1] { Side::A } else { Side::B };
    stream.opener().unwrap_or(higher)
}
