//! From a trace and its diagnosis to the document.

use super::wording::{coverage_reason, describe_mode, direction, rfc3339};
use super::{
    Affected, Capture, Clock, Connection, Coverage, Endpoint, Evidence, Finding, Fix, Host,
    HostRef, RealServer, Report, SCHEMA_VERSION, Service, Status, Subject, ToConfirm, Totals,
    Verdict,
};
use crate::diagnose::{self, Confidence, Diagnosis, Kind, Names, Proof, Severity};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};
use std::collections::{BTreeMap, HashMap};

/// Which connections the document lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionFilter {
    /// All.
    All,
    /// Those that a finding concerns or that failed.
    #[default]
    Affected,
    /// None.
    None,
}

/// What the user chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// See [`ConnectionFilter`].
    pub connections: ConnectionFilter,
    /// Remarks from before the trace: files that could not be read.
    pub notes: Vec<String>,
}

/// Ids that an affected list shows.
const MAX_IDS: usize = 100;
/// Ports that a display filter names; more make it unwieldy.
const MAX_FILTER_PORTS: usize = 20;

/// Builds the document.
#[must_use]
pub fn build(trace: &Trace, diagnosis: &Diagnosis, options: &Options) -> Report {
    let builder = Builder { trace, names: Names(trace) };
    let mut of: HashMap<ConnectionId, Vec<u32>> = HashMap::new();
    for (i, finding) in diagnosis.findings.iter().enumerate() {
        for id in &finding.connections {
            of.entry(*id).or_default().push(i as u32 + 1);
        }
    }
    Report {
        schema_version: SCHEMA_VERSION.to_owned(),
        generator: concat!("lbdiag ", env!("CARGO_PKG_VERSION")).to_owned(),
        verdict: Verdict {
            status: match diagnosis.verdict.status {
                diagnose::Status::Healthy => Status::Healthy,
                diagnose::Status::Degraded => Status::Degraded,
                diagnose::Status::Failing => Status::Failing,
                diagnose::Status::Inconclusive => Status::Inconclusive,
            },
            summary: diagnosis.verdict.summary.clone(),
        },
        captures: builder.captures(),
        hosts: builder.hosts(),
        services: builder.services(),
        totals: builder.totals(trace.requests().map(|(id, _)| id)),
        connections: builder.connections(options.connections, &of),
        findings: diagnosis
            .findings
            .iter()
            .enumerate()
            .map(|(i, finding)| builder.finding(i, finding))
            .collect(),
        coverage: diagnosis
            .coverage
            .iter()
            .map(|c| {
                let (status, reason) = coverage_reason(&c.checked);
                Coverage { id: c.id.to_owned(), status: status.to_owned(), reason }
            })
            .collect(),
        notes: builder.notes(&options.notes),
    }
}

struct Builder<'a> {
    trace: &'a Trace,
    names: Names<'a>,
}

