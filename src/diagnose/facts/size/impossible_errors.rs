//! Errors of directors that call a packet too big which no segment of the connection can be.

use crate::correlate::Leg;
use crate::flow::{IcmpError, IcmpErrorKind, VantageId};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// Headers of IP and TCP without options, bytes (RFC 6691).
const HEADERS: u32 = 40;

const HEADERS_V6: u32 = 60;

/// An error of a director, and the MTU that it names.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct TooBig<'a> {
    pub vantage: VantageId,
    pub error: &'a IcmpError,
    pub mtu: u32,
    /// The largest packet that the client may send, bytes.
    pub largest: u32,
    pub director: HostId,
}

/// An error of a director about a connection whose packets all fit.
pub(in crate::diagnose) fn impossible(trace: &Trace, id: ConnectionId) -> Option<TooBig<'_>> {
    let c = trace.connection(id);
    let headers = if c.front.client.0.is_v4() { HEADERS } else { HEADERS_V6 };
    // What the client was told, where that was seen at its own five-tuple.
    let told = |leg: &&Leg| leg.tuple == 0 && trace.reply(leg).accepted();
    let mut sizes = trace.legs(id).iter().filter(told).map(|leg| trace.reply(leg).shape.mss);
    let mss = sizes.next().filter(|mss| *mss > 0)?;
    let largest = u32::from(mss) + headers;
    trace.errors_of(id).find_map(|(vantage, error)| {
        let IcmpErrorKind::TooBig { mtu } = error.kind else { return None };
        let by_client = (error.quote.src, error.quote.src_port) == c.front.client;
        let director = sender(trace, id, vantage, error)?;
        (by_client && mtu >= largest).then_some(TooBig { vantage, error, mtu, largest, director })
    })
}

/// The director that made an error: its own capture shows it leave, or the frame comes
/// from it with the TTL of one that it made.
fn sender(
    trace: &Trace,
    id: ConnectionId,
    vantage: VantageId,
    error: &IcmpError,
) -> Option<HostId> {
    let hop = &trace.vantages[vantage.index()].hops[error.hop.index()];
    let sent = trace.vantages[vantage.index()].own.sent(hop) == Some(true);
    let host = if sent { trace.host_of_vantage(vantage) } else { trace.host_by_mac(hop.link.src) };
    host.filter(|h| trace.service(id).is_director(*h) && crate::topology::is_origin(hop))
}
