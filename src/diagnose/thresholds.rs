//! What decides where a judgement begins: how long is prompt, how many are no coincidence,
//! how large a difference counts.
//!
//! One table, by meaning. A value that follows from a kernel, a standard or arithmetic
//! names its source; the others are judgement, and say what speaks for them. First those
//! that several detectors share: where they differed for one idea, one was taken, and what
//! stayed apart says why. Bounds on memory and on the length of sentences are no judgement
//! and stay where they hold.

// One idea, one value.

/// Transmissions of one SYN or SYN-ACK that must have gone unanswered. Judgement: one frame
/// may be lost by chance; a second one, a retransmission timeout later, by the same chance
/// squared.
pub(super) const TRANSMISSIONS: u16 = 2;
/// Repeats of bytes in vain: three transmissions, since a segment in a stream is lost more
/// often than a SYN, by congestion. Judgement.
pub(super) const REPEATS: u16 = 2;
/// ARP or neighbour questions that must stay open. Judgement: one answer may be lost; Linux
/// asks three times, a second apart (neighbour.c, `mcast_solicit`).
pub(super) const QUESTIONS: u32 = 2;
/// A capture that lacks such a share of what must have passed it shows too little to call anything healthy.
/// Judgement: of ten frames of a connection that fails one or two tell why.
pub(super) const LACKING_SHARE: f64 = 0.1;
/// So many frames must be lacking before their share is said. Judgement: a few at one moment are no share.
pub(super) const LACKING_FRAMES: u64 = 3;
/// Connections that must have met the same, each for itself. Judgement: one may be lost by
/// chance; used where other evidence speaks as well.
pub(super) const PAIR: usize = 2;
/// Connections that must have met the same where nothing but their number speaks. Judgement:
/// three alike are no coincidence.
pub(super) const NO_COINCIDENCE: usize = 3;
/// So many alike leave no doubt. Judgement: twice what is no coincidence, 1 in 64 if each
/// were an even chance.
pub(super) const NO_DOUBT: usize = 6;
/// A stack or a program that answers at once does so within this time, the network's own
/// included. Judgement: several round trips to the other side of the globe; below any timeout
/// of programs.
pub(super) const PROMPT_NS: i64 = 1_000_000_000;
/// An answer to the first transmission of a SYN comes within this time: the second one
/// leaves after a second (RFC 6298, section 2), which is why this is less than
/// [`PROMPT_NS`].
pub(super) const FIRST_TRY_NS: i64 = 800_000_000;
/// Who waits for an address waits for this long: three questions a second apart, and the
/// packets that wait for them (Linux neighbour.c), with as much again for other stacks.
pub(super) const ARP_WAIT_NS: i64 = 5_000_000_000;
/// What is asked in the last of a capture may be answered after it. Judgement: as
/// [`PROMPT_NS`].
pub(super) const CAPTURE_TAIL_NS: i64 = 1_000_000_000;

/// Questions that a host repeats at the pace of a kernel in two rounds of three: it has something to
/// send. Linux asks three times a round (neighbour.c, `mcast_solicit`).
pub(super) const ARP_UNANSWERED_ON_AND_ON: u32 = 4;

/// Changes of a virtual router's master that are no maintenance. Judgement: there and back, and once more.
pub(super) const VRRP_FLAPPING: u32 = 4;

// Times, nanoseconds, each of one detector.

