//! What stands against calling a service well of which nothing failed: said in the verdict, with the frame that shows
//! it. Whether it is a fault the captures do not tell, so nobody is accused.

mod asked_again;
mod errors_for_a_while;
mod first_waits;
mod no_names;
mod quiet_sockets;
mod second_request;
mod sent_somewhere;
mod slow_hello;
mod slow_peer;
mod sockets_at_once;
mod stalled;
mod standby;
mod turned_away;
mod two_paces;

use super::{Facts, only_errors};

pub(super) use standby::standby;

/// The first that there is.
pub(super) fn doubt(facts: &Facts) -> Option<String> {
    only_errors::only_errors(facts)
        .or_else(|| asked_again::asked_again(facts))
        .or_else(|| turned_away::turned_away_all(facts))
        .or_else(|| second_request::second_request(facts))
        .or_else(|| no_names::no_names(facts))
        .or_else(|| quiet_sockets::quiet_sockets(facts))
        .or_else(|| sockets_at_once::sockets_at_once(facts))
        .or_else(|| sent_somewhere::sent_somewhere(facts))
        .or_else(|| slow_hello::slow_hello(facts))
        .or_else(|| two_paces::two_paces(facts))
        .or_else(|| first_waits::first_waits(facts))
        .or_else(|| slow_peer::slow_peer(facts))
        .or_else(|| errors_for_a_while::errors_for_a_while(facts))
        .or_else(|| stalled::stalled(facts))
        .or_else(|| standby(facts))
}
