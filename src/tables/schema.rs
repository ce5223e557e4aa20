//! The columns of all tables, with what they hold: for writers, readers and the page.

use crate::parquet::{Field, Kind};
use crate::row::{About, Columns, Row, TableVisitor};
use crate::wire::{Ip, Mac};
use crate::{capture, correlate, exchange, flow};

/// A column with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Name, type, whether rows may have none.
    pub field: Field,
    /// Unit and meaning.
    pub what: String,
}

/// The columns of a table, in their order: its numbers, whose they are, then what its rows say.
pub(super) fn columns<R: Row>() -> Vec<Described> {
    let mut list = Lister { prefix: Vec::new(), found: Vec::new() };
    let (number, what) = R::NUMBER;
    list.add(About { name: number, suffix: "", what }, Kind::U32, false);
    list.add(
        About { name: "capture", suffix: "", what: "the capture, as its folder is named" },
        Kind::Text,
        false,
    );
    list.add(
        About {
            name: "vantage",
            suffix: "",
            what: "the vantage; none for what is of the whole capture",
        },
        Kind::Text,
        true,
    );
    R::blank().row(&mut list);
    list.found
}

/// Columns that every table begins with.
pub(super) const OWN: usize = 3;

/// Every table: its name, what a row is, its columns.
#[must_use]
pub fn schema() -> Vec<(&'static str, &'static str, Vec<Described>)> {
    struct All(Vec<(&'static str, &'static str, Vec<Described>)>);
    impl TableVisitor for All {
        fn table<R: Row>(&mut self) {
            self.0.push((R::TABLE, R::ABOUT, columns::<R>()));
        }
    }
    let mut all = All(Vec::new());
    capture::tables(&mut all);
    flow::tables(&mut all);
    exchange::tables(&mut all);
    correlate::tables(&mut all);
    all.0
}

/// Lists columns.
struct Lister {
    prefix: Vec<&'static str>,
    found: Vec<Described>,
}

impl Lister {
    fn add(&mut self, about: About, kind: Kind, optional: bool) {
        let name = format!("{}{}{}", self.prefix.concat(), about.name, about.suffix);
        self.found
            .push(Described { field: Field { name, kind, optional }, what: about.what.to_owned() });
    }
}

impl Columns for Lister {
    fn begin(&mut self, prefix: &'static str) {
        self.prefix.push(prefix);
    }

    fn end(&mut self) {
        self.prefix.pop();
    }

    fn number(
        &mut self,
        about: About,
        kind: Kind,
        optional: bool,
        value: Option<i64>,
    ) -> Option<i64> {
        self.add(about, kind, optional);
        value
    }

    fn address(&mut self, about: About, optional: bool, value: Option<Ip>) -> Option<Ip> {
        self.add(about, Kind::Text, optional);
        value
    }

    fn hardware(&mut self, about: About, optional: bool, value: Option<Mac>) -> Option<Mac> {
        self.add(about, Kind::Text, optional);
        value
    }

    fn choice(&mut self, about: About, _: &'static [&'static str], at: usize) -> usize {
        self.add(about, Kind::Text, false);
        at
    }

    fn text_of(&mut self, about: About, _: Option<&str>) -> Option<String> {
        // A text may be none, which is not the same as an empty one.
        self.add(about, Kind::Text, true);
        None
    }

    fn comes_in(&self) -> bool {
        false
    }

    fn refuse(&mut self, _: &'static str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_column_and_no_table_is_there_twice() {
        let schema = schema();
        let tables: HashSet<&str> = schema.iter().map(|(name, ..)| *name).collect();
        assert_eq!(tables.len(), schema.len());
        for (table, about, columns) in &schema {
            assert!(about.ends_with('.'), "{table}");
            let names: HashSet<&str> = columns.iter().map(|c| c.field.name.as_str()).collect();
            assert_eq!(names.len(), columns.len(), "{table}");
            assert!(columns.iter().all(|column| !column.what.is_empty()), "{table}");
        }
    }
}
