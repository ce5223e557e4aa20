//! What detectors and the settling of findings ask of states.

use super::{ConnectionId, Trace};
use crate::state::{
    Front, HostState, Logged, MatchedState, Place, PolicyRule, Route, StatedService,
};
use crate::topology::{HostId, Service};
use crate::wire::Ip;

/// An answer with the state and the line that gives it.
#[derive(Debug, Clone)]
pub struct Said<'a, T> {
    /// The answer.
    pub value: T,
    /// Who says so.
    pub state: &'a HostState,
    /// Where.
    pub at: Place,
}

impl<T> Said<'_, T> {
    /// `file:line`.
    #[must_use]
    pub fn place(&self) -> String {
        self.state.place(self.at)
    }
}

impl Trace {
    /// What a host said of itself.
    pub fn states_of(&self, host: HostId) -> impl Iterator<Item = &MatchedState> {
        self.states.iter().filter(move |m| m.hosts.contains(&host))
    }

    /// How a proxy logged a client's connection.
    #[must_use]
    pub fn logged(&self, id: ConnectionId) -> Option<Said<'_, &Logged>> {
        let (state, row) = self.logged.get(&id.0)?;
        let state = &self.states.get(*state as usize)?.state;
        let value = state.logged.get(*row as usize)?;
        Some(Said { value, state, at: value.at })
    }

    /// The status of 500 to 599 with which a proxy logged it.
    #[must_use]
    pub fn logged_error(&self, id: ConnectionId) -> Option<Said<'_, u16>> {
        let said = self.logged(id).filter(|said| (500..600).contains(&said.value.status))?;
        Some(Said { value: said.value.status, state: said.state, at: said.at })
    }

    /// Connections that a proxy logged with such a status.
    pub fn logged_errors(&self) -> impl Iterator<Item = ConnectionId> {
        let all = self.logged.keys().map(|id| ConnectionId(*id));
        all.filter(|id| self.logged_error(*id).is_some())
    }

    /// A counter of a host, by its nstat(8) name.
    #[must_use]
    pub fn counter(&self, host: HostId, name: &str) -> Option<Said<'_, u64>> {
        self.states_of(host).find_map(|m| {
            let told = m.state.counters.get(name)?;
            Some(Said { value: told.value, state: &m.state, at: told.at })
        })
    }

    /// Whether an interface of a host has an address; `None` where the host did
    /// not list all its interfaces with addresses of that family.
    #[must_use]
    pub fn has_address(&self, host: HostId, ip: Ip) -> Option<Said<'_, bool>> {
        let has = self.states_of(host).find_map(|m| {
            let all = m.state.interfaces.iter().flat_map(|i| &i.addresses);
            let found = all.into_iter().find(|a| a.ip == ip)?;
            Some(Said { value: true, state: &m.state, at: found.at })
        });
        has.or_else(|| {
            self.states_of(host).find_map(|m| {
                // `ip addr show dev eth0` is silent on lo, which is where it would be.
                let own = |i: &&crate::state::Interface| {
                    i.addresses.iter().any(|a| a.ip.is_v4() == ip.is_v4())
                };
                let listed = m.state.interfaces.iter().filter(own);
                let lo = listed.clone().find(|i| i.name == "lo")?;
                listed.into_iter().any(|i| i.name != "lo").then_some(())?;
                Some(Said { value: false, state: &m.state, at: lo.at })
            })
        })
    }

    /// The highest value that a host has for a per-interface IPv4 setting, which
    /// is what the kernel goes by (ip-sysctl, `conf/all/*`: max of all and
    /// interface); `None` where `all` is not listed.
    #[must_use]
    pub fn setting(&self, host: HostId, key: &str) -> Option<Said<'_, u32>> {
        self.states_of(host).find_map(|m| {
            let all = m.state.sysctls.get(&format!("net.ipv4.conf.all.{key}"))?;
            let mut most = (all.value.parse::<u32>().ok()?, all.at);
            for (name, told) in m.state.sysctls.range("net.ipv4.conf.".to_owned()..) {
                let Some(rest) = name.strip_prefix("net.ipv4.conf.") else { break };
                let interface = rest.strip_suffix(key).and_then(|r| r.strip_suffix('.'));
                // `default` is for interfaces to come; on lo nothing arrives.
                if interface.is_none_or(|i| matches!(i, "all" | "default" | "lo")) {
                    continue;
                }
                if let Ok(value) = told.value.parse::<u32>()
                    && value > most.0
                {
                    most = (value, told.at);
                }
            }
            Some(Said { value: most.0, state: &m.state, at: most.1 })
        })
    }

    /// The route by which a host sends to an address, of its main table; `None`
    /// where it has several gateways for it, or rules that may send it by another table.
    #[must_use]
    pub fn route_to(&self, host: HostId, ip: Ip) -> Option<Said<'_, &Route>> {
        // Rules that send to other tables go first; whether by the source that is used here is open.
        let other = |rule: &PolicyRule| {
            !rule.more
                && !matches!(rule.table.as_str(), "local" | "main" | "default")
                && rule.to.is_none_or(|net| holds(net, ip))
        };
        self.states_of(host).filter(|m| !m.state.rules_of_routing.iter().any(other)).find_map(|m| {
            let fits = m.state.routes.iter().filter(|r| r.table.is_none() && holds(r.to, ip));
            let rank = |r: &Route| (std::cmp::Reverse(r.to.1), r.metric);
            let best = fits.clone().min_by_key(|r| rank(r))?;
            // Several gateways share the load, so none of them is the answer.
            let mut alike = fits.filter(|r| rank(r) == rank(best));
            alike.all(|r| r.via == best.via).then_some(())?;
            Some(Said { value: best, state: &m.state, at: best.at })
        })
    }

    /// What a host's own tables say of a service that the captures show: the
    /// kernel's table before keepalived.conf.
    #[must_use]
    pub fn stated_service(&self, host: HostId, of: &Service) -> Option<Said<'_, &StatedService>> {
        let states =
            || self.states_of(host).flat_map(|m| m.state.services.iter().map(move |s| (m, s)));
        let exact = states().filter(|(_, s)| is_front(s.front, of, true));
        let wide = states().filter(|(_, s)| is_front(s.front, of, false));
        let (m, service) = exact
            .min_by_key(|(_, s)| s.configured)
            .or_else(|| wide.min_by_key(|(_, s)| s.configured))?;
        Some(Said { value: service, state: &m.state, at: service.at })
    }

    /// The host that a stated address belongs to: by what the captures show, by
    /// the addresses that other states list, or by the neighbours of this one.
    #[must_use]
    pub fn host_of_stated(&self, by: &HostState, ip: Ip) -> Option<HostId> {
        self.host_by_ip(ip)
            .or_else(|| {
                let lists = |m: &&MatchedState| {
                    let not_lo = m.state.interfaces.iter().filter(|i| i.name != "lo");
                    not_lo.flat_map(|i| &i.addresses).any(|a| a.ip == ip)
                };
                self.states.iter().find(lists)?.hosts.first().copied()
            })
            .or_else(|| {
                let known = by.neighbours.iter().find(|n| n.ip == ip && n.mac.is_some())?;
                self.host_by_mac(known.mac)
            })
    }
}

