//! Any text as a filter: parsed, bound, asked, and completed at every place.
#![no_main]
use lbdiag::diagnose::{self, Diagnosis};
use lbdiag::query;
use lbdiag::trace::{ConnectionId, Trace};
use lbdiag_fuzz::check;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static WORLD: LazyLock<(Trace, Diagnosis, query::Vocabulary)> = LazyLock::new(|| {
    let (trace, _) = check::load(&["samples/hairpin-cloud-slb".to_owned()], Vec::new()).unwrap();
    let diagnosis = diagnose::diagnose(&trace);
    let words = query::Vocabulary::new(&trace, &diagnosis);
    (trace, diagnosis, words)
});

fuzz_target!(|data: &[u8]| {
    let (trace, diagnosis, words) = &*WORLD;
    let text = String::from_utf8_lossy(data.get(..600).unwrap_or(data));
    let bound = query::parse(&text).and_then(|e| query::Filter::bind(&e, trace, diagnosis));
    match bound {
        Ok(filter) => {
            for index in 0..trace.connections.list.len() {
                let _ = filter.fits(trace, ConnectionId(index as u32));
            }
        }
        Err(fault) => assert!(text.get(fault.at.clone()).is_some(), "{:?} of {text:?}", fault.at),
    }
    for at in text.char_indices().map(|(at, _)| at).chain([text.len()]) {
        let _ = query::complete(&text, at, words);
    }
});
