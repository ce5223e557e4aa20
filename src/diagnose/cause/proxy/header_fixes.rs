//! Where a PROXY header is switched on or off: what either side of it is to be told.

use crate::diagnose::Fix;

/// What the server that is called is to do.
pub(super) fn server_fix(who: &str, what: &str, undo: &str) -> Fix {
    Fix::disruptive(format!("the server of {who}"), format!("# {what}"), undo.to_owned())
}

/// What the balancer that calls is to do.
pub(super) fn balancer_fix(what: &str) -> Fix {
    Fix::disruptive("the balancer", format!("# {what}"), "Set it back and reload.")
}
