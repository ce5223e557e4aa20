//! What a detector concludes of captures: of a cause, and of a symptom.

use super::finding::{Finding, Subject};
use crate::topology::HostId;
use crate::trace::ConnectionId;
use crate::wire::Ip;

/// What a cause detector concludes.
#[derive(Debug, Clone, PartialEq)]
pub enum Detection {
    /// These.
    Found(Vec<Finding>),
    /// It was looked for where it would show, and is not there.
    Clean,
    /// The captures do not show where it would show; what is missing.
    Unchecked(String),
}

impl Detection {
    /// Found if there are any, else what the look was worth.
    #[must_use]
    pub fn from(findings: Vec<Finding>, otherwise: impl FnOnce() -> Self) -> Self {
        if findings.is_empty() { otherwise() } else { Self::Found(findings) }
    }

    /// The captures do not show where it would show; what is missing.
    #[must_use]
    pub fn unchecked(why: impl Into<String>) -> Self {
        Self::Unchecked(why.into())
    }

    /// Not there, if the captures would show it, else what is missing.
    #[must_use]
    pub fn clean_if(looked: bool, why_not: impl Into<String>) -> Self {
        if looked { Self::Clean } else { Self::unchecked(why_not) }
    }

    /// Not there, unless something keeps the captures from showing it.
    #[must_use]
    pub fn unless(blind: Option<String>) -> Self {
        blind.map_or(Self::Clean, Self::Unchecked)
    }
}

/// A symptom's words for a set of connections or addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Wording {
    /// In a few words.
    pub title: String,
    /// What is seen.
    pub explanation: String,
    /// Who is concerned.
    pub subjects: Vec<Subject>,
}

/// One sighting of a symptom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// The connection that shows it; `None` for one about an address.
    pub connection: Option<ConnectionId>,
    /// The address that it is about, where no connection is.
    pub address: Option<Ip>,
    /// The host that shows it, where that matters for the words.
    pub host: Option<HostId>,
    /// A connection or data was lost.
    pub costly: bool,
}

impl Sighting {
    /// Of a connection.
    #[must_use]
    pub fn of(connection: ConnectionId, costly: bool) -> Self {
        Self { connection: Some(connection), address: None, host: None, costly }
    }
}
