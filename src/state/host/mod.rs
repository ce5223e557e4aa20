//! What the kernel says of the host: its addresses, routes, neighbours, sockets, settings and counters, as iproute2,
//! net-tools, procps and /proc print them.

pub(super) mod addresses;
pub(super) mod arp;
pub(super) mod brief;
pub(super) mod devices;
pub(super) mod neighbours;
pub(super) mod netstat;
pub(super) mod nstat;
pub(super) mod one_line;
pub(super) mod policy;
pub(super) mod proc_net;
pub(super) mod proc_pairs;
pub(super) mod route_table;
pub(super) mod routes;
pub(super) mod sockets;
pub(super) mod sysctl;
