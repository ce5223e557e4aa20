//! The lines of texts that evidence stands on: found by reading the text again, which only happens
//! where a capture is one.

use super::Report;
use crate::capture;
use crate::trace::Trace;
use std::collections::HashMap;

/// Bytes of a packet's lines that are repeated.
const PRINTED: usize = 1024;

/// Gives evidence of texts its line.
pub(super) fn quote(trace: &Trace, report: &mut Report) {
    let files = trace.captures.iter().flat_map(|capture| &capture.files);
    for file in files.filter(|file| file.text.is_some()) {
        let mut evidence: Vec<_> = report
            .findings
            .iter_mut()
            .flat_map(|finding| &mut finding.evidence)
            .filter(|evidence| evidence.capture == file.path)
            .collect();
        let wanted = evidence.iter().filter_map(|e| u32::try_from(e.frame).ok()).collect();
        let lines: HashMap<u64, (u64, String)> = capture::lines(file, wanted)
            .into_iter()
            .map(|(frame, line, text)| (u64::from(frame), (line, text)))
            .collect();
        for evidence in &mut evidence {
            if let Some((line, text)) = lines.get(&evidence.frame) {
                evidence.line = Some(*line);
                evidence.printed = Some(text.chars().take(PRINTED).collect());
            }
        }
    }
}
