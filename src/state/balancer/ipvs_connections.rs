//! `ipvsadm -Lnc`: the connection table, also in DPVS' form, which names the address that the
//! director itself used: `[1]tcp 7s ESTABLISHED CLIENT SERVICE LOCAL SERVER` (written after its
//! ipvsadm; none was at hand).

use crate::state::context::Cx;
use crate::state::model::Entry;
use crate::state::text::{endpoint, protocol};
use crate::wire::Protocol;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        ["IPVS", "connection", "entries", ..] | ["pro", "expire", "state", ..] => true,
        [pro, expire, state, client, service, local, server, ..]
            if pro.starts_with('[') && expire.ends_with('s') && dpvs(pro).is_some() =>
        {
            let ends = (endpoint(client), endpoint(service), endpoint(local), endpoint(server));
            let (Some(client), Some(service), Some(local), Some(server)) = ends else {
                return false;
            };
            let row = Entry {
                protocol: dpvs(pro).unwrap_or(Protocol(0)),
                state: (*state).to_owned(),
                client,
                service,
                local: Some(local),
                server,
                at: cx.at,
            };
            cx.keep(row);
            true
        }
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
                local: None,
                server,
                at: cx.at,
            };
            cx.keep(row);
            true
        }
        _ => false,
    }
}

/// The protocol behind the processor's number: `[1]tcp`.
fn dpvs(word: &str) -> Option<Protocol> {
    protocol(word.split_once(']')?.1)
}

/// `MM:SS`, with more digits for long times.
fn is_clock(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    word.split_once(':').is_some_and(|(m, s)| digits(m) && digits(s) && s.len() == 2)
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
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
        parse(
            &mut state,
            "b",
            "[1]tcp  7s  TIME_WAIT  192.0.2.1:12345  203.0.113.8:80  10.0.0.240:1025  10.0.0.30:8080\n",
        );
        let dpvs = &state.entries[2];
        assert_eq!((dpvs.local.map(|l| l.1), dpvs.server.1), (Some(1025), 8080));
    }
}
