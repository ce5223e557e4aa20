//! Services, real servers and connections in the document.

use super::build::{Builder, ConnectionFilter};
use super::wording::rfc3339;
use super::{Connection, Endpoint, HostRef, RealServer, Sent, Service, Totals};
use crate::breaks::Fate;
use crate::parts::{in_parts, of_each};
use crate::topology::{Mode, Ordinary};
use crate::trace::{At, ConnectionId, Trace};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

impl Builder<'_> {
    pub(super) fn services(&self) -> Vec<Service> {
        let topology = &self.trace.topology;
        let mut by_service: Vec<Vec<ConnectionId>> = vec![Vec::new(); topology.services.len()];
        for (id, _) in self.trace.requests() {
            by_service[topology.service_of[id.0 as usize].0 as usize].push(id);
        }
        let asked: Vec<_> = topology
            .services
            .iter()
            .zip(&by_service)
            // Who calls a real server itself calls a service, too.
            .filter(|(_, ids)| !ids.is_empty())
            .collect();
        let mut services = of_each(self.trace.connections.list.len(), &asked, |(service, ids)| {
            let mut object = self.service(service, ids);
            let name = (service.vip, service.port, service.protocol);
            self.add_beyond(name, &mut object);
            object
        });
        // What is wrong first, then what is balanced, then what is used most.
        services.sort_by_key(|s| {
            let harmed = s.totals.failed + s.totals.suffered;
            (harmed == 0, s.mode == "unknown", std::cmp::Reverse(s.totals.connections))
        });
        services
    }

    pub(super) fn service(
        &self,
        service: &crate::topology::Service,
        ids: &[ConnectionId],
    ) -> Service {
        let mut by_server: Vec<Vec<ConnectionId>> = vec![Vec::new(); service.real_servers.len()];
        for id in ids {
            if let Some(at) = self.trace.topology.server_of[id.0 as usize] {
                by_server[usize::from(at)].push(*id);
            }
        }
        let mut asked: Vec<_> = service
            .real_servers
            .iter()
            .zip(&by_server)
            .filter(|(_, ids)| !ids.is_empty())
            .collect();
        asked.sort_by_key(|(server, _)| (server.address, server.port, server.mac));
        let real_servers: Vec<RealServer> = asked
            .into_iter()
            .map(|(server, ids)| {
                let calls_itself =
                    ids.iter().any(|id| self.trace.is_self_access(self.trace.connection(*id)));
                RealServer {
                    address: server.address.map(|ip| ip.to_string()),
                    port: Some(server.port),
                    mac: server
                        .mac
                        .filter(|mac| !Trace::is_everybodys(*mac))
                        .map(|mac| mac.to_string()),
                    connections: ids.len() as u64,
                    totals: self.totals(ids.iter().copied()),
                    timing: self.typical(&self.timed(service, server, ids)),
                    remark: calls_itself.then(|| "the caller itself".to_owned()),
                }
            })
            .collect();
        Service {
            vip: service.vip.to_string(),
            port: service.port,
            protocol: service.protocol.to_string(),
            mode: service.mode.name().to_owned(),
            directors: self.directors(service),
            real_servers,
            totals: self.totals(ids.iter().copied()),
        }
    }

    /// The connections that tell a real server's times: behind a proxy its own ones, as the proxy
    /// answers clients itself.
    fn timed<'i>(
        &self,
        service: &crate::topology::Service,
        server: &crate::topology::RealServer,
        ids: &'i [ConnectionId],
    ) -> Cow<'i, [ConnectionId]> {
        if service.mode != Mode::Proxy {
            return Cow::Borrowed(ids);
        }
        let trace = self.trace;
        let to_it = |id: &ConnectionId| {
            let c = trace.connection(*id);
            let ends = [Some(c.front), c.back].into_iter().flatten();
            ends.map(|end| Some(end.server.0)).any(|ip| ip == server.address)
        };
        let opened = ids.iter().filter_map(|id| trace.pairs.backends.get(&id.0)).flatten();
        let opened: BTreeSet<ConnectionId> = opened.map(|id| ConnectionId(*id)).collect();
        Cow::Owned(opened.into_iter().filter(to_it).collect())
    }

    fn directors(&self, service: &crate::topology::Service) -> Vec<HostRef> {
        service.directors.iter().map(|d| self.director_ref(d.host, service)).collect()
    }

    pub(super) fn totals(&self, ids: impl Iterator<Item = ConnectionId>) -> Totals {
        let mut totals = Totals::default();
        for id in ids {
            let outcome = self.trace.connection(id).outcome;
            totals.connections += 1;
            match self.breaks.fate(id) {
                Fate::Well => totals.well += 1,
                Fate::Failed => totals.failed += 1,
                Fate::Suffered => totals.suffered += 1,
                Fate::Untold => totals.untold += 1,
            }
            match totals.outcomes.get_mut(outcome.name()) {
                Some(count) => *count += 1,
                None => {
                    totals.outcomes.insert(outcome.name().to_owned(), 1);
                }
            }
        }
        totals
    }

    pub(super) fn connections(
        &self,
        filter: ConnectionFilter,
        of: &HashMap<ConnectionId, Vec<u32>>,
    ) -> Vec<Connection> {
        let ids: Vec<ConnectionId> = self
            .trace
            .iter()
            .filter(|(id, _)| self.trace.ordinary(*id) != Some(Ordinary::ProxyLeg))
            .filter(|(id, _)| match filter {
                ConnectionFilter::All => true,
                ConnectionFilter::Affected => {
                    of.contains_key(id) || self.breaks.fate(*id).is_harm()
                }
                ConnectionFilter::None => false,
            })
            .map(|(id, _)| id)
            .collect();
        let listed = in_parts(ids.len(), |part| {
            let of = |id: &ConnectionId| of.get(id).cloned().unwrap_or_default();
            ids[part].iter().map(|id| self.connection(*id, of(id))).collect::<Vec<Connection>>()
        });
        let mut list: Vec<Connection> = listed.into_iter().flatten().collect();
        list.sort_by(|a, b| (&a.start, a.id).cmp(&(&b.start, b.id)));
        list
    }

    pub(super) fn connection(&self, id: ConnectionId, findings: Vec<u32>) -> Connection {
        let connection = self.trace.connection(id);
        let mut servers: Vec<Endpoint> = self
            .trace
            .servers(id)
            .map(|server| Endpoint {
                address: server.address.map(|ip| ip.to_string()),
                port: Some(server.port),
                mac: server.mac.map(|mac| mac.to_string()),
            })
            .collect();
        // What the captures show comes first.
        let stated = self.trace.stated_server(id).filter(|_| servers.is_empty());
        servers.extend(stated.map(|(ip, port)| Endpoint {
            address: Some(ip.to_string()),
            port: Some(port),
            mac: None,
        }));
        let stated =
            stated.map(|_| "the director's connection table, for the real server".to_owned());
        let pair = self.trace.pairs.evidence.get(&id.0).map(|e| e.describe().to_owned());
        let (start, end) = (self.trace.start(id), self.trace.end(id));
        let time = |at: Option<At>| at.map_or(0, |at| self.trace.time(at).0);
        Connection {
            id: id.0 + 1,
            client: connection.front.client.0.with_port(connection.front.client.1),
            service: connection.front.server.0.with_port(connection.front.server.1),
            mode: self.trace.service(id).mode.name().to_owned(),
            real_server: servers.first().cloned(),
            real_servers: servers,
            outcome: connection.outcome.name().to_owned(),
            fate: self.breaks.fate(id).name().to_owned(),
            broken: self.breaks.group_of(id).map(|group| group.0 + 1),
            wait_ns: crate::breaks::connect_wait(self.trace, id),
            start: rfc3339(crate::capture::Timestamp(time(start))),
            duration_ns: time(end) - time(start),
            timing: self.timing(id),
            losses: self.losses(id),
            from_client: self.sent(id, true),
            from_server: self.sent(id, false),
            ordinary: self.trace.ordinary(id).map(|o| o.name().to_owned()),
            evidence: std::iter::once(connection.tie.describe().to_owned())
                .chain(pair)
                .chain(stated)
                .collect(),
            findings,
        }
    }

    fn sent(&self, id: ConnectionId, forward: bool) -> Sent {
        let sent = self.trace.sent(id, forward);
        Sent { frames: sent.frames, bytes: sent.bytes }
    }
}
