//! The captures that would decide an unexplained symptom of connections.

use crate::diagnose::words::{Names, to_capture};
use crate::diagnose::{Facts, Sighting, ToConfirm};

/// On the real servers that were not captured; where none is known, on the director.
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
    if found.is_empty()
        && let Some(id) = sightings.iter().find_map(|s| s.connection)
        && trace.service(id).directors.is_empty()
    {
        let service = trace.service(id);
        found.push(to_capture(
            "the director".to_owned(),
            "director",
            &[service.vip],
            service.port,
            "shows whether the SYN arrives there and to whom it is sent on",
        ));
    }
    found
}
