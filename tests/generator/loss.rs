//! Packets that are lost between two hosts, and what their sender does about it.
//!
//! Lost are packets that take sequence numbers, at most three of a connection; their sender repeats them after its
//! retransmission timeout, twice as late each time (RFC 6298, section 5). A pure acknowledgement is never lost: then the
//! other side would repeat what it acknowledges, which the script does not tell. A client whose SYN-ACK is lost leaves the
//! repeating to the server.

use super::living::Connection;
use super::rng;
use super::script::{FIN, SYN, Step};
use super::world::World;

/// The way between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Client gateway and director, or router and director where the router is a vantage.
    ClientDirector,
    /// Director and real server.
    DirectorServer,
    /// Real server and client, past the director.
    ServerClient,
}

/// How much is lost, and where.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// On which way.
    pub between: Between,
    /// How many of a thousand packets.
    pub per_mille: u16,
}

/// Losses of a connection.
const MOST: u8 = 3;
/// Retransmission timeouts before anything was measured (RFC 6298, section 2), and Linux's shortest. Nanoseconds.
const RTO_SYN: u64 = 1_000_000_000;
const RTO: u64 = 200_000_000;

impl Loss {
    /// Whether this sending of a step is lost on the way that it now takes.
    pub fn takes(&self, world: &World, connection: &Connection, step: &Step, index: u16) -> bool {
        let repeated = step.len > 0 || step.flags & (SYN | FIN) != 0;
        let sending = u64::from(index) << 8 | u64::from(connection.lost);
        let chance = rng::at(rng::at(world.seed, 6), u64::from(connection.number) << 24 | sending);
        repeated && connection.lost < MOST && chance % 1_000 < u64::from(self.per_mille)
    }

    /// When a step is sent again that was sent `attempt` times before the one now lost. Nanoseconds.
    pub fn timeout(step: &Step, attempt: u8) -> u64 {
        (if step.flags & SYN != 0 { RTO_SYN } else { RTO }) << attempt
    }

    /// By how much losses make a connection longer at most. Nanoseconds.
    pub fn longest_ns() -> u64 {
        (RTO_SYN << MOST) + RTO_SYN
    }
}
