//! What the map and the words are about: the connection that is looked at.

use crate::report::topology::Way;
use crate::trace::ConnectionId;
use crate::tui::app::App;
use crate::tui::data::Data;

/// The way of the connection that is looked at.
pub(super) fn way<'a>(app: &App, data: &'a Data) -> Option<&'a Way> {
    app.current().and_then(|id| data.atlas.way(&data.trace, id))
}

/// The number of the break that a connection belongs to.
pub(super) fn own_break(data: &Data, id: ConnectionId) -> Option<u32> {
    data.diagnosis.breaks.group_of(id).map(|group| group.0 + 1)
}
