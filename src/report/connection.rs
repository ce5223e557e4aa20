//! What the document says of one connection.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where time goes, each duration by one vantage's own clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// SYN to SYN-ACK at the vantage nearest to the client, nanoseconds.
    pub connect_ns: Option<i64>,
    /// First byte of the request to first byte of the answer there, nanoseconds.
    pub first_byte_ns: Option<i64>,
    /// The server's own part of that, as the vantage nearest to it shows, nanoseconds.
    pub server_ns: Option<i64>,
    /// Network time between vantages, nearest to the client first.
    pub segments: Vec<Segment>,
}

/// A part of the path between two vantages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// Label of the vantage nearer to the client.
    pub from: String,
    /// Label of the vantage nearer to the server.
    pub to: String,
    /// There and back, nanoseconds.
    pub round_trip_ns: i64,
}

/// Frames of a connection that left one captured host and did not reach the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// Label of the vantage on the host that they left.
    pub from: String,
    /// Label of the vantage on the host that they were to reach.
    pub to: String,
    /// `client-to-server` or `server-to-client`.
    pub direction: String,
    /// Frames that left.
    pub sent: u64,
    /// Those that did not arrive, by the bytes that were sent again.
    pub lost: u64,
}

/// One connection, client to service to real server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// Number within this report, from 1.
    pub id: u32,
    /// `ip:port`; `[ip]:port` for IPv6.
    pub client: String,
    /// `ip:port` of the service.
    pub service: String,
    /// Forwarding mode of the service, as in `services`.
    pub mode: String,
    /// The real server that it was sent to.
    pub real_server: Option<Endpoint>,
    /// All of them, where one connection used several.
    pub real_servers: Vec<Endpoint>,
    /// `completed`, `open`, `refused`, `unanswered`, `incomplete`, `reset`,
    /// `stalled`, `unknown`.
    pub outcome: String,
    /// What became of it: `well`, `failed`, `suffered`, `untold`.
    #[serde(default)]
    pub fate: String,
    /// Number of the break that it belongs to, where it failed or suffered.
    #[serde(default, rename = "break")]
    pub broken: Option<u32>,
    /// From its first SYN until the client went on, nanoseconds, as the vantage shows that
    /// saw the longest wait; null where none shows it.
    #[serde(default)]
    pub wait_ns: Option<i64>,
    /// First packet, on the reference clock where it is known.
    pub start: String,
    /// First to last packet.
    pub duration_ns: i64,
    /// Where its time went; null where no vantage saw its handshake both ways.
    pub timing: Option<Timing>,
    /// What was lost between captured hosts, by segment; empty where nothing was, or
    /// where no two hosts of its path were captured.
    #[serde(default)]
    pub losses: Vec<Lost>,
    /// What the client sent.
    pub from_client: Sent,
    /// What the server sent.
    pub from_server: Sent,
    /// `health-check`, `scan`, ... where the connection is not a user's.
    pub ordinary: Option<String>,
    /// Why flows of several captures were taken for one connection.
    pub evidence: Vec<String>,
    /// Numbers of the findings that it belongs to.
    pub findings: Vec<u32>,
}

/// What one side of a connection sent, at the place that saw most of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// Frames; 0 where none was seen, which need not mean that none was sent.
    pub frames: u64,
    /// Payload bytes, repeats not counted; null for protocols other than TCP.
    pub bytes: Option<u64>,
}

/// An end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// Network address.
    pub address: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// Hardware address.
    pub mac: Option<String>,
}
