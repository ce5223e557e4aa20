//! Which connections of a proxy belong together, and by what: what is alike and not
//! the same stays untied.

use crate::support::frames::{CLIENT, VIP};
use crate::support::talks::Who::{Client, Server};
use crate::support::talks::{Talk, client, ties, trace};

const WHOLE: usize = 65_535;
const HELLO: &str = "same TLS ClientHello random";
const FIRST: &str = "same first bytes, on no other connection, nested in time";
const BYTES: &str = "same greeting and as many bytes each way, nested in time, one choice";
const NESTED: &str = "same request, nested in time, one choice";
const RESPONSE: &str = "same request, nested in time, and the same response head";
const ID: &str = "same request identifier";
const PROXY: &str = "PROXY header names the client's endpoint";

/// A ClientHello with a random made of one byte.
fn hello(n: u8) -> Vec<u8> {
    let mut bytes = vec![22, 3, 1, 0, 247, 1, 0, 0, 243, 3, 3];
    bytes.extend([n; 32]);
    bytes.resize(252, 0);
    bytes
}

fn server_hello() -> Vec<u8> {
    let mut bytes = vec![22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3];
    bytes.resize(95, 9);
    bytes
}

/// TLS passed through: the client's connection and the proxy's.
fn tls(n: u8, start: u32, head: &[u8]) -> [Talk; 2] {
    let front = Talk::front(n, start, start + 20).says(start + 2, Client, hello(n)).says(
        start + 8,
        Server,
        server_hello(),
    );
    let back = Talk::back(50_000 + u16::from(n), start + 1, start + 21)
        .says(start + 3, Client, [head, &hello(n)].concat())
        .says(start + 6, Server, server_hello());
    [front, back]
}

fn proxy_header(n: u8, version: u8) -> Vec<u8> {
    if version == 1 {
        return format!("PROXY TCP4 198.51.100.{n} 192.0.2.8 40000 80\r\n").into_bytes();
    }
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    bytes.extend(client(n).0);
    bytes.extend(VIP.0);
    bytes.extend(CLIENT.1.to_be_bytes());
    bytes.extend(VIP.1.to_be_bytes());
    bytes
}