/// Time that neighbours and keepalived have to make the change known, nanoseconds:
/// keepalived announces at once and again after five seconds.
pub(super) const GARP_MISSING_STALE_ARP_GRACE_NS: i64 = 1_000_000_000;
/// What it must take longer than to the others, nanoseconds: below, it is the
/// distance of another room and harms nobody.
pub(super) const NETWORK_LATENCY_AT_LEAST_NS: u64 = 20_000_000;
/// What it must take longer than the others, nanoseconds.
pub(super) const SLOW_REAL_SERVER_AT_LEAST_NS: u64 = 50_000_000;
/// No balancer forgets a connection sooner by its own timer, nanoseconds, as `flow/idle.rs` has it.
pub(super) const CONNECTION_RESET_SILENT_NS: i64 = 30_000_000_000;
/// From one change of a virtual router's master to the next on average, at most, nanoseconds. Judgement: those of
/// maintenance lie further apart.
pub(super) const VRRP_FLAPPING_NS: i64 = 600_000_000_000;
/// A window that is closed for less is no stall, nanoseconds.
pub(super) const ZERO_WINDOW_STALL_NS: i64 = 1_000_000_000;
/// From the first payload to the last repeat, nanoseconds, before a segment's size may be why it is
/// lost: two retransmission time-outs at least (RFC 6298, section 2).
pub(super) const SIZE_WAITED_NS: i64 = 1_000_000_000;
/// How long before the request the FIN may have reached the proxy, nanoseconds:
/// later, the proxy had every chance to read it.
pub(super) const L7_KEEPALIVE_RACE_NOTICED_NS: i64 = 100_000_000;
/// Resolvers ask again by a timer: so far apart are the times of two at most, nanoseconds.
pub(super) const DNS_CONNTRACK_RACE_5S_TIMER_NS: i64 = 100_000_000;
/// Silence of the client's from which on an entry can have expired, nanoseconds: nobody
/// sets the time after FIN to less.
pub(super) const DR_HALF_CLOSE_120S_LEAST_NS: i64 = 2_000_000_000;
/// A silence of minutes: from here on no contrast is needed where neither end sent the
/// reset, nanoseconds.
pub(super) const EXPIRED_LONG_NS: i64 = 60_000_000_000;
/// Between the two resets of a connection, at most: one host sends both.
pub(super) const FULLNAT_DOUBLE_RESET_TOGETHER_NS: i64 = 100_000_000;
/// From the last packet of a connection to its two resets, at most: later, a timeout is the
/// better explanation.
pub(super) const FULLNAT_DOUBLE_RESET_SOON_NS: i64 = 5_000_000_000;
/// Time for which a translation keeps a closed connection's port, nanoseconds:
/// Linux `nf_conntrack_tcp_timeout_time_wait`.
pub(super) const FULLNAT_SOURCE_PORT_EXHAUSTION_KEPT_NS: i64 = 120_000_000_000;
/// When a SYN is first sent again (RFC 6298, section 2: after one second), with what timers
/// and the network add.
pub(super) const IPVS_CONN_REUSE_1S_RETRY_NS: std::ops::Range<i64> = 900_000_000..1_200_000_000;
/// How long an entry lives after both FINs: `ip_vs_proto_tcp.c`, TIME_WAIT.
pub(super) const IPVS_CONN_REUSE_1S_REST_NS: i64 = 120_000_000_000;
/// An initial retransmission time-out (RFC 6298, section 2) less a tenth, nanoseconds: a
/// SYN that is accepted later was not accepted the first time.
pub(super) const TUPLE_REUSE_CHALLENGE_ACK_AGAIN_NS: i64 = 900_000_000;
/// How long before a change of site a BGP session may end or begin.
pub(super) const BGP_ANYCAST_FLAP_BEFORE_NS: i64 = 10_000_000_000;
/// How long after a change of site a BGP session may still end or begin.
pub(super) const BGP_ANYCAST_FLAP_AFTER_NS: i64 = 1_000_000_000;
/// From the query to the answer, at most.
pub(super) const UDP_REPLY_FROM_RIP_ANSWER_NS: i64 = 10_000_000_000;
/// From a question to its repeat at least, on average, where answers from elsewhere follow each:
/// a stream of media has no such pauses (RFC 8085, section 3.1.1, one second, less a tenth).
pub(super) const UDP_REPLY_FROM_RIP_AGAIN_NS: i64 = 900_000_000;
/// Repeats of one question fewer than this: who sends on and on reports something.
pub(super) const UDP_REPLY_FROM_RIP_MOST_AGAIN: i64 = 16;
/// Silence from which on a timeout is the better explanation, nanoseconds: no
/// balancer forgets sooner by itself, and a hand-over takes less.
pub(super) const RESET_LONG_NS: i64 = 5_000_000_000;
/// Owners that change more often than this on average are no hand-overs.
pub(super) const DISPUTES_RESTLESS_NS: i64 = 2_000_000_000;
/// From the SYN to the first question that it makes the director ask.
pub(super) const MISSING_NEIGHBOURS_PROMPT_NS: i64 = 200_000_000;
/// A rule rejects at once; a stack asks first, for seconds.
pub(super) const MISSING_NEIGHBOURS_PATIENCE_NS: i64 = 500_000_000;
/// In flight when a host resets, nanoseconds.
pub(super) const RESETS_IN_FLIGHT_NS: i64 = 1_000_000_000;
/// Changes farther apart than this are failovers of their own, nanoseconds.
pub(super) const SITE_CHANGES_APART_NS: i64 = 300_000_000_000;
/// How long datagrams must go on without an answer: resolvers ask again within it.
pub(super) const STALE_PORTS_MIN_SILENT_NS: i64 = 2_000_000_000;
/// A window that stays closed for less is a server that is late, nanoseconds.
pub(super) const SYN_PROXIES_STUCK_NS: i64 = 3_000_000_000;
/// From question to question, on average, below which an asker has learnt nothing: what it has
/// learnt it keeps for longer (Linux, half of `base_reachable_time_ms`; routers, hours).
pub(super) const MULTICAST_ANSWERS_PACE_NS: i64 = 15_000_000_000;
/// For how long a source's timestamp is remembered (Linux `TCP_PAWS_MSL`).
pub(super) const TIMESTAMPS_KEPT_NS: i64 = 60_000_000_000;
/// From a FIN to what cannot have crossed it, nanoseconds: no way takes as long.
pub(super) const CONNECTION_RESET_CLOSED_NS: i64 = 1_000_000_000;
/// From one question to the next on one port, nanoseconds, below which nobody has waited. Judgement: a
/// program that asks again waits for more than a round trip.
pub(super) const DATAGRAM_ASKED_ON_NS: i64 = 100_000_000;
/// A wait for a handshake that is worth telling, nanoseconds. Judgement: below, it is told as none.
pub(super) const HANDSHAKE_NOTICED_NS: i64 = 1_000_000;
/// A limit that is set for answers is no shorter, nanoseconds. Judgement: servers that turn requests down
/// do so at once.
pub(super) const JUDGE_LIMIT_NS: i64 = 4_500_000_000;
/// A part of a proxied request that takes longer is worth telling, milliseconds. Judgement.
pub(super) const PROXY_LOG_SLOW_MS: u32 = 500;

