//! A ladder as a PlantUML sequence diagram.
//!
//! Syntax: <https://plantuml.com/sequence-diagram>. Every character that Creole, the
//! preprocessor or the diagram could act on is written as `<U+0040>`, which
//! PlantUML turns into text after all of them; identifiers are this program's own.
//! Lost packets end in a cross, the proof's steps are bold and coloured, rewrites
//! and remarks are notes. Refuses to draw to a host that the ladder does not have:
//! such a step is a note.

use super::drawing::{Times, folded, with_errors, words};
use super::sanitise::clean;
use crate::report::ladder::{Ladder, Step, StepKind};
use std::fmt::Write as _;

/// Characters beside letters and digits that PlantUML takes for themselves.
const PLAIN: &str = " .:,()>+-/_…≈±·";

/// A diagram from `@startuml` to `@enduml`; ends with a line feed.
#[must_use]
pub fn plantuml(ladder: &Ladder, times: Times) -> String {
    let mut out = String::from("@startuml\nhide footbox\nskinparam shadowing false\n");
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "title {}", line(&ladder.title));
    for (n, column) in ladder.columns.iter().enumerate() {
        let (name, role) = (line(&column.name), line(&column.role));
        let _ = writeln!(out, "participant \"{name}\\n{role}\" as c{n}");
    }
    if ladder.columns.is_empty() {
        out.push_str("participant \"?\" as c0\n");
    }
    for (n, step) in ladder.steps.iter().enumerate() {
        fold(&mut out, ladder.folded_before(n));
        draw(&mut out, ladder, n, step, times);
    }
    fold(&mut out, ladder.folded_before(ladder.steps.len()));
    let said = with_errors(ladder, times, "bold:");
    let said: Vec<String> = said.iter().map(|l| line(l)).collect();
    if !said.is_empty() {
        let _ = writeln!(out, "legend\n{}\nendlegend", said.join("\n"));
    }
    out.push_str("@enduml\n");
    out
}

fn fold(out: &mut String, packets: usize) {
    if packets > 0 {
        let said = folded(packets);
        let _ = writeln!(out, "... {} ...", line(said.trim_matches(['…', ' '])));
    }
}

fn draw(out: &mut String, ladder: &Ladder, n: usize, step: &Step, times: Times) {
    let hosts = ladder.columns.len();
    let (from, to) = (step.from, step.to);
    if step.kind == StepKind::Remark || from >= hosts || to >= hosts {
        let at = from.min(hosts.saturating_sub(1));
        let _ = writeln!(out, "note over c{at} : {}", label(ladder, n, step, times));
        return;
    }
    if let Some(rewrite) = &step.rewrite {
        let _ = writeln!(out, "note over c{from} : {}", line(rewrite));
    }
    let to = if step.kind == StepKind::ToSelf { from } else { to };
    let lost = step.kind == StepKind::Lost && from != to;
    let style = match (lost, step.marked) {
        (true, _) => "[#CC0000]",
        (false, true) => "[#D97706]",
        (false, false) => "",
    };
    let head = if lost { ">x" } else { ">" };
    let _ = writeln!(out, "c{from} -{style}{head} c{to} : {}", label(ladder, n, step, times));
    if let Some(remark) = step.remark.as_deref().filter(|r| !r.trim().is_empty()) {
        let _ = writeln!(out, "note over c{from} : {}", line(remark));
    }
}

/// Time and label, below them the frames.
fn label(ladder: &Ladder, n: usize, step: &Step, times: Times) -> String {
    let (first, frames) = words(ladder, n, step, times);
    if step.kind == StepKind::Remark && frames.is_empty() {
        return line(&first);
    }
    // The escape leaves no asterisk that could end this.
    let bold = if step.marked { "**" } else { "" };
    let first = format!("{bold}{}{bold}", line(&first));
    if frames.is_empty() { first } else { format!("{first}\\n{}", line(&frames)) }
}

/// One line that is not empty, in which nothing is markup.
fn line(raw: &str) -> String {
    let clean = clean(raw.trim());
    let mut out = String::with_capacity(clean.len());
    let ends = clean.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("end"));
    let mut before = ' ';
    for c in clean.chars() {
        // Doubled, `--`, `//`, `__`, `::` and `...` have a meaning; single ones have
        // none. A line that begins with `end` may end a block.
        let doubled = c == before && !c.is_alphanumeric() && c != ' ';
        let first = out.is_empty() && (ends || !c.is_alphanumeric());
        let plain = c.is_alphanumeric() || PLAIN.contains(c);
        if plain && !doubled && (!first || "≈…±+".contains(c)) {
            out.push(c);
        } else {
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
        before = c;
    }
    if out.is_empty() { "<U+002D>".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures::ladders::{hairpin_ladder, hostile_ladder};

    #[test]
    fn it_is_the_ladder() {
        let drawn = plantuml(&hairpin_ladder(), Times::Start);
        for line in [
            "c0 -[#D97706]> c1 : **0.00  SYN 59780 > 80**\\nrs1 frame 14",
            "note over c1 : 203.0.113.8 > 172.16.100.11",
            "c1 -> c2 : ≈0.27 ±0.30 ms  SYN 59780 > 80\\nrs1 frame 14",
            "... 12 packets ...",
            "c2 -> c2 : 1.96  gone\\nrs1 frame 14",
            "c0 -[#CC0000]>x c1 : 1.00 s  SYN again, lost\\nrs1 frame 14",
        ] {
            assert!(drawn.lines().any(|l| l == line), "{line}\n{drawn}");
        }
        assert!(drawn.starts_with("@startuml\n") && drawn.ends_with("@enduml\n"));
    }

    #[test]
    fn whatever_a_name_holds_the_lines_are_the_programs_own() {
        let evil =
            "x\n@enduml\n!include /etc/passwd\n%date() <b>~~a~~</b> [[http://x]] \\n \" endlegend";
        let tame = plantuml(&hairpin_ladder(), Times::Start).lines().count();
        let drawn = plantuml(&hostile_ladder(&hairpin_ladder(), evil), Times::Start);
        assert!(drawn.lines().count() <= tame, "{drawn}");
        assert!(!drawn.contains(['!', '%', '~', '&', '$']), "{drawn}");
        assert_eq!(drawn.matches('@').count(), 2);
        assert_eq!(drawn.matches('<').count(), drawn.matches("<U+").count());
        assert_eq!(line("endlegend"), "<U+0065>ndlegend");
        assert_eq!(line("::1 a..b"), "<U+003A><U+003A>1 a.<U+002E>b");
    }

    #[test]
    fn a_ladder_with_impossible_steps_is_still_drawn() {
        let mut drawn = hairpin_ladder();
        drawn.steps[0].to = 99;
        drawn.columns.clear();
        assert!(plantuml(&drawn, Times::Absolute).contains("note over c0 : "));
    }
}