impl Builder<'_> {
    fn captures(&self) -> Vec<Capture> {
        let timeline = &self.trace.timeline;
        let reference = self.trace.captures.get(timeline.reference).and_then(|c| c.files.first());
        let mut captures = Vec::new();
        for (i, capture) in self.trace.captures.iter().enumerate() {
            let offset = timeline.offsets.get(i).copied().flatten();
            let vantages: Vec<String> = self
                .trace
                .vantages
                .iter()
                .filter(|v| v.capture == i)
                .map(|v| v.label.clone())
                .collect();
            for (n, file) in capture.files.iter().enumerate() {
                let mut types: Vec<String> =
                    file.interfaces.iter().map(|f| f.link_type.name().into_owned()).collect();
                types.dedup();
                let mut notes = if n == 0 { capture.notes.clone() } else { Vec::new() };
                notes.extend(file.damage.iter().map(|d| {
                    format!("at byte {}, after frame {}: {}", d.byte, d.frame_after, d.what)
                }));
                if file.damage_omitted > 0 {
                    notes.push(format!("{} more damaged places", file.damage_omitted));
                }
                captures.push(Capture {
                    path: file.path.clone(),
                    vantages: vantages.clone(),
                    frames: u64::from(file.frames),
                    link_type: match types.len() {
                        0 => "none".to_owned(),
                        1 => types.remove(0),
                        _ => "mixed".to_owned(),
                    },
                    start: file.start.map(rfc3339),
                    end: file.end.map(rfc3339),
                    clock: Clock {
                        offset_ns: offset.map(|o| o.ns),
                        error_ns: offset.map(|o| o.error_ns),
                        drift_ppm: None,
                        drift_error_ppm: None,
                        reference: reference.map(|f| f.path.clone()),
                    },
                    notes,
                });
            }
        }
        captures
    }

    fn hosts(&self) -> Vec<Host> {
        let mut roles: BTreeMap<HostId, (&str, String)> = BTreeMap::new();
        for service in self.trace.topology.services.iter().filter(|s| !s.is_backend) {
            for director in &service.directors {
                let why = describe_mode(service.mode, &service.name());
                roles.entry(director.host).or_insert(("director", why));
            }
        }
        for service in self.trace.topology.services.iter().filter(|s| !s.is_backend) {
            for server in service.real_servers.iter().filter_map(|r| r.host) {
                let why = format!("serves connections to {}", service.name());
                roles.entry(server).or_insert(("real server", why));
            }
        }
        for (_, connection) in self.trace.requests() {
            if let Some(host) = self.trace.host_by_ip(connection.front.client.0) {
                let why = format!("connects to {}", connection.front.server.0);
                roles.entry(host).or_insert(("client", why));
            }
        }
        for service in self.trace.topology.services.iter().filter(|s| !s.is_backend) {
            for (id, host) in self.trace.topology.hosts.iter() {
                if host.contested.contains(&service.vip) {
                    let why = format!("claims {} among others", service.vip);
                    roles.entry(id).or_insert(("host", why));
                }
            }
        }
        for route in &self.trace.topology.routes.list {
            for host in route.forward.iter().flat_map(|s| [s.from, s.to]).flatten() {
                let why = "passes packets between the others".to_owned();
                roles.entry(host).or_insert(("router", why));
            }
        }
        let rank = |role: &str| match role {
            "director" => 0,
            "real server" => 1,
            "client" => 2,
            _ => 3,
        };
        let mut hosts: Vec<(HostId, Host)> = roles
            .into_iter()
            .map(|(id, (role, evidence))| {
                let host = self.trace.topology.hosts.get(id);
                let own = self.names.address(id);
                let rest = host.ips.iter().filter(|ip| Some(**ip) != own);
                let all = own.iter().chain(rest).chain(&host.contested);
                (
                    id,
                    Host {
                        role: role.to_owned(),
                        addresses: all.map(ToString::to_string).collect(),
                        macs: host.macs.iter().map(ToString::to_string).collect(),
                        vantages: host
                            .vantages
                            .iter()
                            .map(|v| self.trace.vantages[*v].label.clone())
                            .collect(),
                        evidence,
                    },
                )
            })
            .collect();
        hosts.sort_by_key(|(id, host)| (rank(&host.role), *id));
        hosts.into_iter().map(|(_, host)| host).collect()
    }

    fn services(&self) -> Vec<Service> {
        let topology = &self.trace.topology;
        let mut by_service: Vec<Vec<ConnectionId>> = vec![Vec::new(); topology.services.len()];
        for (id, _) in self.trace.requests() {
            by_service[topology.service_of[id.0 as usize].0 as usize].push(id);
        }
        let mut services: Vec<Service> = topology
            .services
            .iter()
            .zip(&by_service)
            .filter(|(service, ids)| !service.is_backend && !ids.is_empty())
            .map(|(service, ids)| self.service(service, ids))
            .collect();
        services.sort_by_key(|s| (s.mode == "unknown", std::cmp::Reverse(s.totals.connections)));
        services
    }

    fn service(&self, service: &crate::topology::Service, ids: &[ConnectionId]) -> Service {
        let mut by_server: Vec<Vec<ConnectionId>> = vec![Vec::new(); service.real_servers.len()];
        for id in ids {
            if let Some(at) = self.trace.topology.server_of[id.0 as usize] {
                by_server[usize::from(at)].push(*id);
            }
        }
        let mut real_servers: Vec<RealServer> = service
            .real_servers
            .iter()
            .zip(&by_server)
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(server, ids)| {
                let calls_itself =
                    ids.iter().any(|id| self.trace.is_self_access(self.trace.connection(*id)));
                RealServer {
                    address: server.address.map(|ip| ip.to_string()),
                    port: Some(server.port),
                    mac: server.mac.map(|mac| mac.to_string()),
                    connections: ids.len() as u64,
                    totals: self.totals(ids.iter().copied()),
                    remark: calls_itself.then(|| "the caller itself".to_owned()),
                }
            })
            .collect();
        real_servers.sort_by(|a, b| (&a.address, &a.mac).cmp(&(&b.address, &b.mac)));
        Service {
            vip: service.vip.to_string(),
            port: service.port,
            protocol: protocol(service.protocol),
            mode: service.mode.name().to_owned(),
            directors: service
                .directors
                .iter()
                .map(|d| {
                    let host = self.trace.topology.hosts.get(d.host);
                    HostRef {
                        addresses: host.ips.iter().map(ToString::to_string).collect(),
                        macs: host.macs.iter().map(ToString::to_string).collect(),
                    }
                })
                .collect(),
            real_servers,
            totals: self.totals(ids.iter().copied()),
        }
    }

    fn totals(&self, ids: impl Iterator<Item = ConnectionId>) -> Totals {
        let mut totals = Totals::default();
        for id in ids {
            let outcome = self.trace.connection(id).outcome;
            totals.connections += 1;
            totals.failed += u64::from(outcome.failed());
            match totals.outcomes.get_mut(outcome.name()) {
                Some(count) => *count += 1,
                None => {
                    totals.outcomes.insert(outcome.name().to_owned(), 1);
                }
            }
        }
        totals
    }

    fn connections(
        &self,
        filter: ConnectionFilter,
        of: &HashMap<ConnectionId, Vec<u32>>,
    ) -> Vec<Connection> {
        let mut list: Vec<Connection> = self
            .trace
            .iter()
            .filter(|(id, c)| match filter {
                ConnectionFilter::All => true,
                ConnectionFilter::Affected => {
                    of.contains_key(id)
                        || (c.outcome.failed() && self.trace.ordinary(*id).is_none())
                }
                ConnectionFilter::None => false,
            })
            .map(|(id, _)| self.connection(id, of.get(&id).cloned().unwrap_or_default()))
            .collect();
        list.sort_by(|a, b| (&a.start, a.id).cmp(&(&b.start, b.id)));
        list
    }

    fn connection(&self, id: ConnectionId, findings: Vec<u32>) -> Connection {
        let connection = self.trace.connection(id);
        let server = self.trace.server(id).map(|server| Endpoint {
            address: server.address.map(|ip| ip.to_string()),
            port: Some(server.port),
            mac: server.mac.map(|mac| mac.to_string()),
        });
        let (start, end) = (self.trace.start(id), self.trace.end(id));
        let time = |at: Option<At>| at.map_or(0, |at| self.trace.time(at).0);
        Connection {
            id: id.0 + 1,
            client: connection.front.client.0.with_port(connection.front.client.1),
            service: connection.front.server.0.with_port(connection.front.server.1),
            real_servers: server.iter().cloned().collect(),
            real_server: server,
            outcome: connection.outcome.name().to_owned(),
            start: rfc3339(crate::capture::Timestamp(time(start))),
            duration_ns: time(end) - time(start),
            ordinary: self.trace.ordinary(id).map(|o| o.name().to_owned()),
            evidence: vec![connection.tie.describe().to_owned()],
            findings,
        }
    }

    fn finding(&self, index: usize, finding: &diagnose::Finding) -> Finding {
        Finding {
            n: index as u32 + 1,
            id: finding.id.to_owned(),
            kind: match finding.kind {
                Kind::Cause => "cause",
                Kind::Symptom => "symptom",
                Kind::Note => "note",
            }
            .to_owned(),
            severity: match finding.severity {
                Severity::Critical => "critical",
                Severity::Warning => "warning",
                Severity::Info => "info",
            }
            .to_owned(),
            confidence: match finding.confidence {
                Confidence::Certain => "certain",
                Confidence::Likely => "likely",
                Confidence::Possible => "possible",
            }
            .to_owned(),
            title: finding.title.clone(),
            explanation: finding.explanation.clone(),
            subjects: finding
                .subjects
                .iter()
                .map(|s| Subject {
                    role: s.role.to_owned(),
                    address: s.address.map(|ip| ip.to_string()),
                    mac: s.mac.map(|mac| mac.to_string()),
                    port: s.port,
                    vantage: None,
                })
                .collect(),
            affected: self.affected(finding),
            evidence: self.evidence(&finding.proofs),
            wireshark_filter: self.filter(finding),
            fix: finding
                .fixes
                .iter()
                .map(|f| Fix {
                    host: f.host.clone(),
                    command: f.command.clone(),
                    effect: if f.disruptive { "disruptive" } else { "safe" }.to_owned(),
                    undo: f.undo.clone(),
                })
                .collect(),
            explains: finding.explains.iter().map(|i| *i as u32 + 1).collect(),
            candidates: finding
                .candidates
                .iter()
                .map(|c| super::Candidate { id: c.id.to_owned(), tell_apart: c.tell_apart.clone() })
                .collect(),
            to_confirm: finding
                .to_confirm
                .iter()
                .map(|c| ToConfirm {
                    host: c.host.clone(),
                    command: c.command.clone(),
                    why: c.why.clone(),
                })
                .collect(),
        }
    }

    fn affected(&self, finding: &diagnose::Finding) -> Affected {
        let ids = &finding.connections;
        let mut services: Vec<_> =
            ids.iter().map(|id| self.trace.topology.service_of[id.0 as usize]).collect();
        services.sort_unstable();
        services.dedup();
        let of = self
            .trace
            .requests()
            .filter(|(id, _)| services.contains(&self.trace.topology.service_of[id.0 as usize]))
            .count();
        let mut by_real_server: BTreeMap<String, u64> = BTreeMap::new();
        for id in ids {
            if let Some(server) = self.trace.server(*id) {
                let name = server.address.map(|ip| ip.to_string());
                let name = name.or_else(|| server.mac.map(|mac| mac.to_string()));
                *by_real_server.entry(name.unwrap_or_default()).or_default() += 1;
            }
        }
        let starts = ids.iter().filter_map(|id| self.trace.start(*id));
        let ends = ids.iter().filter_map(|id| self.trace.end(*id));
        let shown = finding.proofs.iter().map(|p| p.at);
        let first = starts.chain(shown.clone()).map(|at| self.trace.time(at)).min();
        let last = ends.chain(shown).map(|at| self.trace.time(at)).max();
        Affected {
            connections: ids.len() as u64,
            of: of as u64,
            ids: ids.iter().take(MAX_IDS).map(|id| id.0 + 1).collect(),
            by_real_server,
            first_seen: first.map(rfc3339),
            last_seen: last.map(rfc3339),
        }
    }

    fn evidence(&self, proofs: &[Proof]) -> Vec<Evidence> {
        let first = proofs.iter().map(|p| self.trace.time(p.at)).min();
        proofs
            .iter()
            .filter_map(|proof| {
                let vantage = &self.trace.vantages[proof.at.vantage];
                let capture = &self.trace.captures[vantage.capture];
                let (file, frame) = capture.locate(proof.at.mark.frame());
                let time = self.trace.time(proof.at);
                Some(Evidence {
                    capture: capture.files.get(file)?.path.clone(),
                    vantage: vantage.label.clone(),
                    frame: u64::from(frame),
                    time: rfc3339(time),
                    since_first_ns: first.map_or(0, |f| time.0 - f.0),
                    direction: direction(self.trace, proof.at).to_owned(),
                    note: proof.note.clone(),
                })
            })
            .collect()
    }

    fn filter(&self, finding: &diagnose::Finding) -> Option<String> {
        if finding.connections.is_empty() {
            let ip = finding.addresses.first()?;
            return Some(if ip.is_v4() {
                format!("arp.src.proto_ipv4 == {ip} || arp.dst.proto_ipv4 == {ip}")
            } else {
                format!(
                    "icmpv6.nd.na.target_address == {ip} || icmpv6.nd.ns.target_address == {ip}"
                )
            });
        }
        let first = self.trace.connection(finding.connections[0]);
        let protocol = protocol(first.protocol);
        let mut ports: Vec<u16> = finding
            .connections
            .iter()
            .map(|id| self.trace.connection(*id).front.client.1)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        if ports.len() <= MAX_FILTER_PORTS {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            return Some(format!("{protocol}.port in {{{}}}", ports.join(", ")));
        }
        let (vip, port) = first.front.server;
        let family = if vip.is_v4() { "ip" } else { "ipv6" };
        Some(format!("{family}.addr == {vip} && {protocol}.port == {port}"))
    }

    fn notes(&self, before: &[String]) -> Vec<String> {
        let mut notes = before.to_vec();
        notes.extend(self.trace.topology.unseen.iter().map(|name| {
            format!("{name}, which was stated, appears in no capture: check the address, or capture where it passes")
        }));
        if self.trace.timeline.inconsistent {
            notes.push("the captures' clocks contradict each other: one was set during the capture; times of different captures cannot be compared".to_owned());
        }
        for vantage in self.trace.vantages.iter().filter(|v| v.own.span) {
            notes.push(format!(
                "{} shows frames of many hosts and none of its own: taken for a SPAN, so nothing it shows is taken to have arrived there",
                vantage.label
            ));
        }
        let mut ordinary: BTreeMap<&str, u64> = BTreeMap::new();
        for (id, _) in self.trace.iter() {
            if let Some(kind) = self.trace.ordinary(id) {
                *ordinary.entry(kind.name()).or_default() += 1;
            }
        }
        for (kind, n) in ordinary {
            notes.push(format!("{n} connections are left out of the counts as {kind}"));
        }
        notes
    }
}

fn protocol(number: u8) -> String {
    match number {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        other => format!("ip-{other}"),
    }
}
