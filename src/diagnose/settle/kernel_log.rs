//! What a kernel's log says of its drops, beside what stays unanswered: a full table of connections, a listener
//! that takes no more, sources that come in where they are not expected. Such a line may be of another moment and
//! of any host whose words were given, so it proves nothing: what it names stands first among what fits.

use crate::diagnose::finding::Candidate;
use crate::diagnose::{Finding, Kind, Settled, ToConfirm};
use crate::state::{HostState, KernelSaid, KernelWord};
use crate::trace::Trace;

/// Findings of what nobody answered, or answered late.
const SILENT: [&str; 4] =
    ["syn-unanswered", "datagram-unanswered", "slow-connect", "handshake-incomplete"];

/// Puts what it names before all else that fits.
pub(in crate::diagnose) fn tell(trace: &Trace, finding: &mut Finding) {
    if finding.kind == Kind::Note || !finding.id.is_of(&SILENT) {
        return;
    }
    for matched in &trace.states {
        for said in &matched.state.kernel {
            if let Some((id, why)) = fits(trace, finding, &matched.state, said) {
                first(finding, id, why);
                look_first(finding, id);
            }
        }
    }
    let martian = |settled: &Settled| matches!(settled, Settled::Dropped { by, .. } if by.contains("martian source"));
    if finding.settled.iter().any(martian) {
        let why = "the kernel's log says so of these very ends: then 'ip route get CLIENT' there names another interface than the one where they come in, and net.ipv4.conf.*.rp_filter is 1".to_owned();
        first(finding, "rp-filter-drop", why);
    }
}

/// Whether a kernel's log names a cause of a finding: then what no line speaks for is no help beside it.
pub(in crate::diagnose) fn speaks(trace: &Trace, finding: &Finding) -> bool {
    let mut said = trace.states.iter().flat_map(|of| of.state.kernel.iter().map(move |s| (of, s)));
    finding.id.is_of(&SILENT)
        && said.any(|(of, said)| fits(trace, finding, &of.state, said).is_some())
}

/// The cause that a word names, where it is about a finding's connections.
fn fits(
    trace: &Trace,
    finding: &Finding,
    state: &HostState,
    said: &KernelSaid,
) -> Option<(&'static str, String)> {
    let at = state.place(said.at);
    let often = if said.count > 1 { format!(", {} times", said.count) } else { String::new() };
    match said.word {
        KernelWord::TableFull => Some((
            "conntrack-table-full",
            format!(
                "a kernel's log says 'table full, dropping packet'{often} ({at}): then net.netfilter.nf_conntrack_count of that host is at nf_conntrack_max, and 'conntrack -S' counts drop"
            ),
        )),
        KernelWord::SynFlood { port } => {
            let asked = finding.connections.iter().any(|id| {
                let c = trace.connection(*id);
                c.protocol.is_tcp()
                    && (c.front.server.1 == port
                        || c.back.is_some_and(|back| back.server.1 == port))
            });
            asked.then(|| {
                let why = format!("a kernel's log says that more SYNs come to port {port} than its listener takes{often} ({at}): then TcpExtListenOverflows and TcpExtTCPReqQFullDrop grow there, and 'ss -ltn sport = :{port}' shows a backlog that is full or small");
                ("accept-queue-overflow", why)
            })
        }
    }
}

/// Puts a candidate before the others.
fn first(finding: &mut Finding, id: &'static str, why: String) {
    finding.candidates.retain(|candidate| candidate.id != id);
    finding.candidates.insert(0, Candidate { id: id.into(), tell_apart: why });
}

/// Puts what tells whether a table of connections is full before all else that is to be looked at.
fn look_first(finding: &mut Finding, id: &'static str) {
    if id != "conntrack-table-full" {
        return;
    }
    let look = ToConfirm {
        host: "the host whose kernel says so".to_owned(),
        command: "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; conntrack -S; conntrack -L 2>/dev/null | awk '{print $1, $4}' | sort | uniq -c | sort -rn | head".to_owned(),
        why: "the count at its maximum while these fail: this is it, and the last list says of what the table is full (a flood of SYN_SENT, idle ESTABLISHED, questions of UDP)".to_owned(),
    };
    if !finding.to_confirm.contains(&look) {
        finding.to_confirm.insert(0, look);
    }
}
