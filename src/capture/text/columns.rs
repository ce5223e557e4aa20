//! Tables that Wireshark copies or exports as CSV: columns between tabs or in quotation marks, in
//! whatever order somebody put them. A heading tells the order; the row is put into that which
//! tshark prints.

use std::borrow::Cow;

/// Cells of a row that are looked at.
const CELLS: usize = 64;

/// What a column holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Column {
    Number,
    Time,
    Source,
    SourcePort,
    Destination,
    DestinationPort,
    Protocol,
    Length,
    Info,
}

/// tshark's order, with the ports behind their addresses.
const ORDER: [Column; 9] = [
    Column::Number,
    Column::Time,
    Column::Source,
    Column::SourcePort,
    Column::Destination,
    Column::DestinationPort,
    Column::Protocol,
    Column::Length,
    Column::Info,
];

/// The columns of the table that is open.
#[derive(Debug, Default)]
pub(super) struct Columns {
    kinds: Vec<Option<Column>>,
}

impl Columns {
    /// Takes in a line; a row comes back as tshark would print it, any other line as it is.
    pub(super) fn line<'l>(&mut self, text: &'l str) -> Cow<'l, str> {
        // Most lines are none: no heading names a source, and nothing is in quotation marks.
        let quoted = text.starts_with('"');
        let may_be =
            quoted || text.contains('\t') && (!self.kinds.is_empty() || text.contains("rc"));
        if !may_be {
            return Cow::Borrowed(text);
        }
        let Some(cells) = cells(text) else { return Cow::Borrowed(text) };
        let kinds: Vec<Option<Column>> = cells.iter().map(|cell| named(cell)).collect();
        let has = |column| kinds.contains(&Some(column));
        if has(Column::Source) && has(Column::Destination) && has(Column::Protocol) {
            self.kinds = kinds;
            return Cow::Borrowed(text);
        }
        match self.row(&cells) {
            Some(row) => Cow::Owned(row),
            None if quoted => Cow::Owned(cells.join("\t")),
            None => Cow::Borrowed(text),
        }
    }

    fn row(&self, cells: &[String]) -> Option<String> {
        if cells.len() != self.kinds.len() {
            return None;
        }
        let cell = |column| {
            let at = self.kinds.iter().position(|kind| *kind == Some(column))?;
            Some(cells[at].trim()).filter(|cell| !cell.is_empty())
        };
        cell(Column::Time).zip(cell(Column::Source))?;
        let put = |column| match column {
            // What is not a column is not told.
            Column::Length => Some(cell(column).unwrap_or("-")),
            Column::Number => Some(cell(column).unwrap_or("0")),
            _ => cell(column),
        };
        let row: Vec<&str> = ORDER.iter().filter_map(|column| put(*column)).collect();
        Some(row.join("\t"))
    }
}

fn named(cell: &str) -> Option<Column> {
    let name = cell.trim().trim_end_matches('.').to_ascii_lowercase();
    Some(match name.as_str() {
        "no" | "number" => Column::Number,
        "time" | "utc time" | "arrival time" => Column::Time,
        "source" | "src" | "source address" => Column::Source,
        "source port" | "src port" | "sport" | "s port" => Column::SourcePort,
        "destination" | "dest" | "dst" | "destination address" => Column::Destination,
        "destination port" | "dest port" | "dst port" | "dport" | "d port" => {
            Column::DestinationPort
        }
        "protocol" | "proto" => Column::Protocol,
        "length" | "len" => Column::Length,
        "info" => Column::Info,
        _ => return None,
    })
}

/// The cells of a row: between tabs, or of RFC 4180.
fn cells(text: &str) -> Option<Vec<String>> {
    if !text.starts_with('"') {
        return Some(text.split('\t').take(CELLS).map(str::to_owned).collect());
    }
    let mut found = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.next_if_eq(&'"').is_some() => found.last_mut()?.push('"'),
            ('"', _) => quoted = !quoted,
            (',', false) => found.push(String::new()),
            (c, _) => found.last_mut()?.push(c),
        }
        if found.len() > CELLS {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::Columns;

    #[test]
    fn rows_are_put_into_the_order_of_tshark() {
        let mut columns = Columns::default();
        columns.line(
            "No.\tTime\tSource\tSource Port\tDestination\tDestination Port\tProtocol\tDelta\tInfo",
        );
        assert_eq!(
            columns.line(
                "7\t2024-03-05 12:00:01.5\t10.0.0.1\t4100\t10.0.0.2\t90\tTCP\t0.1\t4100 > 90 [SYN]"
            ),
            "7\t2024-03-05 12:00:01.5\t10.0.0.1\t4100\t10.0.0.2\t90\tTCP\t-\t4100 > 90 [SYN]"
        );
        columns.line("Info\tProtocol\tDestination\tSource\tTime");
        assert_eq!(
            columns.line("4100 > 90 [SYN]\tTCP\t10.0.0.2\t10.0.0.1\t0.5"),
            "0\t0.5\t10.0.0.1\t10.0.0.2\tTCP\t-\t4100 > 90 [SYN]"
        );
    }

    #[test]
    fn quoted_cells_are_opened_and_other_lines_stay() {
        let mut columns = Columns::default();
        let row = r#""1","0.0","10.0.0.1","10.0.0.2","TCP","74","4100  >  90 [SYN] ""x"", y""#;
        let wanted = "1\t0.0\t10.0.0.1\t10.0.0.2\tTCP\t74\t4100  >  90 [SYN] \"x\", y";
        assert_eq!(columns.line(row), wanted);
        columns.line(r#""No.","Time","Source","Destination","Protocol","Length","Info""#);
        assert_eq!(columns.line(row), wanted);
        for line in ["\t0x0000:  4500 003c", "12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: x", "a\tb"] {
            assert_eq!(columns.line(line), line);
        }
    }
}
