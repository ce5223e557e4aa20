//! The packets of one connection, in the order in which they are sent.
//!
//! `SYN, SYN-ACK, ACK`, then HTTP/1.1 exchanges of four packets (request, its ACK, response, its ACK), then
//! `FIN-ACK, FIN-ACK, ACK` from the client's side. What does not fill a whole exchange becomes further segments of the
//! first response; with only two or three packets in the middle the response carries the request's acknowledgement.
//! What is lost on the way is sent again, as [`super::loss`] says.

use super::world::World;

/// FIN flag (RFC 9293, section 3.1), and below the others.
pub const FIN: u8 = 0x01;
/// SYN flag.
pub const SYN: u8 = 0x02;
/// PSH flag.
pub const PSH: u8 = 0x08;
/// ACK flag.
pub const ACK: u8 = 0x10;

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// The request of this exchange, counted from 0.
    Request(u32),
    /// The head and the first bytes of the response to it.
    Response(u32),
    /// Further bytes of the response.
    More,
}

/// One packet of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Sent by the client, else by the real server.
    pub from_client: bool,
    /// TCP flags.
    pub flags: u8,
    /// Sequence number less the sender's ISN.
    pub seq: u32,
    /// Acknowledgement less the peer's ISN; meaningless without ACK.
    pub ack: u32,
    /// Payload.
    pub body: Body,
    /// Payload bytes.
    pub len: u16,
    /// Nanoseconds after the packet before was sent (same sender) or has arrived (other sender).
    pub wait: u64,
    /// The wait is a client's thinking time: it varies by a quarter.
    pub think: bool,
}

/// The packets of every connection of a world.
#[derive(Clone, Debug)]
pub struct Script {
    /// In the order of sending.
    pub steps: Vec<Step>,
    /// Segments of the first response; the others have one.
    pub first_response_segments: u32,
}

/// Bytes of a request: see [`super::payload`].
pub const REQUEST_LEN: u16 = 94;
/// More than any packet takes from its sender to its receiver, all jitter included. Nanoseconds.
const LONGEST_TRANSIT: u64 = 500_000;
/// What a packet takes on average. Nanoseconds.
const USUAL_TRANSIT: u64 = 400_000;
/// Two segments that leave together are this far apart: more than the jitter of a path, which never reorders. Nanoseconds.
const BACK_TO_BACK: u64 = 100_000;

impl Script {
    /// Fills `packets_per_connection`, and spreads the connection's lifetime over the client's pauses.
    pub fn new(world: &World) -> Self {
        let mut script = Writer { steps: Vec::new(), seq: [0, 0], segment: world.response_segment };
        let middle = world.packets_per_connection.saturating_sub(6);
        script.push(true, SYN, Body::Empty, 0);
        script.push(false, SYN | ACK, Body::Empty, 40_000);
        script.push(true, ACK, Body::Empty, 120_000);
        let segments = if middle < 4 { 1 } else { 1 + middle % 4 };
        let exchanges = if middle < 4 { middle.min(1) } else { middle / 4 };
        for exchange in 0..exchanges {
            script.push(true, ACK | PSH, Body::Request(exchange), 200_000);
            if middle >= 4 {
                script.push(false, ACK, Body::Empty, 30_000);
            }
            script.push(false, ACK | PSH, Body::Response(exchange), 700_000);
            for _ in 1..if exchange == 0 { segments } else { 1 } {
                script.push(false, ACK | PSH, Body::More, BACK_TO_BACK);
            }
            if middle >= 3 {
                script.push(true, ACK, Body::Empty, 80_000);
            }
        }
        script.push(true, FIN | ACK, Body::Empty, 300_000);
        script.push(false, FIN | ACK, Body::Empty, 60_000);
        script.push(true, ACK, Body::Empty, 50_000);
        let mut steps = script.steps;
        let turns =
            steps.windows(2).filter(|pair| pair[0].from_client != pair[1].from_client).count()
                as u64;
        let busy = steps.iter().map(|step| step.wait).sum::<u64>() + turns * USUAL_TRANSIT;
        let pauses = u64::from(exchanges) + 1;
        let pause = world.lifetime_ns().saturating_sub(busy) / pauses;
        for step in &mut steps {
            if matches!(step.body, Body::Request(_)) || (step.from_client && step.flags & FIN != 0)
            {
                step.wait += pause;
                step.think = true;
            }
        }
        Self { steps, first_response_segments: segments }
    }

    /// No connection lives longer. Nanoseconds.
    pub fn longest_ns(&self) -> u64 {
        let wait = |step: &Step| step.wait + if step.think { step.wait / 4 } else { 0 };
        self.steps.iter().map(|step| wait(step) + LONGEST_TRANSIT).sum()
    }
}

/// Keeps both senders' positions while the script is written.
struct Writer {
    steps: Vec<Step>,
    seq: [u32; 2],
    segment: u16,
}

impl Writer {
    fn push(&mut self, from_client: bool, flags: u8, body: Body, wait: u64) {
        let (me, peer) = if from_client { (0, 1) } else { (1, 0) };
        let len = match body {
            Body::Empty => 0,
            Body::Request(_) => REQUEST_LEN,
            Body::Response(_) | Body::More => self.segment,
        };
        let ack = if flags & ACK == 0 { 0 } else { self.seq[peer] };
        self.steps.push(Step {
            from_client,
            flags,
            seq: self.seq[me],
            ack,
            body,
            len,
            wait,
            think: false,
        });
        self.seq[me] =
            self.seq[me].wrapping_add(u32::from(len)) + u32::from(flags & (SYN | FIN) != 0);
    }
}
