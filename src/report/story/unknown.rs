//! What the captures do not show of a connection, and why.

use super::way::Teller;
use crate::correlate::Tie;
use crate::topology::{HostId, Mode};

pub(super) fn unknown(teller: &Teller<'_>, explained: bool) -> Vec<String> {
    let (trace, id) = (teller.trace, teller.id);
    let connection = trace.connection(id);
    let mut said = Vec::new();
    if connection.protocol.is_tcp() && !connection.progress.syn {
        said.push(
            "It began before the captures, or its SYN was not captured: how it was opened."
                .to_owned(),
        );
    }
    let server = teller.server_name();
    let service = teller.service();
    if server.is_none() {
        said.push(match service.mode {
            Mode::Unknown => format!(
                "Whether {} is balanced, and to whom: no capture shows it being passed on.",
                service.name()
            ),
            _ => "Which real server it was meant for: no capture shows it being passed on."
                .to_owned(),
        });
    }
    let mut blind = |host: Option<HostId>, name: String, what: &str| {
        if !host.is_some_and(|host| trace.is_captured(host)) {
            said.push(format!("{what}: nothing was captured on {name}."));
        }
    };
    for director in &service.directors {
        let name = teller.who(director.host, false);
        let passes = [true, false]
            .iter()
            .any(|way| teller.way(*way).stops.iter().any(|stop| stop.host == director.host));
        if passes {
            blind(Some(director.host), name, "What the director received and sent on");
        }
    }
    if let Some(server) = server {
        let name = format!("the real server {server}");
        blind(teller.server(), name, "What the real server received and answered");
    }
    let client = connection.front.client.0;
    let caller = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg));
    let host = teller.client().or_else(|| caller.and_then(|leg| trace.host_of(leg)));
    blind(host, format!("the client {client}"), "What reached the client");
    if connection.tie == Tie::SequenceRange && !connection.progress.syn {
        said.push(
            "That its parts are one connection rests on sequence numbers alone: no handshake was captured."
                .to_owned(),
        );
    }
    if connection.outcome.failed() && !explained {
        said.push("Why it failed: no finding of this run explains it.".to_owned());
    }
    said
}
