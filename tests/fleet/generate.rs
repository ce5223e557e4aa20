//! Writes tables of a large fleet: `fleet_tables DIR CAPTURES STREAMS`. Sites of a few hosts each, made of
//! samples whose tables are repeated with other numbers, ports and times; three of the sites have a fault in
//! about one of a thousand connections. Five-tuples come again. Prints the truth as JSON.

#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code)]

#[path = "columns.rs"]
mod columns;

use columns::{Growing, Rows, files};
use lbdiag::load::{self, Origin};
use lbdiag::parquet::Kind;
use lbdiag::tables;
use lbdiag::window::Window;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// Samples that sites are made of: those with a fault first, each with the finding that it must give.
const SITES: [(&str, Option<&str>); 6] = [
    ("nat-one-rs-gateway-wrong", Some("nat-return-bypasses-director")),
    ("dr-rs-port-closed", Some("connection-refused")),
    ("dr-rs-without-vip", Some("rs-missing-vip")),
    ("healthy-nat", None),
    ("healthy-dr", None),
    ("healthy-fullnat", None),
];

/// Of so many repeats one has the connections that failed: one of a thousand of all.
const RARE: u64 = 120;
/// Between two repeats, nanoseconds.
const STEP: i64 = 10_000_000;
/// Outcomes of connections that failed.
const FAILED: [&str; 5] = ["refused", "unanswered", "incomplete", "reset", "stalled"];

