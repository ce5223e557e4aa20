//! Answers that come to a director by another interface than its requests leave by, and
//! stay there: the second form of `rp-filter-drop`.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::held_answers::{held, proofs};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{self, servers, share};
use crate::diagnose::{Confidence, Facts, Finding, Names};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;

/// Answers that come to a director by another interface than its requests leave by, and
/// stay there.
pub(in crate::diagnose) fn director(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
) -> Option<Finding> {
    let s = facts.topology.service(service);
    let told = telling(facts, &ids)?;
    let host = held(facts, told)?.director;
    let names = Names(facts);
    let who = names.full(host);
    let subjects = servers(facts, &ids);
    let title = format!(
        "the director {who} drops the answers of {}, most likely by the reverse path filter",
        words::names(&subjects)
    );
    let explanation = format!(
        "The director sends the SYNs for {} by one interface and gets the SYN-ACKs by another, where they end: nothing leaves for the client. Where the filter is on, a packet whose source it would reach by another interface is dropped. {} no answer.",
        s.name(),
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("rp-filter-drop", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate(
        "nat-director-not-forwarding",
        "ip_forward is 0, or a rule of FORWARD counts with every answer",
    );
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(who.clone(), format!("nstat -az TcpExtIPReversePathFilter; sysctl net.ipv4.ip_forward; sysctl -a 2>/dev/null | grep '\\.rp_filter'; {tables} -L FORWARD -nv"), "a filter counter that grows with every answer: this is it");
    if s.vip.is_v4() {
        finding.fixes.push(
            sysctl::change(who, &[("net.ipv4.conf.all.rp_filter", "2", "1")])
                .because("loose; or lead the way to the real servers and back over one interface"),
        );
    }
    finding.proofs = proofs(facts, told);
    Some(finding.concerning(vec![names.subject(Role::Director, host)], ids).also(subjects))
}
