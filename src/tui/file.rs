//! What a file holds that is saved, and how it comes onto the disk.
//!
//! A worker does it: a report of many findings reads frames again, and a disk may be slow.
//! An order carries what was on the screen when it was given, so that going on meanwhile
//! changes nothing in the file. The file appears whole or not at all, and never in the
//! place of another.

use super::data::Data;
use crate::extract::{self, Which};
use crate::ladder;
use crate::render::{self, Times};
use crate::report::ladder::Ladder;
use crate::report::{self, ConnectionFilter, Options, Report};
use crate::trace::ConnectionId;
use crate::unfinished::{Readers, Unfinished};
use std::io::{self, Write as _};
use std::path::Path;

/// Whose frames are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A connection.
    Connection(ConnectionId),
    /// The finding of this index.
    Finding(usize),
}

/// A kind of drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// A picture.
    Svg,
    /// Text that pages turn into a picture.
    Mermaid,
    /// The same for another tool.
    PlantUml,
}

/// What a file is to hold.
#[derive(Debug, Clone)]
pub enum Contents {
    /// The report as Markdown.
    Markdown,
    /// The report as a page.
    Html,
    /// The report as JSON.
    Json,
    /// Frames as pcapng.
    Frames(Subject),
    /// A drawing as it was on the screen.
    Drawing(Drawing, Box<Ladder>, Times),
}

/// A file to be written.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where.
    pub path: String,
    /// What.
    pub contents: Contents,
}

/// Writes a file.
///
/// # Errors
/// Where the file is there already (`AlreadyExists`), cannot be written, or the frames
/// that it is to hold cannot be read again.
pub fn write(data: &Data, order: &Order) -> io::Result<()> {
    let path = Path::new(&order.path);
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let bytes = bytes_of(data, &order.contents)?;
    let mut file = Unfinished::at(path, Readers::AsUsual)?;
    file.write_all(&bytes)?;
    file.place_new(path)
}

fn bytes_of(data: &Data, contents: &Contents) -> io::Result<Vec<u8>> {
    Ok(match contents {
        Contents::Frames(subject) => return frames(data, *subject),
        Contents::Markdown => {
            let telling = ladder::telling(&data.trace, &data.diagnosis);
            let telling = telling.and_then(|drawn| data.mask.document(drawn));
            render::markdown(&data.report, telling.as_ref())
        }
        Contents::Html => page(data).ok_or_else(|| io::Error::other("it cannot be redacted"))?,
        Contents::Json => render::json(&data.report),
        Contents::Drawing(Drawing::Svg, ladder, times) => render::svg(ladder, *times),
        Contents::Drawing(Drawing::Mermaid, ladder, times) => {
            render::mermaid_sequence(ladder, *times)
        }
        Contents::Drawing(Drawing::PlantUml, ladder, times) => render::plantuml(ladder, *times),
    }
    .into_bytes())
}

/// The page, with the connections that the panes make only when they are drawn; `None` where it
/// cannot be redacted.
fn page(data: &Data) -> Option<String> {
    let connections = ConnectionFilter::of_page(&data.trace);
    let options = Options { connections, notes: Vec::new() };
    let listing = report::build(&data.trace, &data.diagnosis, &options);
    let connections = data.mask.document(listing.connections)?;
    let report = Report { connections, ..data.report.clone() };
    let ladders = data.mask.document(ladder::of_findings(&data.trace, &data.diagnosis))?;
    Some(render::html(&report, &data.atlas.topology, &ladders))
}

fn frames(data: &Data, subject: Subject) -> io::Result<Vec<u8>> {
    let one;
    let which = match subject {
        Subject::Connection(id) => {
            one = [id];
            Which::Connections(&one)
        }
        Subject::Finding(at) => Which::Finding(at),
    };
    let nothing = || io::Error::other("no frame can be read again");
    let mut extract =
        extract::extract(&data.trace, &data.diagnosis, which, extract::Options::default())?
            .ok_or_else(nothing)?;
    data.mask.extract(&mut extract)?;
    let mut bytes = Vec::new();
    render::pcapng(&mut extract, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::testkit::sample;
    use super::*;

    #[test]
    fn a_file_is_whole_or_not_there_and_takes_no_place() {
        let data = sample("hairpin-cloud-slb");
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let order = |name: &str, contents| Order { path: path(name), contents };
        let there = order("there.md", Contents::Markdown);
        std::fs::write(&there.path, "mine").unwrap();
        assert_eq!(write(&data, &there).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&there.path).unwrap(), "mine");
        let none = order("none.pcapng", Contents::Frames(Subject::Finding(usize::MAX)));
        assert!(write(&data, &none).is_err());
        write(&data, &order("new.json", Contents::Json)).unwrap();
        write(&data, &order("new.html", Contents::Html)).unwrap();
        let page = std::fs::read_to_string(path("new.html")).unwrap();
        for part in ["<!DOCTYPE html>", "l4-self-access-hairpin", "<svg"] {
            assert!(page.contains(part), "{part}");
        }
        let mut names: Vec<_> =
            dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["new.html", "new.json", "there.md"]);
    }
}