fn mixed(number: u64) -> u64 {
    let mut own = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    own = (own ^ own >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    own = (own ^ own >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    own ^ own >> 31
}

/// An address of the site: another second octet, which keeps the order of addresses.
fn moved(text: &str, site: u8) -> String {
    match text.parse() {
        Ok(IpAddr::V4(ip)) if ip.octets()[1].checked_add(site).is_some() && ip.octets()[0] > 0 => {
            let [a, b, c, d] = ip.octets();
            IpAddr::from([a, b + site, c, d]).to_string()
        }
        _ => text.to_owned(),
    }
}

/// MACs of the site.
fn hardware(text: &str, site: u8) -> String {
    let one = |mac: &str| {
        let parts: Vec<&str> = mac.split(':').collect();
        let own = parts.len() == 6 && parts[0] == "52";
        if own {
            format!("{}:{:02x}:{}", parts[0], 0x60 + site, parts[2..].join(":"))
        } else {
            mac.to_owned()
        }
    };
    text.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

/// One capture of a sample, with its streams that are of connections which failed.
struct Base {
    folder: PathBuf,
    failed: HashSet<i64>,
    connections: BTreeMap<i64, String>,
}

fn bases(sample: &Path, into: &Path) -> Vec<Base> {
    let args = [sample.display().to_string()];
    let inputs = lbdiag::capture::inputs(&args).unwrap().inputs;
    let seen = load::see(&Origin::captures(&inputs), &Window::default(), &AtomicU64::new(0));
    tables::write(into, &seen.captures, seen.vantages).unwrap();
    let mut folders: Vec<PathBuf> =
        fs::read_dir(into).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let of = |folder: PathBuf| {
        let ties = Rows::read(&folder.join("ties.parquet"));
        let streams = ties.numbers("stream");
        let outcomes = ties.texts("outcome");
        let connections = ties.numbers("connection");
        let failed = streams.iter().zip(&outcomes);
        let failed = failed.filter(|(_, outcome)| FAILED.contains(&outcome.as_deref().unwrap()));
        let failed = failed.map(|(stream, _)| stream.unwrap()).collect();
        let connections = connections.into_iter().zip(outcomes);
        let connections =
            connections.map(|(id, outcome)| (id.unwrap(), outcome.unwrap())).collect();
        Base { folder, failed, connections }
    };
    folders.into_iter().map(of).collect()
}

/// What one repeat changes in a table about streams.
fn repeated(rows: &Rows, repeat: u64, site: u8, streams: i64, links: i64) -> Rows {
    let mut own = rows.clone();
    let key = mixed(repeat << 8 | u64::from(site));
    let (isn, other) = (key as u32, (key >> 32) as u32);
    let stamp = mixed(key) as u32;
    let by_client = rows.at("by").map(|_| rows.texts("by"));
    let stamped = ["client_timestamps", "server_timestamps"]
        .map(|name| rows.at(name).map(|_| rows.numbers(name)));
    let protocols = rows.at("protocol").map(|_| rows.numbers("protocol"));
    let turn = |value: i64, by: u32| i64::from((value as u32).wrapping_add(by));
    let tcp = |row: usize| protocols.as_ref().is_none_or(|list| list[row] == Some(6));
    let is = |of: &Option<Vec<Option<i64>>>, row: usize| {
        of.as_ref().is_some_and(|list| list[row] == Some(1))
    };
    own.change(|name, kind, row, value| match name {
        "stream" => value + streams * repeat as i64,
        "link" => value + links * repeat as i64,
        "client_isn" => turn(value, isn),
        "server_isn" => turn(value, other),
        "client_tsval" if is(&stamped[0], row) => turn(value, stamp).max(1),
        "server_tsval" if is(&stamped[1], row) => turn(value, stamp >> 1).max(1),
        // An echo of a SYN that the stream itself lacks.
        "server_tsecr" if value != 0 => turn(value, stamp).max(1),
        "client_tsecr" if value != 0 => turn(value, stamp >> 1).max(1),
        "client_port" if tcp(row) => 1024 + (value + repeat as i64 * 7) % 60_000,
        "missing_end" if value != 0 => {
            let of_client =
                by_client.as_ref().is_some_and(|by| by[row].as_deref() == Some("client"));
            turn(value, if of_client { isn } else { other })
        }
        _ if kind == Kind::Time => value + STEP * repeat as i64,
        _ if name.ends_with("_frame") => value + 40 * repeat as i64,
        _ => value,
    });
    own
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, to, captures, streams] = &args[..] else {
        panic!("fleet_tables DIR CAPTURES STREAMS");
    };
    let (captures, streams): (usize, u64) = (captures.parse().unwrap(), streams.parse().unwrap());
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let scratch = tempfile::tempdir().unwrap();
    let all: Vec<Vec<Base>> = SITES
        .iter()
        .map(|(name, _)| bases(&samples.join(name), &scratch.path().join(name)))
        .collect();
    // As many sites as give so many captures.
    let mut sites: Vec<usize> = Vec::new();
    let mut have = 0;
    while have < captures {
        let at = if sites.len() < 3 { sites.len() } else { 3 + sites.len() % 3 };
        have += all[at].len();
        sites.push(at);
    }
    let own = |base: &Base| Rows::read(&base.folder.join(stream_file(base, "streams"))).rows as u64;
    let each: u64 = sites.iter().flat_map(|at| &all[*at]).map(own).sum();
    let repeats = streams.div_ceil(each);
    let mut written = 0;
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for (site, at) in sites.iter().enumerate() {
        let mut connections: BTreeMap<i64, String> = BTreeMap::new();
        for base in &all[*at] {
            written += write(base, Path::new(to), site as u8, repeats);
            connections.extend(base.connections.clone());
        }
        for outcome in connections.into_values() {
            let failed = FAILED.contains(&outcome.as_str());
            let times = if failed { repeats.div_ceil(RARE) } else { repeats };
            *outcomes.entry(outcome).or_default() += times;
        }
    }
    let faults: BTreeSet<&str> = sites.iter().filter_map(|at| SITES[*at].1).collect();
    let truth = serde_json::json!({
        "sites": sites.len(), "captures": have, "repeats": repeats, "streams": written,
        "outcomes": outcomes, "faults": faults,
    });
    println!("{truth}");
}

fn stream_file(base: &Base, table: &str) -> String {
    let start = format!("{table}/");
    let found: Vec<String> =
        files(&base.folder).into_iter().filter(|file| file.starts_with(&start)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// Writes the tables of a capture for a site, and says how many streams they have.
fn write(base: &Base, to: &Path, site: u8, repeats: u64) -> u64 {
    let before = base.folder.file_name().unwrap().to_str().unwrap();
    let id = format!("{:016x}", mixed(u64::from_str_radix(before, 16).unwrap() ^ u64::from(site)));
    let folder = to.join(format!("site{site}")).join(&id);
    let name = |text: &str| format!("site{site}-{text}");
    let rename = |column: &str, text: &str| match column {
        "capture" => id.clone(),
        "vantage" | "label" => name(text),
        _ => hardware(&moved(text, site), site),
    };
    let mut manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(base.folder.join("manifest.json")).unwrap())
            .unwrap();
    manifest["capture"] = id.clone().into();
    manifest["label"] = name(manifest["label"].as_str().unwrap()).into();
    let streams = Rows::read(&base.folder.join(stream_file(base, "streams")));
    let links = Rows::read(&base.folder.join(stream_file(base, "links")));
    let most =
        |rows: &Rows, name: &str| rows.numbers(name).into_iter().flatten().max().unwrap() + 1;
    let (count, link_count) = (most(&streams, "stream"), most(&links, "link"));
    let keep = |rows: &Rows| -> Vec<bool> {
        rows.numbers("stream").into_iter().map(|s| !base.failed.contains(&s.unwrap())).collect()
    };
    let mut written = 0;
    for file in files(&base.folder) {
        let mut rows = Rows::read(&base.folder.join(&file));
        rows.rename(rename);
        let table = file.split(['/', '.']).next().unwrap();
        if table == "vantages" {
            let longer = STEP * repeats as i64;
            rows.change(
                |name, _, _, value| if name == "end_time" { value + longer } else { value },
            );
        }
        let path = folder.join(&file);
        let mut growing = Growing::new(&path, &rows.fields);
        if table == "streams" || table == "links" {
            let well = rows.only(&keep(&rows));
            // A group is sorted by service and time: repeats of a few rows each, one after another.
            for repeat in 0..repeats {
                let of = if repeat % RARE == 0 { &rows } else { &well };
                growing.add(&repeated(of, repeat, site, count, link_count));
            }
        } else {
            growing.add(&rows);
        }
        let rows = growing.finish();
        if table == "streams" {
            written = rows;
        }
        let bytes = path.metadata().unwrap().len();
        for part in manifest["tables"][table].as_array_mut().unwrap() {
            if part["file"] == file.as_str() {
                part["rows"] = rows.into();
                part["bytes"] = bytes.into();
            }
        }
    }
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    written
}
