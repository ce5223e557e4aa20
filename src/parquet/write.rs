//! Writes a table: rows in groups, then their description.

use super::encode::Packer;
use super::footer::{Chunk, Footer, Group, MAGIC};
use super::{Column, Field, Growing, ROW};
use rayon::prelude::*;
use std::cell::RefCell;
use std::io::{self, Write};

/// A table that is being written. A row takes [`ROW`] bytes or more, so that readers can bound rows by the
/// file's length ([`super::Reader::open`]): where rows are alike as no real ones are, the file is filled up.
pub struct Writer<W: Write> {
    out: W,
    at: u64,
    footer: Footer,
}

impl<W: Write> Writer<W> {
    /// Begins a table with these columns.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn new(mut out: W, fields: Vec<Field>) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        let footer = Footer { fields, ..Footer::default() };
        Ok(Self { out, at: MAGIC.len() as u64, footer })
    }

    /// Writes whole columns: as many rows in each, at most [`super::GROUP`].
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn group(&mut self, columns: &[Column]) -> io::Result<()> {
        let columns: Vec<_> = columns.iter().map(Growing::from).collect();
        self.grown(&columns.iter().collect::<Vec<_>>())
    }

    /// Writes what has grown, as [`Self::group`] does.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn grown(&mut self, columns: &[&Growing]) -> io::Result<()> {
        let mut group = Group::default();
        let columns = self.footer.fields.par_iter().zip(columns);
        let packed: Vec<_> = columns.map(|(field, column)| pack(field, column)).collect();
        for packed in packed {
            let (bytes, mut chunk) = packed?;
            self.out.write_all(&bytes)?;
            chunk.place(self.at);
            self.at += bytes.len() as u64;
            group.rows = chunk.values;
            group.chunks.push(chunk);
        }
        self.footer.groups.push(group);
        Ok(())
    }

    /// Ends the table: with facts on it, and the columns that rows are sorted by.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self, facts: &[(&str, String)], sorted: &[usize]) -> io::Result<W> {
        self.footer.facts =
            facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.footer.sorted = sorted.to_vec();
        if let Some(short) =
            (self.footer.rows() * ROW).checked_sub(self.at).filter(|short| *short > 0)
        {
            let filling = " ".repeat(usize::try_from(short).unwrap_or(0));
            self.footer.facts.push(("filling".to_owned(), filling));
        }
        let footer = self.footer.write();
        self.out.write_all(&footer)?;
        self.out.write_all(&(footer.len() as u32).to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

thread_local! {
    /// What packs has tables of its own, which take longer to set up than small columns to pack.
    static PACKER: RefCell<Option<Packer>> = const { RefCell::new(None) };
}

fn pack(field: &Field, column: &Growing) -> io::Result<(Vec<u8>, Chunk)> {
    PACKER.with_borrow_mut(|packer| match packer {
        Some(packer) => packer.column(field, column),
        None => packer.insert(Packer::new()?).column(field, column),
    })
}
