//! What real servers are called: by an address that is their host's own.
//!
//! A VIP that a host holds names it no more than the others that hold it, and to give one service's
//! address to the real server of another makes a backend of a service that clients call. So an
//! address that clients call stands only where the host claims it on its link, or where the service
//! is balanced and shows its server's own address to be another.

use super::service::Mode;
use super::{Host, HostId, Topology};
use crate::flow::Observations;
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// The addresses of virtual routers: each is whose it is at the time.
fn moving(vantages: &[Observations]) -> HashSet<Ip> {
    let speakers = vantages.iter().flat_map(|v| &v.vrrp);
    speakers.flat_map(|s| s.addresses.list().iter().copied()).collect()
}

/// Fills in addresses and MACs of real servers from their hosts.
pub(super) fn by_hosts(vantages: &[Observations], topology: &mut Topology) {
    let vips: HashSet<Ip> = topology.services.iter().map(|s| s.vip).collect();
    let balanced = topology.services.iter().filter(|s| s.mode != Mode::Unknown);
    let balanced: HashSet<Ip> = balanced.map(|s| s.vip).collect();
    let moving = moving(vantages);
    // A host may own as many addresses as there are services: each is looked through once.
    let mut owned: HashMap<HostId, Owned> = HashMap::default();
    for service in &mut topology.services {
        let owner = topology.hosts.by_ip(service.vip).filter(|_| service.mode == Mode::Unknown);
        let (vip, mode) = (service.vip, service.mode);
        for server in &mut service.real_servers {
            let Some(id) = server.host else { continue };
            let host = topology.hosts.get(id);
            let owns = owner == Some(id) && host.macs.is_empty();
            server.address = server.address.or(owns.then_some(service.vip));
            server.mac = host.macs.first().copied();
            if server.address.is_none() {
                let owned =
                    owned.entry(id).or_insert_with(|| Owned::of(host, &vips, &balanced, &moving));
                server.address = owned.beside(vip, mode);
            }
        }
    }
}

/// Where all that a host has beside a VIP is an address which only checks, proxies and strays were
/// seen to reach, that is its own.
pub(super) fn by_uncalled(vantages: &[Observations], topology: &mut Topology) {
    let moving = moving(vantages);
    let mut called: HashSet<Ip> = HashSet::default();
    for (i, id) in topology.service_of.iter().enumerate() {
        if topology.ordinary[i].is_none() {
            called.insert(topology.services[id.0 as usize].vip);
        }
    }
    // A host may have thousands of addresses, each of them a service.
    let mut uncalled: HashMap<HostId, [[Option<Ip>; 2]; 2]> = HashMap::default();
    for service in &mut topology.services {
        let vip = service.vip;
        for server in service.real_servers.iter_mut().filter(|s| s.address.is_none()) {
            let Some(id) = server.host else { continue };
            let own = uncalled.entry(id).or_insert_with(|| {
                let host = topology.hosts.get(id);
                let own =
                    |ip: &&Ip| !ip.is_link_local() && !called.contains(ip) && !moving.contains(ip);
                [true, false].map(|v4| {
                    let mut ips = host.ips.iter().filter(|ip| ip.is_v4() == v4).filter(own);
                    [ips.next().copied(), ips.next().copied()]
                })
            });
            let family = own[usize::from(!vip.is_v4())];
            server.address = family.into_iter().flatten().find(|ip| *ip != vip);
        }
    }
}

/// The addresses of a host by which a real server may be called.
struct Owned {
    /// The first of either family that is no service's.
    plain: [Option<Ip>; 2],
    /// The first two of either family that clients call and no director sends on: those that the
    /// host claims, else any.
    called: [[Option<Ip>; 2]; 2],
    /// Whether it claims those.
    claimed: [bool; 2],
}

impl Owned {
    /// A virtual router's address is whose it is at the time.
    fn of(host: &Host, vips: &HashSet<Ip>, balanced: &HashSet<Ip>, moving: &HashSet<Ip>) -> Self {
        let stays = |ip: &Ip| !ip.is_link_local() && !moving.contains(ip);
        let lasting =
            |v4: bool| host.ips.iter().copied().filter(stays).filter(move |ip| ip.is_v4() == v4);
        let plain = |v4: bool| lasting(v4).find(|ip| !vips.contains(ip));
        let called = |v4: bool| lasting(v4).filter(|ip| !balanced.contains(ip));
        let says = |v4: bool| called(v4).filter(|ip| host.claimed.contains(ip));
        let two = |v4: bool| {
            let mut claimed = says(v4);
            match claimed.next() {
                Some(first) => ([Some(first), claimed.next()], true),
                None => {
                    let mut any = called(v4);
                    ([any.next(), any.next()], false)
                }
            }
        };
        let ((v4, said_v4), (v6, said_v6)) = (two(true), two(false));
        Self { plain: [plain(true), plain(false)], called: [v4, v6], claimed: [said_v4, said_v6] }
    }

    /// A VIP that the host holds is not its own address: of another service's that nobody is seen to
    /// balance that is not known, but where the host claims it or this one is balanced.
    fn beside(&self, vip: Ip, mode: Mode) -> Option<Ip> {
        let family = usize::from(!vip.is_v4());
        let called = || {
            let told = self.claimed[family] || mode != Mode::Unknown;
            self.called[family].into_iter().flatten().find(|ip| told && *ip != vip)
        };
        self.plain[family].or_else(called).or(self.plain[1 - family])
    }
}
