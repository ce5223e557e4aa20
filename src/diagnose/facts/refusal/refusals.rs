//! ICMP errors that answer a SYN, and who made them.
//!
//! An error names a host in three ways: its source address, which IPVS
//! translates with the rest; the MAC that its frame came from, which is the
//! maker's only while the TTL is a stack's initial one; and the vantage that
//! sent it. An error that quotes a later segment is no answer to the SYN.

use crate::diagnose::facts::way::tunnel_ends::about_tunnel;
use crate::flow::{Hop, IcmpError, IcmpErrorKind, VantageId};
use crate::topology::{HostId, is_origin};
use crate::trace::{At, ConnectionId, Trace};

/// What an unreachable says (RFC 792; RFC 1812, section 5.2.7.1; RFC 4443,
/// section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Says {
    /// ICMP 3/1, ICMPv6 1/3: no link-layer address was found.
    Host,
    /// ICMP 3/3, ICMPv6 1/4.
    Port,
    /// ICMP 3/9, 3/10, 3/13, ICMPv6 1/1: a rule forbids it.
    Prohibited,
}

impl Says {
    pub(in crate::diagnose) fn of(kind: IcmpErrorKind) -> Option<Self> {
        let IcmpErrorKind::Unreachable { kind, code } = kind else { return None };
        match (kind, code) {
            (3, 1) | (1, 3) => Some(Self::Host),
            (3, 3) | (1, 4) => Some(Self::Port),
            (3, 9 | 10 | 13) | (1, 1) => Some(Self::Prohibited),
            _ => None,
        }
    }
}

/// An ICMP error that answers a connection's SYN.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Refusal<'a> {
    pub vantage: VantageId,
    pub error: &'a IcmpError,
    pub says: Says,
    /// From the first SYN at the same vantage to the error, nanoseconds.
    pub after_ns: Option<i64>,
}

/// What tells why a SYN was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    pub says: Says,
    /// From the first SYN at the same vantage to the error, nanoseconds.
    pub after_ns: Option<i64>,
    /// Its source is the VIP.
    pub in_vips_name: bool,
    /// Its source is the address of the connection's real server, which is not the VIP.
    pub in_servers_name: bool,
    /// A director of the service made it.
    pub of_director: bool,
    /// The connection's real server made it, which is no director.
    pub of_its_server: bool,
    /// A real server of the service made it.
    pub of_any_server: bool,
}

impl Refusal<'_> {
    pub(in crate::diagnose) fn at(&self) -> At {
        At { vantage: self.vantage, mark: self.error.mark }
    }

    /// "ICMP 3/1".
    pub(in crate::diagnose) fn name(&self) -> String {
        match self.error.kind {
            IcmpErrorKind::Unreachable { kind, code } if self.error.src.is_v4() => {
                format!("ICMP {kind}/{code}")
            }
            IcmpErrorKind::Unreachable { kind, code } => format!("ICMPv6 {kind}/{code}"),
            _ => "ICMP".to_owned(),
        }
    }
}

impl Trace {
    /// The unreachables that quote a connection's SYN: by sequence number, as
    /// eight bytes of TCP are all that must be quoted.
    pub(in crate::diagnose) fn refusals(
        &self,
        id: ConnectionId,
    ) -> impl Iterator<Item = Refusal<'_>> {
        let opened = |leg: &&crate::correlate::Leg| self.forward(leg).opened();
        let client = self.connection(id).front.client;
        // What is said of a tunnel's packet is said of the tunnel.
        let own = |(vantage, error): &(VantageId, &IcmpError)| !about_tunnel(self, *vantage, error);
        self.errors_of(id).filter(own).filter_map(move |(vantage, error)| {
            let says = Says::of(error.kind)?;
            let quote = &error.quote;
            // Where the source is rewritten too, the quote has the rewritten one.
            let back = self.connection(id).back.map(|b| b.client);
            let sender = (quote.src, quote.src_port);
            let by_client = sender == client || Some(sender) == back;
            let mut legs = self.legs(id).iter().filter(opened);
            let of_syn = legs.any(|leg| Some(self.forward(leg).isn) == quote.seq);
            if !by_client || !of_syn {
                return None;
            }
            let here = self
                .legs(id)
                .iter()
                .filter(opened)
                .find(|leg| leg.vantage == vantage && leg.tuple == 0);
            let after_ns = here.map(|leg| error.mark.since(self.forward(leg).syn));
            Some(Refusal { vantage, error, says, after_ns })
        })
    }

    /// The hop of an ICMP error.
    pub(in crate::diagnose) fn error_hop(&self, refusal: &Refusal<'_>) -> &Hop {
        &self.vantages[refusal.vantage.index()].hops[refusal.error.hop.index()]
    }

    /// The host that made an ICMP error, where its frame shows it.
    pub(in crate::diagnose) fn maker(&self, refusal: &Refusal<'_>) -> Option<HostId> {
        let hop = self.error_hop(refusal);
        if !is_origin(hop) {
            return None;
        }
        if self.sent_here(refusal) {
            return self.host_of_vantage(refusal.vantage);
        }
        self.host_by_mac(hop.link.src)
    }

    /// What tells why a connection's SYN was answered with an error.
    pub(in crate::diagnose) fn signs_of(&self, id: ConnectionId, refusal: &Refusal<'_>) -> Signs {
        let service = self.service(id);
        let made = self.maker(refusal);
        let server = self
            .server(id)
            .filter(|server| server.host.is_none_or(|host| !service.is_director(host)));
        let from = refusal.error.src;
        Signs {
            says: refusal.says,
            after_ns: refusal.after_ns,
            in_vips_name: from == service.vip,
            in_servers_name: from != service.vip
                && server.is_some_and(|server| server.address == Some(from)),
            of_director: made.is_some_and(|host| service.is_director(host)),
            of_its_server: made.is_some() && server.is_some_and(|server| server.host == made),
            of_any_server: made.is_some()
                && service.real_servers.iter().any(|server| server.host == made),
        }
    }

    /// Whether the capturing host itself sent an ICMP error.
    pub(in crate::diagnose) fn sent_here(&self, refusal: &Refusal<'_>) -> bool {
        self.vantages[refusal.vantage.index()].own.sent(self.error_hop(refusal)) == Some(true)
    }

    /// Whether a vantage saw a connection's SYN come in and not go out again.
    pub(in crate::diagnose) fn kept_at(&self, id: ConnectionId, vantage: VantageId) -> bool {
        let own = &self.vantages[vantage.index()].own;
        let mut legs = self.legs(id).iter().filter(|leg| leg.vantage == vantage);
        let mut came = false;
        let stayed = legs.all(|leg| {
            self.path(leg, self.forward(leg)).all(|(_, hop)| {
                came |= own.arrived(hop) == Some(true);
                own.sent(hop) == Some(false)
            })
        });
        came && stayed
    }

    /// Whether nothing shows that a connection's SYN was sent to a real server.
    pub(in crate::diagnose) fn went_nowhere(&self, id: ConnectionId) -> bool {
        self.connection(id).back.is_none()
            && self.server(id).is_none()
            && self.route(id).forwarders().next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_say_the_same() {
        let says = |kind, code| Says::of(IcmpErrorKind::Unreachable { kind, code });
        assert_eq!(says(3, 1), says(1, 3));
        assert_eq!(says(3, 3), says(1, 4));
        assert_eq!(says(3, 13), says(1, 1));
        assert_eq!(says(3, 10), Some(Says::Prohibited));
        assert_eq!(says(3, 4), None);
        assert_eq!(Says::of(IcmpErrorKind::TimeExceeded), None);
    }
}
