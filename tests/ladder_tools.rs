//! Ladders in the programs that draw them: what those accept and show.
//!
//! Skipped where the program is not installed, unless `LBDIAG_REQUIRE_TOOLS` is set.

#![allow(clippy::unwrap_used)]

mod support;

use lbdiag::render::{self, Times};
use lbdiag::report::ladder::{Ladder, StepKind};
use support::ladders::{hostile, most_telling, samples};
use support::tools::mermaid;

/// The ladders of all samples and the hostile one.
fn all() -> Vec<Ladder> {
    let mut all: Vec<Ladder> = samples().iter().map(|path| most_telling(path, false)).collect();
    all.push(hostile());
    all
}

#[test]
fn mermaid_draws_every_sample_and_shows_what_is_hostile_as_text() {
    let all = all();
    let block = |ladder: &Ladder| {
        format!("```mermaid\n{}```\n\n", render::mermaid_sequence(ladder, Times::Start))
    };
    let markdown: String = all.iter().map(block).collect();
    let dir = tempfile::tempdir().unwrap();
    let Some(drawn) = mermaid(dir.path(), &markdown) else { return };
    for (ladder, svg) in all.iter().zip(&drawn) {
        // One line a packet, looped ones as paths.
        let arrows = svg.matches("class=\"messageLine0\"").count();
        let packets = ladder.steps.iter().filter(|s| s.kind != StepKind::Remark).count();
        assert_eq!(arrows, packets, "{}", ladder.title);
        assert!(!svg.contains("Syntax error") && !svg.contains("<img"), "{}", ladder.title);
    }
    let svg = drawn.last().unwrap();
    for shown in ["a;b#c%%{init: {}}%%", "&lt;img src=x", "#quot; $$x^2$$ style x:#y; wrap: end"] {
        assert!(svg.contains(shown), "{shown}\n{svg}");
    }
}
