//! Commands that mend: on which host, how they stand to each other, how they are taken back.

use super::grade::written;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command that mends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// On which host it is typed.
    pub host: String,
    /// What to type.
    pub command: String,
    /// Whether it interrupts traffic.
    pub disruptive: bool,
    /// How to take it back: a command, or a sentence that ends in a full stop.
    pub undo: String,
    /// How it stands to the one before it.
    pub join: Join,
}

/// A command with the reason for it, or what it needs, behind it.
#[must_use]
pub fn explained(command: String, why: &str) -> String {
    command + "   # " + why
}

/// How a fix stands to the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// It is needed as well.
    #[default]
    And,
    /// It is done in its place.
    Or,
    /// It helps until that is done.
    Meanwhile,
}

impl Join {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Meanwhile => "meanwhile",
        }
    }
}

impl Fix {
    /// One that interrupts nothing, needed beside those before it.
    #[must_use]
    pub fn safe(
        host: impl Into<String>,
        command: impl Into<String>,
        undo: impl Into<String>,
    ) -> Self {
        let (host, command, undo) = (host.into(), command.into(), undo.into());
        Self { host, command, disruptive: false, undo, join: Join::And }
    }

    /// One that interrupts traffic.
    #[must_use]
    pub fn disruptive(
        host: impl Into<String>,
        command: impl Into<String>,
        undo: impl Into<String>,
    ) -> Self {
        Self { disruptive: true, ..Self::safe(host, command, undo) }
    }

    /// With the reason for the command, or what it needs, behind it.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        Self { command: explained(self.command, why), ..self }
    }

    /// With a word on the undo behind it.
    #[must_use]
    pub fn undone(self, how: &str) -> Self {
        Self { undo: explained(self.undo, how), ..self }
    }

    /// In the place of the one before it.
    #[must_use]
    pub fn or(self) -> Self {
        Self { join: Join::Or, ..self }
    }

    /// Until those before it are done.
    #[must_use]
    pub fn meanwhile(self) -> Self {
        Self { join: Join::Meanwhile, ..self }
    }
}

written!(Join);
