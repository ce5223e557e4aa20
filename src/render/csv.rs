//! Connections as CSV (RFC 4180), a line each, for spreadsheets and databases.
//!
//! Times are RFC 3339, durations whole nanoseconds; what is not known is empty, never 0. Columns
//! are only ever added, at the end. A cell that a spreadsheet would take for a formula gets an
//! apostrophe in front: nothing that a capture holds is to be computed.

use super::sanitise::clean;
use crate::report::{Connection, Endpoint};

const HEADER: &str = "id,client,service,mode,real_server,outcome,fate,start,duration_ns,wait_ns,connect_ns,first_byte_ns,server_ns,client_frames,client_bytes,server_frames,server_bytes,ordinary,findings";

/// The lines, with a header. Ends with a line feed.
#[must_use]
pub fn csv(connections: &[Connection]) -> String {
    let mut out = String::from(HEADER);
    out.push('\n');
    for connection in connections {
        out.push_str(&line(connection));
        out.push('\n');
    }
    out
}

fn line(c: &Connection) -> String {
    let number = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
    let bytes = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
    let timing = c.timing.as_ref();
    let servers: Vec<String> = if c.real_servers.is_empty() {
        c.real_server.iter().map(end).collect()
    } else {
        c.real_servers.iter().map(end).collect()
    };
    let findings: Vec<String> = c.findings.iter().map(u32::to_string).collect();
    let cells = [
        c.id.to_string(),
        cell(&c.client),
        cell(&c.service),
        cell(&c.mode),
        cell(&servers.join(" ")),
        cell(&c.outcome),
        cell(&c.fate),
        cell(&c.start),
        c.duration_ns.to_string(),
        number(c.wait_ns),
        number(timing.and_then(|t| t.connect_ns)),
        number(timing.and_then(|t| t.first_byte_ns)),
        number(timing.and_then(|t| t.server_ns)),
        c.from_client.frames.to_string(),
        bytes(c.from_client.bytes),
        c.from_server.frames.to_string(),
        bytes(c.from_server.bytes),
        cell(c.ordinary.as_deref().unwrap_or_default()),
        cell(&findings.join(" ")),
    ];
    cells.join(",")
}

/// An end by its address, else its MAC.
fn end(of: &Endpoint) -> String {
    match (&of.address, of.port, &of.mac) {
        (Some(address), Some(port), _) if address.contains(':') => format!("[{address}]:{port}"),
        (Some(address), Some(port), _) => format!("{address}:{port}"),
        (Some(address), None, _) => address.clone(),
        (None, _, Some(mac)) => mac.clone(),
        (None, _, None) => String::new(),
    }
}

fn cell(text: &str) -> String {
    let text = clean(text);
    let formula = text.starts_with(['=', '+', '-', '@']);
    let text = if formula { format!("'{text}") } else { text.into_owned() };
    if text.contains(['"', ',', '\n', ' ']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_and_no_formula() {
        for (text, shown) in [
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("[fd00::1]:80", "[fd00::1]:80"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("a\nb", "a\\x0ab"),
            ("", ""),
        ] {
            assert_eq!(cell(text), shown, "{text:?}");
        }
    }
}
