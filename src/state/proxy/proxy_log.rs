//! Fields of a proxy's log that stand by their names (`upstream_addr=...`, `"upstream_addr":"..."`), by
//! ingress-nginx's own format, or by Istio's, which names both sides.

use crate::state::context::Cx;
use crate::state::records::{Logged, Session, Waits};
use crate::state::text::{endpoint, ip};
use crate::wire::Ip;

/// Servers that were asked, each with the status of its answer.
type Upstream = Vec<((Ip, u16), u16)>;
/// Tries of one request that are kept.
const TRIES: usize = 16;

/// What stands behind a name, up to where the next field begins: a list with commas, one for each
/// try; nginx puts ` : ` between groups of servers.
fn list<'a>(line: &'a str, names: &[&str]) -> Vec<&'a str> {
    let behind = |name: &&str| {
        let mut from = 0;
        loop {
            let at = from + line[from..].find(name)?;
            let rest = &line[at + name.len()..];
            let begins =
                line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
            if begins && rest.starts_with(['=', ':', '"']) {
                return Some(rest);
            }
            from = at + name.len();
        }
    };
    let Some(rest) = names.iter().find_map(behind) else { return Vec::new() };
    let rest = rest.trim_start_matches(['"', '=', ':', ' ']);
    let mut found = Vec::new();
    let mut words = rest.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let ends = word.trim_end_matches([',', '}']).ends_with('"') || word.ends_with("\",");
        let parts = word.trim_matches(['"', ',', '}']).split(',');
        found.extend(parts.map(|p| p.trim_matches('"')).filter(|p| !p.is_empty() && *p != ":"));
        let goes_on =
            word.ends_with(',') && !ends || words.peek().is_some_and(|w| *w == ":") || word == ":";
        if !goes_on || ends || found.len() > TRIES {
            break;
        }
    }
    found
}

fn first<'a>(line: &'a str, names: &[&str]) -> Option<&'a str> {
    list(line, names).first().copied().filter(|value| *value != "-")
}

/// Servers and what each answered; `-` for none.
pub(in crate::state) fn upstream(line: &str) -> Upstream {
    let addresses = list(line, &["upstream_addr", "upstream", "ua"]);
    with_statuses(&addresses, &list(line, &["upstream_status", "us"]))
}

fn with_statuses(addresses: &[&str], statuses: &[&str]) -> Upstream {
    let each = addresses.iter().enumerate();
    each.filter_map(|(n, address)| {
        let status = statuses.get(n).and_then(|s| s.parse().ok()).unwrap_or(0);
        Some((endpoint(address)?, status))
    })
    .collect()
}

/// Seconds with a fraction, in milliseconds.
fn seconds(text: &str) -> Option<u32> {
    let seconds: f64 = text.parse().ok()?;
    (0.0..4_000_000.0).contains(&seconds).then_some((seconds * 1000.0).round() as u32)
}

/// nginx's times, by their variables' names or by what is short for them. Of several tries the last.
pub(in crate::state) fn waits(line: &str) -> Waits {
    let of = |names: &[&str]| list(line, names).iter().rev().find_map(|word| seconds(word));
    let connect = of(&["upstream_connect_time", "uct"]);
    let header =
        of(&["upstream_header_time", "uht"]).or_else(|| of(&["upstream_response_time", "urt"]));
    // Both count from when the server was called.
    let answer = header.map(|ms| ms.saturating_sub(connect.unwrap_or(0)));
    Waits { connect, answer, all: of(&["request_time", "rt"]), ..Waits::default() }
}

/// The client's port, where it is logged.
pub(in crate::state) fn port(line: &str) -> Option<u16> {
    first(line, &["remote_port", "client_port", "rp"])?.parse().ok()
}

/// What ingress-nginx logs behind the browser's name: `406 0.003 [default-web-80] [] 10.0.1.4:8080,
/// 10.0.1.5:8080 0, 615 0.002, 0.001 502, 200 ID`.
pub(in crate::state) fn ingress(line: &str) -> Option<(Upstream, Waits)> {
    let (_, tail) = line.rsplit_once("\" ")?;
    let words: Vec<&str> = tail.split_whitespace().collect();
    let all = seconds(words.get(1)?)?;
    let named = words.iter().skip(2).take_while(|w| w.starts_with('[') && w.ends_with(']')).count();
    let mut rest = words.get(2 + named..).filter(|_| named > 0)?;
    let mut take = || {
        let last = rest.iter().position(|word| !word.ends_with(',')).unwrap_or(0);
        let (own, more) = rest.split_at_checked(last + 1)?;
        rest = more;
        Some(own.iter().map(|word| word.trim_end_matches(',')).collect::<Vec<&str>>())
    };
    let (addresses, _lengths, times, statuses) = (take()?, take()?, take()?, take()?);
    let answer = times.last().and_then(|word| seconds(word));
    let waits = Waits { answer, all: Some(all), ..Waits::default() };
    Some((with_statuses(&addresses, &statuses), waits))
}

/// `[28/Nov/2026:21:11:31.885]`, or `[28/Nov/2026:21:11:31` with `+0000]` behind it: seconds since 1970.
pub(in crate::state) fn time(word: &str, zone: Option<&str>) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = word.trim_matches(['[', ']']).split(['/', ':', '.']).collect();
    let [day, month, year, hour, minute, second, ..] = parts[..] else { return None };
    let number = |text: &str| text.parse::<i64>().ok().filter(|n| (0..10_000).contains(n));
    let month = MONTHS.iter().position(|known| *known == month)? as i64 + 1;
    let (year, day) = (number(year)?, number(day)?);
    // Days of the civil calendar, counted from March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719_469;
    let of_day = number(hour)? * 3600 + number(minute)? * 60 + number(second)?;
    let zone = zone.and_then(|zone| zone.trim_end_matches(']').parse::<i16>().ok());
    let zone = i64::from(zone.unwrap_or(0));
    Some(days * 86_400 + of_day - (zone / 100 * 3600 + zone % 100 * 60))
}

