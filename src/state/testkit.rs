//! What tests of the readers share.

use super::{HostState, parse};

/// What is read of a text that is all understood.
pub(super) fn read(text: &str) -> HostState {
    let mut state = HostState::default();
    assert!(parse(&mut state, "a", text));
    assert!(state.notes.is_empty(), "{:?}", state.notes);
    state
}
