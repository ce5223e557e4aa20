//! Outputs that may leave the house: addresses replaced one to one, names and payload
//! gone, findings as they were.
//!
//! Replaced where a document is made, before any renderer sees it, so that no output
//! can leak what another hides ([`Mask`] does so for a screen, as it is looked at): IPv4, IPv6 and MAC addresses (see [`Map`]); names of
//! captures, of vantages and of host states, which come from file names, save labels
//! that the user typed and that hold no address. What stays: ports, times, sequence
//! numbers, lengths, TTLs, identifiers of VLANs, tunnels and virtual routers, the
//! roles of hosts, and the status codes of HTTP. Refuses to be a promise about what a
//! reader can infer from those.

mod frame;
mod map;
mod mask;
mod names;
mod redactor;
mod table;
mod text;
mod v4;
mod v6;

pub use map::{Map, MapError};
pub use mask::Mask;
pub use names::Labels;
pub use redactor::{RedactError, Redactor};

use crate::extract::Extract;
use crate::trace::Trace;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;

/// Replaces names in a trace; everything worded after that has none. The map then
/// knows the trace's addresses.
pub fn trace(trace: &mut Trace, labels: &Labels, map: &mut Map) {
    names::replace(trace, labels);
    map.prime(trace);
}

/// Remarks on files, which name them; in their place, that there were some.
#[must_use]
pub fn without_names(notes: Vec<String>) -> Vec<String> {
    match notes.is_empty() {
        true => notes,
        false => vec!["what is to be said of files is left out: it names them".to_owned()],
    }
}

/// A document with stand-ins for its addresses.
///
/// # Errors
/// Where the document does not survive being written and read; none of ours does that.
pub fn document<T: Serialize + DeserializeOwned>(
    document: &T,
    map: &mut Map,
) -> Result<T, serde_json::Error> {
    let mut value = serde_json::to_value(document)?;
    // All originals are known before the first stand-in is chosen.
    walk(&mut value, &mut |text| {
        map.note_text(text);
        None
    });
    walk(&mut value, &mut |text| Some(map.of_text(text)));
    serde_json::from_value(value)
}

fn walk(value: &mut Value, each: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = each(text) {
                *text = new;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| walk(value, each)),
        Value::Object(fields) => {
            for (key, mut value) in std::mem::take(fields) {
                walk(&mut value, each);
                let key = each(&key).unwrap_or(key);
                fields.insert(key, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// An extract with stand-ins in its frames and without payload: zeros of the same
/// length. What is not understood of a frame becomes zeros too. Keys go with the
/// payload that they would open.
///
/// # Errors
/// Where the temporary file of the frames cannot be written.
pub fn extract(extract: &mut Extract, map: &mut Map) -> io::Result<()> {
    let links: Vec<_> = extract.interfaces.iter().map(|i| i.link_type).collect();
    let link = |interface: u32| links.get(interface as usize).copied();
    // All originals are known before the first stand-in is chosen.
    let mut noting = frame::Noting(map);
    extract.frames.each(|kept, data| {
        if let Some(link) = link(kept.interface) {
            frame::rewrite(&mut noting, link, data);
        }
        Ok(())
    })?;
    extract.frames.rewrite(|kept, data| {
        let new = link(kept.interface).map(|link| frame::rewrite(map, link, data));
        // A frame of nowhere cannot be judged, so nothing of it stays.
        *data = new.unwrap_or_else(|| vec![0; data.len()]);
        for comment in &mut kept.comments {
            *comment = map.of_text(comment);
        }
    })?;
    extract.title = map.of_text(&extract.title);
    for interface in &mut extract.interfaces {
        interface.name = map.of_text(&interface.name);
        interface.description = None;
    }
    extract.secrets.clear();
    Ok(())
}
