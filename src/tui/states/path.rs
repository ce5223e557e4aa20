//! Whose way is drawn.

use crate::trace::ConnectionId;

/// What is drawn.
#[derive(Debug, Default)]
pub struct State {
    /// The connection whose way it is.
    pub shown: Option<ConnectionId>,
}
