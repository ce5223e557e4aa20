//! Addresses that name no host: those that clients call and several hosts may hold.

use super::Trace;
use crate::flow::{IcmpError, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::topology::{Host, HostId, Mode, Service};
use crate::wire::Ip;

/// Addresses of services, and which of them are several hosts'.
#[derive(Debug, Default)]
pub(super) struct SharedAddresses {
    called: HashSet<Ip>,
    shared: HashSet<Ip>,
    directors: HashSet<HostId>,
    /// The address that each host is called by.
    own: Vec<Option<Ip>>,
}

impl SharedAddresses {
    pub(super) fn of(trace: &Trace) -> Self {
        let services = || trace.topology.services.iter().filter(|s| !s.is_backend);
        let advertised =
            trace.vantages.iter().flat_map(|v| &v.vrrp).flat_map(|s| s.addresses.list());
        let shared = services().filter(|s| is_several_hosts(s)).map(|s| s.vip);
        let mut addresses = Self {
            called: services().map(|s| s.vip).collect(),
            shared: shared.chain(advertised.copied()).chain(complain(trace)).collect(),
            directors: services()
                .filter(|s| s.mode != Mode::Proxy)
                .flat_map(|s| s.directors.iter().map(|d| d.host))
                .collect(),
            own: Vec::new(),
        };
        let hosts = trace.topology.hosts.iter();
        addresses.own = hosts.map(|(id, host)| addresses.own(id, host)).collect();
        addresses
    }

    /// A host's own address: one that is no balanced service's.
    fn own(&self, id: HostId, host: &Host) -> Option<Ip> {
        let own = |ip: &&Ip| !ip.is_link_local() && !self.shared.contains(ip);
        // What clients call may move away; what nobody calls is the host's alone.
        let quiet = host.ips.iter().filter(own).find(|ip| !self.called.contains(ip));
        let called = || host.ips.iter().filter(own).find(|_| !self.directors.contains(&id));
        quiet.or_else(called).copied()
    }
}

/// Addresses in whose name two captured hosts send ICMP errors.
fn complain(trace: &Trace) -> Vec<Ip> {
    let mut by: HashMap<Ip, HostId> = HashMap::default();
    let mut shared = Vec::new();
    for (v, seen) in VantageId::each(&trace.vantages) {
        let Some(host) = trace.host_of_vantage(v) else { continue };
        let own = |e: &&IcmpError| seen.own.sent(&seen.hops[e.hop.index()]) == Some(true);
        for error in seen.errors.iter().filter(own) {
            if *by.entry(error.src).or_insert(host) != host {
                shared.push(error.src);
            }
        }
    }
    shared
}

/// Whether the address of a service is more than its one server's: a director sends it on, or several
/// hosts serve it. A proxy's is as good as its own.
fn is_several_hosts(service: &Service) -> bool {
    let mut hosts = service.real_servers.iter().filter_map(|server| server.host);
    let first = hosts.next();
    match service.mode {
        Mode::Proxy => false,
        Mode::Unknown => first.is_some_and(|first| hosts.any(|other| other != first)),
        _ => true,
    }
}

impl Trace {
    /// Whether an address may be several hosts', so that it names none of them: that of a service which
    /// a director sends on or several hosts serve, or that of a virtual router (RFC 9568).
    #[must_use]
    pub fn is_shared(&self, ip: Ip) -> bool {
        self.shared().shared.contains(&ip)
    }

    /// Whether clients call an address.
    #[must_use]
    pub fn is_called(&self, ip: Ip) -> bool {
        self.shared().called.contains(&ip)
    }

    /// A host's own address: one that is no balanced service's. Such an address may be
    /// several hosts', as a VIP in DR is, and so names none of them.
    #[must_use]
    pub fn own_address(&self, host: HostId) -> Option<Ip> {
        self.shared().own[host.0 as usize]
    }

    /// Whether a host is the director of any service, and no proxy.
    #[must_use]
    pub fn directs(&self, host: HostId) -> bool {
        self.shared().directors.contains(&host)
    }

    fn shared(&self) -> &SharedAddresses {
        self.shared.get_or_init(|| SharedAddresses::of(self))
    }
}
