//! Which cause a silence belongs to, where frames or hosts tell more of it.

use crate::diagnose::cause::silence::rp_filter_drop;
use crate::diagnose::cause::silence::rs_route_overlap;
use crate::diagnose::cause::silence::silence::Silent;
use crate::diagnose::cause::silence::tunnel_not_decapsulated;
use crate::diagnose::cause::silence::unheard;
use crate::topology::Mode;
use crate::trace::Trace;

/// Whether frames tell more of a silence than that it is one: a cause of its own takes
/// it.
pub(in crate::diagnose) fn is_told(trace: &Trace, silent: &Silent) -> bool {
    rs_route_overlap::fits(trace, silent)
        || tunnel_not_decapsulated::fits(trace, silent)
        || rp_filter_drop::fits(trace, silent)
        || unheard::fits(trace, silent)
}

/// Whether silence is best explained by a missing address: every SYN for the
/// VIP is lost on the host while its own address answers, or it sends the
/// packets on, which no owner of the address does.
pub(in crate::diagnose) fn lacks_vip(trace: &Trace, silent: &Silent) -> bool {
    let service = trace.topology.service(silent.service);
    // What the host says of its addresses is asked only where frames do not tell.
    let said = trace.has_address(silent.host, service.vip).map(|said| said.value);
    match (service.mode, said) {
        _ if silent.sent_on => true,
        _ if is_told(trace, silent) => false,
        (Mode::Dr | Mode::Tun, Some(has)) => !has && silent.delivered,
        (Mode::Dr, None) => silent.own_answers && silent.delivered,
        // In a tunnel rp_filter drops the inner packet just as silently.
        _ => false,
    }
}
