//! The words of `connection-refused` where the same server accepts others between those that it
//! refuses: somebody listens there.

use crate::diagnose::words::{agree, names, share};
use crate::diagnose::{Confidence, Facts, Finding, Names, Subject};
use crate::topology::ServiceId;
use crate::trace::ConnectionId;

pub(super) fn word(
    finding: &mut Finding,
    facts: &Facts,
    (service, port): (ServiceId, u16),
    subjects: &[Subject],
    ids: &[ConnectionId],
) {
    let who = names(subjects);
    let (refuses, answers, accepts) =
        agree(subjects.len(), ("refuses", "answers", "accepts"), ("refuse", "answer", "accept"));
    finding.title = format!("{who} {refuses} some connections on port {port} and {accepts} others");
    finding.explanation = format!(
        "{who} {answers} SYNs for {} with RST,ACK and {accepts} others on port {port} between them, so a process listens there. Either it comes and goes, or something turns away a part: a rule that rejects with a reset, a full queue where tcp_abort_on_overflow is set, or, of MPTCP, second subflows (MP_JOIN in the SYN) whose first one another server has. {} refused.",
        facts.topology.service(service).name(),
        share(facts, service, ids, "are")
    );
    finding.confidence = Confidence::Likely;
    finding.candidate("accept-queue-overflow", "then tcp_abort_on_overflow is 1 on the server, and TcpExtListenOverflows grows with each refusal");
    for subject in subjects {
        finding.confirm(
            Names(facts).place_of(subject),
            format!("ss -ltnp 'sport = :{port}'; sysctl net.ipv4.tcp_abort_on_overflow; nstat -az TcpExtListenOverflows; nft list ruleset | grep -iE 'reject|reset'; iptables-save -c | grep -iE 'tcp-reset'"),
            "another process number each time: it comes and goes, and its log says why; else a counter that grows with each refusal tells who refuses",
        );
    }
}
