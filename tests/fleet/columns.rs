//! Files of tables, read and written column by column: for tables that no host wrote.

use lbdiag::parquet::{Column, Field, GROUP, Kind, Reader, Values, Writer};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

/// A table in memory.
#[derive(Clone)]
pub struct Rows {
    pub fields: Vec<Field>,
    pub columns: Vec<Column>,
    pub rows: usize,
}

impl Rows {
    /// A file's rows, of its first group, which all small ones have.
    pub fn read(path: &Path) -> Self {
        let mut reader = Reader::open(File::open(path).unwrap()).unwrap();
        assert_eq!(reader.groups(), 1, "{}", path.display());
        let fields = reader.fields().to_vec();
        let every: Vec<usize> = (0..fields.len()).collect();
        let columns = reader.columns(0, &every).unwrap();
        Self { rows: reader.rows_of(0), fields, columns }
    }

    pub fn at(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The numbers of a column, one a row; none where a row has none.
    pub fn numbers(&self, name: &str) -> Vec<Option<i64>> {
        let column = &self.columns[self.at(name).unwrap()];
        let Values::Numbers(list) = &column.values else { panic!("{name}") };
        spread(list, column, self.rows)
    }

    /// The texts of a column.
    pub fn texts(&self, name: &str) -> Vec<Option<String>> {
        let column = &self.columns[self.at(name).unwrap()];
        let Values::Texts(list, of) = &column.values else { panic!("{name}") };
        let of = spread(of, column, self.rows);
        of.into_iter().map(|at| at.map(|at| list[at as usize].clone())).collect()
    }

    /// Changes numbers, with the name of their column, whether it is one of times, and their row.
    pub fn change(&mut self, mut change: impl FnMut(&str, Kind, usize, i64) -> i64) {
        for (field, column) in self.fields.iter().zip(&mut self.columns) {
            let there = column.there.clone();
            let Values::Numbers(list) = &mut column.values else { continue };
            let mut rows =
                (0..self.rows).filter(|row| there.as_ref().is_none_or(|there| there[*row]));
            for value in list {
                *value = change(&field.name, field.kind, rows.next().unwrap(), *value);
            }
        }
    }

    /// Changes texts.
    pub fn rename(&mut self, change: impl Fn(&str, &str) -> String) {
        for (field, column) in self.fields.iter().zip(&mut self.columns) {
            let Values::Texts(list, _) = &mut column.values else { continue };
            list.iter_mut().for_each(|text| *text = change(&field.name, text));
        }
    }

    /// The same with some of its rows.
    pub fn only(&self, keep: &[bool]) -> Self {
        let mut own = self.clone();
        own.rows = keep.iter().filter(|keep| **keep).count();
        for column in &mut own.columns {
            let there = column.there.take();
            let has = |row: usize| there.as_ref().is_none_or(|there| there[row]);
            let kept: Vec<bool> =
                (0..self.rows).filter(|row| has(*row)).map(|row| keep[row]).collect();
            let mut at = kept.iter();
            match &mut column.values {
                Values::Numbers(list) => list.retain(|_| *at.next().unwrap()),
                Values::Texts(_, of) => of.retain(|_| *at.next().unwrap()),
            }
            column.there = there.as_ref().map(|there| {
                let rows = there.iter().zip(keep).filter(|(_, keep)| **keep);
                rows.map(|(there, _)| *there).collect()
            });
        }
        own
    }

    /// Adds the rows of another one, whose texts are among those of this one.
    pub fn add(&mut self, other: &Self) {
        for (own, other_column) in self.columns.iter_mut().zip(&other.columns) {
            match (&mut own.values, &other_column.values) {
                (Values::Numbers(own), Values::Numbers(other)) => own.extend(other),
                (Values::Texts(list, of), Values::Texts(others, other)) => {
                    let same = list == others;
                    of.extend(other.iter().map(|at| match same {
                        true => *at,
                        false => {
                            let text = &others[*at as usize];
                            list.iter().position(|own| own == text).unwrap() as u32
                        }
                    }));
                }
                _ => panic!("columns of two kinds"),
            }
            if let (Some(own), Some(other)) = (&mut own.there, &other_column.there) {
                own.extend(other);
            }
        }
        self.rows += other.rows;
    }
}

fn spread<T: Copy>(list: &[T], column: &Column, rows: usize) -> Vec<Option<T>> {
    let mut list = list.iter().copied();
    let has = |row| column.there.as_ref().is_none_or(|there| there[row]);
    (0..rows).map(|row| if has(row) { list.next() } else { None }).collect()
}

/// A file that grows by groups.
pub struct Growing(Writer<BufWriter<File>>, Option<Rows>, u64);

impl Growing {
    pub fn new(path: &Path, fields: &[Field]) -> Self {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let out = BufWriter::new(File::create(path).unwrap());
        Self(Writer::new(out, fields.to_vec()).unwrap(), None, 0)
    }

    pub fn add(&mut self, rows: &Rows) {
        self.2 += rows.rows as u64;
        if self.1.as_ref().is_some_and(|held| held.rows + rows.rows > GROUP) {
            self.flush();
        }
        match &mut self.1 {
            Some(held) => held.add(rows),
            None => self.1 = Some(rows.clone()),
        }
    }

    fn flush(&mut self) {
        if let Some(held) = self.1.take().filter(|held| held.rows > 0) {
            self.0.group(&held.columns).unwrap();
        }
    }

    /// Ends the file, and says how many rows it has.
    pub fn finish(mut self) -> u64 {
        self.flush();
        self.0.finish(&[], &[]).unwrap();
        self.2
    }
}

/// Writes a table in place of another one, and its length into the manifest.
pub fn put(folder: &Path, file: &str, rows: &Rows) {
    let path = folder.join(file);
    let mut growing = Growing::new(&path, &rows.fields);
    growing.add(rows);
    growing.finish();
    list(folder, file, rows.rows as u64);
}

/// Brings the manifest up to what a file has.
pub fn list(folder: &Path, file: &str, rows: u64) {
    let path = folder.join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let bytes = folder.join(file).metadata().unwrap().len();
    for parts in manifest["tables"].as_object_mut().unwrap().values_mut() {
        for part in parts.as_array_mut().unwrap() {
            if part["file"] == file {
                part["rows"] = rows.into();
                part["bytes"] = bytes.into();
            }
        }
    }
    fs::write(path, manifest.to_string()).unwrap();
}

/// The files of a capture's folder, as its manifest has them.
pub fn files(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let parts = manifest["tables"].as_object().unwrap().values();
    let parts = parts.flat_map(|parts| parts.as_array().unwrap().clone());
    parts.map(|part| part["file"].as_str().unwrap().to_owned()).collect()
}