/// One request as a JSON object a line.
pub(in crate::state) fn json(cx: &Cx<'_>, line: &str) -> Option<Logged> {
    let line = line.trim_start();
    line.starts_with('{').then_some(())?;
    let client = first(line, &["remote_addr", "client_ip", "client"])?;
    let client = match ip(client) {
        Some(ip) => (ip, port(line)),
        None => endpoint(client).map(|(ip, port)| (ip, Some(port)))?,
    };
    let status = first(line, &["status"])?.parse().ok()?;
    let (upstream, waits) = (upstream(line), waits(line));
    let time = None;
    Some(Logged { client, status, upstream, server: None, ended: None, waits, time, at: cx.at })
}

/// Istio's line: behind the server and the cluster the proxy's own end towards it, the address that
/// was called, and the client: both sides of what it carried.
pub(in crate::state) fn istio(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    let cluster = |word: &&str| {
        let parts: Vec<&str> = word.split('|').collect();
        parts.len() == 4 && matches!(parts[0], "inbound" | "outbound")
    };
    let Some(at) = words.iter().position(cluster).filter(|at| *at > 0) else {
        return false;
    };
    if !line.starts_with('[') {
        return false;
    }
    let end = |n: usize| words.get(n).and_then(|word| endpoint(word.trim_matches('"')));
    if let (Some(server), Some(own), Some(called), Some(client)) =
        (end(at - 1), end(at + 1), end(at + 2), end(at + 3))
    {
        let row = Session { front: (client, called), back: (own, server), at: cx.at };
        cx.keep(row);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::endpoint;
    use crate::state::testkit::read;

    #[test]
    fn ingress_nginx_is_read() {
        let state = read(
            "203.0.113.9 - - [28/Nov/2026:21:11:31 +0000] \"GET /x HTTP/1.1\" 200 615 \"-\" \"curl/8.5\" 406 0.304 [default-web-80] [] 10.0.1.4:8080, 10.0.1.5:8080 0, 615 0.300, 0.004 502, 200 8c1d\n",
        );
        let row = &state.logged[0];
        let servers: Vec<_> = row.upstream.iter().map(|(s, n)| (Some(*s), *n)).collect();
        assert_eq!(servers, [(endpoint("10.0.1.4:8080"), 502), (endpoint("10.0.1.5:8080"), 200)]);
        assert_eq!((row.waits.all, row.waits.answer), (Some(304), Some(4)));
    }

    #[test]
    fn fields_are_found_by_their_names() {
        let state = read(
            "{\"remote_addr\":\"203.0.113.9\",\"remote_port\":\"40001\",\"status\":\"504\",\"request_time\":\"60.010\",\"upstream_addr\":\"10.0.1.4:8080\",\"upstream_connect_time\":\"0.002\",\"upstream_header_time\":\"-\"}\n203.0.113.9 - - [28/Nov/2026:21:11:31 +0000] \"GET / HTTP/1.1\" 502 0 \"-\" \"-\" rp=40002 rt=0.010 uct=\"0.004, 0.003\" urt=\"0.004, 0.006\" upstream_addr=\"10.0.1.4:80, 10.0.1.5:80 : 10.0.2.1:80\"\n",
        );
        let [json, named] = &state.logged[..] else { panic!("{:?}", state.logged) };
        assert_eq!((json.client.1, json.status, json.waits.connect), (Some(40001), 504, Some(2)));
        assert_eq!(
            (json.upstream.len(), json.waits.all, json.waits.answer),
            (1, Some(60_010), None)
        );
        assert_eq!((named.client.1, named.upstream.len()), (Some(40002), 3));
        assert_eq!((named.waits.connect, named.waits.answer), (Some(3), Some(3)));
    }

    #[test]
    fn dates_are_seconds() {
        use super::time;
        assert_eq!(time("[01/Jan/1970:00:00:10.5]", None), Some(10));
        assert_eq!(time("[29/Feb/2024:12:00:00", Some("+0000]")), Some(1_709_208_000));
        assert_eq!(time("[29/Feb/2024:12:00:00", Some("+0130]")), Some(1_709_202_600));
        assert_eq!(time("[nonsense]", None), None);
    }

    #[test]
    fn istio_names_both_sides() {
        let state = read(
            "[2026-11-28T14:46:41.880Z] \"GET /a HTTP/1.1\" 200 - via_upstream - \"-\" 0 178 6 5 \"-\" \"curl/8.5\" \"id\" \"reviews:9080\" \"10.44.1.27:9080\" outbound|9080||reviews.default.svc.cluster.local 10.44.1.23:37652 10.0.45.184:9080 10.44.1.23:46520 - default\n",
        );
        let session = &state.sessions[0];
        assert_eq!(Some(session.front.0), endpoint("10.44.1.23:46520"));
        assert_eq!(Some(session.front.1), endpoint("10.0.45.184:9080"));
        assert_eq!(Some(session.back.0), endpoint("10.44.1.23:37652"));
        assert_eq!(Some(session.back.1), endpoint("10.44.1.27:9080"));
    }
}
