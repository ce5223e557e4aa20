//! SYNs and words that nobody answers, with what tells why.

pub(in crate::diagnose) mod checksums;
pub(in crate::diagnose) mod ended_ways;
pub(in crate::diagnose) mod held_handshakes;
pub(in crate::diagnose) mod local_endpoints;
pub(in crate::diagnose) mod lost_openings;
pub(in crate::diagnose) mod optioned_syns;
pub(in crate::diagnose) mod own_checks;
pub(in crate::diagnose) mod queues;
pub(in crate::diagnose) mod quiet;
pub(in crate::diagnose) mod signatures;
pub(in crate::diagnose) mod silent_servers;
pub(in crate::diagnose) mod strange_addresses;
pub(in crate::diagnose) mod timestamps;
pub(in crate::diagnose) mod two_servers;
pub(in crate::diagnose) mod unheeded_words;
