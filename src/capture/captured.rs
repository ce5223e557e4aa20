//! What one vantage gave: a capture, of one file or of several that a rotation made.

use super::types::CaptureFile;

/// One capture of the run: its files in order.
#[derive(Debug)]
pub struct Capture {
    /// The user's name for it, or the stem of its file.
    pub label: String,
    /// Its files; a rotated capture has several.
    pub files: Vec<CaptureFile>,
    /// What is odd about it, for the reader.
    pub notes: Vec<String>,
}

impl Capture {
    /// The file and the number in it of a frame counted through all files.
    #[must_use]
    pub fn locate(&self, frame: u32) -> (usize, u32) {
        let mut left = frame;
        for (i, file) in self.files.iter().enumerate() {
            if left <= file.last || i + 1 == self.files.len() {
                return (i, left);
            }
            left -= file.last;
        }
        (0, frame)
    }
}
