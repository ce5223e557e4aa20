//! Which finding: its name, the same for all languages, outputs and versions.

use std::fmt;

/// The id of a finding, such as `nat-return-bypasses-director`: the name of its detector's file with
/// `-` for `_`, and of its manual page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(&'static str);

impl FindingId {
    /// The finding of that name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether it is one of those.
    #[must_use]
    pub fn is_of(self, names: &[&str]) -> bool {
        names.contains(&self.0)
    }
}

impl From<&'static str> for FindingId {
    fn from(name: &'static str) -> Self {
        Self(name)
    }
}

impl PartialEq<str> for FindingId {
    fn eq(&self, name: &str) -> bool {
        self.0 == name
    }
}

impl PartialEq<&str> for FindingId {
    fn eq(&self, name: &&str) -> bool {
        self.0 == *name
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
