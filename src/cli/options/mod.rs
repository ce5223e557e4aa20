//! Options that several commands share, and what their values stand for.

pub(super) mod ends;
pub(super) mod reading;
pub(super) mod redacting;
pub(super) mod reporting;
pub(super) mod role;
pub(super) mod screen;
pub(super) mod stating;
pub(super) mod which;
pub(super) mod written;