// Counts, each of one detector.

/// Changes of an address' owner that no hand-over, there and back, makes.
pub(super) const DISPUTES_HANDOVERS: u32 = 3;
/// In a tunnel more missing bytes than this may have been too large for it: what is left of 1500 by the
/// longest headers that a balancer adds (GUE with options in IPv6, 60 bytes) and by those of TCP in IPv6
/// (100), with room to spare.
pub(super) const SIZE_TUNNEL_MISSING: u32 = 1200;

/// Candidates that are offered for one group: more help nobody.
pub(super) const CANDIDATES_MOST: usize = 6;
/// No table forgets what is idle sooner, nanoseconds, where a text does not print who forgot it.
/// Judgement: it keeps a candidate.
pub(super) const JUDGE_SHORT_TIMEOUT_NS: i64 = 5_000_000_000;
/// Leading bits that two addresses on one link share at least, where no mask is on the wire:
/// the most usual length of an IPv4 prefix. Judgement: it offers a candidate, no more.
pub(super) const JUDGE_NETWORK_BITS: u32 = 24;
/// The same of IPv6, where every link has it (RFC 4291, section 2.5.4).
pub(super) const JUDGE_NETWORK_BITS_V6: u32 = 64;
/// Bytes of a segment below which its size is not why it is lost: every IPv6 link carries 1,280
/// with headers (RFC 8200, section 5), and tunnels of tunnels leave more than this.
pub(super) const JUDGE_SMALL: u32 = 1000;
/// Part of a silence by which several may differ that one timer ended: timers of balancers go by
/// steps of a second or more. Judgement.
pub(super) const JUDGE_SAME_PART: i64 = 50;
/// From a SYN to a reset, nanoseconds, in which nothing that is kept of a connection can have
/// gone: shorter than any timeout of a balancer's table.
pub(super) const JUDGE_YOUNG_NS: i64 = 1_000_000_000;
/// So long a client without an answer has sent its SYN again, nanoseconds: first after one second,
/// then after two more (RFC 6298, section 2).
pub(super) const JUDGE_ASKED_AGAIN_NS: i64 = 3_000_000_000;
/// Ports from which one client asks a service before it is taken to ask from a new one each
/// time, as resolvers do (RFC 5452, section 9.2). Judgement: two may be two programs.
pub(super) const JUDGE_PORTS: usize = 3;
/// Answers of the other claimant of an address that its side of the link must show.
pub(super) const PROXY_ARP_OR_ARP_FLUX_MIN_ANSWERS: u32 = 2;
/// Advertisements of each that a capture on it must show.
pub(super) const VRRP_ADVERT_NOT_RECEIVED_MIN_SENT: u32 = 4;
/// Advertisements of each master, none of which silenced the other.
pub(super) const VRRP_SPLIT_BRAIN_MIN_CONTEST: u32 = 4;
/// The same, where a capture is too short for them: each advertised again after the other had,
/// which a master that hears a better one does not do (RFC 5798, section 6.4.3).
pub(super) const VRRP_SPLIT_BRAIN_FEW: u32 = 1;
/// Answered connections of the director that make a member of the pool.
pub(super) const SCHEDULER_IMBALANCE_MIN_CHECKS: u32 = 2;
/// Segments with a closed window that show somebody probing, at a vantage that
/// does not see the probes; a director shows each twice.
pub(super) const ZERO_WINDOW_BLIND_FRAMES: u32 = 6;
/// Wrong sums that are no flipped bit.
pub(super) const VXLAN_OR_NAT_BAD_CHECKSUM_SURE: u32 = 2;
/// Datagrams that lose their later fragments before that is no plain loss.
pub(super) const IP_FRAGMENTS_SPLIT_ENOUGH: u32 = 2;
/// Connections that make a contrast: one may have died of anything.
pub(super) const EXPIRED_SEVERAL: usize = 2;
/// Ports that make a range.
pub(super) const FULLNAT_SOURCE_PORT_EXHAUSTION_MIN_PORTS: usize = 3;
/// Connections of one server below which it is not judged, whatever they took: of two,
/// both may be the first requests of a cold process.
pub(super) const DURATIONS_MIN_SAMPLES: usize = 3;
/// Segments after the SYN that must have left in vain.
pub(super) const HALF_PATHS_MIN_LOST: u32 = 3;
/// Addresses that two interfaces share beside services' before answers alone make them
/// one machine's: an address that floats between two machines is one.
pub(super) const MACHINES_MANY_SHARED: usize = 2;
/// SYNs to one host, repeats and connections together, that must go unanswered there: one more
/// than [`TRANSMISSIONS`], as several connections may share one burst of loss.
pub(super) const SILENCES_MIN_SYNS: u32 = 3;
/// New connections between two changes of site: one alone may be a stray.
pub(super) const SITE_CHANGES_MIN_RUN: usize = 2;
/// Changes of site that are no coincidence: there and back.
pub(super) const SITE_CHANGES_MIN_CHANGES: usize = 2;
/// Datagrams without an answer that are no coincidence.
pub(super) const STALE_PORTS_MIN_DATAGRAMS: u32 = 3;
/// Questions since the last answer that show that a server is gone.
pub(super) const STALE_PORTS_MIN_OPEN: u32 = 2;
/// Dropped connections, and those of the same source that were taken between them: fewer may
/// fall into this order by chance.
pub(super) const TIMESTAMPS_LIKELY: (usize, usize) = (2, 3);
/// The same, where it leaves no doubt.
pub(super) const TIMESTAMPS_CERTAIN: (usize, usize) = (3, 6);
/// Transmissions of one SYN that tell by themselves that nobody answered, wherever they were
/// seen: one more than [`TRANSMISSIONS`], as the vantage may miss answers.
pub(super) const SYN_UNANSWERED_CERTAIN_SYNS: u16 = 3;
/// Candidates of one symptom at most, of those whose fields a text does not print: they are
/// told in a few lines, by field. Judgement; the coverage lists all that could not be judged.
pub(super) const UNTOLD_CANDIDATES: usize = 32;

