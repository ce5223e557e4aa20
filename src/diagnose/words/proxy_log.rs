//! What a proxy's log says of how a request ended and where its time went (haproxy's configuration
//! manual, "Session state at disconnection" and "Timing events").

use crate::diagnose::thresholds::PROXY_LOG_SLOW_MS;
use crate::state::Waits;

/// haproxy's termination state in words: who ended it, and at what it was then. None where nothing
/// unusual ended it.
pub(in crate::diagnose) fn ended(state: &str) -> Option<String> {
    let mut letters = state.chars();
    let (who, when) = (letters.next()?, letters.next().unwrap_or('-'));
    let who = match who {
        'C' => "the client closed it",
        'S' => "the server closed, reset or refused it",
        'P' => "the proxy turned it down (a limit, a rule)",
        'L' => "the proxy answered by itself",
        'R' => "the proxy ran out of something",
        'I' => "the proxy failed within itself",
        'D' => "the proxy ended it as the server went down",
        'U' => "the proxy ended it as a better server came up",
        'K' => "somebody ended it by hand",
        'c' => "the client was silent for too long",
        's' => "the server was silent for too long",
        _ => return None,
    };
    let when = match when {
        'R' => ", before the request was there",
        'Q' => ", while it waited in the queue",
        'C' => ", while the proxy connected to the server",
        'H' => ", while the proxy waited for the server's answer",
        'D' => ", in the midst of the data",
        'L' => ", while the last data went to the client",
        'T' => ", while it was held back on purpose",
        _ => "",
    };
    Some(format!("{who}{when}"))
}

/// Which part took the most of its time, where that is long.
pub(in crate::diagnose) fn slow(waits: &Waits) -> Option<String> {
    let parts = [
        (waits.request, "for the client's request"),
        (waits.queue, "in the queue for a server"),
        (waits.connect, "for the connection to the server"),
        (waits.answer, "for the server's answer"),
    ];
    let most = parts.iter().filter_map(|(ms, what)| Some(((*ms)?, what))).max_by_key(|x| x.0);
    let (ms, what) = most.filter(|(ms, _)| *ms >= PROXY_LOG_SLOW_MS)?;
    let of = waits.all.map_or_else(String::new, |all| format!(" of {} ms", all.max(ms)));
    Some(format!("By it {ms} ms{of} went by waiting {what}."))
}

#[cfg(test)]
mod tests {
    use super::{ended, slow};
    use crate::state::Waits;

    #[test]
    fn states_and_timers_are_worded() {
        assert_eq!(
            ended("SC--").as_deref(),
            Some("the server closed, reset or refused it, while the proxy connected to the server")
        );
        assert_eq!(
            ended("sH").as_deref(),
            Some(
                "the server was silent for too long, while the proxy waited for the server's answer"
            )
        );
        assert_eq!(
            ended("cD").as_deref(),
            Some("the client was silent for too long, in the midst of the data")
        );
        assert_eq!(ended("----"), None);
        let waits =
            Waits { connect: Some(3), answer: Some(5_000), all: Some(5_004), ..Waits::default() };
        assert_eq!(
            slow(&waits).as_deref(),
            Some("By it 5000 ms of 5004 ms went by waiting for the server's answer.")
        );
        assert_eq!(slow(&Waits { answer: Some(20), ..Waits::default() }), None);
    }
}
