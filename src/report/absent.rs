//! Real servers that no packet of a service reaches, and that a finding names all the
//! same: they have their row among the others, or a dead server would be in no table.

use super::build::Builder;
use super::{RealServer, Service};
use crate::diagnose::{Diagnosis, Finding, Kind};
use crate::topology::{Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Who spoke in any connection.
struct Spoke {
    /// Clients.
    calling: HashSet<Ip>,
    /// Who answered anything, in front or behind.
    answering: HashSet<Ip>,
}

impl Spoke {
    fn of(trace: &Trace) -> Self {
        let all = || trace.connections.list.iter();
        let said = all().filter(|c| c.progress.answered || c.progress.response);
        let servers = said.flat_map(|c| {
            [Some(c.front.server.0), c.back.map(|back| back.server.0)].into_iter().flatten()
        });
        Self { calling: all().map(|c| c.front.client.0).collect(), answering: servers.collect() }
    }
}

impl Builder<'_> {
    /// Adds them, with the connections of the finding that reached no real server.
    pub(super) fn add_absent(&self, diagnosis: &Diagnosis, services: &mut [Service]) {
        let causes = diagnosis.findings.iter().zip(1u32..);
        let spoke = OnceCell::new();
        let mut places: HashMap<(String, u16, String), usize> = HashMap::new();
        for (at, s) in services.iter().enumerate().rev() {
            places.insert((s.vip.clone(), s.port, s.protocol.clone()), at);
        }
        for (finding, n) in causes.filter(|(f, _)| f.kind == Kind::Cause && f.is_loud()) {
            let mut lost: BTreeMap<ServiceId, Vec<ConnectionId>> = BTreeMap::new();
            for id in finding.connections.iter().filter(|id| self.trace.server(**id).is_none()) {
                lost.entry(self.trace.service_of(*id)).or_default().push(*id);
            }
            for (of, ids) in lost {
                let own = self.trace.topology.service(of);
                let key = (own.vip.to_string(), own.port, own.protocol.to_string());
                if let Some(service) = places.get(&key).and_then(|at| services.get_mut(*at)) {
                    let spoke = || spoke.get_or_init(|| Spoke::of(self.trace));
                    self.absent(finding, n, (&ids, service), spoke);
                }
            }
        }
    }

    /// What is said of a server to which no packet goes.
    fn told(&self, ip: Ip, n: u32, spoke: &Spoke) -> String {
        let captured = |host| self.trace.is_captured(host);
        if spoke.answering.contains(&ip) {
            format!("see finding {n}")
        } else if self.trace.host_by_ip(ip).is_some_and(captured) || spoke.calling.contains(&ip) {
            format!("what it gets is lost: finding {n}")
        } else {
            format!("no packet reaches it: finding {n}")
        }
    }

    fn absent<'s>(
        &self,
        finding: &Finding,
        n: u32,
        (ids, service): (&[ConnectionId], &mut Service),
        spoke: impl Fn() -> &'s Spoke,
    ) {
        let known: HashSet<String> =
            service.real_servers.iter().filter_map(|r| r.address.clone()).collect();
        let named = finding.subjects.iter().filter(|s| s.role == Role::RealServer);
        let absent: Vec<(Ip, Option<u16>)> = named
            .filter_map(|s| Some((s.address?, s.port)))
            .filter(|(ip, _)| !known.contains(&ip.to_string()))
            .collect();
        if absent.is_empty() {
            return;
        }
        // Which of several it was is not told.
        let alone = absent.len() == 1;
        // A service of the server's own has its port, and each of several has its own.
        let several = finding.connections.iter().any(|id| {
            let other = self.trace.service(*id);
            other.port != service.port && other.vip.to_string() == service.vip
        });
        // Beside others that are called on one port, it is called on that, too.
        let ports: HashSet<u16> = service.real_servers.iter().filter_map(|r| r.port).collect();
        let usual = ports.iter().next().copied().filter(|_| ports.len() == 1);
        for (ip, port) in absent {
            let (address, told) = (ip.to_string(), self.told(ip, n, spoke()));
            let port = port.filter(|_| service.vip != address && !several);
            let own = ids.iter().copied().filter(|_| alone);
            let totals = self.totals(own);
            service.real_servers.push(RealServer {
                address: Some(address),
                port: port.or(usual).or(Some(service.port).filter(|port| *port > 0)),
                mac: None,
                connections: totals.connections,
                totals,
                timing: None,
                remark: Some(told),
            });
        }
    }
}
