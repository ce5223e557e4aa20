//! What the captures together can show: which share connections, which hold the same
//! frames, and what one capture alone leaves open.

use super::build::Builder;
use crate::correlate::Connection;
use crate::diagnose::words::{Wanted, capture_of};
use crate::flow::{Observations, VantageId};
use crate::topology::{HostId, Mode, Service};
use crate::wire::{Ip, Outer};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Labels that a sentence lists.
const MAX_NAMED: usize = 4;

impl Builder<'_> {
    pub(super) fn scope_notes(&self) -> Vec<String> {
        let mut notes = self.same();
        notes.extend(self.apart());
        notes.extend(self.alone());
        notes
    }

    /// Captures that hold the same frames: a copy, or two interfaces of one wire.
    fn same(&self) -> Vec<String> {
        let looks = |v: &Observations| {
            let streams = (v.streams.len(), v.links.len(), v.neighbors.bindings.len());
            (v.tally.frames, v.start, v.end, streams)
        };
        let vantages = &self.trace.vantages;
        let mut alike: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, vantage) in vantages.iter().enumerate() {
            alike.entry(looks(vantage)).or_default().push(at);
        }
        // By vantage: the next one that looks alike, of another capture.
        let mut copies: Vec<Option<usize>> = vec![None; vantages.len()];
        for group in alike.into_values() {
            for pair in group.windows(2).rev() {
                let apart = vantages[pair[0]].capture != vantages[pair[1]].capture;
                copies[pair[0]] = if apart { Some(pair[1]) } else { copies[pair[1]] };
            }
        }
        let mut notes = Vec::new();
        for (a, copy) in vantages.iter().zip(copies) {
            if let Some(b) = copy.map(|b| &vantages[b]).filter(|_| a.tally.frames > 0) {
                notes.push(format!(
                    "{} and {} hold the same frames: one is a copy, and proves nothing more",
                    a.label, b.label
                ));
            }
        }
        notes
    }

    /// Captures that share no connection.
    fn apart(&self) -> Option<String> {
        let trace = self.trace;
        let mut group: Vec<usize> = (0..trace.captures.len()).collect();
        fn top(group: &[usize], mut of: usize) -> usize {
            while group[of] != of {
                of = group[of];
            }
            of
        }
        let mut holds = BTreeSet::new();
        for connection in &trace.connections.list {
            let legs = trace.connections.legs(connection);
            let mut first = None;
            for leg in legs {
                let own = top(&group, trace.vantage(leg).capture);
                holds.insert(trace.vantage(leg).capture);
                let with = top(&group, *first.get_or_insert(own));
                group[own.max(with)] = own.min(with);
                first = Some(own.min(with));
            }
        }
        let mut groups: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for capture in &holds {
            let of = groups.entry(top(&group, *capture)).or_default();
            of.push(trace.captures[*capture].label.as_str());
        }
        if groups.len() < 2 {
            return None;
        }
        let names: Vec<String> = groups
            .values()
            .map(|labels| {
                let few = labels.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
                match labels.len().saturating_sub(MAX_NAMED) {
                    0 => few,
                    more => format!("{few} and {more} more"),
                }
            })
            .collect();
        let shown = names.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
        let more = match names.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!("; and {more} more groups"),
        };
        Some(format!(
            "no connection was seen on both sides of: {shown}{more}. Each is judged for itself"
        ))
    }

    /// What one host's capture leaves open, and which would close it.
    fn alone(&self) -> Option<String> {
        let trace = self.trace;
        let ([_], [_, ..]) = (&trace.captures[..], &trace.vantages[..]) else { return None };
        let host: HostId = trace.host_of_vantage(VantageId::default())?;
        if VantageId::all(&trace.vantages).any(|v| trace.host_of_vantage(v) != Some(host)) {
            return None;
        }
        // By one of an address' ports it serves the others, though nothing answered there.
        let of_host = |s: &Service| s.real_servers.iter().any(|r| r.host == Some(host));
        let served: BTreeSet<Ip> =
            trace.topology.services.iter().filter(|s| of_host(s)).map(|s| s.vip).collect();
        let serves = |s: &Service| of_host(s) || served.contains(&s.vip);
        // The one that most goes wrong, whatever the host is to it; of those that do well, the
        // one for which it does most.
        let rank = |s: &Service| match (s.is_director(host), serves(s)) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        let all = trace.topology.services.iter().enumerate().filter(|(_, s)| !s.is_backend);
        let (_, service) = all.min_by_key(|(at, s)| {
            let account = self.breaks.accounts.services[*at];
            (std::cmp::Reverse(account.failed + account.suffered), rank(s))
        })?;
        let ports = ports(service);
        if ports.is_empty() || matches!(service.mode, Mode::Proxy) {
            return None;
        }
        let ids = || {
            let asked = |c: &Connection| c.front.server == (service.vip, service.port);
            trace.requests().filter(move |(_, c)| asked(c)).map(|(id, _)| id)
        };
        let legs = || ids().flat_map(|id| trace.legs(id));
        let tunnel = legs().find_map(|leg| Outer::kind_of(leg.of(&trace.vantages).key.tunnel));
        let take =
            |name: &str| capture_of(name, Wanted { ports: &ports, tunnel, ..Wanted::default() });
        let calls = ids().any(|id| trace.legs(id).iter().any(|leg| trace.is_client_side(id, leg)));
        let elsewhere = self.elsewhere(service, &take("director"));
        let directs = trace.directs(host);
        // Where none was chosen, no real server has anything to show.
        if directs && ids().all(|id| trace.server(id).is_none()) {
            return None;
        }
        let said = if directs || trace.serves_and_calls(host) {
            let answers = match service.mode {
                Mode::Dr | Mode::Tun => "nor do answers, which pass it by",
                _ => "nor what the client got",
            };
            let what = if directs {
                "on the director"
            } else {
                "on a host that serves and calls others, as a proxy does"
            };
            format!(
                "one capture, {what}: what a real server did with what it was sent does not show, {answers}. On a real server: {}",
                take("rs")
            )
        } else if serves(service) {
            let forwards = match service.mode {
                Mode::Unknown => "how a director forwards does not show, nor ",
                _ => "what the director does with others does not show, nor ",
            };
            let rest =
                if calls { "what came back to others" } else { "whether answers reach the client" };
            format!("one capture, on a real server: {forwards}{rest}. {elsewhere}")
        } else if let Some(to) = calls.then(|| self.owner_on_the_link(service)).flatten() {
            format!(
                "one capture, on the client's side: what the host that has {to} did does not show. There: {}",
                take("server")
            )
        } else if calls {
            format!(
                "one capture, on the client's side: where behind the first hop packets go does not show. {elsewhere}"
            )
        } else {
            format!(
                "one capture, which does not show whether its host serves or forwards: its role for {} is open. At its neighbours: {}",
                service.name(),
                take("neighbour")
            )
        };
        Some(said)
    }

    /// Where else to capture, with the command that does it on a director.
    fn elsewhere(&self, service: &Service, take: &str) -> String {
        // Nobody captures on the fabric of a cloud.
        let fabric = self.trace.topology.hosts.iter().any(|(_, host)| host.fabric);
        if let Some(cloud) = self.trace.cloud().filter(|_| !fabric) {
            format!(
                "This was taken in {}, as it looks, and on the balancer of a cloud nobody can capture: its flow log and the health of its targets show more, and so does a capture on the other side of it. If a machine of yours balances, on that: {}",
                cloud.name(),
                take
            )
        } else if fabric {
            "The next hop is one for many, as in a cloud, where nobody captures on the balancer: its flow log and the health of its targets show more, and so does a capture on the other side of it".to_owned()
        } else if service.directors.is_empty() {
            format!("On whatever balances this service, if that is a machine of yours: {}", take)
        } else {
            format!("On the director: {}", take)
        }
    }

    /// Who has a service's address and gets the caller's frames: nobody balances before it.
    fn owner_on_the_link(&self, service: &Service) -> Option<String> {
        let trace = self.trace;
        let ids = trace.requests().filter(|(_, c)| c.front.server == (service.vip, service.port));
        let to = ids.flat_map(|(id, _)| trace.legs(id)).find_map(|leg| {
            let hop = trace.vantage(leg).first_hop(trace.forward(leg))?;
            trace.host_by_mac(hop.link.dst)
        })?;
        let owns = trace.topology.hosts.claims_ip(to, service.vip)
            || trace.host_by_ip(service.vip) == Some(to);
        let is_one = !trace.topology.hosts.is_next_hop(to) && trace.cloud().is_none();
        let mac = trace.topology.hosts.get(to).macs.first();
        (owns && is_one).then_some(mac).flatten().map(|mac| format!("{} ({mac})", service.vip))
    }
}

/// The ports of a service, on either side of who balances it.
fn ports(service: &Service) -> Vec<u16> {
    let all = std::iter::once(service.port).chain(service.real_servers.iter().map(|r| r.port));
    let ports: BTreeSet<u16> = all.filter(|port| *port > 0).collect();
    ports.into_iter().collect()
}
