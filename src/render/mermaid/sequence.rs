//! A ladder as a Mermaid sequence diagram.
//!
//! Syntax: <https://mermaid.js.org/syntax/sequenceDiagram.html>. A lost packet ends
//! in a cross, the proof's steps stand on a tinted ground, rewrites are notes at
//! the host that rewrites. Colours are translucent, so that the diagram reads on a
//! light and on a dark page. Refuses to draw to a host that the ladder does not
//! have: such a step is a note.

use super::super::drawing::{Times, folded, with_errors, words};
use super::text;
use crate::report::ladder::{Ladder, Step, StepKind};
use std::fmt::Write as _;

/// Ground of the proof's steps.
const TINT: &str = "rgba(255, 160, 0, 0.25)";

/// A sequence diagram; ends with a line feed.
#[must_use]
pub fn mermaid_sequence(ladder: &Ladder, times: Times) -> String {
    let mut out = String::from("sequenceDiagram\n");
    let _ = writeln!(out, "  title {}", line(&ladder.title));
    for (n, column) in ladder.columns.iter().enumerate() {
        let _ = writeln!(
            out,
            "  participant c{n} as {}<br/>{}",
            line(&column.name),
            line(&column.role)
        );
    }
    if ladder.columns.is_empty() {
        out.push_str("  participant c0 as ?\n");
    }
    let last = ladder.columns.len().saturating_sub(1);
    let across = if last == 0 { "c0".to_owned() } else { format!("c0,c{last}") };
    for (n, step) in ladder.steps.iter().enumerate() {
        fold(&mut out, ladder.folded_before(n), &across);
        if step.marked {
            let _ = writeln!(out, "  rect {TINT}");
        }
        draw(&mut out, ladder, n, step, times);
        if step.marked {
            out.push_str("  end\n");
        }
    }
    fold(&mut out, ladder.folded_before(ladder.steps.len()), &across);
    let said: Vec<String> = with_errors(ladder, times, "tinted:").iter().map(|l| text(l)).collect();
    if !said.is_empty() {
        let _ = writeln!(out, "  Note over {across}: {}", said.join("<br/>"));
    }
    out
}

fn fold(out: &mut String, packets: usize, across: &str) {
    if packets > 0 {
        let _ = writeln!(out, "  Note over {across}: {}", text(&folded(packets)));
    }
}

fn draw(out: &mut String, ladder: &Ladder, n: usize, step: &Step, times: Times) {
    let hosts = ladder.columns.len();
    let (from, to) = (step.from, step.to);
    if step.kind == StepKind::Remark || from >= hosts || to >= hosts {
        let at = from.min(hosts.saturating_sub(1));
        let _ = writeln!(out, "  Note over c{at}: {}", label(ladder, n, step, times));
        return;
    }
    if let Some(rewrite) = &step.rewrite {
        let _ = writeln!(out, "  Note over c{from}: {}", line(rewrite));
    }
    let (arrow, to) = match step.kind {
        StepKind::Lost if from != to => ("-x", to),
        StepKind::ToSelf => ("->>", from),
        _ => ("->>", to),
    };
    let _ = writeln!(out, "  c{from}{arrow}c{to}: {}", label(ladder, n, step, times));
    if let Some(remark) = step.remark.as_deref().filter(|r| !r.trim().is_empty()) {
        let _ = writeln!(out, "  Note over c{from}: {}", line(remark));
    }
}

/// Time and label, below them the frames.
fn label(ladder: &Ladder, n: usize, step: &Step, times: Times) -> String {
    let (first, frames) = words(ladder, n, step, times);
    if frames.is_empty() { line(&first) } else { format!("{}<br/>{}", line(&first), line(&frames)) }
}

/// One line that is not empty, which Mermaid would not take.
fn line(raw: &str) -> String {
    let shown = text(raw.trim());
    if shown.is_empty() { "-".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures::ladders::{hairpin_ladder, hostile_ladder};

    #[test]
    fn it_is_the_ladder() {
        insta::assert_snapshot!(mermaid_sequence(&hairpin_ladder(), Times::Start), @r"
        sequenceDiagram
          title The first of them, 172.16.100.11:59780
          participant c0 as 172.16.100.11<br/>client
          participant c1 as 203.0.113.8<br/>director
          participant c2 as 172.16.100.11<br/>real server (the same host)
          rect rgba(255, 160, 0, 0.25)
          c0->>c1: 0.00  SYN 59780 > 80<br/>rs1 frame 14
          end
          Note over c1: 203.0.113.8 > 172.16.100.11
          c1->>c2: ≈0.27 ±0.30 ms  SYN 59780 > 80<br/>rs1 frame 14
          rect rgba(255, 160, 0, 0.25)
          c2->>c0: 0.75  SYN-ACK, over lo<br/>rs1 frame 14
          Note over c2: never passes the director
          end
          c0->>c2: 1.96  RST, no socket<br/>rs1 frame 14
          Note over c0,c2: … 12 packets …
          c2->>c2: 1.96  gone<br/>rs1 frame 14
          Note over c0: the client tries again after 1 s
          c0-xc1: 1.00 s  SYN again, lost<br/>rs1 frame 14
          c0->>c0: 3.00 s  gives up<br/>rs1 frame 14
          Note over c0,c2: ms since the first packet#59; clocks of rs1 and director agree within 0.2 ms<br/>tinted: a frame of the proof<br/>≈ its order to the step before is not certain<br/>± by so much the clocks leave the time since the first packet uncertain
        ");
    }

    #[test]
    fn whatever_a_name_holds_the_lines_are_the_programs_own() {
        let evil = "x\n  end\nrect;%%{init: {}}%% <img src=x onerror=alert(1)> #quot; style:#a; c0->>c1: y";
        let plain = mermaid_sequence(&hairpin_ladder(), Times::Start);
        let drawn = mermaid_sequence(&hostile_ladder(&hairpin_ladder(), evil), Times::Start);
        let begin = |text: &str| -> Vec<String> {
            text.lines()
                .map(|l| l.split_whitespace().next().unwrap().to_owned())
                .filter(|word| *word != "Note")
                .collect()
        };
        assert_eq!(begin(&drawn), begin(&plain));
        let raw = drawn.replace("<br/>", "");
        assert!(!raw.contains(['<', '"', '`', '{', '%', '$', '\\']), "{drawn}");
        assert_eq!(raw.matches('#').count(), raw.matches(';').count());
    }

    #[test]
    fn a_ladder_with_impossible_steps_is_still_drawn() {
        let mut drawn = hairpin_ladder();
        drawn.steps[0].to = 99;
        drawn.columns.clear();
        assert!(mermaid_sequence(&drawn, Times::Absolute).contains("Note over c0: "));
    }
}
