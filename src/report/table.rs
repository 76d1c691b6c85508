//! Aligned columns: on a terminal as many as fit, in a pipe all of them.

use std::fmt;

use unicode_width::UnicodeWidthStr as _;

use crate::report::escape::escape_line;

/// Between two columns.
const GAP: &str = "  ";

/// A table: a header and rows, all with the same number of cells.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
}

impl Table {
    /// Lay out `rows` below `header`.
    pub(crate) fn new(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let header = header.iter().map(|name| name.to_uppercase()).collect();
        // A cell with a line end would break the table.
        let escape = |row: Vec<String>| row.iter().map(|cell| escape_line(cell)).collect();
        Self::plain(std::iter::once(header).chain(rows.into_iter().map(escape)))
    }

    /// Lay out rows without a header, whose text needs no escaping.
    pub(crate) fn plain(rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let rows: Vec<Vec<String>> = rows.into_iter().collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell: &String| cell.width())
                .max()
                .unwrap_or_default()
        };
        let widths = (0..columns).map(width).collect();
        Self { rows, widths }
    }

    /// Drop columns from the right until a line has at most `limit` characters, and return the names of those dropped. The
    /// first two stay, because they identify the row. Cells are never cut: half an id is the id of something else.
    pub(crate) fn fit(&mut self, limit: usize) -> Vec<String> {
        let width = |widths: &[usize]| widths.iter().map(|width| width + GAP.len()).sum::<usize>();
        // The last column needs no gap after it.
        while self.widths.len() > 2 && width(&self.widths) > limit + GAP.len() {
            self.widths.pop();
        }
        let header = self
            .rows
            .first()
            .and_then(|header| header.get(self.widths.len()..));
        header.unwrap_or_default().to_vec()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&self.widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width()));
                line.push_str(GAP);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        [
            ["acme-42", "漢字の名前", "7"],
            ["x", "a\u{1b}[31m\nlong name of a person", "12"],
        ]
        .map(|row| row.map(str::to_owned).to_vec())
        .to_vec()
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let table = Table::new(&["id", "name", "keys"], rows()).to_string();

        insta::assert_snapshot!(table, @r"
        ID       NAME                                KEYS
        acme-42  漢字の名前                          7
        x        a\u{1b}[31m\nlong name of a person  12
        ");
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_no_cell_is_cut() {
        let mut table = Table::new(&["id", "name", "keys"], rows());

        let dropped = table.fit(45);
        assert_eq!(dropped, ["KEYS"]);
        let text = table.to_string();
        assert!(text.lines().all(|line| line.width() <= 45), "{text}");
        assert!(text.contains("long name of a person"), "{text}");

        assert_eq!(table.fit(3), ["KEYS"]);
        assert_eq!(table.to_string(), text);
    }
}
