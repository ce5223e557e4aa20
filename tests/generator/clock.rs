//! The clocks that captures are stamped with.

/// How a vantage's clock reads: `t + offset + drift * (t - start)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Ahead of the true time at the start of the capture, in nanoseconds.
    pub offset_ns: i64,
    /// Gains this many parts per million; above -1,000,000.
    pub drift_ppm: i32,
}

/// The clocks of all vantages; a real server without an entry is honest.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    /// The client gateway's.
    pub client: Clock,
    /// A source-NAT router's.
    pub router: Clock,
    /// The director's.
    pub director: Clock,
    /// The real servers', in order.
    pub real_servers: Vec<Clock>,
}
