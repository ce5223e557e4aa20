//! First words of clients that no server answers, by their protocol: it takes them, and may close when it has.

/// Whether a client's first words are of such a kind: PostgreSQL's CancelRequest, logs, metrics, and what
/// is sent to a printer.
#[must_use]
pub fn is_due_no_answer(payload: &[u8]) -> bool {
    let line = payload.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match payload.first() {
        Some(0) => is_cancel_request(payload),
        Some(b'<') => is_priority(payload),
        // A length before each message (RFC 6587, section 3.4.1).
        Some(b'1'..=b'9') => {
            after_number(payload)
                .is_some_and(|rest| rest.strip_prefix(b" ").is_some_and(is_priority))
                || is_sample(line)
        }
        Some(b'{') => is_log_record(payload),
        Some(0x1b | b'%' | b'^') => is_print_job(payload),
        Some(_) => is_sample(line),
        None => false,
    }
}

/// PostgreSQL's CancelRequest: the server closes (Frontend/Backend Protocol, "Canceling Requests in
/// Progress").
fn is_cancel_request(payload: &[u8]) -> bool {
    matches!(payload, [0, 0, 0, len, 0x04, 0xd2, 0x16, 0x2e, ..] if usize::from(*len) == payload.len())
}

/// What is left after a number of a few digits.
fn after_number(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    (1..=5).contains(&digits).then(|| &text[digits..])
}

/// A syslog message: `<34>` (RFC 5424, section 6.2.1).
fn is_priority(payload: &[u8]) -> bool {
    let Some(rest) = payload.strip_prefix(b"<") else { return false };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let value =
        std::str::from_utf8(&rest[..digits.min(3)]).ok().and_then(|t| t.parse::<u16>().ok());
    (1..=3).contains(&digits) && value.is_some_and(|v| v <= 191) && rest.get(digits) == Some(&b'>')
}

/// A line of metrics: Graphite's `path value seconds`, StatsD's `name:value|type`.
fn is_sample(line: &[u8]) -> bool {
    // What nearly all clients say first is neither: Graphite's ends in ten digits, StatsD's has a bar.
    let seconds = |(_, end): (&[u8], &[u8; 10])| end.iter().all(u8::is_ascii_digit);
    if !line.split_last_chunk().is_some_and(seconds) && !line.contains(&b'|') {
        return false;
    }
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-;=~/".contains(c);
        !name.is_empty() && name.chars().all(fits)
    };
    let is_value = |text: &str| text.parse::<f64>().is_ok();
    let mut words = line.split(' ');
    if let (Some(path), Some(value), Some(at), None) =
        (words.next(), words.next(), words.next(), words.next())
    {
        let seconds = at.len() == 10 && at.bytes().all(|b| b.is_ascii_digit());
        return is_name(path) && is_value(value) && seconds;
    }
    let Some((name, rest)) = line.split_once(':') else { return false };
    let Some((value, kind)) = rest.split_once('|') else { return false };
    let kind = kind.split('|').next().unwrap_or_default();
    is_name(name) && is_value(value) && matches!(kind, "c" | "g" | "ms" | "h" | "d" | "s" | "m")
}

/// A record of a log in JSON: GELF (`short_message`), or as Logstash takes it (`@timestamp`).
fn is_log_record(payload: &[u8]) -> bool {
    let has = |key: &[u8]| payload.windows(key.len()).any(|part| part == key);
    has(b"\"short_message\"") || has(b"\"@timestamp\"")
}

/// A job for a printer's raw port: the Universal Exit Language of PJL, a reset of PCL, PostScript, ZPL.
fn is_print_job(payload: &[u8]) -> bool {
    [&b"\x1b%-12345X"[..], b"\x1bE", b"%!PS", b"^XA"].iter().any(|begin| payload.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_metrics_and_print_jobs_are_answered_by_nobody() {
        let cancel = [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2];
        for first in [
            &cancel[..],
            b"<34>1 2026-01-01T00:00:00Z web app - - - started\n",
            b"52 <165>1 2026-01-01T00:00:00Z web app - - - started",
            b"servers.web1.load 0.42 1767225600\n",
            b"api.requests:1|c\n",
            b"api.time:12.5|ms|@0.1\n",
            b"{\"version\":\"1.1\",\"host\":\"web\",\"short_message\":\"started\"}\0",
            b"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"message\":\"started\"}\n",
            b"\x1b%-12345X@PJL JOB\r\n",
            b"%!PS-Adobe-3.0\n",
        ] {
            assert!(is_due_no_answer(first), "{}", String::from_utf8_lossy(first));
        }
    }

    #[test]
    fn questions_are_answered() {
        for first in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"<html>",
            b"<999>x",
            b"{\"id\":1,\"method\":\"ping\"}\n",
            b"get key 1\r\n",
            b"set k 0 900 5\r\n",
            b"*1\r\n$4\r\nPING\r\n",
            b"EHLO mail.example.net\r\n",
            b"\x16\x03\x01\x02\0",
            b"0",
            b"",
        ] {
            assert!(!is_due_no_answer(first), "{}", String::from_utf8_lossy(first));
        }
    }
}
