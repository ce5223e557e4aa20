//! The frames behind a finding or a connection, taken out of all captures at once.
//!
//! One pass more over each capture picks the frames of the chosen connections, those
//! that prove findings (ARP, neighbour discovery, VRRP and ICMP too), and what the
//! hosts on the way said of their addresses, so that the extract can be diagnosed
//! again. Frames wait in a temporary file, ordered by the reference clock. It judges
//! nothing, and refuses to grow with the captures: only [`Options::all`] lifts the caps.

mod choose;
mod pick;
mod spool;

use crate::flow::VantageId;
pub use spool::{Kept, Spool};

use crate::capture::{self, LinkType, Secrets};
use crate::diagnose::Diagnosis;
use crate::second_pass::SecondPass;
use crate::trace::{ConnectionId, Trace};
use choose::Chosen;
use pick::Picker;
use std::collections::HashMap;
use std::io;

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The finding with this index: its connections and its evidence.
    Finding(usize),
    /// These connections, with the evidence that lies in them.
    Connections(&'a [ConnectionId]),
}

/// How it is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Times stay as the captures have them.
    pub raw_times: bool,
    /// No connection and no frame is left out, however many there are.
    pub all: bool,
}

/// What an interface's times are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clock {
    /// The clock that the others are corrected to.
    Reference,
    /// Corrected.
    Corrected(Ahead),
    /// As captured; by how much it is ahead, where that is known.
    Raw(Option<Ahead>),
}

/// By how much a clock was ahead of the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// Nanoseconds.
    pub ns: i64,
    /// Half-width of the interval that holds it, nanoseconds.
    pub error_ns: i64,
    /// Label of the capture with the reference clock.
    pub of: String,
}

/// A vantage of the extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Label of the vantage.
    pub name: String,
    /// The interface's own name, where the capture has one.
    pub description: Option<String>,
    /// How each of its frames begins.
    pub link_type: LinkType,
    /// Bytes kept of each frame; 0 is no limit.
    pub snaplen: u32,
    /// What its times are.
    pub clock: Clock,
    /// Its frames are made from the lines of a text.
    pub from_text: bool,
}

/// Frames of several vantages in order of time.
#[derive(Debug)]
pub struct Extract {
    /// What it is of: "finding 1, rs-silent: ...".
    pub title: String,
    /// The vantages that have frames here.
    pub interfaces: Vec<Interface>,
    /// Keys that the captures carry.
    pub secrets: Vec<Secrets>,
    /// The frames.
    pub frames: Spool,
    /// Connections that were taken.
    pub connections: usize,
    /// Connections that were left out.
    pub connections_left: usize,
    /// Frames of the taken connections that were left out.
    pub frames_left: u64,
    /// Captures that could no longer be read to their end.
    pub unread: Vec<String>,
}

/// Takes frames out; `None` where no finding has that index.
///
/// # Errors
/// Where the temporary file that holds the frames cannot be written.
pub fn extract(
    trace: &Trace,
    diagnosis: &Diagnosis,
    which: Which<'_>,
    options: Options,
) -> io::Result<Option<Extract>> {
    let Some(chosen) = Chosen::new(trace, diagnosis, which, options.all) else { return Ok(None) };
    let mut out = Extract {
        title: chosen.title.clone(),
        interfaces: Vec::new(),
        secrets: Vec::new(),
        frames: Spool::new()?,
        connections: chosen.connections.len(),
        connections_left: chosen.left,
        frames_left: 0,
        unread: Vec::new(),
    };
    let mut interfaces: HashMap<(VantageId, LinkType), u32> = HashMap::new();
    let mut picker = Picker::new(trace, &chosen, options.all);
    for (at, capture) in trace.captures.iter().enumerate() {
        let Some(again) = SecondPass::new(trace, at) else { continue };
        let mut failed = None;
        let whole = again.frames(1..=u32::MAX, |vantage, base, frame| {
            let Some((mark, comments)) = picker.pick(vantage, base, frame) else { return };
            let interface = *interfaces.entry((vantage, frame.link_type)).or_insert_with(|| {
                let there = again.interface(vantage);
                out.interfaces.push(Interface {
                    name: trace.vantages[vantage.index()].label.clone(),
                    description: there.and_then(|i| i.name.clone()),
                    link_type: frame.link_type,
                    snaplen: there.map_or(0, |i| i.snaplen),
                    clock: clock(trace, at, options.raw_times),
                    from_text: capture.files.iter().any(|file| file.text.is_some()),
                });
                out.interfaces.len() as u32 - 1
            });
            let time = match options.raw_times {
                true => frame.time,
                false => trace.timeline.align(at, mark),
            };
            let kept = Kept { time, interface, wire_len: frame.wire_len, comments };
            if failed.is_none() {
                failed = out.frames.push(kept, frame.data).err();
            }
        });
        if let Some(why) = failed {
            return Err(why);
        }
        if !whole {
            out.unread.push(capture.label.clone());
        }
        for file in &capture.files {
            // Keys are an extra: without them the frames are still there.
            out.secrets.extend(capture::read_secrets(file).unwrap_or_default());
        }
    }
    out.frames_left = picker.left;
    out.frames.sort();
    Ok(Some(out))
}

fn clock(trace: &Trace, capture: usize, raw: bool) -> Clock {
    let timeline = &trace.timeline;
    if capture == timeline.reference {
        return Clock::Reference;
    }
    let of = trace.captures.get(timeline.reference).map_or("?", |c| c.label.as_str());
    let ahead = timeline.offset(capture).map(|offset| Ahead {
        ns: offset.ns,
        error_ns: offset.error_ns,
        of: of.to_owned(),
    });
    match ahead {
        Some(ahead) if timeline.corrects() && !raw => Clock::Corrected(ahead),
        ahead => Clock::Raw(ahead),
    }
}
