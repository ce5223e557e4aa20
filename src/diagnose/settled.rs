//! What hosts' own words decided of a finding: typed here, worded in
//! [`words`](super::words) once all is settled.

use crate::state::Waits;
use crate::wire::Ip;

/// One thing that a state told, with the file and line that say so (`at`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// A server lists the VIP that is said to be missing.
    VipListed { server: String, vip: Ip, at: String },
    /// A server lists its addresses, without the VIP.
    VipAbsent { server: String, vip: Ip, at: String },
    /// All servers have the VIP.
    VipPresent { at: String },
    /// No server has the VIP.
    VipNowhere { vip: Ip, at: String },
    /// No accept queue overflowed.
    QueuesHeld { at: String },
    /// Every accept queue overflowed, so often.
    QueuesOverflowed { counts: String, at: String },
    /// Some did not, where that is the cause that was found.
    QueuesDenied { counts: String, at: String },
    /// The reverse path filter dropped nothing.
    FilterPassed { at: String },
    /// The reverse path filter is off.
    FilterOff { at: String },
    /// The reverse path filter dropped so many packets since boot; `found` where it is the
    /// cause that was found.
    FilterDropped { packets: u64, found: bool, at: String },
    /// The reverse path filter is on.
    FilterOn { at: String },
    /// The reverse path filter is the reason of the silence: nothing else fits.
    FilterIsTheReason,
    /// Nothing else fits than a firewall on the host.
    FirewallIsLeft,
    /// `tcp_tw_recycle` is on, or off.
    Recycling { on: bool, at: String },
    /// A server's route to a client leads to the director after all.
    RouteLeads { server: String, via: Ip, at: String },
    /// A server's route to a client leads elsewhere.
    RouteLeadsElsewhere { server: String, client: Ip, via: Ip, at: String },
    /// All servers' routes to a client lead to the director.
    RoutesLead { at: String },
    /// No server's route to a client leads to the director.
    RoutesLeadElsewhere { client: Ip, at: String },
    /// The setting `proxy_arp` of a host.
    ProxyArp { value: u32, at: String },
    /// The setting `arp_ignore` of a server.
    ArpIgnore { server: String, value: u32, at: String },
    /// A host has the table of the VIP, which makes it the director.
    Balances { vip: Ip, at: String },
    /// A director tracks so many connections of so many.
    Tracked { who: String, count: u64, most: u64, at: String },
    /// A director forgets silent connections after so many seconds, sooner than these were used again.
    ForgetsAfter { seconds: u64, at: String },
    /// It keeps them for longer than these were silent.
    KeepsFor { seconds: u64, at: String },
    /// Its table had room when it was asked.
    RoomLeft,
    /// A rule of a server's packet filter, or its policy, stopped so many packets.
    Filtered { server: String, packets: u64, policy: bool, reject: bool, at: String },
    /// No rule of the servers' packet filters stopped such packets.
    FilterLetPass { at: String },
    /// A socket's accept queue is full.
    QueueIsFull { waiting: u32, most: u32, at: String },
    /// No socket takes the port.
    NobodyListens { port: u16, at: String },
    /// A socket takes the port.
    Listens { port: u16, at: String },
    /// A director's table has real servers with a weight for the service, or none.
    Destinations { who: String, none: bool, at: String },
    /// A cluster lists a server among the endpoints of a service.
    Endpoint { server: String, of: String, ready: bool, at: String },
    /// It lists so many others, and not this one.
    NoEndpoint { server: String, of: String, listed: usize, at: String },
    /// How a proxy has a server.
    Proxied { name: String, how: &'static str, at: String },
    /// How a proxy logged a request: its status, whom it asked, and how it ended.
    Logged {
        client: String,
        status: u16,
        tries: Vec<String>,
        ended: Option<String>,
        waits: Waits,
        at: String,
    },
    /// Somebody says to have dropped a connection's packets.
    Dropped { by: String, from: String, to: String, count: u32, at: String },
    /// A counter of lost frames.
    Counts { who: String, device: Option<String>, counter: String, value: u64, at: String },
    /// Whether a card, or what takes its place, merges segments.
    Offload { name: String, device: Option<String>, on: bool, at: String },
    /// Netfilter could not enter so many connections in its table.
    InsertFailed { count: u64, at: String },
}
