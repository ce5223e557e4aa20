//! Entries of connection tables that are missing, stale or full, and resets that follow.

pub mod conntrack_invalid_rst;
pub mod conntrack_table_full;
pub mod director_no_entry_rst;
pub mod dns_conntrack_race_5s;
pub mod dr_half_close_120s;
mod expired;
pub mod fullnat_double_reset;
pub mod fullnat_source_port_exhaustion;
pub(in crate::diagnose) mod half_translated;
mod idle_timeouts;
pub mod ipvs_conn_reuse_1s;
pub mod lb_idle_timeout;
pub(in crate::diagnose) mod moved_reset;
pub mod rs_lost_socket;
pub mod syn_cookies_lost_options;
pub mod synproxy_side_effects;
mod synproxy_words;
pub mod tuple_reuse_challenge_ack;
pub mod udp_stale_entry;

use super::needs_mode;
use crate::diagnose::Detection;
use crate::topology::Mode;
use crate::trace::Trace;

/// What it means that none was found, for this cause and for the idle timeout.
fn no_entries(trace: &Trace) -> Detection {
    needs_mode(trace, &[Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat]).unwrap_or(Detection::Clean)
}
