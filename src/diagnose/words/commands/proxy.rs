//! What is done at a layer-7 proxy.

use crate::diagnose::words::name;
use crate::diagnose::{Fix, Subject};

/// Sending a real server nothing more, at a layer-7 proxy.
#[must_use]
pub fn out_of_proxy(subject: &Subject) -> Fix {
    Fix::safe(
        format!("the proxy, until {} serves again", name(subject)),
        "# take the server out: 'set server BACKEND/SERVER state maint' (haproxy), 'down' in its upstream (nginx); let health checks do it from then on",
        "Put it back: 'state ready', or without 'down'.",
    )
}
