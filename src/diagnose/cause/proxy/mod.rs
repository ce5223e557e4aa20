//! What layer-7 proxies and address carriers add to the trouble.

pub mod l7_backend_refused;
pub mod l7_backend_silent;
pub mod l7_backend_timeout;
pub mod l7_backend_tls_refused;
pub mod l7_keepalive_race;
pub mod l7_redirect_loop;
pub mod l7_request_held;
pub mod l7_upgrade_not_passed;
pub mod no_server_up;
pub mod proxy_protocol_mismatch;
pub mod toa_not_inserted;
mod two_headers;
