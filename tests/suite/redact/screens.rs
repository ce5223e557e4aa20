//! The terminal interface over redacted captures.

use super::{Originals, read};
use crate::support::check::none;
use crate::support::expected::{Sample, root, samples};
use lbdiag::redact::{Map, Mask};
use lbdiag::tui::Probe;
use std::sync::Arc;

/// One of so many samples is looked at.
const EVERY: usize = 3;

/// All screens that lead from a finding to its frames, and what the filter offers.
fn screens(mut probe: Probe) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for keys in ["1", "2", "3", "4", "5", "6", "1 enter", "5 enter", "4 enter", "3 / c l i e n t"] {
        for key in keys.split(' ') {
            probe.key(key);
            probe.settle();
        }
        if keys.ends_with('t') {
            probe.type_text(" ");
        }
        all.push((keys.to_owned(), probe.text()));
        probe.key("esc");
    }
    all
}

#[test]
fn no_screen_of_any_sample_names_anybody() {
    // One by one: what a screen waits for is done by the threads that would wait.
    let judge = |sample: &Sample| -> Vec<String> {
        let originals = Originals::of(&sample.captures);
        let mut read = read(&sample.captures);
        let mask = Arc::new(Mask::new(Map::default()));
        mask.trace(&mut read.trace, &read.labels);
        let probe = Probe::masked(read.trace, mask, (200, 60)).unwrap();
        let left = |(keys, text): (String, String)| {
            let found = originals.within(&text);
            (!found.is_empty()).then(|| format!("{} after {keys}: {found:?}", sample.name))
        };
        screens(probe).into_iter().filter_map(left).collect()
    };
    // What screens are made of, the masked trace and its report, is held against all samples elsewhere.
    none(samples().iter().step_by(EVERY).flat_map(judge).collect());
}

#[test]
fn a_filter_takes_the_stand_ins_that_a_screen_shows() {
    let sample = [root().join("samples/nat-one-rs-gateway-wrong")];
    let mut read = read(&sample);
    let client = read.trace.connections.list[0].front.client.0.to_string();
    let mask = Arc::new(Mask::new(Map::default()));
    mask.trace(&mut read.trace, &read.labels);
    let shown = mask.text(client.clone());
    assert_ne!(shown, client);
    let mut probe = Probe::masked(read.trace, mask, (160, 40)).unwrap();
    let all = probe.app.rows.ids.len();
    probe.app.narrow(&format!("client {shown}"));
    probe.settle();
    assert!((1..=all).contains(&probe.app.rows.ids.len()));
    probe.app.narrow(&format!("client {client}"));
    probe.settle();
    assert!(probe.text().contains("is no address here"), "{}", probe.text());
}
