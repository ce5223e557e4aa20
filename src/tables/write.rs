//! Writes the tables of a capture: into a folder that is hidden until it is whole.

use super::columns::{Growing, Outward};
use super::manifest::{Manifest, NAME, Part};
use super::schema::{self, Described};
use super::{TablesError, VERSION};
use crate::capture::{self, Capture};
use crate::correlate::{self, Connections, Stated};
use crate::exchange::{self, Heard};
use crate::flow::{self, Observations};
use crate::parquet::Writer;
use crate::row::{Row, Store, day};
use crate::unfinished::UnfinishedFolder;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Days of one vantage that have folders of their own; a capture with wild times has any.
const MAX_DAYS: usize = 400;
/// The day of all streams of such a one, as engines call what has none.
const NO_DAY: &str = "__HIVE_DEFAULT_PARTITION__";
/// Characters of a vantage's name in a folder's name.
const MAX_NAME: usize = 120;

/// Rows of a group. Of more, columns outgrow the processor's caches, and a fifth of the time goes into memory
/// that is new; of fewer, what every group says of itself begins to weigh.
const ROWS: usize = 16_384;

/// What became of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Its tables are in this folder, and take these bytes.
    New(PathBuf, u64),
    /// They were there already.
    Known(PathBuf),
}

/// Writes the tables of captures that were read together, below a folder: what was observed of each,
/// then what they show together, the ties of their streams and what proxies' connections say.
///
/// # Errors
/// Where they cannot be written; nothing of the capture at hand is left then.
pub fn write(
    below: &Path,
    captures: &[Capture],
    mut vantages: Vec<Observations>,
) -> Result<Vec<Written>, TablesError> {
    let mut begun = Vec::new();
    let mut spare = Spare::new();
    for place in 0..captures.len() {
        begun.push(Begun::new(below, place, captures, &vantages, &mut spare)?);
    }
    drop(spare);
    // From here on vantages are what the others make of them, which tables are not to be.
    correlate::even_out(&mut vantages);
    correlate::settle(&mut vantages);
    let connections = correlate::correlate(&vantages, &Stated::default());
    let heard = exchange::hear(captures, &vantages, &connections);
    begun.into_iter().map(|begun| begun.finish(below, &connections, &heard)).collect()
}

/// A capture of which all is written that it shows alone.
struct Begun {
    target: PathBuf,
    /// Nothing where its tables were there before.
    new: Option<(Folder, UnfinishedFolder)>,
    vantages: Range<usize>,
}

fn fault(below: &Path, e: &io::Error) -> TablesError {
    let room = "free space there, or name another folder with -o";
    TablesError::new(below, format!("cannot be written ({e})"), room)
}

impl Begun {
    fn new(
        below: &Path,
        place: usize,
        captures: &[Capture],
        vantages: &[Observations],
        spare: &mut Spare,
    ) -> Result<Self, TablesError> {
        let fault = |e: io::Error| fault(below, &e);
        let capture = &captures[place];
        let first = vantages.iter().position(|seen| seen.capture == place).unwrap_or(0);
        let count = vantages.iter().filter(|seen| seen.capture == place).count();
        let range = first..first + count;
        let own = &vantages[range.clone()];
        let identity = super::identity(capture, own);
        let target = below.join(&identity);
        if target.join(NAME).is_file() {
            return Ok(Self { target, new: None, vantages: range });
        }
        fs::create_dir_all(below).map_err(fault)?;
        let hidden = UnfinishedFolder::within(below).map_err(fault)?;
        let manifest = Manifest::new(identity, capture.label.clone(), place as u32);
        let labels = own.iter().map(|seen| seen.label.clone()).collect();
        let path = hidden.path().to_owned();
        let mut folder = Folder { path, manifest, labels, spare: std::mem::take(spare) };
        capture::store(capture, place as u32, &mut folder).map_err(fault)?;
        flow::store(own, &mut folder).map_err(fault)?;
        *spare = std::mem::take(&mut folder.spare);
        Ok(Self { target, new: Some((folder, hidden)), vantages: range })
    }

    fn finish(
        self,
        below: &Path,
        connections: &Connections,
        heard: &Heard,
    ) -> Result<Written, TablesError> {
        let fault = |e: io::Error| fault(below, &e);
        let Self { target, new, vantages } = self;
        let Some((mut folder, hidden)) = new else { return Ok(Written::Known(target)) };
        exchange::store(heard, vantages.start, vantages.len(), &mut folder).map_err(fault)?;
        correlate::store(connections, vantages, &mut folder).map_err(fault)?;
        fs::write(folder.path.join(NAME), folder.manifest.text()).map_err(fault)?;
        let parts = folder.manifest.tables.values().flatten();
        let bytes = parts.map(|part| part.bytes).sum();
        match hidden.place_new(&target) {
            Ok(()) => Ok(Written::New(target, bytes)),
            // Somebody else was as quick.
            Err(_) if target.join(NAME).is_file() => Ok(Written::Known(target)),
            Err(e) => Err(fault(e)),
        }
    }
}

/// By table: columns that are written, in whose memory the next file of it grows, which the system need
/// not clear again.
type Spare = HashMap<&'static str, Vec<Growing>>;

