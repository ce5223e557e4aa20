//! What the lines of a text hint at and do not show: trouble that is told by fields which the text
//! leaves out, and of which something that is printed would be the trace.
//!
//! A hint accuses nobody: what it rests on is seen where all is well, too. It says which cause
//! would look so, and at which line.

mod links;
mod streams;
mod ways;

use super::Facts;
use crate::diagnose::rests_on::rests_on;
use crate::flow::Observations;
use crate::trace::At;

/// Connections that are asked: they are alike.
const ASKED: usize = 4096;

/// A cause that a line would fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::diagnose) struct Hint {
    /// Its id.
    pub id: &'static str,
    /// The line.
    pub at: At,
    /// What of it fits, and what would tell.
    pub why: String,
}

/// A line that fits, and why it does.
type Fits = Option<(At, String)>;

/// Looks for such a line.
type Look = fn(&Facts<'_>) -> Fits;

/// By cause: what of its trace a text prints.
const HINTS: &[(&str, Look)] = &[
    ("conntrack-invalid-rst", streams::answered_from_elsewhere),
    ("defer-accept-waits", streams::accepted_again),
    ("director-bypassed", ways::passed_by),
    ("director-lro-oversize", streams::too_big_that_fits),
    ("dr-arp-announce-leak", links::asks_as_the_service),
    ("duplicate-na-for-vip", links::two_advertisements),
    ("fake-load-balancing", ways::twice_in_one_capture),
    ("healthcheck-source-blocked", streams::unanswered_beside_others),
    ("ip-fragments-split", streams::pieces_that_never_came),
    ("lb-idle-timeout", streams::silent_to_the_end),
    ("rp-filter-drop", streams::answers_withheld),
    ("scheduler-imbalance", ways::one_for_all),
    ("syn-cookies-lost-options", streams::options_not_taken),
    ("syn-retry-rescheduled", streams::accepted_twice),
    ("synproxy-side-effects", streams::accepted_twice),
    ("toa-not-inserted", ways::both_rewritten),
    ("vrid-collision", links::two_speakers),
    ("vrrp-advert-not-received", links::advertisements_missing),
];

/// Those of causes that the captures do not print the fields of.
pub(in crate::diagnose) fn hints(facts: &Facts<'_>) -> Vec<Hint> {
    let unprinted = facts.unprinted();
    if !unprinted.any() {
        return Vec::new();
    }
    let hidden = HINTS.iter().filter(|(id, _)| rests_on((*id).into()).common(unprinted).any());
    hidden.filter_map(|(id, fits)| fits(facts).map(|(at, why)| Hint { id, at, why })).collect()
}

/// Most of its frames are lines without hardware addresses.
fn is_untold(vantage: &Observations) -> bool {
    vantage.tally.without_macs * 2 > vantage.tally.frames
}

#[cfg(test)]
mod tests {
    use super::HINTS;
    use crate::diagnose::CAUSES;
    use crate::diagnose::rests_on::rests_on;

    #[test]
    fn every_hint_is_of_a_cause_that_a_text_may_hide() {
        let known = |id: &str| CAUSES.iter().any(|cause| cause.id == id);
        assert!(HINTS.iter().all(|(id, _)| known(id) && rests_on((*id).into()).any()));
        assert!(HINTS.windows(2).all(|pair| pair[0].0 < pair[1].0), "each once, in order");
    }
}
