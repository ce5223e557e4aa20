//! A cursor in a list of which a part is shown.

use super::action::Action;

/// Where the cursor is, and what is shown first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct List {
    /// The line under the cursor.
    pub at: usize,
    top: usize,
}

impl List {
    /// The cursor on a line; the screen follows when it is drawn.
    #[must_use]
    pub fn at(at: usize) -> Self {
        Self { at, top: at.saturating_sub(3) }
    }

    /// The first line shown of `len`, where `height` fit: the cursor is among them.
    #[must_use]
    pub fn top(&self, len: usize, height: usize) -> usize {
        let height = height.max(1);
        let at = self.at.min(len.saturating_sub(1));
        let least = (at + 1).saturating_sub(height);
        self.top.clamp(least, at).min(len.saturating_sub(height))
    }

    /// Puts the cursor on a line.
    pub fn go(&mut self, at: usize, len: usize, height: usize) {
        self.at = at.min(len.saturating_sub(1));
        self.top = self.top(len, height);
    }

    /// What a command of movement does; false for other commands.
    pub fn act(&mut self, action: Action, len: usize, height: usize) -> bool {
        let at = self.at.min(len.saturating_sub(1));
        let page = height.saturating_sub(1).max(1);
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => at.saturating_add(1),
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at.saturating_add(page),
            Action::HalfUp => at.saturating_sub(page.div_ceil(2)),
            Action::HalfDown => at.saturating_add(page.div_ceil(2)),
            Action::Top => 0,
            Action::Bottom => len.saturating_sub(1),
            _ => return false,
        };
        self.go(to, len, height);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_always_shown() {
        let moves = [
            Action::Down,
            Action::PageDown,
            Action::HalfDown,
            Action::Up,
            Action::Bottom,
            Action::PageUp,
            Action::HalfUp,
            Action::Top,
        ];
        for len in [0, 1, 5, 100] {
            for height in [0, 1, 7, 200] {
                let mut list = List::default();
                for action in moves.iter().cycle().take(200) {
                    assert!(list.act(*action, len, height));
                    let top = list.top(len, height);
                    assert!(
                        list.at < len.max(1) && top <= list.at && list.at < top + height.max(1)
                    );
                    // A smaller screen shows it too.
                    assert!(list.at < list.top(len, 3) + 3);
                }
            }
        }
        assert!(!List::default().act(Action::Quit, 5, 5));
    }
}
