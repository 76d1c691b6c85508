//! Columns that line up: for a terminal cut to its width, for a pipe as wide as they need to be.

use std::fmt;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::report::escape::escape_line;

/// Between two columns.
const GAP: &str = "  ";
/// No column is cut below this.
const NARROWEST: usize = 8;

/// A table: a header and rows, all with the same number of cells.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
}

impl Table {
    /// Lay out `rows` below `header`, in at most `limit` characters a line where there is a limit.
    pub(crate) fn new(
        header: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
        limit: Option<usize>,
    ) -> Self {
        let header = header.iter().map(|name| name.to_uppercase()).collect();
        let escape = |row: Vec<String>| row.iter().map(|cell| escape_line(cell)).collect();
        let mut table = Self::plain(std::iter::once(header).chain(rows.into_iter().map(escape)));
        if let Some(limit) = limit {
            table.fit(limit);
        }
        table
    }

    /// Lay out rows that need no header and no limit.
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

    /// Take from the widest column until a line fits, or nothing is left to take.
    fn fit(&mut self, limit: usize) {
        let gaps = GAP.len() * self.widths.len().saturating_sub(1);
        while self.widths.iter().sum::<usize>() + gaps > limit {
            match self.widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => return,
            }
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&self.widths) {
                let cell = cut(cell, *width);
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width()));
                line.push_str(GAP);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `text` in at most `width` columns, with dots where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(3);
    let mut kept = String::new();
    for character in text.chars() {
        let needs = character.width().unwrap_or_default();
        if needs > room {
            break;
        }
        room -= needs;
        kept.push(character);
    }
    kept + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        [
            ["acme-42", "漢字の名前", "7"],
            ["x", "a\u{1b}[31m\nlong name of somebody", "12"],
        ]
        .map(|row| row.map(str::to_owned).to_vec())
        .to_vec()
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let table = Table::new(&["id", "name", "keys"], rows(), None).to_string();

        insta::assert_snapshot!(table, @r"
        ID       NAME                                KEYS
        acme-42  漢字の名前                          7
        x        a\u{1b}[31m\nlong name of somebody  12
        ");
    }

    #[test]
    fn a_terminal_gets_no_line_wider_than_itself() {
        let table = Table::new(&["id", "name", "keys"], rows(), Some(30)).to_string();

        assert!(table.lines().all(|line| line.width() <= 30), "{table}");
        assert!(table.contains("..."), "{table}");
    }
}
