//! Ladders in the programs that draw them: what those accept and show.
//!
//! Skipped where the program is not installed, unless `LBDIAG_REQUIRE_TOOLS` is set.

use crate::support::ladders::{hostile, most_telling, samples};
use crate::support::tools::{mermaid, plantuml};
use lbdiag::render::{self, Times};
use lbdiag::report::ladder::{Ladder, StepKind};

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

#[test]
fn plantuml_draws_every_sample_and_shows_what_is_hostile_as_text() {
    let all = all();
    let source: String = all.iter().map(|l| render::plantuml(l, Times::Start)).collect();
    let dir = tempfile::tempdir().unwrap();
    let Some(drawn) = plantuml(dir.path(), &source) else { return };
    assert_eq!(drawn.len(), all.len());
    for (ladder, text) in all.iter().zip(&drawn) {
        for (vantage, number) in ladder.steps.iter().flat_map(|s| &s.frames) {
            if vantage.len() < 20 {
                assert!(text.contains(&format!("{vantage} frame {number}")), "{}", ladder.title);
            }
        }
    }
    let text = drawn.last().unwrap();
    for shown in [
        "a;b#c%%{init: {}}%% <img src=x onerror=alert(1)> \"q\" `t` #quot; $$x^2$$",
        "[[http://x.y z]] !include /etc/passwd %date() <U+0041> ~~s~~ &lt; &#60; \\n @startuml",
    ] {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
}