/// Bytes of a packet that an Ethernet frame carries (IEEE 802.3; RFC 894).
pub(super) const SIZE_ETHERNET_MTU: u32 = 1500;
/// Resets of one change of ways or servers come within this, nanoseconds: who speaks more rarely
/// meets it later, and is not counted. Judgement.
pub(super) const MOVED_AT_ONCE_NS: i64 = 5_000_000_000;
/// A segment above this may be too large for an overlay, bytes: of an MTU of 1280 (RFC 8200,
/// section 5), the least that any network has, the outer headers of IPv4 (50) and TCP's with
/// timestamps (72 in IPv6) leave so much.
pub(super) const SIZE_MIN_OVERLAY_SEGMENT: u32 = 1158;
/// Repeats of a client's words after which nobody takes them: one more than [`REPEATS`], since
/// empty ACKs show that the server's side is alive.
pub(super) const SYN_PROXIES_STALLED_REPEATS: u16 = 3;
/// ACKs after a SYN-ACK with a closed window: one opens it, another repeats what was said.
pub(super) const SYN_PROXIES_STALLED_ACKS: u32 = 2;
/// Questions of a host that nothing else shows to send connections on: one round of three
/// (Linux `mcast_solicit`).
pub(super) const MISSING_NEIGHBOURS_ROUND: u32 = 3;

