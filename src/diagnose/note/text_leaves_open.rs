//! A text prints no hardware addresses, TTLs or bytes: what its lines would fit beside what they show.
//!
//! No fault: each of these lines is seen where all is well, too. Says nothing of captures of bytes,
//! and nothing of what another finding names already (`untold.rs` takes those out).

use super::super::facts::left_open::hints;
use super::super::rests_on::{name, rests_on};
use super::super::{Confidence, Detection, Facts, Finding, Proof};
use crate::trace::Printed;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hints = hints(facts);
    let unprinted = facts.unprinted();
    let hidden = |id: &'static str| rests_on(id.into()).common(unprinted);
    let Some(all) = hints.iter().map(|hint| hidden(hint.id)).reduce(Printed::either) else {
        return Detection::Clean;
    };
    let title = format!("what these lines would fit is told by {}", name(all));
    let explanation = "Each of these is seen where all is well, too. The fields that would tell are not printed, so nothing here speaks against it, and nothing accuses anybody.".to_owned();
    let mut note = Finding::note("text-leaves-open", title, explanation);
    note.confidence = Confidence::Possible;
    for hint in hints {
        note.proofs.push(Proof::at(hint.at, format!("would fit {}", hint.id)));
        note.candidate(hint.id, format!("{} (told by {})", hint.why, name(hidden(hint.id))));
    }
    note.confirm(
        "the host where the text was taken",
        format!("tcpdump -nn -e -v{} -i any", if all.bytes { " -xx" } else { "" }),
        format!("it prints {}, by which these are told", name(all)),
    );
    Detection::Found(vec![note])
}
