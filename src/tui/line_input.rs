//! A line of text that is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Text with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineInput {
    /// The text.
    pub text: String,
    /// Byte at which the next character goes in.
    pub cursor: usize,
}

impl LineInput {
    /// A text with the cursor at its end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len() }
    }

    /// Puts text in at the cursor; line ends become blanks.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if c.is_control() { ' ' } else { c };
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
    }

    /// Puts `word` in the place of some bytes.
    pub fn replace(&mut self, range: std::ops::Range<usize>, word: &str) {
        if self.text.get(range.clone()).is_some() {
            self.text.replace_range(range.clone(), word);
            self.cursor = range.start + word.len();
        }
    }

    /// What a key does to it; false where it does nothing.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('a') if ctrl => self.cursor = 0,
            KeyCode::Char('e') if ctrl => self.cursor = self.text.len(),
            KeyCode::Char('u') if ctrl => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('w') if ctrl => {
                let head = self.text.get(..self.cursor).unwrap_or_default().trim_end();
                let from = head.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                self.text.drain(from..self.cursor);
                self.cursor = from;
            }
            KeyCode::Char(_) if ctrl => return false,
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Backspace => {
                let from = self.before();
                self.text.drain(from..self.cursor);
                self.cursor = from;
            }
            KeyCode::Delete => {
                let to = self.after();
                self.text.drain(self.cursor..to);
            }
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        let head = self.text.get(..self.cursor).unwrap_or_default();
        head.chars().next_back().map_or(0, |c| self.cursor - c.len_utf8())
    }

    fn after(&self) -> usize {
        let tail = self.text.get(self.cursor..).unwrap_or_default();
        tail.chars().next().map_or(self.cursor, |c| self.cursor + c.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_edited_as_a_shell_line_is() {
        let mut line = LineInput::new("client é");
        let mut key = |code, ctrl| {
            let modifiers = if ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            line.key(KeyEvent::new(code, modifiers));
            (line.text.clone(), line.cursor)
        };
        assert_eq!(key(KeyCode::Backspace, false), ("client ".into(), 7));
        assert_eq!(key(KeyCode::Char('w'), true), (String::new(), 0));
        assert_eq!(key(KeyCode::Char('a'), false), ("a".into(), 1));
        assert_eq!(key(KeyCode::Left, false), ("a".into(), 0));
        assert_eq!(key(KeyCode::Left, false), ("a".into(), 0));
        assert_eq!(key(KeyCode::Delete, false), (String::new(), 0));
        assert_eq!(key(KeyCode::Delete, false), (String::new(), 0));
    }

    #[test]
    fn what_is_pasted_stays_one_line() {
        let mut line = LineInput::default();
        line.insert("a\nb\x1b");
        assert_eq!(line.text, "a b ");
    }
}
