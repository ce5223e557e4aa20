//! Frames counted by how far they could be read.

/// Counts of frames at one vantage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All frames.
    pub frames: u64,
    /// Frames whose link type is not decoded.
    pub unsupported: u64,
    /// Frames cut or malformed in a header.
    pub stopped: u64,
    /// TCP segments.
    pub tcp: u64,
    /// TCP segments that only acknowledge: neither payload nor SYN, FIN or RST.
    pub pure_acks: u64,
    /// SYN-ACKs with room for no option but a maximum segment size.
    pub bare_syn_acks: u64,
    /// SYNs and SYN-ACKs that are signed (RFC 2385, RFC 5925).
    pub signed_syns: u64,
    /// UDP datagrams.
    pub udp: u64,
    /// DNS questions for names that a cluster gives its services.
    pub cluster_names: u64,
    /// ARP packets and neighbour discovery.
    pub neighbor: u64,
    /// ICMP messages other than neighbour discovery.
    pub icmp: u64,
    /// Everything else.
    pub other: u64,
    /// Frames captured shorter than they were.
    pub cut: u64,
    /// First payloads of one side of a connection.
    pub first_words: u64,
    /// Those of which fewer bytes were captured than tell an answer from an error.
    pub cut_words: u64,
    /// Frames of a text whose line prints no hardware addresses.
    pub without_macs: u64,
    /// Frames of a text whose line does not print how far the packet came.
    pub without_ttl: u64,
    /// Packets longer than a link carries: segments merged by offload.
    pub oversize: u64,
    /// Frames of flows that had passed so often, each time with another link header, that
    /// these are not kept apart: of packets that went round.
    pub rounds_dropped: u64,
    /// Link headers beyond the bound of distinct ones that are kept apart.
    pub hops_dropped: u64,
}
