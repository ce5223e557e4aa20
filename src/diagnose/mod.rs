//! What is wrong, why, and how sure that is.
//!
//! A detector is one file named as its id, with its manual page beside it. It
//! reads the [`Facts`] of a [`Trace`] alone, cannot fail, and does no I/O. Symptoms say which
//! connections or addresses show something; causes say why; [`explain`] sorts
//! symptoms under the causes that explain them; notes, which are no fault, come
//! last. Nothing here draws or formats.

mod causal;
pub mod cause;
mod conclude;
mod decide;
mod detection;
mod doubt;
pub(crate) mod evidence;
mod explain;
mod facts;
mod finding;
mod finding_id;
mod fix;
mod grade;
mod judge;
mod lossy;
pub mod note;
mod only_errors;
mod rank_sum;
mod registry;
mod rests_on;
mod sampled;
mod settle;
mod settled;
pub mod symptom;
mod thresholds;
mod unlike;
mod untimed;
mod untold;
mod verdict;
pub mod words;

use crate::breaks::Breaks;
use crate::parts::of_each;
use crate::trace::Trace;
pub use detection::{Detection, Sighting, Wording};
pub use facts::{Facts, telling};
pub use finding::{Candidate, Finding, Proof, Refuted, Subject, ToConfirm};
pub use finding_id::FindingId;
pub use fix::{Fix, Join};
pub use grade::{Confidence, Kind, Severity};
pub use registry::{
    CAUSES, CauseDetector, NOTES, NoteDetector, SYMPTOMS, SymptomDetector, manual, manuals,
};
pub(crate) use settled::Settled;
pub use verdict::{Status, Verdict};
pub use words::{Names, count};

/// What a detector could say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// It found something.
    Found,
    /// It looked, and there is nothing.
    Clean,
    /// It could not look; why.
    Unchecked(String),
}

/// What a detector could say, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Detector.
    pub id: FindingId,
    /// What it could say.
    pub checked: Checked,
}

/// All that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The headline.
    pub verdict: Verdict,
    /// Most important first; each cause followed by what it explains.
    pub findings: Vec<Finding>,
    /// By detector.
    pub coverage: Vec<Coverage>,
    /// What became of every connection, and where those that failed or suffered broke.
    pub breaks: Breaks,
}

/// Runs every detector over a trace.
#[must_use]
pub fn diagnose(trace: &Trace) -> Diagnosis {
    let mut facts = Facts::new(trace);
    let unprinted = trace.unprinted();
    let coarse = trace.coarse();
    let Looked { causes: looked, symptoms, notes } = look(&facts);
    let mut coverage = Vec::new();
    let mut causes = Vec::new();
    for (detector, detection) in CAUSES.iter().zip(looked) {
        let before = causes.len();
        let detection = sampled::hide(trace, detector.id, detection);
        let checked = take(detection, &mut causes);
        let checked = untold::hide(trace, unprinted, detector.id, checked);
        let checked = untimed::hide(coarse, detector.id, checked);
        coverage.push(Coverage { id: detector.id, checked });
        if let Some(settle) = detector.settle.filter(|_| !trace.states.is_empty()) {
            for finding in &mut causes[before..] {
                settle(trace, finding);
                words::tell(finding);
            }
        }
    }
    untold::cap(trace, &mut causes);
    lossy::cap(trace, &mut causes);
    let mut seen = Vec::new();
    for (detector, (sightings, blind)) in SYMPTOMS.iter().zip(symptoms) {
        let checked = match (sightings.is_empty(), blind) {
            (false, _) => Checked::Found,
            (true, Some(why)) => Checked::Unchecked(why),
            (true, None) => Checked::Clean,
        };
        let checked = untold::hide(trace, unprinted, detector.id, checked);
        let checked = untimed::hide(coarse, detector.id, checked);
        coverage.push(Coverage { id: detector.id, checked });
        seen.push((detector, sightings));
    }
    let mut findings = explain::arrange(&facts, causes, seen);
    settle::suspects(trace, &mut findings);
    untold::candidates(&facts, &mut findings);
    for (detector, detection) in NOTES.iter().zip(notes) {
        let checked = take(detection, &mut findings);
        coverage.push(Coverage { id: detector.id, checked });
    }
    untold::thin(&mut findings);
    let frames = evidence::Frames::new(trace);
    for finding in &mut findings {
        settle::pool::tell(trace, finding);
        settle::dropped::tell(trace, finding);
        settle::kernel_log::tell(trace, finding);
        settle::devices::tell(trace, finding);
        settle::queues::tell(trace, finding);
        causal::order(trace, &frames, finding);
    }
    conclude::conclude(trace, &mut facts.breaks, &findings);
    conclude::grade(&facts, &mut findings);
    conclude::leave_open(&mut coverage, &findings);
    let verdict = verdict::judge(&facts, &findings, &coverage);
    Diagnosis { verdict, findings, coverage, breaks: facts.breaks }
}

/// What all detectors say, in the order of the registry.
struct Looked {
    causes: Vec<Detection>,
    symptoms: Vec<(Vec<Sighting>, Option<String>)>,
    notes: Vec<Detection>,
}

/// Lets all detectors look; they do not ask each other.
fn look(facts: &Facts<'_>) -> Looked {
    let all = facts.connections.list.len();
    let detected = |detect: fn(&Facts<'_>) -> Detection| {
        guarded(|| detect(facts)).unwrap_or_else(Detection::Unchecked)
    };
    let looked = |symptom: &SymptomDetector| {
        let looked = guarded(|| ((symptom.sightings)(facts), (symptom.blind)(facts)));
        looked.unwrap_or_else(|why| (Vec::new(), Some(why)))
    };
    Looked {
        causes: of_each(all, CAUSES, |cause| detected(cause.detect)),
        symptoms: of_each(all, SYMPTOMS, looked),
        notes: of_each(all, NOTES, |note| detected(note.detect)),
    }
}

/// Keeps what was found and says what the look was worth.
fn take(detection: Detection, findings: &mut Vec<Finding>) -> Checked {
    match detection {
        Detection::Found(found) => {
            findings.extend(found);
            Checked::Found
        }
        Detection::Clean => Checked::Clean,
        Detection::Unchecked(why) => Checked::Unchecked(why),
    }
}

/// A detector that panics says nothing, and the others say what they have; the hook has
/// told the user of it.
fn guarded<T>(detector: impl FnOnce() -> T) -> Result<T, String> {
    // It reads a trace and leaves nothing half done.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(detector))
        .map_err(|_| "a bug in lbdiag stopped this detector; please report it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_detector_that_panics_says_nothing() {
        let why = guarded(|| -> u8 { panic!("out of bounds") }).unwrap_err();
        assert!(why.contains("please report"));
        assert_eq!(guarded(|| 7), Ok(7));
    }
}
