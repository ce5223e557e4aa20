//! What stands between the packets of a text: outputs of other commands, words of whoever pasted it.

/// Bytes that are kept.
const MOST: usize = 1 << 20;

/// Lines of a text that are no packets, with their numbers, up to a bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aside {
    lines: Vec<(u64, String)>,
    bytes: usize,
}

impl Aside {
    /// Keeps a line, if there is room.
    pub(super) fn push(&mut self, line: u64, text: &str) {
        self.bytes = self.bytes.saturating_add(text.len() + 1);
        if self.bytes <= MOST {
            self.lines.push((line, text.to_owned()));
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// These lines as a text, each on the line where it stands; what is left out is empty.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut at = 1;
        for (line, said) in &self.lines {
            // A packet between ends what stands before it.
            for _ in at..*line {
                text.push('\n');
            }
            text.push_str(said);
            text.push('\n');
            at = line + 1;
        }
        text
    }
}
