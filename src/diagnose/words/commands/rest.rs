//! Real servers that get no new connections, or fewer, until they are mended.
//!
//! The others take their share. So it is said only of servers beside which another one did
//! well, never of all that a service has: a director without a real server refuses
//! everybody. It is marked as what interrupts, since the others may not bear it.

use super::cluster;
use super::ipvsadm::{Server, Virtual};
use super::step::{self, Step};
use crate::breaks::Fate;
use crate::diagnose::words::{Names, list_of};
use crate::diagnose::{Facts, Fix};
use crate::state::StatedServer;
use crate::topology::{HostId, Service, ServiceId};
use crate::trace::Trace;

/// What a weight of 0 leaves (ip_vs_in_get of a template; ipvs-sysctl.rst).
const STICKY: &str =
    "with persistence (-p) its clients stay, unless net.ipv4.vs.expire_quiescent_template is 1";

/// What happens to the weight of a real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// Nothing new: it serves nobody, or badly.
    None,
    /// A part: what it gets is too much for it, and would be for the next.
    Half,
}

/// Choosing hosts no more, on the director, and its undo; nothing where no other real
/// server of the service did well.
#[must_use]
pub fn rest(
    facts: &Facts,
    service: ServiceId,
    hosts: &[HostId],
    port: u16,
    until: &str,
) -> Vec<Fix> {
    spare(facts, service, of_hosts(facts, hosts, port), until)
}

/// The same of real servers, by what is known of them.
#[must_use]
pub fn spare(facts: &Facts, service: ServiceId, servers: Vec<Server>, until: &str) -> Vec<Fix> {
    change(facts, service, servers, until, Share::None)
}

/// Fewer connections for hosts that get too many, where others bear them; else another real
/// server, since the load stays.
#[must_use]
pub fn ease(
    facts: &Facts,
    service: ServiceId,
    hosts: &[HostId],
    port: u16,
    until: &str,
) -> Vec<Fix> {
    let fixes = change(facts, service, of_hosts(facts, hosts, port), until, Share::Half);
    if fixes.is_empty() { vec![one_more(facts, service, until)] } else { fixes }
}

fn of_hosts(facts: &Facts, hosts: &[HostId], port: u16) -> Vec<Server> {
    hosts.iter().map(|host| Server::host(Names(facts), *host, port)).collect()
}

fn change(
    facts: &Facts,
    service: ServiceId,
    servers: Vec<Server>,
    until: &str,
    share: Share,
) -> Vec<Fix> {
    if servers.is_empty() || !another_serves(facts, service, &servers) {
        return Vec::new();
    }
    let s = facts.topology.service(service);
    if cluster::is_clusters(facts, s) {
        return match share {
            Share::None => servers.iter().map(|x| cluster::spared(x.ip(), until)).collect(),
            Share::Half => Vec::new(),
        };
    }
    let of = Virtual::of(s);
    let mut steps = Vec::new();
    let (mut listed, mut said) = (false, false);
    for server in servers {
        let before = stated_weight(facts, s, &server);
        // What was not stated is printed before it is changed, else there is no way back.
        if before.is_none() && !std::mem::replace(&mut listed, true) {
            steps.push(Step::look(of.list()));
        }
        let entry = of.server(server);
        let weight = match share {
            Share::None => entry.weigh(0),
            Share::Half => entry.halve(before),
        };
        let step = Step::new(weight, entry.restore(before));
        let stays = share == Share::None && !std::mem::replace(&mut said, true);
        steps.push(if stays { step.because(STICKY) } else { step });
    }
    let place = format!("{}, {until}", Names(facts).director(s));
    vec![step::disruptive(place, steps).meanwhile()]
}

/// Whether a real server beside these did what it was asked for.
fn another_serves(facts: &Facts, service: ServiceId, these: &[Server]) -> bool {
    facts.requests_to(service).any(|(id, _)| {
        let other = facts.server(id).is_some_and(|real| !these.iter().any(|x| x.is(real)));
        other && facts.breaks.fate(id) == Fate::Well
    })
}

/// A real server beside those that there are.
fn one_more(facts: &Facts, service: ServiceId, until: &str) -> Fix {
    let s = facts.topology.service(service);
    if cluster::is_clusters(facts, s) {
        return cluster::scaled(until).meanwhile();
    }
    let of = Virtual::of(s);
    let entry = of.server(Server::any());
    let mut known: Vec<_> = s.real_servers.iter().filter_map(|r| r.address).collect();
    known.sort_unstable();
    known.dedup();
    let like = if known.is_empty() { "the others".to_owned() } else { list_of(known) };
    let why = format!("one more real server, set up as {like}");
    let added = Step::new(entry.add(1), entry.delete()).because(&why);
    step::safe(format!("{}, {until}", Names(facts).director(s)), [added]).meanwhile()
}

/// The weight of a real server in the table that a director stated.
fn stated_weight(trace: &Trace, service: &Service, server: &Server) -> Option<u32> {
    let at = |s: &StatedServer| {
        let port = if s.port == 0 { service.port } else { s.port };
        s.address.with_port(port) == server.name()
    };
    service.directors.iter().find_map(|director| {
        let said = trace.stated_service(director.host, service)?;
        said.value.servers.iter().find(|s| at(s))?.weight
    })
}
