//! What proxies try, ask and add.

pub(in crate::diagnose) mod attempts;
pub(in crate::diagnose) mod crossed_requests;
pub(in crate::diagnose) mod failed_pools;
pub(in crate::diagnose) mod prefaces;
pub(in crate::diagnose) mod sent_back;
pub(in crate::diagnose) mod unnamed_clients;
