//! Logs of requests: haproxy's (`option httplog`, `option tcplog`) and nginx's with fields of the
//! upstream (`upstream_addr=... upstream_status=...`, in any place of the line).

use super::proxy_log;
use crate::state::context::Cx;
use crate::state::records::{Logged, Waits};
use crate::state::text::{endpoint, ip};
use crate::wire::Ip;

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    if proxy_log::istio(cx, line, words) {
        return true;
    }
    let row =
        haproxy(cx, words).or_else(|| nginx(cx, line, words)).or_else(|| proxy_log::json(cx, line));
    let Some(row) = row else {
        // What a proxy says beside requests: a server that goes down, an error.
        return words.iter().take(6).any(|word| word.starts_with("haproxy["));
    };
    cx.keep(row);
    true
}

/// `... 10.0.1.2:33317 [06/Feb/2026:12:14:14.655] web app/s1 10/0/30/69/109 200 2750 - - ---- ...`
fn haproxy(cx: &Cx<'_>, words: &[&str]) -> Option<Logged> {
    let at = words.iter().take(12).position(|word| is_date(word))?;
    let client = endpoint(words.get(at.checked_sub(1)?)?).filter(|end| end.1 > 0)?;
    let [_, _front, server, timers_of, rest @ ..] = &words[at..] else { return None };
    let slashes = timers_of.matches('/').count();
    if !server.contains('/') || !(2..=4).contains(&slashes) {
        return None;
    }
    // A log of TCP has no status.
    let status = rest.first().filter(|_| slashes == 4).and_then(|w| w.parse().ok()).unwrap_or(0);
    let is_end = |word: &&&str| {
        word.len() == if slashes == 4 { 4 } else { 2 }
            && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
    };
    let ended = rest.iter().find(|word| is_end(word) && **word != "-");
    Some(Logged {
        client: (client.0, Some(client.1)),
        status,
        upstream: Vec::new(),
        server: Some((*server).to_owned()),
        ended: ended.map(|w| (*w).to_owned()),
        waits: timers(timers_of),
        time: words.get(at).and_then(|word| proxy_log::time(word, None)),
        at: cx.at,
    })
}

/// `10/0/30/69/109`: request, queue, connect, answer and all; without request and answer where a log
/// is of TCP. `+` goes on. -1 was not reached: all that is left went by waiting for the first of these.
fn timers(text: &str) -> Waits {
    let one = |word: &str| word.trim_start_matches('+').parse::<u32>().ok();
    let mut parts: Vec<Option<u32>> = text.split('/').map(one).collect();
    let all = parts.pop().flatten();
    let known: u32 = parts.iter().flatten().fold(0, |sum, ms| sum.saturating_add(*ms));
    if let Some(vain) = parts.iter_mut().find(|part| part.is_none()) {
        *vain = all.map(|all| all.saturating_sub(known));
    }
    match parts[..] {
        [request, queue, connect, answer] => Waits { request, queue, connect, answer, all },
        [queue, connect] => Waits { queue, connect, all, ..Waits::default() },
        _ => Waits::default(),
    }
}

/// `[06/Feb/2026:12:14:14.655]`, and as nginx has it without the closing bracket.
fn is_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.first() == Some(&b'[') && bytes.get(3) == Some(&b'/') && bytes.get(7) == Some(&b'/')
}

fn nginx(cx: &Cx<'_>, line: &str, words: &[&str]) -> Option<Logged> {
    words.iter().take(8).any(|word| is_date(word)).then_some(())?;
    let (ip, port) = first_client(words.first()?)?;
    // Behind the request in quotation marks.
    let status = line.split("\" ").skip(1).find_map(|rest| {
        let word = rest.split_whitespace().next()?;
        (word.len() == 3).then(|| word.parse().ok()).flatten()
    })?;
    let named = proxy_log::upstream(line);
    let tail = || proxy_log::ingress(line);
    let (upstream, waits) =
        if named.is_empty() { tail().unwrap_or_default() } else { (named, proxy_log::waits(line)) };
    let client = (ip, port.or_else(|| proxy_log::port(line)));
    let at = words.iter().position(|word| is_date(word))?;
    let time = proxy_log::time(words[at], words.get(at + 1).copied());
    Some(Logged { client, status, upstream, server: None, ended: None, waits, time, at: cx.at })
}

fn first_client(word: &str) -> Option<(Ip, Option<u16>)> {
    match ip(word) {
        Some(ip) => Some((ip, None)),
        None => endpoint(word).map(|(ip, port)| (ip, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::endpoint;
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn requests_of_both_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "<134>Nov 28 21:11:31 haproxy[21921]: 10.9.0.2:36912 [28/Nov/2026:21:11:31.885] web app/s1 0/0/0/1/1 200 51 - - ---- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\"\nNov 28 21:11:38 lb haproxy[1]: 10.9.0.2:36946 [28/Nov/2026:21:11:32.395] web app/s1 0/0/-1/-1/6005 503 0 - - SC-- 2/2/0/0/0 0/0 \"GET / HTTP/1.1\"\nNov 28 21:11:38 lb haproxy[1]: Server app/s2 is DOWN\n10.9.0.2:39296 - - [28/Nov/2026:21:11:31 +0000] \"GET /x HTTP/1.1\" 200 2 \"-\" \"curl/7.88.1\" upstream_addr=10.9.0.2:8111, 10.9.0.1:80 upstream_status=502, 200 upstream_response_time=0.000, 0.004\n10.9.0.2 - - [28/Nov/2026:21:11:31 +0000] \"GET /x HTTP/1.1\" 200 2 \"-\" \"curl/7.88.1\"\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [ok, failed, tried, plain] = &state.logged[..] else { panic!("{:?}", state.logged) };
        assert_eq!((ok.status, ok.ended.as_deref(), ok.client.1), (200, Some("----"), Some(36912)));
        assert_eq!((ok.waits.answer, failed.waits.connect), (Some(1), Some(6005)));
        assert_eq!((failed.status, failed.ended.as_deref()), (503, Some("SC--")));
        let servers: Vec<_> =
            tried.upstream.iter().map(|(s, status)| (Some(*s), *status)).collect();
        assert_eq!(servers, [(endpoint("10.9.0.2:8111"), 502), (endpoint("10.9.0.1:80"), 200)]);
        assert_eq!((plain.status, plain.client.1, plain.upstream.len()), (200, None, 0));
    }
}
