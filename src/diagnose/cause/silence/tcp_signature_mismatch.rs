//! One of two peers signs its segments (TCP MD5, TCP-AO) and the other does not, so each drops what the other sends:
//! BGP with a password on one side.

use crate::diagnose::cause::{severity, syns_or_blind};
use crate::diagnose::facts::silence::signatures::{Signed, Unlike, unlike};
use crate::diagnose::words::count;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::topology::Role;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "syn-refused", "handshake-incomplete"];

/// What a kernel counts of segments that it drops for their signature, or for the lack of one.
const COUNTERS: &str = "nstat -az TcpExtTCPMD5NotFound TcpExtTCPMD5Unexpected TcpExtTCPMD5Failure TcpExtTCPAORequired TcpExtTCPAOKeyNotFound TcpExtTCPAOBad";

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let findings = unlike(facts).iter().map(|one| finding(facts, one)).collect();
    Detection::from(findings, || syns_or_blind(facts))
}

/// By what a peer signs, in a sentence.
fn how(one: Signed) -> String {
    one.how.map_or_else(|| "not signed".to_owned(), |how| format!("signed by {}", how.name()))
}

fn finding(facts: &Facts, one: &Unlike) -> Finding {
    let [signs, other] = one.peers;
    let name = signs.how.map_or("", crate::wire::Signing::name);
    let title = match other.how {
        None => format!("{} signs its segments ({name}), and {} does not", signs.by, other.by),
        Some(how) => {
            format!("{} signs its segments by {name}, and {} by {}", signs.by, other.by, how.name())
        }
    };
    let n = one.connections.len();
    let seen = if one.answered {
        format!(
            "In {} the SYN is answered by a SYN-ACK that is signed otherwise, and that is never acknowledged",
            count(n, "connection")
        )
    } else {
        format!("Both call each other, {} in all, and neither is let in", count(n, "connection"))
    };
    let explanation = format!(
        "What {} sends is {}, what {} sends is {}. Who has a key for a peer drops what comes from it without a signature, who has none drops what has one, and neither says a word (RFC 2385, section 2.0; RFC 5925, section 7.3). {seen}.",
        signs.by,
        how(signs),
        other.by,
        how(other),
    );
    let sure = if one.arrived { Confidence::Certain } else { Confidence::Likely };
    let mut finding = Finding::cause("tcp-signature-mismatch", title, explanation)
        .rated(severity(facts, &one.connections), sure);
    for (peer, of) in [(signs, other), (other, signs)] {
        finding.confirm(
            peer.by.to_string(),
            format!("{COUNTERS}   # and, in what speaks BGP there, its password for {}", of.by),
            "NotFound or Required that grows: this one asks for signatures, and the other sends none; Unexpected or KeyNotFound: this one has no key for that address",
        );
    }
    if other.how.is_none() {
        finding.fix(
            format!("{}, in what speaks BGP there, else in the program's own settings", other.by),
            format!("# the same password for {0} as that has for {1} (FRR: 'neighbor {0} password ...'; BIRD: 'password \"...\";')", signs.by, other.by),
            format!("# take it out again (FRR: 'no neighbor {} password')", signs.by),
        );
    }
    finding.proofs = [signs, other]
        .into_iter()
        .map(|peer| Proof::at(peer.at, format!("what {} sends is {}", peer.by, how(peer))))
        .collect();
    let subject = |peer: Signed| {
        let host = facts.host_by_ip(peer.by).map(|host| Names(facts).subject(Role::Host, host));
        Subject { role: Role::Host, address: Some(peer.by), ..host.unwrap_or_default() }
    };
    finding.concerning(vec![subject(other), subject(signs)], one.connections.clone())
}
