//! Changes that know how they are taken back: a fix made of them needs no undo by hand.

use crate::diagnose::Fix;
use crate::diagnose::fix::explained;

/// A command, and what takes back what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    does: String,
    back: Option<String>,
}

impl Step {
    /// A command, and its inverse.
    #[must_use]
    pub fn new(does: impl Into<String>, back: impl Into<String>) -> Self {
        Self { does: does.into(), back: Some(back.into()) }
    }

    /// A command that changes nothing which lasts: what is to be known or kept before.
    #[must_use]
    pub fn look(does: impl Into<String>) -> Self {
        Self { does: does.into(), back: None }
    }

    /// With the reason for the command, or what it needs, behind it.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        Self { does: explained(self.does, why), ..self }
    }

    /// With a word on the way back behind that.
    #[must_use]
    pub fn back_if(self, how: &str) -> Self {
        Self { back: self.back.map(|back| explained(back, how)), ..self }
    }
}

/// Steps as one fix: done in order, taken back from the last to the first.
#[must_use]
pub fn safe(host: impl Into<String>, steps: impl IntoIterator<Item = Step>) -> Fix {
    let steps: Vec<Step> = steps.into_iter().collect();
    let does: Vec<&str> = steps.iter().map(|step| step.does.as_str()).collect();
    let back: Vec<&str> = steps.iter().rev().filter_map(|step| step.back.as_deref()).collect();
    Fix::safe(host, does.join("\n"), back.join("\n"))
}

/// The same where it interrupts traffic.
#[must_use]
pub fn disruptive(host: impl Into<String>, steps: impl IntoIterator<Item = Step>) -> Fix {
    Fix { disruptive: true, ..safe(host, steps) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_last_is_taken_back_first() {
        let look = Step::look("ip -br addr");
        let one = Step::new("a on", "a off").because("first");
        let two = Step::new("b on", "b off").back_if("if it was off");
        let fix = safe("10.0.0.1", [look, one, two]);
        assert_eq!(fix.command, "ip -br addr\na on   # first\nb on");
        assert_eq!(fix.undo, "b off   # if it was off\na off");
        assert!(!fix.disruptive && disruptive("x", [Step::new("a", "b")]).disruptive);
    }
}
