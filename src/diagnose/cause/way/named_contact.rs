//! The form of `control-channel-address` in which a client of SIP registers with an address at which it is not
//! reached.

use crate::diagnose::facts::way::named_endpoints::Named;
use crate::diagnose::words::{agree, count};
use crate::diagnose::{Facts, Finding};

/// Title and explanation.
pub(super) fn words(
    facts: &Facts,
    service: &str,
    set: &[Named],
    ends: &str,
    tried: usize,
) -> (String, String) {
    let client = facts.connection(set[0].control).front.client;
    (
        format!("clients of {service} register with {ends}, where calls do not reach them"),
        format!(
            "A REGISTER comes from {}, and its Contact names {ends}. Calls go to what it names: {} to there {} no answer. The client is behind a device that translates addresses and leaves the payload as it is; a call reaches it only where its REGISTER came from.",
            client.0.with_port(client.1),
            count(tried, "exchange"),
            agree(tried, "gets", "get"),
        ),
    )
}

pub(super) fn advise(finding: &mut Finding, port: u16, who: String) {
    finding.confirm(
        who.clone(),
        format!("tcpdump -ni any -A -c 4 'udp port {port}'"),
        "the Contact of a REGISTER is not the address that it comes from, and an INVITE leaves for it",
    );
    finding.fix_disruptive(
        who,
        "# call clients where they register from: 'fix_nated_register();' with 'received_avp' (Kamailio nathelper), 'fix_nated_register()' (OpenSIPS nathelper), 'rewrite_contact=yes' (Asterisk, PJSIP endpoint)",
        "Take it out again and reload.",
    );
}