#[test]
fn a_host_that_calls_itself_is_no_proxy_of_itself() {
    // As over lo: client and server have one address.
    let talk = |port: u16, start: u32| {
        let mut talk = Talk::front(1, start, start + 20)
            .says(start + 2, Client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .says(start + 5, Server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        talk.client = (VIP.0, port);
        talk
    };
    let all = [talk(50_001, 10), talk(50_002, 60), talk(50_003, 110)];
    let found = trace(&[&all], WHOLE);
    assert_eq!(ties(&found), []);
    assert_eq!(found.requests().count(), 3, "each is somebody's request");
}

#[test]
fn a_hello_ties_what_a_proxy_passes_through() {
    // All at once: nesting in time alone could not tell them.
    let pairs: Vec<[Talk; 2]> = (1..=5).map(|n| tls(n, 10 + u32::from(n), &[])).collect();
    let all = pairs.concat();
    let fronts: Vec<Talk> = pairs.iter().map(|p| p[0].clone()).collect();
    let backs: Vec<Talk> = pairs.iter().map(|p| p[1].clone()).collect();
    let expected: Vec<_> = (1..=5).map(|n| (n, vec![50_000 + u16::from(n)], HELLO)).collect();
    assert_eq!(ties(&trace(&[&all], WHOLE)), expected, "on the proxy");
    assert_eq!(ties(&trace(&[&fronts, &all, &backs], WHOLE)), expected, "on all three");
    assert_eq!(ties(&trace(&[&fronts, &backs], WHOLE)), expected, "on neither side of it");
    assert_eq!(ties(&trace(&[&backs, &fronts], WHOLE)), expected, "in the other order");
}

#[test]
fn a_hello_behind_a_proxy_header_is_the_same_one() {
    for version in [1, 2] {
        let pairs: Vec<Talk> =
            (1..=3).flat_map(|n| tls(n, 10 + u32::from(n), &proxy_header(n, version))).collect();
        let ports: Vec<_> = ties(&trace(&[&pairs], WHOLE));
        assert_eq!(ports.len(), 3, "version {version}");
        assert!(ports.iter().all(|(n, p, e)| p == &[50_000 + u16::from(*n)] && *e == HELLO));
    }
    // In a segment of its own, while only the ends were captured.
    let [front, mut back] = tls(1, 10, &[]);
    back.says.insert(0, (11, Client, proxy_header(1, 1)));
    assert_eq!(ties(&trace(&[&[front], &[back]], WHOLE)), [(1, vec![50_001], HELLO)]);
}

#[test]
fn a_hello_in_pieces_is_told_by_its_first_one_and_a_cut_one_not_at_all() {
    for (first, tied) in [(43, true), (42, false)] {
        let [front, mut back] = tls(1, 10, &[]);
        let bytes = hello(1);
        back.says[0].2 = bytes[..first].to_vec();
        back.says.insert(1, (3, Client, bytes[first..].to_vec()));
        let found = ties(&trace(&[&[front, back]], WHOLE));
        assert_eq!(found.iter().any(|(.., e)| *e == HELLO), tied, "split at {first}: {found:?}");
        assert_eq!(found.len(), usize::from(tied));
        // 54 bytes before the payload.
        let pair = tls(1, 10, &[]);
        assert_eq!(ties(&trace(&[&pair], 54 + first)).len(), usize::from(tied), "cut at {first}");
    }
}

#[test]
fn a_hello_that_a_tool_sends_again_ties_nobody() {
    let [front, back] = tls(1, 10, &[]);
    let mut again = front.clone();
    again.client = client(2);
    assert_eq!(ties(&trace(&[&[front, again, back]], WHOLE)), []);
    // Two connections to the same service are not each other's.
    let [front, _] = tls(1, 10, &[]);
    let mut later = front.clone();
    (later.client, later.start, later.accepted) = (client(2), 11, 11);
    assert_eq!(ties(&trace(&[&[front, later]], WHOLE)), []);
}

#[test]
fn what_was_opened_before_the_client_was_accepted_went_through_no_proxy() {
    // A balancer that rewrites everything sends the SYN on before the SYN-ACK comes.
    for (accepted, tied) in [(10, true), (12, false)] {
        let [front, back] = tls(1, 10, &[]);
        let front = Talk { accepted, ..front };
        let found = ties(&trace(&[&[front, back]], WHOLE));
        assert_eq!(found.len(), usize::from(tied), "accepted at {accepted}");
    }
}

#[test]
fn an_attempt_in_vain_is_that_of_the_client_that_waits() {
    let mut talks: Vec<Talk> = (1..=2).flat_map(|n| tls(n, 50 * u32::from(n), &[])).collect();
    talks.push(Talk::front(9, 200, 260).says(202, Client, hello(9)));
    talks.push(Talk::back(60_000, 201, 201));
    // Nobody waits: a health check.
    talks.push(Talk::back(60_001, 300, 300));
    // Somebody is connected, and served.
    talks.extend(tls(5, 400, &[]));
    talks.push(Talk::back(60_002, 410, 410));
    let trace = trace(&[&talks], WHOLE);
    let port = |at: u32| trace.connections.list[at as usize].front.client;
    let tried: Vec<_> =
        trace.pairs.attempted.iter().map(|(a, f)| (port(*a).1, port(*f).0.to_string())).collect();
    assert_eq!(tried, [(60_000, "198.51.100.9".to_owned())]);
    let diagnosis = lbdiag::diagnose::diagnose(&trace);
    let refused = diagnosis.findings.iter().find(|f| f.id == "l7-backend-refused").unwrap();
    assert_eq!(refused.severity, lbdiag::diagnose::Severity::Critical, "it gets no answer");
    assert_eq!(refused.connections.len(), 1);
}

#[test]
fn clients_that_wait_at_once_and_get_nothing_share_the_attempts() {
    let waits = |n: u8| Talk::front(n, 100, 160).says(102, Client, hello(n));
    let mut talks: Vec<Talk> = tls(5, 10, &[]).to_vec();
    talks.extend([waits(1), waits(2), Talk::back(60_001, 103, 103), Talk::back(60_002, 104, 104)]);
    let fronts = |talks: &[Talk]| {
        let trace = trace(&[talks], WHOLE);
        let end = |at: &u32| trace.connections.list[*at as usize].front.client.0.to_string();
        let mut found: Vec<String> = trace.pairs.attempts.keys().map(end).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(fronts(&talks), ["198.51.100.1", "198.51.100.2"]);
    // One of them is served in the end: whose attempt it was is not known.
    let [mut front, mut back] = tls(3, 100, &[]);
    (front.says[1].0, front.end) = (150, 160);
    (back.start, back.accepted, back.says[0].0, back.says[1].0, back.end) =
        (140, 140, 141, 142, 161);
    talks.extend([front, back]);
    assert_eq!(fronts(&talks), [""; 0]);
}

/// Bytes passed through at once: each front with its back, opened at `start`.
fn raw(n: u8, start: u32, asks: &[u8], answers: usize) -> [Talk; 2] {
    let front = Talk::front(n, start, start + 30).says(start + 2, Client, asks).says(
        start + 12,
        Server,
        vec![b'a'; answers],
    );
    let back = Talk::back(50_000 + u16::from(n), start + 1, start + 31)
        .says(start + 3, Client, asks)
        .says(start + 10, Server, vec![b'a'; answers]);
    [front, back]
}

#[test]
fn first_bytes_tie_where_no_other_connection_begins_so() {
    let talks: Vec<Talk> = (1..=4)
        .flat_map(|n| raw(n, 10 + u32::from(n), format!("CONNECT as client-{n}").as_bytes(), 100))
        .collect();
    let found = ties(&trace(&[&talks], WHOLE));
    let expected: Vec<_> = (1..=4).map(|n| (n, vec![50_000 + u16::from(n)], FIRST)).collect();
    assert_eq!(found, expected);
    // At the ends alone nothing shows that one lies within the other.
    let (fronts, backs): (Vec<Talk>, Vec<Talk>) =
        talks.into_iter().partition(|talk| talk.server == VIP);
    assert_eq!(ties(&trace(&[&fronts, &backs], WHOLE)), []);
}

#[test]
fn a_greeting_of_many_ties_by_what_follows_or_not_at_all() {
    let greeting = b"HELLO, version 3, database main";
    let at_once = |answers: [usize; 3]| -> Vec<Talk> {
        let of = |n: u8| raw(n, 10, greeting, answers[usize::from(n) - 1]);
        (1..=3).flat_map(of).collect()
    };
    assert_eq!(ties(&trace(&[&at_once([70, 70, 70])], WHOLE)), [], "all alike");
    let found = ties(&trace(&[&at_once([70, 80, 70])], WHOLE));
    assert_eq!(found, [(2, vec![50_002], BYTES)]);
    // One after the other, time tells them.
    let after: Vec<Talk> = (1..=3).flat_map(|n| raw(n, 100 * u32::from(n), greeting, 70)).collect();
    assert_eq!(ties(&trace(&[&after], WHOLE)).len(), 3);
}

#[test]
fn other_bytes_or_another_order_are_no_pass_through() {
    let ties_of = |talks: &[Talk]| ties(&trace(&[talks], WHOLE));
    let [front, back] = raw(1, 10, b"0123456789abcdef", 50);
    assert_eq!(ties_of(&[front.clone(), back.clone()]).len(), 1);
    let mut other = back.clone();
    other.says[0].2[15] = b'x';
    assert_eq!(ties_of(&[front.clone(), other]), [], "other bytes");
    let mut early = back.clone();
    (early.start, early.accepted) = (5, 5);
    assert_eq!(ties_of(&[front.clone(), early]), [], "opened before the client came");
    let mut late = back.clone();
    late.says[1].0 = 25;
    assert_eq!(ties_of(&[front.clone(), late]), [], "the server answered after the proxy");
    let mut longer = back;
    longer.says[1].2.push(b'a');
    assert_eq!(ties_of(&[front, longer]), [], "a byte was lost on the way");
}

/// The server greets first, as SSH and mail do.
fn banner(n: u8, start: u32, asks: usize) -> [Talk; 2] {
    let talk = |talk: Talk, inner: u32| {
        talk.says(start + 6 - inner, Server, "220 mail ready\r\n")
            .says(start + 7 + inner, Client, "EHLO a\r\n")
            .says(start + 20 - inner, Server, "250 ok\r\n")
            .says(start + 22 + inner, Client, vec![b'm'; asks])
    };
    let front = talk(Talk::front(n, start, start + 30), 0);
    [front, talk(Talk::back(50_000 + u16::from(n), start + 1, start + 31), 1)]
}

#[test]
fn servers_that_greet_first_are_tied_by_time_or_length() {
    let at = |starts: [u32; 3], asks: [usize; 3]| {
        let talks: Vec<Talk> =
            (0..3).flat_map(|n| banner(n as u8 + 1, starts[n], asks[n])).collect();
        ties(&trace(&[&talks], WHOLE)).into_iter().map(|(n, p, e)| (n, p[0], e)).collect::<Vec<_>>()
    };
    let all = [(1, 50_001, BYTES), (2, 50_002, BYTES), (3, 50_003, BYTES)];
    assert_eq!(at([100, 200, 300], [9, 9, 9]), all, "one after the other");
    assert_eq!(at([100, 100, 100], [7, 8, 9]), all, "at once, of other lengths");
    assert_eq!(at([100, 100, 100], [9, 9, 9]), [], "at once and alike");
}

/// The same request of a client, passed on while others wait; heads as given.
fn get(n: u8, start: u32, asks: [&str; 2], answer: &str) -> [Talk; 2] {
    let request = |head: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{head}\r\n");
    let response = format!("HTTP/1.1 200 OK\r\n{answer}\r\n\r\n");
    let front = Talk::front(n, start, start + 40).says(start + 2, Client, request(asks[0])).says(
        start + 30,
        Server,
        &response,
    );
    let back = Talk::back(50_000 + u16::from(n), start + 5, start + 41)
        .says(start + 6, Client, request(asks[1]))
        .says(start + 20, Server, &response);
    [front, back]
}

fn gets(requests: [[&str; 2]; 3], answers: [&str; 3]) -> Vec<(u8, u16, &'static str)> {
    let of = |n: usize| get(n as u8 + 1, 10 + n as u32, requests[n], answers[n]);
    let talks: Vec<Talk> = (0..3).flat_map(of).collect();
    ties(&trace(&[&talks], WHOLE)).into_iter().map(|(n, p, e)| (n, p[0], e)).collect()
}

#[test]
fn like_requests_at_once_are_told_by_their_responses_or_stay_untied() {
    let plain = [["", ""]; 3];
    let alike = "Content-Length: 0\r\nETag: \"1\"\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT";
    assert_eq!(gets(plain, [alike; 3]), []);
    let own = ["X-Request-Id: a", "X-Request-Id: b", "X-Request-Id: c"];
    let all = |e| [(1, 50_001, e), (2, 50_002, e), (3, 50_003, e)];
    assert_eq!(gets(plain, own), all(RESPONSE));
    let cookies = ["Set-Cookie: s=1", "Set-Cookie: s=2", "Set-Cookie: s=3"];
    assert_eq!(gets(plain, cookies), all(RESPONSE));
    let lengths = ["Content-Length: 0", "Content-Length: 0", "Content-Length: 00"];
    assert_eq!(gets(plain, lengths), [(3, 50_003, RESPONSE)]);
}

#[test]
fn like_requests_one_after_the_other_are_told_by_time() {
    let talks: Vec<Talk> =
        (1..=2).flat_map(|n| get(n, 100 * u32::from(n), ["", ""], "A: b")).collect();
    let found = ties(&trace(&[&talks], WHOLE));
    assert_eq!(found, [(1, vec![50_001], NESTED), (2, vec![50_002], NESTED)]);
}

#[test]
fn a_trace_goes_on_where_the_proxy_writes_its_own_parent() {
    let parent = |trace: u8, parent: &str| {
        format!("traceparent: 00-{}{trace}-{parent}-01\r\n", "4bf92f3577b34da6a3ce929d0e0e473")
    };
    let heads: Vec<[String; 2]> = (1..=3)
        .map(|n| {
            let own = "X-Request-ID: of-the-proxy\r\n".to_owned();
            [parent(n, "00f067aa0ba902b7"), own + &parent(n, "b7ad6b7169203331")]
        })
        .collect();
    let requests = [0, 1, 2].map(|n: usize| [heads[n][0].as_str(), heads[n][1].as_str()]);
    assert_eq!(gets(requests, ["A: b"; 3]), [(1, 50_001, ID), (2, 50_002, ID), (3, 50_003, ID)]);
}

#[test]
fn a_proxy_header_ties_whatever_follows() {
    let talks: Vec<Talk> = (1..=3)
        .flat_map(|n| {
            let [front, mut back] = raw(n, 10 + u32::from(n), b"the same of all clients", 70);
            back.says[0].2 = [proxy_header(n, 2), back.says[0].2.clone()].concat();
            [front, back]
        })
        .collect();
    let found = ties(&trace(&[&talks], WHOLE));
    let expected: Vec<_> = (1..=3).map(|n| (n, vec![50_000 + u16::from(n)], PROXY)).collect();
    assert_eq!(found, expected);
}