/// Whether a front is the address of a service; `exact`: with its port.
fn is_front(front: Front, of: &Service, exact: bool) -> bool {
    let Front::Address { vip, port, protocol } = front else { return false };
    (vip, protocol) == (of.vip, of.protocol) && (if exact { port == of.port } else { port == 0 })
}

/// Whether a network holds an address.
pub(super) fn holds((network, bits): (Ip, u8), ip: Ip) -> bool {
    if network.is_v4() != ip.is_v4() {
        return false;
    }
    let number = |ip: Ip| match ip.addr() {
        std::net::IpAddr::V4(a) => u128::from(u32::from(a)) << 96,
        std::net::IpAddr::V6(a) => u128::from(a),
    };
    let differ = (number(network) ^ number(ip)).leading_zeros();
    differ >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let ip = |text: &str| Ip::from(text.parse::<std::net::IpAddr>().unwrap());
        let net = |text: &str| {
            let (address, bits) = text.split_once('/').unwrap();
            (ip(address), bits.parse().unwrap())
        };
        assert!(holds(net("0.0.0.0/0"), ip("10.0.0.1")) && !holds(net("0.0.0.0/0"), ip("::1")));
        assert!(holds(net("10.0.0.0/24"), ip("10.0.0.255")));
        assert!(!holds(net("10.0.0.0/24"), ip("10.0.1.0")));
        assert!(
            holds(net("10.0.0.1/32"), ip("10.0.0.1")) && !holds(net("10.0.0.1/32"), ip("10.0.0.0"))
        );
        assert!(holds(net("2001:db8::/32"), ip("2001:db8:ffff::1")));
    }
}
