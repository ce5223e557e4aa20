//! From a trace and its diagnosis to the document.

use super::lasting;
use super::wording::{coverage_reason, describe_role, rfc3339};
use super::{Capture, Clock, Coverage, Host, HostRef, Report, SCHEMA_VERSION, Status, Verdict};
use crate::breaks::Breaks;
use crate::diagnose::evidence::Frames;
use crate::diagnose::{self, Diagnosis, Kind, Names};
use crate::flow::VantageId;
use crate::parts::both;
use crate::topology::{HostId, Role, Service};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Mac};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

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

/// Addresses, and MACs, by which a service names its director: a node has one of each for every pod, and they stand
/// once with the host.
const NAMED: usize = 16;

/// Connections up to which a page lists all.
const PAGE_LISTS: usize = 50_000;

impl ConnectionFilter {
    /// Those that a page lists: all, where a browser bears it.
    #[must_use]
    pub fn of_page(trace: &Trace) -> Self {
        if trace.connections.list.len() <= PAGE_LISTS { Self::All } else { Self::Affected }
    }
}

/// What the user chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// See [`ConnectionFilter`].
    pub connections: ConnectionFilter,
    /// Remarks from before the trace: files that could not be read.
    pub notes: Vec<String>,
}

/// Builds the document.
#[must_use]
pub fn build(trace: &Trace, diagnosis: &Diagnosis, options: &Options) -> Report {
    let mut report = built(trace, diagnosis, options);
    super::lines::quote(trace, &mut report);
    super::stand_ins::named(trace, report)
}

fn built(trace: &Trace, diagnosis: &Diagnosis, options: &Options) -> Report {
    let builder = Builder::new(trace, &diagnosis.breaks);
    let of = findings_of(diagnosis);
    let totals = builder.with_beyond(builder.totals(trace.requests().map(|(id, _)| id)));
    // These walk connections or hosts, and do not ask each other.
    let ((mut services, beside), (hosts, breaks)) = both(
        trace.connections.list.len(),
        || (builder.services(), builder.beside()),
        || {
            let numbers = findings_of_groups(diagnosis, &of);
            (builder.hosts(), builder.breaks(&diagnosis.breaks.groups, &numbers))
        },
    );
    builder.add_absent(diagnosis, &mut services);
    let writer = builder.finding_writer(diagnosis);
    let findings: Vec<_> = diagnosis
        .findings
        .iter()
        .enumerate()
        .map(|(i, finding)| writer.finding(i, finding))
        .collect();
    let mut notes = builder.notes(&options.notes);
    notes.extend(builder.dropped_notes(&findings));
    notes.extend(lasting::note(&findings));
    Report {
        schema_version: SCHEMA_VERSION.to_owned(),
        generator: super::generator(),
        redacted: false,
        verdict: Verdict {
            status: match diagnosis.verdict.status {
                diagnose::Status::Healthy => Status::Healthy,
                diagnose::Status::Degraded => Status::Degraded,
                diagnose::Status::Failing => Status::Failing,
                diagnose::Status::Inconclusive => Status::Inconclusive,
            },
            summary: diagnosis.verdict.summary.clone() + &builder.lower_bounds(&totals),
            lines: diagnosis.verdict.lines.clone(),
            findings: diagnosis.verdict.findings.iter().map(|at| *at as u32 + 1).collect(),
            accounts: builder.accounts(&totals, services.len(), &beside),
        },
        captures: builder.captures(),
        hosts,
        services,
        breaks,
        totals,
        beside,
        connections: builder.connections(options.connections, &of),
        beyond: builder.beyond(),
        findings,
        coverage: diagnosis
            .coverage
            .iter()
            .map(|c| {
                let (status, reason) = coverage_reason(&c.checked);
                Coverage { id: c.id.to_string(), status, reason }
            })
            .collect(),
        host_states: builder.host_states(),
        notes,
    }
}

