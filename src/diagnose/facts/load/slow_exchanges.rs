//! One exchange that took long, frame by frame.

use super::durations::ms;
use crate::diagnose::Facts;
use crate::diagnose::finding::Proof;
use crate::topology::ServiceId;

/// One handshake that took the median time or more, before the server and at it.
pub(in crate::diagnose) fn handshake(
    facts: &Facts<'_>,
    service: ServiceId,
    at: usize,
    median: u64,
) -> Vec<Proof> {
    let s = facts.topology.service(service);
    let own = s.real_servers[at].host;
    for id in facts.places().get(&(service, at)).into_iter().flatten().map(|(_, own)| *own) {
        let took = |leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let (syn, answer) = (there.syn.get()?, back.syn.get()?);
            (there.syns <= 1 && back.syns <= 1)
                .then(|| u64::try_from(answer.since(syn)).ok())
                .flatten()
                .map(|ns| (syn, answer, ns))
        };
        let mut legs = facts.back_legs(id).filter(|leg| facts.host_of(leg) != own);
        let Some((leg, (syn, answer, ns))) =
            legs.find_map(|leg| Some((leg, took(leg).filter(|(.., ns)| *ns >= median)?)))
        else {
            continue;
        };
        let at_server = facts
            .back_legs(id)
            .filter(|leg| facts.host_of(leg) == own)
            .find_map(|leg| Some((leg, took(leg)?)));
        let Some((inner, (came, left, own_ns))) = at_server else {
            let (request, reply) = (facts.forward(leg).data, facts.reply(leg).data);
            let again = facts.forward(leg).retransmissions + facts.reply(leg).retransmissions > 0;
            if again || !(request.is_set() && reply.frame() > request.frame()) {
                continue;
            }
            let took = u64::try_from(reply.since(request)).unwrap_or_default();
            return Proof::seen([
                facts.proof(leg, syn, "the SYN on its way to the real server"),
                facts.proof(leg, answer, format!("its SYN-ACK comes {} later", ms(ns))),
                facts.proof(leg, request, "a request"),
                facts.proof(leg, reply, format!("whose answer comes {} later", ms(took))),
            ]);
        };
        return Proof::seen([
            facts.proof(leg, syn, "the SYN on its way to the real server"),
            facts.proof(inner, came, "it reaches the real server"),
            facts.proof(inner, left, format!("whose SYN-ACK leaves {} later", ms(own_ns))),
            facts.proof(leg, answer, format!("and comes {} after the SYN", ms(ns))),
        ]);
    }
    Vec::new()
}

/// A request of a server that took the median time or more, at its own vantage or before it.
pub(in crate::diagnose) fn request(
    facts: &Facts<'_>,
    service: ServiceId,
    at: usize,
    median: u64,
    own: bool,
) -> Vec<Proof> {
    let server = facts.topology.service(service).real_servers[at];
    let legs = facts
        .places()
        .get(&(service, at))
        .into_iter()
        .flatten()
        .map(|(_, own)| *own)
        .flat_map(|id| facts.back_legs(id));
    for leg in legs.filter(|leg| (facts.host_of(leg) == server.host) == own) {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let (Some(asked), Some(answered)) = (there.data.get(), back.data.get()) else { continue };
        let took = answered.since(asked);
        if there.retransmissions == 0 && u64::try_from(took).is_ok_and(|took| took >= median) {
            let took = ms(took.unsigned_abs());
            return Proof::seen([
                facts.proof(leg, asked, "a request to the real server"),
                facts.proof(leg, answered, format!("its answer begins {took} later")),
            ]);
        }
    }
    Vec::new()
}
