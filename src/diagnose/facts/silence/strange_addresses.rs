//! SYNs for an address that arrive at a host and are never answered, while the same host
//! answers for an address of its own on the same port: without a balancer in any capture,
//! as behind one of a cloud that leaves its own address in the packets.

use crate::breaks::{Manner, Packet};
use crate::correlate::Connection;
use crate::diagnose::Facts;
use crate::diagnose::facts::way::passing::ended;
use crate::diagnose::thresholds::{PAIR, TRANSMISSIONS};
use crate::flow::Mark;
use crate::hashed::HashSet;
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{At, ConnectionId};

/// One host that is asked for an address and answers only for another.
#[derive(Debug, Clone)]
pub(in crate::diagnose) struct Strange {
    pub service: ServiceId,
    pub host: HostId,
    /// Connections that it did not answer.
    pub ids: Vec<ConnectionId>,
    /// The first SYN of them.
    pub syn: At,
    /// A connection to its own address on the same port, and its answer there.
    pub own: ConnectionId,
    pub answer: At,
}

/// All of them, most harm first.
pub(in crate::diagnose) fn all(facts: &Facts) -> Vec<Strange> {
    let swallowed = ended(facts, |group| group.manner == Manner::Swallowed);
    let waiting: HashSet<ConnectionId> =
        facts.missing().iter().flat_map(|m| m.ids.iter().copied()).collect();
    let found = swallowed.filter_map(|(group, host)| {
        let s = facts.topology.service(group.service);
        let again = |id: &ConnectionId| facts.connection(*id).progress.syns >= TRANSMISSIONS;
        let alone = facts.breaks.accounts.services[group.service.0 as usize].well == 0;
        let many = group.connections.len() >= PAIR && group.connections.iter().all(again);
        if s.mode != Mode::Unknown || !alone || !many || facts.host_by_ip(s.vip) == Some(host) {
            return None;
        }
        // Who asks for the next hop upon a SYN has taken it in, and cannot send its answer.
        if group.connections.iter().any(|id| waiting.contains(id)) {
            return None;
        }
        // A host that says anything in that address's name has it.
        let speaks =
            |(_, c): (ConnectionId, &Connection)| c.progress.answered || c.progress.established;
        if facts.connections_to_address(s.vip).any(speaks) {
            return None;
        }
        let (own, answer) = facts.connections_to_host(host).find_map(|(id, c)| {
            let (ip, port) = c.front.server;
            let its = port == s.port && ip != s.vip;
            if !its || !c.protocol.is_tcp() || !c.progress.established {
                return None;
            }
            let leg = facts.legs(id).iter().find(|leg| facts.reply(leg).accepted())?;
            let syn_ack: Mark = facts.reply(leg).syn;
            Some((id, facts.at(leg, syn_ack)))
        })?;
        let syn = group.last?.at;
        let checks = facts.breaks.of_service(group.service).filter(|g| {
            let here = g.last.and_then(|last| last.host) == Some(host);
            here && g.packet == Packet::HealthCheck && g.manner == Manner::Swallowed
        });
        let mut ids = group.connections.clone();
        ids.extend(checks.flat_map(|g| g.connections.iter().copied()));
        ids.sort_unstable();
        Some(Strange { service: group.service, host, ids, syn, own, answer })
    });
    found.collect()
}