/// Numbers of the findings that concern each connection.
pub(super) fn findings_of(diagnosis: &Diagnosis) -> HashMap<ConnectionId, Vec<u32>> {
    let mut of: HashMap<ConnectionId, Vec<u32>> = HashMap::new();
    // A note is no trouble of the connections that it is about.
    let found = diagnosis.findings.iter().enumerate().filter(|(_, f)| f.kind != Kind::Note);
    for (i, finding) in found {
        for id in &finding.connections {
            of.entry(*id).or_default().push(i as u32 + 1);
        }
    }
    of
}

/// Numbers of the findings that hold connections of each group of breaks.
fn findings_of_groups(
    diagnosis: &Diagnosis,
    of: &HashMap<ConnectionId, Vec<u32>>,
) -> Vec<Vec<u32>> {
    let numbers = |group: &crate::breaks::Group| {
        let all = group.connections.iter().filter_map(|id| of.get(id)).flatten();
        all.copied().collect::<BTreeSet<u32>>().into_iter().collect()
    };
    diagnosis.breaks.groups.iter().map(numbers).collect()
}

/// What the parts of the document are built from.
pub(super) struct Builder<'a> {
    pub(super) trace: &'a Trace,
    pub(super) breaks: &'a Breaks,
    pub(super) names: Names<'a>,
    pub(super) frames: Frames<'a>,
    /// Addresses of each director that are no VIP of a service which it directs, sorted.
    own_addresses: OnceLock<HashMap<HostId, Vec<Ip>>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(trace: &'a Trace, breaks: &'a Breaks) -> Self {
        let (names, frames) = (Names(trace), Frames::new(trace));
        Self { trace, breaks, names, frames, own_addresses: OnceLock::new() }
    }

    fn captures(&self) -> Vec<Capture> {
        let timeline = &self.trace.timeline;
        let reference = self.trace.captures.get(timeline.reference).and_then(|c| c.files.first());
        let mut captures = Vec::new();
        for (i, capture) in self.trace.captures.iter().enumerate() {
            let offset = timeline.offset(i);
            let drift = offset.and_then(|o| o.drift);
            let ppm = |ppb: i64| ppb as f64 / 1000.0;
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
                if n == 0 {
                    notes.extend(self.unread(i));
                    notes.extend(super::clocks::remarks(self.trace, i));
                    notes.extend(self.capture_losses(i));
                }
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
                        at: offset.filter(|_| i != timeline.reference).map(|o| rfc3339(o.at)),
                        drift_ppm: drift.map(|d| ppm(d.ppb)),
                        drift_error_ppm: drift.map(|d| ppm(d.error_ppb)),
                        reference: reference.map(|f| f.path.clone()),
                    },
                    notes,
                });
            }
        }
        captures
    }

    /// What is not known since frames could not be read a second time.
    fn unread(&self, capture: usize) -> impl Iterator<Item = String> {
        let own = self.trace.pairs.unread.iter().filter(move |(at, _)| *at == capture);
        own.map(|(_, why)| {
            format!("what its connections say through a proxy is not known, as its frames could not be read again: {why}")
        })
    }

    fn hosts(&self) -> Vec<Host> {
        self.host_list().into_iter().map(|(_, host)| host).collect()
    }

    /// A host by its addresses, its own first.
    pub(super) fn host_ref(&self, id: HostId) -> HostRef {
        self.named_by(id, &self.trace.topology.hosts.get(id).ips, usize::MAX)
    }

    /// The director of a service by those of its addresses that concern the service: its own, and the VIP. A director
    /// of a thousand services has the VIPs of them all, which stand once with the host.
    pub(super) fn director_ref(&self, id: HostId, service: &Service) -> HostRef {
        let all = self.own_addresses.get_or_init(|| self.own_addresses());
        let own = all.get(&id).map_or(&[][..], Vec::as_slice);
        let mut addresses = own[..own.len().min(NAMED)].to_vec();
        let has_vip = self.trace.topology.hosts.get(id).ips.binary_search(&service.vip).is_ok();
        if let Err(at) = addresses.binary_search(&service.vip)
            && has_vip
        {
            addresses.insert(at, service.vip);
        }
        self.named_by(id, &addresses, NAMED)
    }

    fn own_addresses(&self) -> HashMap<HostId, Vec<Ip>> {
        let mut vips: HashMap<HostId, HashSet<Ip>> = HashMap::new();
        for service in &self.trace.topology.services {
            for director in &service.directors {
                vips.entry(director.host).or_default().insert(service.vip);
            }
        }
        let own = |(id, vips): (HostId, HashSet<Ip>)| {
            let named = self.names.address(id);
            let all = self.trace.topology.hosts.get(id).ips.iter().copied();
            (id, all.filter(|ip| Some(*ip) == named || !vips.contains(ip)).collect())
        };
        vips.into_iter().map(own).collect()
    }

    fn named_by(&self, id: HostId, addresses: &[Ip], macs: usize) -> HostRef {
        let host = self.trace.topology.hosts.get(id);
        let own = self.names.address(id);
        let rest = addresses.iter().filter(|ip| Some(**ip) != own);
        // The MAC of a cloud's network names nobody, where an address does.
        let fabric = |mac: &Mac| Trace::is_everybodys(*mac) && !host.ips.is_empty();
        let names = host.macs.iter().filter(|mac| !fabric(mac));
        HostRef {
            own: own.map(|ip| ip.to_string()),
            addresses: own.iter().chain(rest).map(ToString::to_string).collect(),
            macs: names.take(macs).map(ToString::to_string).collect(),
        }
    }

    /// A host in a role.
    pub(super) fn host(&self, id: HostId, role: Role, evidence: String) -> Host {
        let host = self.trace.topology.hosts.get(id);
        let HostRef { own, mut addresses, .. } = self.host_ref(id);
        let macs = host.macs.iter().map(ToString::to_string).collect();
        addresses.extend(host.contested.iter().map(ToString::to_string));
        let label = |v: &VantageId| self.trace.vantages[v.index()].label.clone();
        Host {
            role,
            own,
            addresses,
            macs,
            vantages: host.vantages.iter().map(label).collect(),
            evidence,
        }
    }

    /// The hosts that matter, with who they are.
    pub(super) fn host_list(&self) -> Vec<(HostId, Host)> {
        let rank = |role| match role {
            Role::Director => 0,
            Role::RealServer => 1,
            Role::Client => 2,
            _ => 3,
        };
        let mut hosts: Vec<(HostId, Host)> = self
            .trace
            .roles()
            .iter()
            .map(|(id, (role, why))| (*id, self.host(*id, *role, describe_role(self.trace, *why))))
            .collect();
        hosts.sort_by_key(|(id, host)| (rank(host.role), *id));
        hosts
    }

    fn notes(&self, before: &[String]) -> Vec<String> {
        let mut notes = before.to_vec();
        notes.extend(self.state_notes());
        notes.extend(self.trace.topology.unseen.iter().map(|name| {
            format!("{name}, which was stated, appears in no capture: check the address, or capture where it passes")
        }));
        if !self.trace.timeline.corrects() && self.trace.captures.len() > 1 {
            notes.push(
                "clocks are not aligned, as asked: every time is its own capture's".to_owned(),
            );
        }
        if self.trace.timeline.inconsistent {
            notes.push("the captures' clocks contradict each other, more than a few settings of one clock explain: times of different captures cannot be compared".to_owned());
        }
        for vantage in self.trace.vantages.iter().filter(|v| v.own.span) {
            notes.push(format!(
                "{} shows frames of many hosts and none of its own: taken for a SPAN, so nothing it shows is taken to have arrived there",
                vantage.label
            ));
        }
        for vantage in &self.trace.vantages {
            if let [a, b] = vantage.own.between[..] {
                notes.push(format!(
                    "{} was taken on {a} or on {b}: its frames do not tell which, so nothing it shows is taken to have arrived at either",
                    vantage.label
                ));
            }
        }
        notes.extend(self.ping_notes());
        notes.extend(self.lone_error_notes());
        notes.extend(self.scope_notes());
        notes
    }
}
