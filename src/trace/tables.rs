//! What the settling of findings asks of hosts' sockets and packet filters.

use super::stated::holds;
use super::{ConnectionId, Said, Trace};
use crate::state::{HostState, Listener, Rule, Verdict};
use crate::topology::HostId;
use crate::wire::{Ip, Protocol};

/// A packet that a filter is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// IP protocol.
    pub protocol: Protocol,
    /// Source.
    pub from: Ip,
    /// Destination and its port.
    pub to: (Ip, u16),
}

impl Asked {
    /// Whether a rule is about it, as far as the rule was understood.
    fn fits(&self, rule: &Rule) -> bool {
        let within = |net: Option<(Ip, u8)>, ip| net.is_none_or(|net| holds(net, ip));
        let port = self.to.1;
        rule.protocol.is_none_or(|own| own == self.protocol)
            && within(rule.from, self.from)
            && within(rule.to, self.to.0)
            && (rule.ports.is_empty() || rule.ports.iter().any(|(a, b)| (*a..=*b).contains(&port)))
    }
}

/// Chains through which all passes that is for the host itself. Whether a chain of one's own is
/// reached by it, jumps would tell, which are not followed.
const IN: [&str; 2] = ["PREROUTING", "INPUT"];
/// Chains through which nothing passes that is for the host itself.
const NOT_IN: [&str; 3] = ["FORWARD", "OUTPUT", "POSTROUTING"];

impl Trace {
    /// The first packet of a connection as its real server gets it.
    #[must_use]
    pub fn asked(&self, id: ConnectionId) -> Asked {
        let connection = self.connection(id);
        let tuple = connection.back.unwrap_or(connection.front);
        Asked { protocol: connection.protocol, from: tuple.client.0, to: tuple.server }
    }

    /// The rule of a host's packet filter that stops a packet for it: the first that decides, if it
    /// stops and counted packets; a policy goes last.
    #[must_use]
    pub fn stopped(&self, host: HostId, asked: &Asked) -> Option<Said<'_, &Rule>> {
        self.states_of(host).find_map(|m| {
            let counted = |rule: &&Rule| rule.packets.is_some_and(|n| n > 0);
            let decides = |chain: &str| {
                let own = m.state.rules.iter().filter(|rule| rule.chain == chain);
                let fits = |rule: &&Rule| {
                    let ends = is_stop(rule) || rule.verdict == Verdict::Accept;
                    !rule.policy && ends && rule.plain && asked.fits(rule)
                };
                // A rule that lets pass says so of its own table; another may stop it.
                let first = own.clone().find(fits);
                first.map_or_else(|| own.clone().find(|rule| rule.policy && is_stop(rule)), Some)
            };
            let rule = IN.iter().filter_map(|c| decides(c)).filter(counted).find(|r| is_stop(r))?;
            Some(Said { value: rule, state: &m.state, at: rule.at })
        })
    }

    /// Whether a host lists its packet filter with counts, and nothing in it stopped such a packet;
    /// where it begins.
    #[must_use]
    pub fn passed(&self, host: HostId, asked: &Asked) -> Option<Said<'_, ()>> {
        self.states_of(host).find_map(|m| {
            let first = m.state.rules.iter().find(|rule| rule.policy && rule.chain == "INPUT")?;
            let mut stops = m.state.rules.iter().filter(|rule| is_inward(rule) && is_stop(rule));
            let clean =
                stops.all(|rule| rule.packets == Some(0) || !rule.policy && !asked.fits(rule));
            clean.then_some(Said { value: (), state: &m.state, at: first.at })
        })
    }

    /// The socket of a host that takes connections to an endpoint: `Some(None)` where the host lists
    /// its sockets and none does.
    #[must_use]
    pub fn listener(
        &self,
        host: HostId,
        protocol: Protocol,
        end: (Ip, u16),
    ) -> Option<Said<'_, Option<&Listener>>> {
        self.states_of(host).find_map(|m| {
            let mut own = m.state.listeners.iter().filter(|l| l.protocol == protocol);
            let first = own.clone().next()?;
            let found = own.find(|l| l.takes(end.0, end.1));
            // `ss -ltn 'sport = :80'` lists one port, and says nothing of others.
            let all = lists_all(&m.state, protocol);
            (found.is_some() || all).then(|| Said {
                value: found,
                state: &m.state,
                at: found.map_or(first.at, |l| l.at),
            })
        })
    }
}

/// Whether a list of sockets has more than one port, so that it was not asked for one.
fn lists_all(state: &HostState, protocol: Protocol) -> bool {
    let mut ports = state.listeners.iter().filter(|l| l.protocol == protocol).map(|l| l.local.1);
    let first = ports.next();
    ports.any(|port| Some(port) != first)
}

fn is_stop(rule: &Rule) -> bool {
    matches!(rule.verdict, Verdict::Drop | Verdict::Reject)
}

fn is_inward(rule: &Rule) -> bool {
    !NOT_IN.contains(&rule.chain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{HostState, parse};

    #[test]
    fn rules_are_asked_by_address_protocol_and_port() {
        let mut state = HostState::default();
        parse(&mut state, "a", "-A INPUT -s 10.0.0.0/24 -p tcp --dport 80:90 -j DROP\n");
        let rule = &state.rules[0];
        let asked = |from: [u8; 4], port| Asked {
            protocol: Protocol::TCP,
            from: Ip::v4(from),
            to: (Ip::v4([10, 9, 0, 1]), port),
        };
        assert!(asked([10, 0, 0, 7], 80).fits(rule) && asked([10, 0, 0, 7], 90).fits(rule));
        assert!(!asked([10, 0, 1, 7], 80).fits(rule) && !asked([10, 0, 0, 7], 91).fits(rule));
    }
}
