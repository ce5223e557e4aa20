//! The words of `proxy-protocol-mismatch` where connections begin with two PROXY headers: two balancers
//! before the server add one each.

use crate::diagnose::{Confidence, Finding, Fix};

/// `answers`: what the server makes of it.
pub(super) fn word(mut finding: Finding, who: &str, verb: &str, answers: &str) -> Finding {
    finding.title = format!("{who} {verb} sent two PROXY headers, one behind the other");
    finding.explanation = format!(
        "Each connection to {who} begins with two PROXY headers, and the server takes what follows the first for a broken request, or both: {answers}. Two balancers stand before it, and each adds a header; the later one has to read that of the earlier and send one of its own, or add none."
    );
    finding.confidence = Confidence::Certain;
    finding.fixes = vec![Fix::disruptive(
        "the balancer next to the server",
        "# read the header that comes in, and send one: 'accept-proxy' on bind beside 'send-proxy' (haproxy), 'proxy_protocol' on listen beside 'proxy_protocol on' (nginx stream)",
        "Take the word out again and reload.",
    )];
    finding
}
