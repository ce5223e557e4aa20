//! The captures, or commands, that would decide an unexplained symptom of connections.

use crate::breaks::Manner;
use crate::diagnose::words::{Names, tables, to_capture};
use crate::diagnose::{Facts, Sighting, ToConfirm};

/// On the real servers that were not captured; where none is known, at the host whose own
/// capture shows where the packet ended, else on the director.
pub(in crate::diagnose) fn captures(trace: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let names = Names(trace);
    let mut asked = Vec::new();
    let mut found = Vec::new();
    for id in sightings.iter().filter_map(|s| s.connection) {
        let service = trace.service(id);
        let Some(server) = trace.server(id) else { continue };
        let captured = server.host.is_some_and(|h| trace.is_captured(h));
        if captured || asked.contains(&server.address) {
            continue;
        }
        asked.push(server.address);
        let host = server.host.map_or_else(
            || server.address.map_or_else(|| "the real server".to_owned(), |ip| ip.to_string()),
            |h| names.host(h),
        );
        let addresses: Vec<_> = [Some(service.vip), server.address].into_iter().flatten().collect();
        found.push(to_capture(
            format!("real server {host}"),
            &format!("rs-{}", host.replace(':', "-")),
            &addresses,
            server.port,
            "shows whether the SYN arrives, whether it is answered, and to which MAC the answer leaves",
        ));
    }
    if found.is_empty() {
        found.extend(swallowed_at(trace, sightings));
    }
    if found.is_empty()
        && let Some(id) = sightings.iter().find_map(|s| s.connection)
        && trace.service(id).directors.is_empty()
    {
        let service = trace.service(id);
        // Nobody captures on the fabric of a cloud, nor on its balancer.
        let fabric = trace.topology.hosts.iter().any(|(_, host)| host.fabric);
        let cloud = trace.cloud();
        if fabric || cloud.is_some() {
            let whose = cloud.map_or("a cloud", crate::trace::Cloud::name);
            found.push(ToConfirm {
                host: format!("the balancer or NAT between, if it is {whose}'s"),
                command: "# its flow log, the health of its targets, and what it counts of refused, dropped and failed connections".to_owned(),
                why: "shows whether it took the SYN, and to whom it was sent on".to_owned(),
            });
            if fabric {
                return found;
            }
        }
        let whose = if cloud.is_some() {
            "the director, if it is a machine of yours"
        } else {
            "the director"
        };
        found.push(to_capture(
            whose.to_owned(),
            "director",
            &[service.vip],
            service.port,
            "shows whether the SYN arrives there and to whom it is sent on",
        ));
    }
    found
}

/// Where a host's own capture shows that it took a packet in and did nothing with it, no
/// other capture is missing: its counters tell who dropped it.
fn swallowed_at(facts: &Facts, sightings: &[Sighting]) -> Option<ToConfirm> {
    let broken = sightings.iter().find_map(|s| facts.breaks.broken(s.connection?))?;
    let host = broken.last.filter(|_| broken.manner == Manner::Swallowed)?.host?;
    let vip = facts.service(broken.connection).vip;
    let save = tables(vip);
    // IPv6 has no such filter.
    let filter = if vip.is_v4() { "TcpExtIPReversePathFilter " } else { "" };
    Some(ToConfirm {
        host: Names(facts).place(host),
        command: format!(
            "nstat -az TcpExtListenDrops TcpExtListenOverflows {filter}TcpInCsumErrors; {save}-save -c | grep -E 'DROP|REJECT'; nft list ruleset | grep -E 'drop|reject'; conntrack -S"
        ),
        why: "run it before and after one more attempt: the counter that grows names who drops it"
            .to_owned(),
    })
}