/// A folder of tables that is being written.
struct Folder {
    path: PathBuf,
    manifest: Manifest,
    labels: Vec<String>,
    spare: Spare,
}

impl Folder {
    /// Begins a file of a table.
    fn begin<R: Row>(&mut self, file: String) -> io::Result<Table> {
        let path = self.path.join(&file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let out = BufWriter::new(File::create_new(path)?);
        Table::new(out, file, schema::columns::<R>(), self.spare.remove(R::TABLE))
    }

    fn end<R: Row>(&mut self, table: Table) -> io::Result<()> {
        let (mut part, columns) = table.finish(R::TABLE)?;
        self.spare.insert(R::TABLE, columns);
        part.bytes = self.path.join(&part.file).metadata()?.len();
        self.manifest.tables.entry(R::TABLE.to_owned()).or_default().push(part);
        Ok(())
    }
}

impl Store for Folder {
    type Fault = io::Error;

    fn table<R: Row>(&mut self, rows: impl Iterator<Item = (usize, u32, R)>) -> io::Result<()> {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let mut table = self.begin::<R>(format!("{}.parquet", R::TABLE))?;
        for (vantage, number, row) in rows {
            let label = self.labels.get(vantage).map(String::as_str);
            table.row(number, &self.manifest.capture, (vantage, label), row)?;
        }
        self.end::<R>(table)
    }

    fn by_day<R: Row>(
        &mut self,
        vantage: usize,
        rows: impl Iterator<Item = (i64, u32, R)>,
    ) -> io::Result<()> {
        let mut days: Vec<i64> = Vec::new();
        let mut open: Option<(i64, Table)> = None;
        for (time, number, row) in rows {
            let today = day(time);
            let changed = open.as_ref().is_none_or(|(day, _)| *day != today);
            if changed && days.len() < MAX_DAYS {
                if let Some((_, table)) = open.take() {
                    self.end::<R>(table)?;
                }
                days.push(today);
                let part = days.iter().filter(|day| **day == today).count();
                let name = if days.len() < MAX_DAYS { date(today) } else { NO_DAY.to_owned() };
                let label = self.labels.get(vantage).map_or("", String::as_str);
                let file = format!(
                    "{}/day={name}/vantage={}/{part}.parquet",
                    R::TABLE,
                    folder_name(label, vantage)
                );
                open = Some((today, self.begin::<R>(file)?));
            }
            if let Some((_, table)) = &mut open {
                let label = self.labels.get(vantage).map(String::as_str);
                table.row(number, &self.manifest.capture, (vantage, label), row)?;
            }
        }
        match open {
            Some((_, table)) => self.end::<R>(table),
            None => Ok(()),
        }
    }
}

/// A day as in `2024-05-01`.
fn date(day: i64) -> String {
    let time = jiff::Timestamp::from_second(day.saturating_mul(86_400));
    let text = time.map(|time| time.to_string()).unwrap_or_default();
    // A year before 0 has a sign and more digits; no capture has one that is right.
    let date = text.split('T').next().unwrap_or_default();
    if date.len() == 10 { date.to_owned() } else { NO_DAY.to_owned() }
}

/// A vantage's name within a folder's name, as engines write values there: what is not plain is escaped.
fn folder_name(label: &str, vantage: usize) -> String {
    let mut name = String::new();
    for byte in label.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
        if name.len() > MAX_NAME {
            name.push_str(&format!("-{vantage}"));
            break;
        }
    }
    name
}

/// One file of a table that is being written.
struct Table {
    file: String,
    writer: Writer<BufWriter<File>>,
    columns: Vec<Growing>,
    held: usize,
    rows: u64,
}

impl Table {
    fn new(
        out: BufWriter<File>,
        file: String,
        columns: Vec<Described>,
        spare: Option<Vec<Growing>>,
    ) -> io::Result<Self> {
        let growing = |c: &Described| Growing::new(c.field.kind, c.field.optional);
        let grown = spare.unwrap_or_else(|| columns.iter().map(growing).collect());
        let writer = Writer::new(out, columns.into_iter().map(|column| column.field).collect())?;
        Ok(Self { file, writer, columns: grown, held: 0, rows: 0 })
    }

    fn row<R: Row>(
        &mut self,
        number: u32,
        capture: &str,
        vantage: (usize, Option<&str>),
        mut row: R,
    ) -> io::Result<()> {
        let mut out = Outward::new(&mut self.columns);
        out.own(number, capture, vantage);
        row.row(&mut out);
        self.held += 1;
        self.rows += 1;
        if self.held == ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.held = 0;
        let columns: Vec<_> = self.columns.iter().map(Growing::values).collect();
        self.writer.grown(&columns)?;
        self.columns.iter_mut().for_each(Growing::clear);
        Ok(())
    }

    /// Ends the file, and gives back its columns.
    fn finish(mut self, table: &str) -> io::Result<(Part, Vec<Growing>)> {
        if self.held > 0 {
            self.flush()?;
        }
        let facts = [
            ("lbdiag.table", table.to_owned()),
            ("lbdiag.schema", VERSION.to_string()),
            ("lbdiag.version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        self.writer.finish(&facts, &[])?.into_inner().map_err(|e| e.into_error())?.flush()?;
        Ok((Part { file: self.file, rows: self.rows, bytes: 0 }, self.columns))
    }
}
