//! `ipvsadm -Lnc`: the connection table.

use super::model::{Entry, MAX_ENTRIES, keep};
use super::parse::Cx;
use super::text::{endpoint, protocol};
use crate::wire::Protocol;

pub(super) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        ["IPVS", "connection", "entries", ..] | ["pro", "expire", "state", ..] => true,
        // The expiry tells an entry from a service: `TCP 01:59 FIN_WAIT ...`.
        [pro, expire, state, client, service, server, ..]
            if protocol(pro).is_some() && is_clock(expire) =>
        {
            let ends = (endpoint(client), endpoint(service), endpoint(server));
            let (Some(client), Some(service), Some(server)) = ends else {
                cx.note("names instead of addresses and ports; list it with ipvsadm -Lnc");
                return true;
            };
            let row = Entry {
                protocol: protocol(pro).unwrap_or(Protocol(0)),
                state: (*state).to_owned(),
                client,
                service,
                server,
                at: cx.at,
            };
            if !keep(&mut cx.state.entries, MAX_ENTRIES, row) {
                cx.full("connection entries");
            }
            true
        }
        _ => false,
    }
}

/// `MM:SS`, with more digits for long times.
fn is_clock(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    word.split_once(':').is_some_and(|(m, s)| digits(m) && digits(s) && s.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::super::model::HostState;
    use super::super::parse;
    use crate::wire::Ip;

    #[test]
    fn entries_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "IPVS connection entries\npro expire state       source             virtual            destination\nTCP 01:59  FIN_WAIT    188.88.88.10:34272 172.16.0.8:80      172.16.0.11:80\nUDP 119:58 UDP         [2001:db8::1]:5 [2001:db8::8]:53 [2001:db8::11]:53\n",
        );
        assert_eq!(state.entries.len(), 2);
        let first = &state.entries[0];
        assert_eq!(first.client, (Ip::v4([188, 88, 88, 10]), 34272));
        assert_eq!((first.state.as_str(), first.server.1), ("FIN_WAIT", 80));
        assert!(state.notes.is_empty() && state.services.is_empty());
    }
}
