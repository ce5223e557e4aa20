//! A capture as rows of tables: its files, what they lack, and what is to be said of it; not its frames.
//!
//! A capture that comes from tables has the names of its files and nothing that opens one: a name in a
//! table leads nowhere.

use super::source::Handle;
use super::text::{Aside, Facts};
use super::ticks::Ticks;
use super::types::Layout;
use super::{Capture, CaptureFile, Damage, Interface, LinkType, Timestamp, printable};
use crate::row::{Columns, NO_VANTAGE, Restore, Row, Store, TableVisitor, words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format(&'static str);

words!(Format {
    Format("pcap") => "pcap",
    Format("pcap (nanoseconds)") => "pcap (nanoseconds)",
    Format("pcap (modified)") => "pcap (modified)",
    Format("pcapng") => "pcapng",
    Format("text") => "text",
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Packing(Option<&'static str>);

words!(Packing {
    Packing(None) => "none",
    Packing(Some("gzip")) => "gzip",
    Packing(Some("zstd")) => "zstd",
});

/// Bytes of a file, or what is counted in it, at most.
const MOST: u64 = 1 << 50;

/// A capture without its files.
struct CaptureRow(Capture);

impl Row for CaptureRow {
    const TABLE: &'static str = "captures";
    const ABOUT: &'static str = "One row: the capture that this folder is of.";
    const NUMBER: (&'static str, &'static str) =
        ("place", "place among the captures that were indexed together");

    fn blank() -> Self {
        Self(Capture { label: String::new(), files: Vec::new(), notes: Vec::new() })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.text("label", "its name: the user's, else made from its file's", &mut self.0.label);
    }
}

impl Row for CaptureFile {
    const TABLE: &'static str = "files";
    const ABOUT: &'static str = "One row for each file of the capture; a rotated one has several.";
    const NUMBER: (&'static str, &'static str) = ("file", "place in the capture");

    fn blank() -> Self {
        Self {
            path: String::new(),
            format: "pcap",
            compression: None,
            frames: 0,
            interfaces: Vec::new(),
            start: None,
            end: None,
            untimed: 0,
            damage: Vec::new(),
            damage_omitted: 0,
            bytes: 0,
            last: 0,
            text: None,
            layout: Layout::PcapNg,
            index: Vec::new(),
            handle: Handle::Elsewhere,
            secrets: Vec::new(),
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.text("path", "its name on the host where it was indexed", &mut self.path);
        let (mut format, mut packing) = (Format(self.format), Packing(self.compression));
        c.word("format", "what it is", &mut format);
        c.word("compression", "`gzip`, `zstd` or `none`", &mut packing);
        (self.format, self.compression) = (format.0, packing.0);
        c.num("frames", "frames in it", &mut self.frames);
        c.num("last", "number of the last frame", &mut self.last);
        c.num("bytes", "bytes of the file", &mut self.bytes);
        let (mut start, mut end) = (self.start.map(|t| t.0), self.end.map(|t| t.0));
        c.time("start_time", "time of its earliest frame", &mut start);
        c.time("end_time", "time of its latest frame", &mut end);
        (self.start, self.end) = (start.map(Timestamp), end.map(Timestamp));
        c.num("untimed", "frames without a time", &mut self.untimed);
        c.num(
            "damage_omitted",
            "damaged places beyond those in `damage`",
            &mut self.damage_omitted,
        );
        let mut facts = self.text.clone().unwrap_or_default();
        c.num("text_packets", "of a text: packets that were read", &mut facts.packets);
        c.num(
            "text_without_macs",
            "packets printed without hardware addresses",
            &mut facts.without_macs,
        );
        c.num("text_without_ttl", "packets printed without TTL", &mut facts.without_ttl);
        c.num("text_dumped", "packets whose bytes are printed too", &mut facts.dumped);
        if c.comes_in() {
            self.text = (format.0 == "text").then_some(facts);
        }
    }
}

/// An interface of a file.
struct InterfaceRow {
    file: u32,
    own: Interface,
}

impl Row for InterfaceRow {
    const TABLE: &'static str = "interfaces";
    const ABOUT: &'static str = "One row for each interface of a file.";

    fn blank() -> Self {
        let own = Interface {
            name: None,
            description: None,
            link_type: LinkType::ETHERNET,
            snaplen: 0,
            frames: 0,
            dropped: None,
            received: None,
            ticks: Ticks::default(),
        };
        Self { file: 0, own }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.num("file", "place of its file in the capture", &mut self.file);
        named(c, "name", "its name, where the file has one", &mut self.own.name);
        named(c, "description", "what the file says of it", &mut self.own.description);
        c.num("link_type", "link type, by its LINKTYPE number", &mut self.own.link_type.0);
        c.num("snaplen", "bytes kept of each frame; 0 is no limit", &mut self.own.snaplen);
        c.num("frames", "frames from it", &mut self.own.frames);
        c.some("dropped", "frames that it or the system dropped", &mut self.own.dropped);
        c.some("received", "frames that it received", &mut self.own.received);
    }
}

/// A name that may be none, which is not the same as an empty one.
fn named<C: Columns>(
    c: &mut C,
    name: &'static str,
    what: &'static str,
    value: &mut Option<String>,
) {
    let about = crate::row::About { name, suffix: "", what };
    let text = c.text_of(about, value.as_deref());
    if c.comes_in() {
        *value = text;
    }
}

/// A damaged place of a file.
struct DamageRow {
    file: u32,
    own: Damage,
}

impl Row for DamageRow {
    const TABLE: &'static str = "damage";
    const ABOUT: &'static str =
        "One row for each place of a file where something could not be read.";

    fn blank() -> Self {
        Self { file: 0, own: Damage { byte: 0, frame_after: 0, what: String::new() } }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.num("file", "place of its file in the capture", &mut self.file);
        c.num("byte", "offset of the first lost byte", &mut self.own.byte);
        c.num("frame_after", "last frame before it", &mut self.own.frame_after);
        c.text("what", "what was lost and kept", &mut self.own.what);
    }
}

/// A sentence on the capture.
struct Note(String);

impl Row for Note {
    const TABLE: &'static str = "notes";
    const ABOUT: &'static str = "One row for each sentence that reports have on the capture.";

    fn blank() -> Self {
        Self(String::new())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.text("note", "the sentence", &mut self.0);
    }
}

/// All tables of a capture, walked over by who wants to know their columns.
pub fn tables(visit: &mut impl TableVisitor) {
    visit.table::<CaptureRow>();
    visit.table::<CaptureFile>();
    visit.table::<InterfaceRow>();
    visit.table::<DamageRow>();
    visit.table::<Note>();
}

fn numbered<T>(rows: impl Iterator<Item = T>) -> impl Iterator<Item = (usize, u32, T)> {
    rows.enumerate().map(|(n, row)| (NO_VANTAGE, n as u32, row))
}

/// Hands over what a capture is, in tables; `place` is its place among those that were read together.
///
/// # Errors
/// Where a table cannot be kept.
pub fn store<S: Store>(capture: &Capture, place: u32, to: &mut S) -> Result<(), S::Fault> {
    let own = Capture { label: capture.label.clone(), files: Vec::new(), notes: Vec::new() };
    to.table(std::iter::once((NO_VANTAGE, place, CaptureRow(own))))?;
    to.table(numbered(capture.files.iter().map(|file| CaptureFile {
        path: file.path.clone(),
        text: file.text.as_ref().map(|facts| Facts {
            passed: Vec::new(),
            aside: Aside::default(),
            ..facts.clone()
        }),
        start: file.start,
        end: file.end,
        damage: Vec::new(),
        interfaces: Vec::new(),
        index: Vec::new(),
        secrets: Vec::new(),
        layout: Layout::PcapNg,
        handle: Handle::Elsewhere,
        ..*file
    })))?;
    let files = || capture.files.iter().enumerate();
    to.table(numbered(files().flat_map(|(at, file)| {
        let own = file.interfaces.iter().cloned();
        own.map(move |own| InterfaceRow { file: at as u32, own })
    })))?;
    to.table(numbered(files().flat_map(|(at, file)| {
        file.damage.iter().cloned().map(move |own| DamageRow { file: at as u32, own })
    })))?;
    to.table(numbered(capture.notes.iter().cloned().map(Note)))
}

/// Takes what a capture is from its tables, with its place among those that were indexed together.
///
/// # Errors
/// Where one cannot be read, or they contradict each other.
pub fn restore<R: Restore>(from: &mut R) -> Result<(Capture, u32), R::Fault> {
    let mut found = None;
    from.table(|_, place, row: CaptureRow| {
        found = Some((row.0, place));
        Ok(())
    })?;
    let (mut capture, place) = found.ok_or_else(|| from.refuse("it says of no capture"))?;
    // Names steer no terminal, whoever wrote them.
    capture.label = printable(capture.label);
    from.table(|_, at, row: CaptureFile| {
        if at as usize != capture.files.len() {
            return Err("files are not in order");
        }
        capture.files.push(row);
        Ok(())
    })?;
    let files = &mut capture.files;
    from.table(|_, _, row: InterfaceRow| {
        let file = files.get_mut(row.file as usize).ok_or("an interface is of no file")?;
        file.interfaces.push(row.own);
        Ok(())
    })?;
    from.table(|_, _, row: DamageRow| {
        let file = files.get_mut(row.file as usize).ok_or("damage is in no file")?;
        file.damage.push(row.own);
        Ok(())
    })?;
    from.table(|_, _, row: Note| {
        capture.notes.push(row.0);
        Ok(())
    })?;
    let large = |file: &CaptureFile| {
        let facts = file.text.clone().unwrap_or_default();
        let counts = [file.bytes, file.untimed, file.damage_omitted, facts.packets];
        let of_lines = [facts.without_macs, facts.without_ttl, facts.dumped];
        let of_interfaces = file
            .interfaces
            .iter()
            .flat_map(|own| [own.frames, own.dropped.unwrap_or(0), own.received.unwrap_or(0)]);
        counts.into_iter().chain(of_lines).chain(of_interfaces).any(|count| count > MOST)
    };
    if capture.files.iter().any(large) {
        return Err(from.refuse("it counts more than a capture can hold"));
    }
    Ok((capture, place))
}
