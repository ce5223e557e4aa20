//! Where the cursor is among the findings.

/// Where the cursor is.
#[derive(Debug, Default)]
pub struct State {
    /// Index of the finding.
    pub at: usize,
    /// The stop in its text.
    pub stop: usize,
    /// The keys move in the text.
    pub inside: bool,
    /// The last request for the connection of a frame; `shown` is the last answer.
    pub asked: u64,
    /// See `asked`.
    pub shown: u64,
}

impl State {
    /// Number of the finding that is shown.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.at as u32 + 1
    }

    /// Whether the connection of a frame is awaited.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.shown < self.asked
    }

    /// Shows a finding by its number.
    pub fn show(&mut self, n: u32) {
        self.at = (n as usize).saturating_sub(1);
        self.stop = 0;
        self.inside = true;
    }
}
