//! What a finding is, what it costs, and how sure it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Why.
    Cause,
    /// What is seen.
    Symptom,
    /// Worth knowing, no fault.
    Note,
}

impl Kind {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Symptom => "symptom",
            Self::Note => "note",
        }
    }
}

/// What it costs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing.
    Info,
    /// Traffic suffers or is about to; health checks fail.
    Warning,
    /// Traffic fails: a client's connection, or that which all of them need.
    Critical,
}

impl Severity {
    /// Whether it should wake anybody.
    #[must_use]
    pub fn is_loud(self) -> bool {
        self >= Self::Warning
    }

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How sure it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Other causes fit as well.
    Possible,
    /// Other causes fit, but worse.
    Likely,
    /// The captures exclude every look-alike.
    Certain,
}

impl Confidence {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// Words of reports are written as they are named.
macro_rules! written {
    ($($word:ident),*) => {
        $(impl std::fmt::Display for $word {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        })*
    };
}

written!(Kind, Severity, Confidence);
pub(super) use written;
