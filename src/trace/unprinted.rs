//! What the captures leave out because they are texts, or kept the beginning of each packet alone.

use super::Trace;
use crate::capture::CaptureFile;

/// What a text does not print of most of its packets, by the option of tcpdump that prints it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Printed {
    /// Hardware addresses (`-e`).
    pub hardware: bool,
    /// TTL, identification, checksums, fragments (`-v`).
    pub headers: bool,
    /// Bytes (`-x`): payload that is no HTTP, the contents of TCP options.
    pub bytes: bool,
}

impl Printed {
    /// What both have.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self {
            hardware: self.hardware && other.hardware,
            headers: self.headers && other.headers,
            bytes: self.bytes && other.bytes,
        }
    }

    /// What one of them has.
    #[must_use]
    pub fn either(self, other: Self) -> Self {
        Self {
            hardware: self.hardware || other.hardware,
            headers: self.headers || other.headers,
            bytes: self.bytes || other.bytes,
        }
    }

    /// Whether there is any.
    #[must_use]
    pub fn any(self) -> bool {
        self.hardware || self.headers || self.bytes
    }
}

impl Trace {
    /// What at least one of the captures does not print; captures of bytes have all.
    #[must_use]
    pub fn unprinted(&self) -> Printed {
        let files = self.captures.iter().flat_map(|capture| &capture.files);
        files.filter_map(lacks).fold(Printed::default(), Printed::either)
    }
}

impl Trace {
    /// Whether a text has TCP segments of which it prints neither flags nor numbers (`tcpdump -q`): they are no
    /// connections to anybody.
    #[must_use]
    pub fn hides_segments(&self) -> bool {
        let files = self.captures.iter().flat_map(|capture| &capture.files);
        files.filter_map(|file| file.text.as_ref()).any(|text| text.quiet > 0)
    }

    /// Whether a capture of bytes kept too few of each packet to show what was said: a snapshot
    /// length (`tcpdump -s`) that ends with the headers.
    #[must_use]
    pub fn words_are_cut(&self) -> bool {
        let is_text = |capture: usize| {
            self.captures.get(capture).is_some_and(|c| c.files.iter().any(|f| f.text.is_some()))
        };
        self.vantages.iter().any(|vantage| {
            let tally = &vantage.tally;
            tally.cut_words * 2 > tally.first_words && !is_text(vantage.capture)
        })
    }
}

fn lacks(file: &CaptureFile) -> Option<Printed> {
    let facts = file.text.as_ref()?;
    let most = |n: u64| n * 2 > facts.packets;
    Some(Printed {
        hardware: most(facts.without_macs),
        headers: most(facts.without_ttl),
        bytes: most(facts.packets.saturating_sub(facts.dumped)),
    })
}
