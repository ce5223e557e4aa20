//! A server that speaks first, and does not, or greets with an error.

use super::broken;
use super::worded;
use crate::breaks::{Manner, Packet, unwelcome};
use crate::diagnose::ToConfirm;
use crate::diagnose::words::list;
use crate::diagnose::{Facts, Proof, Sighting, Wording};
use crate::wire::Ip;
use crate::wire::greeting::meaning;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| group.packet == Packet::Greeting && !broken::is_late(group))
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

/// The error with which a server greeted.
fn code(f: &Facts, sighting: &Sighting) -> Option<u16> {
    unwelcome(f, sighting.connection?).map(|(.., code)| code)
}

/// Whether a server said a word, none that is known as an error, and closed.
fn is_shut_out(f: &Facts, sighting: &Sighting) -> bool {
    code(f, sighting).is_none()
        && broken::of(f, sighting).is_some_and(|b| b.manner == Manner::Closed)
}

const ITS_LOG: (&str, &str) = (
    "# its log at the time of the first proof",
    "the server says there why it turns this caller down",
);

/// What the server counts, where it says why.
pub(in crate::diagnose) fn next(f: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let told: Vec<(Ip, u16)> = sightings
        .iter()
        .filter_map(|s| Some((s.connection?, code(f, s)?)))
        .map(|(id, code)| (f.connection(id).front, f.server(id).and_then(|s| s.address), code))
        .map(|(front, known, code)| (known.unwrap_or(front.server.0), code))
        .collect();
    // Who calls on for others only passes on what it is told.
    let calls = |ip: Ip| {
        let mut ids = sightings.iter().filter_map(|s| s.connection);
        ids.any(|id| f.connection(id).front.client.0 == ip)
    };
    let last = told.iter().find(|(host, _)| !calls(*host)).or(told.first());
    let Some(&(host, code)) = last else {
        let shut = sightings.iter().find(|s| is_shut_out(f, s)).and_then(|s| s.connection);
        return shut.map_or_else(
            || super::next::captures(f, sightings),
            |id| {
                let known = f.server(id).and_then(|server| server.address);
                let host = known.unwrap_or(f.connection(id).front.server.0).to_string();
                let (command, why) = ITS_LOG;
                vec![ToConfirm { host, command: command.to_owned(), why: why.to_owned() }]
            },
        );
    };
    let (command, why) = if (1000..5000).contains(&code) {
        (
            "mysql -e \"SELECT ip, sum_connect_errors, count_handshake_errors FROM performance_schema.host_cache; SHOW VARIABLES LIKE 'max_connect%'; SHOW STATUS LIKE 'Max_used_connections'\"",
            "whom it blocks or lacks room for; 'FLUSH HOSTS' lets them in again, and a check that logs in ('option mysql-check' in haproxy) is not counted",
        )
    } else {
        ITS_LOG
    };
    vec![ToConfirm { host: host.to_string(), command: command.to_owned(), why: why.to_owned() }]
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let mut codes: Vec<u16> = sightings.iter().filter_map(|s| code(f, s)).collect();
    let told = codes.len();
    codes.sort_unstable();
    codes.dedup();
    let errors: Vec<String> =
        codes.iter().map(|code| format!("{code} ({})", meaning(*code))).collect();
    let errors = list(&errors);
    if told > 0 && told == sightings.len() {
        let blocked = if codes.contains(&1129) {
            " It counts connections that end before the client has said a word, as bare TCP checks of a balancer do, and blocks who opens many of them."
        } else {
            ""
        };
        return worded(
            f,
            sightings,
            format!("the server's first word is an error: {errors}"),
            format!(
                "the server speaks first, and says {errors} instead of a greeting.{blocked} The network delivered all of it."
            ),
        );
    }
    let mute = |s: &Sighting| {
        is_shut_out(f, s) && s.connection.is_some_and(|id| !f.connection(id).progress.response)
    };
    if sightings.iter().all(mute) {
        return worded(
            f,
            sightings,
            "servers close at once, without a word",
            format!(
                "the server, which speaks first in this protocol, takes the connection and closes it in order within {}, before it or its client has said a word. So does a proxy that has no server to pass it on to, and a server that lets nobody in from there (hosts.deny, a list of its own, a limit). The network delivered all of it.",
                broken::seconds(broken::longest(f, sightings))
            ),
        );
    }
    if sightings.iter().filter(|s| is_shut_out(f, s)).count() + told == sightings.len() {
        return worded(
            f,
            sightings,
            "servers say a word and close, before their clients have said any",
            format!(
                "the server, which speaks first in this protocol and then waits for its client, closes within {} of the handshake. So it turns callers away, whatever it says: a limit of connections or of logins that are not done (MaxStartups of sshd, max_connections), or a list of whom it lets in. Where a balancer puts its own address in its clients' place, all of them count as one. The network delivered all of it.",
                broken::seconds(broken::longest(f, sightings))
            ),
        );
    }
    let among = if told > 0 {
        format!(" In {told} its first word is an error: {errors}.")
    } else {
        String::new()
    };
    let wait = broken::seconds(broken::longest(f, sightings));
    worded(
        f,
        sightings,
        format!("connections stand and the server says nothing, for up to {wait}"),
        format!(
            "the handshake is complete, and the server, which speaks first in this protocol, sends nothing.{among}"
        ),
    )
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}
