//! Real servers that no packet of a service reaches, and that a finding names all the
//! same: they have their row among the others, or a dead server would be in no table.

use super::build::Builder;
use super::{RealServer, Service};
use crate::diagnose::{Diagnosis, Finding, Kind};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

impl Builder<'_> {
    /// Adds them, with the connections of the finding that reached no real server.
    pub(super) fn add_absent(&self, diagnosis: &Diagnosis, services: &mut [Service]) {
        let causes = diagnosis.findings.iter().zip(1u32..);
        for (finding, n) in causes.filter(|(f, _)| f.kind == Kind::Cause && f.is_loud()) {
            let mut lost: BTreeMap<ServiceId, Vec<ConnectionId>> = BTreeMap::new();
            for id in finding.connections.iter().filter(|id| self.trace.server(**id).is_none()) {
                lost.entry(self.trace.service_of(*id)).or_default().push(*id);
            }
            for (of, ids) in lost {
                let own = self.trace.topology.service(of);
                let (vip, protocol) = (own.vip.to_string(), own.protocol.to_string());
                let is =
                    |s: &&mut Service| s.vip == vip && s.port == own.port && s.protocol == protocol;
                if let Some(service) = services.iter_mut().find(is) {
                    self.absent(finding, n, &ids, service);
                }
            }
        }
    }

    /// Whether an address was captured at, or sent something itself.
    fn is_alive(&self, address: &str) -> bool {
        let Ok(ip) = address.parse::<std::net::IpAddr>() else { return false };
        let ip = crate::wire::Ip::from(ip);
        let captured = |host| self.trace.is_captured(host);
        self.trace.host_by_ip(ip).is_some_and(captured)
            || self.trace.connections.list.iter().any(|c| c.front.client.0 == ip)
    }

    /// Whether an address answered anything.
    fn answers(&self, address: &str) -> bool {
        let Ok(ip) = address.parse::<std::net::IpAddr>() else { return false };
        let ip = crate::wire::Ip::from(ip);
        self.trace.connections.list.iter().any(|c| {
            let said = c.progress.answered || c.progress.response;
            said && (c.front.server.0 == ip || c.back.is_some_and(|back| back.server.0 == ip))
        })
    }

    fn absent(&self, finding: &Finding, n: u32, ids: &[ConnectionId], service: &mut Service) {
        let named = finding.subjects.iter().filter(|s| s.role == Role::RealServer);
        let absent: Vec<(String, Option<u16>)> = named
            .filter_map(|s| Some((s.address?.to_string(), s.port)))
            .filter(|(ip, _)| !service.real_servers.iter().any(|r| r.address.as_ref() == Some(ip)))
            .collect();
        // Which of several it was is not told.
        let alone = absent.len() == 1;
        for (address, port) in absent {
            let told = if self.answers(&address) {
                format!("see finding {n}")
            } else if self.is_alive(&address) {
                format!("what it gets is lost: finding {n}")
            } else {
                format!("no packet reaches it: finding {n}")
            };
            // A service of the server's own has its port, and each of several has its own.
            let several = finding.connections.iter().any(|id| {
                let other = self.trace.service(*id);
                other.vip.to_string() == service.vip && other.port != service.port
            });
            let port = port.filter(|_| service.vip != address && !several);
            let own = ids.iter().copied().filter(|_| alone);
            let totals = self.totals(own);
            service.real_servers.push(RealServer {
                address: Some(address),
                port: port.or(Some(service.port).filter(|port| *port > 0)),
                mac: None,
                connections: totals.connections,
                totals,
                timing: None,
                remark: Some(told),
            });
        }
    }
}
