//! A client begins in HTTP/2, and the server answers in HTTP/1.

use super::{connections, worded};
use crate::breaks::http2_refused;
use crate::diagnose::{Facts, Proof, Sighting, ToConfirm, Wording};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    if !f.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return Vec::new();
    }
    let ids = f.requests().map(|(id, _)| id).filter(|id| http2_refused(f, *id).is_some());
    ids.map(|id| Sighting::of(id, true)).collect()
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some((leg, spoken)) = sighting.connection.and_then(|id| http2_refused(f, id)) else {
        return Vec::new();
    };
    Proof::seen([
        f.proof(leg, f.forward(leg).data, "the client begins in HTTP/2"),
        f.proof(leg, spoken.mark, "the server answers with status 400, not in HTTP/2"),
    ])
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    worded(
        f,
        sightings,
        "the server answers HTTP/2 in HTTP/1",
        "the client begins in HTTP/2 without asking, as gRPC without TLS does, and is answered with status 400 of HTTP/1: who listens there does not speak HTTP/2. The network delivered all of it.",
    )
}

/// The same by hand, in both.
pub(in crate::diagnose) fn next(f: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let Some(id) = connections(sightings).next() else { return Vec::new() };
    let (host, at) = super::who_said::by_hand(f, id);
    vec![ToConfirm {
        host,
        command: format!(
            "curl -sv -o /dev/null --http2-prior-knowledge http://{at}/; curl -sv -o /dev/null http://{at}/"
        ),
        why: "only the second is answered: the listener, or the balancer's protocol for this port or target group, has to be HTTP/2 or gRPC ('proto h2' on haproxy's bind and server lines, 'http2 on' in nginx)".to_owned(),
    }]
}

/// Both sides say themselves what they speak.
pub(in crate::diagnose) fn names_culprit(_: &Trace, _: &[ConnectionId]) -> bool {
    true
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}
