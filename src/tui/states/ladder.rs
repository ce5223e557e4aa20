//! What is drawn on the ladder, and where the cursor is.

use super::super::frames::Sight;
use crate::ladder::Chosen;
use crate::render::Times;
use crate::report::ladder::Ladder;
use crate::trace::{At, ConnectionId};

/// One drawing.
#[derive(Debug, Default)]
pub struct Side {
    /// What is drawn.
    pub chosen: Option<Chosen>,
    /// The drawing; none while it is awaited or where it cannot be made.
    pub ladder: Option<Ladder>,
    /// The step under the cursor.
    pub step: usize,
    /// The frames of that step's packet.
    pub sights: Vec<Sight>,
    /// The last request for the drawing.
    pub asked: u64,
    /// The last answer to one.
    pub shown: u64,
    /// The last request for a packet.
    pub packet_asked: u64,
    /// The last answer to one.
    pub packet_shown: u64,
    /// What the cursor is put on when the drawing comes.
    pub wanted: Option<Wanted>,
}

/// A frame that is to be shown.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where it is.
    pub at: At,
    /// The same in the report's words: vantage, and number in its file.
    pub frame: (String, u64),
    /// Why it matters.
    pub note: String,
}

/// A frame that no drawing has: ARP, ICMP, or one of a connection that is not shown.
#[derive(Debug)]
pub struct Alone {
    /// What it is.
    pub wanted: Wanted,
    /// Its fields; empty while they are awaited.
    pub sights: Vec<Sight>,
    /// The last request for them.
    pub asked: u64,
}

/// Both drawings.
#[derive(Debug, Default)]
pub struct State {
    /// The connection, and the one that it is compared with.
    pub sides: [Side; 2],
    /// The side that keys act on.
    pub side: usize,
    /// Both are shown.
    pub both: bool,
    /// The packet fills the pane.
    pub zoomed: bool,
    /// What is shown then in place of a packet of the drawing.
    pub alone: Option<Alone>,
    /// The vantage whose bytes are shown.
    pub column: usize,
    /// The first field shown.
    pub field: usize,
    /// Which times are shown.
    pub times: Times,
}

impl State {
    /// The connection that is drawn.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        self.sides[self.side].chosen.map(|chosen| chosen.connection)
    }

    /// Whether a drawing or a packet is awaited.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.sides.iter().any(|s| s.shown < s.asked || s.packet_shown < s.packet_asked)
            || self.alone.as_ref().is_some_and(|alone| alone.sights.is_empty())
    }
}
