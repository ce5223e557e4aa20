//! The form of `control-channel-address` in which a session description of SIP names an address for media
//! that they do not reach.

use crate::diagnose::facts::way::named_endpoints::Named;
use crate::diagnose::words::{count, list};
use crate::diagnose::{Facts, Finding};

/// Whether the side that calls named it.
fn is_callers(facts: &Facts, named: &Named) -> bool {
    let front = facts.connection(named.control).front;
    let ours = |id| {
        let media = facts.connection(id).front;
        // Media towards the caller leave the address that was called.
        media.client.0 == front.server.0 || media.server.0 == front.server.0
    };
    named.there.iter().copied().any(ours)
}

/// Title and explanation.
pub(super) fn words(facts: &Facts, service: &str, set: &[Named]) -> (String, String) {
    let first = &set[0];
    let front = facts.connection(first.control).front;
    let callers = is_callers(facts, first);
    let mut ends: Vec<String> =
        set.iter().filter_map(|n| n.ip.map(|ip| ip.with_port(n.port))).collect();
    ends.dedup();
    let ends = list(&ends);
    let (who, known) = if callers {
        (format!("a caller of {service}"), front.client.0)
    } else {
        (service.to_owned(), front.server.0)
    };
    let streams = count(set.iter().map(|n| n.there.len()).sum(), "stream");
    (
        format!("{who} wants media at {ends}, which they do not reach"),
        format!(
            "Signalling goes to and fro with {known}, and the session description that comes from there names {ends} for media. The other side sends where it is told: {streams}, and nothing came from there. A device that translates addresses leaves the payload as it is, so who is called hears nothing, or the caller does not."
        ),
    )
}

pub(super) fn advise(finding: &mut Finding, facts: &Facts, first: &Named, who: String) {
    let Some(ip) = first.ip else { return };
    finding.confirm(
        "the host that sends the media",
        format!("ip route get {ip}"),
        "where no way leads there, another address has to be named, or media answered to where they come from",
    );
    if is_callers(facts, first) {
        finding.fix_disruptive(
            who,
            "# answer media where they come from (RFC 4961): 'rtp_symmetric=yes', 'direct_media=no' (Asterisk, PJSIP endpoint), 'rtpengine_offer(\"replace-origin replace-session-connection\")' (Kamailio, OpenSIPS)",
            "Take it out again and reload.",
        );
    } else {
        finding.fix_disruptive(
            who,
            "# name the address that callers reach: 'external_media_address' (Asterisk, PJSIP transport), 'ext-rtp-ip' (FreeSWITCH), 'interface=PRIVATE!PUBLIC' (rtpengine); its ports for media become reachable as well",
            "Set what stood there before and reload.",
        );
    }
}
