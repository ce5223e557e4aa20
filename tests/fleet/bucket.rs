//! A small server that speaks as much of S3 as reading takes: lists in pages of 1,000 as the service does
//! (ListObjectsV2), whole objects and ranges of them. It asks nobody who calls.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Keys of a page at most (Amazon S3 API reference, ListObjectsV2, `MaxKeys`).
const PAGE: usize = 1_000;

/// One bucket and who serves it, until the test ends.
pub struct Bucket {
    pub url: String,
    /// Pages of lists that were asked for.
    pub pages: Arc<AtomicUsize>,
}

/// Objects by key.
pub type Objects = BTreeMap<String, PathBuf>;

/// Adds the files below a folder, with keys that begin with a prefix.
pub fn add(objects: &mut Objects, folder: &Path, prefix: &str) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let key = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        match entry.path() {
            path if path.is_dir() => add(objects, &path, &key),
            path => drop(objects.insert(key, path)),
        }
    }
}

impl Bucket {
    pub fn serve(objects: Objects) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pages = Arc::new(AtomicUsize::new(0));
        let (objects, counted) = (Arc::new(objects), Arc::clone(&pages));
        std::thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let (objects, counted) = (Arc::clone(&objects), Arc::clone(&counted));
                std::thread::spawn(move || drop(answer_all(&caller, &objects, &counted)));
            }
        });
        Self { url, pages }
    }
}

/// Answers one request after the other, as long as the caller has any.
fn answer_all(caller: &TcpStream, objects: &Objects, pages: &AtomicUsize) -> std::io::Result<()> {
    let mut lines = BufReader::new(caller).lines();
    loop {
        let Some(request) = lines.next().transpose()? else { return Ok(()) };
        let mut range = None;
        for line in lines.by_ref() {
            let line = line?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(bytes) = line.strip_prefix("range: bytes=") {
                range = Some(bytes.to_owned());
            }
        }
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = plain(path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key));
        let (status, head, body) = if query.contains("list-type=2") {
            pages.fetch_add(1, Ordering::Relaxed);
            ("200 OK", String::new(), list(objects, query).into_bytes())
        } else if let Some(path) = objects.get(&key) {
            object(&std::fs::read(path)?, range.as_deref())
        } else {
            ("404 Not Found", String::new(), b"<Error><Code>NoSuchKey</Code></Error>".to_vec())
        };
        let mut out = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"1\"\r\nLast-Modified: Sat, 02 May 2026 10:00:00 GMT\r\n{head}\r\n",
            body.len()
        )
        .into_bytes();
        if method != "HEAD" {
            out.extend(body);
        }
        let mut caller = caller;
        caller.write_all(&out)?;
    }
}

/// An object, or a part of it: `first-last`, `first-`, `-length`.
fn object(bytes: &[u8], range: Option<&str>) -> (&'static str, String, Vec<u8>) {
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return ("200 OK", String::new(), bytes.to_vec());
    };
    let (from, to) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(from), Ok(last)) => (from, (last + 1).min(bytes.len())),
        (Ok(from), Err(_)) => (from, bytes.len()),
        (Err(_), length) => (bytes.len() - length.unwrap().min(bytes.len()), bytes.len()),
    };
    let head = format!("Content-Range: bytes {from}-{}/{}\r\n", to - 1, bytes.len());
    ("206 Partial Content", head, bytes[from..to].to_vec())
}

/// A page of the keys that begin with what is asked for, in their order.
fn list(objects: &Objects, query: &str) -> String {
    let asked = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| plain(&value.replace('+', " ")))
    };
    let prefix = asked("prefix").unwrap_or_default();
    let after = asked("continuation-token").unwrap_or_default();
    let all = objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after);
    let page: Vec<_> = all.clone().take(PAGE).collect();
    let more = all.count() > page.len();
    let mut out = format!(
        "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>{more}</IsTruncated><KeyCount>{}</KeyCount>",
        page.len()
    );
    for (key, path) in &page {
        let size = path.metadata().unwrap().len();
        let key = key.replace('&', "&amp;");
        write!(
            out,
            "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>\"1\"</ETag><LastModified>2026-05-02T10:00:00.000Z</LastModified></Contents>"
        )
        .unwrap();
    }
    if let Some((last, _)) = page.last().filter(|_| more) {
        write!(out, "<NextContinuationToken>{last}</NextContinuationToken>").unwrap();
    }
    out + "</ListBucketResult>"
}

/// Percent-encoding taken away.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
