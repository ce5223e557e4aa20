//! An extract as one pcapng file (draft-ietf-opsawg-pcapng), for Wireshark.
//!
//! One section, one interface a vantage with its name, times in nanoseconds, and a
//! comment on every frame of evidence. Comments pass the sanitiser as all text does.
//! Refuses to alter a frame: bytes and lengths are as captured.

use super::sanitise::clean;
use super::units::duration;
use crate::extract::{Ahead, Clock, Extract, Interface, Kept};
use pcap_parser::{
    DecryptionSecretsBlock, EnhancedPacketBlock, InterfaceDescriptionBlock, Linktype, OptionCode,
    PcapNGOption, SecretsType, SectionHeaderBlock, ToVec,
};
use std::borrow::Cow;
use std::io::{self, Write};

/// Bytes of an option's text; the format holds 65,535.
const MAX_TEXT: usize = 4096;
/// `if_tsresol`: a tick is a nanosecond.
const NANOSECONDS: u8 = 9;

/// What is said of frames that nobody captured as bytes.
const FROM_TEXT: &str = "frames made from the lines of a text: what those do not print (addresses of the link, TTL, identification, checksums, payload) is zero or missing here";

/// What programs are told wrote the file, and how it is known for a copy.
const WRITER: &str = concat!("lbdiag ", env!("CARGO_PKG_VERSION"));

/// Writes an extract.
///
/// # Errors
/// Where `out` cannot be written, or the extract's temporary file cannot be read.
pub fn pcapng(extract: &mut Extract, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&section(extract)?)?;
    for interface in &extract.interfaces {
        out.write_all(&description(interface)?)?;
    }
    for secrets in &extract.secrets {
        let mut block = DecryptionSecretsBlock {
            block_type: 0,
            block_len1: 0,
            secrets_type: SecretsType(secrets.kind),
            secrets_len: u32::try_from(secrets.data.len()).unwrap_or(u32::MAX),
            data: &secrets.data,
            options: Vec::new(),
            block_len2: 0,
        };
        out.write_all(&block.to_vec().map_err(failed)?)?;
    }
    extract.frames.each(|kept, data| out.write_all(&packet(kept, data)?))?;
    out.flush()
}

fn section(extract: &Extract) -> io::Result<Vec<u8>> {
    let mut comment = clean(&extract.title).into_owned();
    for (n, what) in [
        (extract.connections_left as u64, "connections"),
        (extract.frames_left, "frames of long connections"),
    ] {
        if n > 0 {
            comment.push_str(&format!("; {n} {what} are left out"));
        }
    }
    let mut block = SectionHeaderBlock {
        block_type: 0,
        block_len1: 0,
        bom: 0,
        major_version: 1,
        minor_version: 0,
        section_len: -1,
        // The writer comes first: a copy is known by it.
        options: vec![text(OptionCode::ShbUserAppl, WRITER), text(OptionCode::Comment, &comment)],
        block_len2: 0,
    };
    block.to_vec().map_err(failed)
}

fn description(interface: &Interface) -> io::Result<Vec<u8>> {
    let mut options = vec![text(OptionCode::IfName, &interface.name)];
    if let Some(own) = interface.description.as_ref().filter(|own| **own != interface.name) {
        options.push(text(OptionCode::IfDescription, own));
    }
    let mut comment = times(&interface.clock);
    if interface.from_text {
        comment.push_str("; ");
        comment.push_str(FROM_TEXT);
    }
    options.push(text(OptionCode::Comment, &comment));
    options.push(option(OptionCode::IfTsresol, Cow::Owned(vec![NANOSECONDS])));
    let mut block = InterfaceDescriptionBlock {
        block_type: 0,
        block_len1: 0,
        linktype: Linktype(i32::from(interface.link_type.0)),
        reserved: 0,
        snaplen: interface.snaplen,
        options,
        block_len2: 0,
        if_tsresol: NANOSECONDS,
        if_tsoffset: 0,
    };
    block.to_vec().map_err(failed)
}

fn times(clock: &Clock) -> String {
    let ahead = |ahead: &Ahead| {
        let way = if ahead.ns < 0 { "behind" } else { "ahead of" };
        let (ns, error) = (duration(ahead.ns), duration(ahead.error_ns));
        format!("{ns} {way} that of {} (to within {error})", ahead.of)
    };
    match clock {
        Clock::Reference => "times as captured: the reference clock".to_owned(),
        Clock::Corrected(by) => format!("times corrected: the clock was {}", ahead(by)),
        Clock::Raw(Some(by)) => format!("times as captured: the clock was {}", ahead(by)),
        Clock::Raw(None) => "times as captured: nothing bounds how far the clock is off".to_owned(),
    }
}

fn packet(kept: &Kept, data: &[u8]) -> io::Result<Vec<u8>> {
    // pcapng counts from 1970 on; earlier is a clock that was never set.
    let ticks = kept.time.0.max(0).cast_unsigned();
    let mut block = EnhancedPacketBlock {
        block_type: 0,
        block_len1: 0,
        if_id: kept.interface,
        ts_high: (ticks >> 32) as u32,
        ts_low: ticks as u32,
        caplen: u32::try_from(data.len()).unwrap_or(u32::MAX),
        origlen: kept.wire_len,
        data,
        options: kept.comments.iter().map(|c| text(OptionCode::Comment, c)).collect(),
        block_len2: 0,
    };
    block.to_vec().map_err(failed)
}

fn text(code: OptionCode, text: &str) -> PcapNGOption<'static> {
    let clean = clean(text);
    let mut end = clean.len().min(MAX_TEXT);
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    option(code, Cow::Owned(clean.as_bytes()[..end].to_vec()))
}

fn option(code: OptionCode, value: Cow<'static, [u8]>) -> PcapNGOption<'static> {
    PcapNGOption { code, len: value.len() as u16, value }
}

fn failed(why: impl std::fmt::Display) -> io::Error {
    io::Error::other(why.to_string())
}
