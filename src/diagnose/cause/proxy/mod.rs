//! What layer-7 proxies and address carriers add to the trouble.

mod attempted;
mod header_fixes;
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

use super::{each_service, no_exchange};
use crate::diagnose::facts::each_once;
use crate::diagnose::{Detection, Facts, Finding};
use crate::topology::ServiceId;
use crate::trace::ConnectionId;

/// One finding a service for its clients' connections, whose exchanges with a proxy show a cause.
fn one_a_service(
    facts: &Facts,
    clients: impl Iterator<Item = ConnectionId>,
    finding: impl Fn(ServiceId, Vec<ConnectionId>) -> Finding,
) -> Detection {
    let findings = each_service(facts, each_once(clients).into_iter(), finding);
    Detection::from(findings, || no_exchange(facts))
}