// Shares, factors and levels of chance, each of one detector.

/// Part of a wait that a handshake may take where the way is no reason for the wait. Judgement: a hundredth
/// leaves no doubt.
pub(super) const JUDGE_QUICK_PART: i64 = 100;
/// Waits for one limit differ by one part in so many at most. Judgement: timers fire late, never by much.
pub(super) const JUDGE_LIMIT_PART: i64 = 50;

/// Frames that must be lost, one in so many: less costs TCP nothing that anybody notices.
pub(super) const PACKET_LOSS_ONE_IN: u64 = 1000;
/// Connections of a service below which nothing is said.
pub(super) const SCHEDULER_IMBALANCE_MIN_CONNECTIONS: u64 = 50;
/// Connections that an even split must give each server: below, the test's
/// approximation is poor.
pub(super) const SCHEDULER_IMBALANCE_MIN_EXPECTED: u64 = 10;
/// How many times the least busy server's share the busiest must have.
pub(super) const SCHEDULER_IMBALANCE_EFFECT: u64 = 2;
/// Connections that may be unaccounted for, or fail, one in so many.
pub(super) const SCHEDULER_IMBALANCE_ONE_IN: u64 = 20;
/// Standard normal deviate of p = 0.001, one-sided.
pub(super) const SCHEDULER_IMBALANCE_Z: f64 = 3.09;
/// Connections that a server should have had before their absence counts.
pub(super) const STATED_NOT_SEEN_MIN_SHARE: usize = 10;
/// Questions lost alone that a race leaves open, one in so many of those lost in pairs: a
/// network that loses nothing is rare. Judgement.
pub(super) const DNS_CONNTRACK_RACE_5S_OTHER_ONE_IN: usize = 10;
/// How likely plain loss may be, that hits questions in pairs as any other.
pub(super) const DNS_CONNTRACK_RACE_5S_CHANCE: f64 = 0.05;
/// Ports of a range that may be unused, one in so many.
pub(super) const FULLNAT_SOURCE_PORT_EXHAUSTION_ONE_IN: usize = 16;
/// How much later than the timeout the next packet may come to point at it, in
/// parts of a hundred.
pub(super) const LB_IDLE_TIMEOUT_NEAR_PERCENT: i64 = 2;
/// Part of the time that the server itself may need for its SYN-ACK where the network is
/// blamed, one in so many.
pub(super) const DELAY_OWN_PART: u64 = 4;
/// How many times the others' time is slow.
pub(super) const DURATIONS_TIMES: u64 = 3;
/// How many times it must be where samples are few.
pub(super) const DURATIONS_FEW_TIMES: u64 = 10;
/// A difference that chance gives less often than this stands: one in fifty, which four
/// samples against four reach if all are longer.
pub(super) const DURATIONS_SURE: f64 = 0.02;
/// One that chance gives at most this often, which three against three reach, is told with
/// less confidence, if it is large.
pub(super) const DURATIONS_TOLD: f64 = 0.05;
/// Fastest clock of timestamps in use, ticks a millisecond (RFC 7323, section 5.4).
pub(super) const TIMESTAMPS_TICKS: i64 = 1;
/// Of a hundred entries so many are taken in a table that is full when it is asked: some
/// end between the captures and the question.
pub(super) const TABLE_FULL_FULL: u64 = 95;
/// A TTL with which a packet reaches any network; a traceroute's does not.
pub(super) const ROUTING_LOOP_ENOUGH_TTL: u8 = 32;
/// A server that closes sooner upon a request did not wait for anything, nanoseconds: as
/// `breaks/talk.rs` has it.
pub(super) const CLOSED_AT_ONCE_NS: i64 = 1_000_000_000;
/// A client that resets a SYN-ACK which came so long after its only SYN had given up, nanoseconds: an
/// initial retransmission time-out less a tenth, as `breaks/handshake.rs` has it. Programs that wait a
/// second for a connection are many.
pub(super) const HANDSHAKE_LATE_NS: i64 = 900_000_000;
