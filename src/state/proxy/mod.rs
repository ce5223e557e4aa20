//! Proxies: their tables, sessions and logs.

pub(super) mod access_log;
pub(super) mod haproxy;
pub(super) mod proxy_log;
