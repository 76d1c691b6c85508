//! Problems of a file, with their position.

use serde_json::json;

use crate::report::Ui;
use crate::report::escape::escape_line;

impl Ui {
    /// Report a problem at a line and column of `file`, in the format that editors turn into a link. `rows` have it.
    pub(crate) fn problem(&self, file: &str, (line, column): (u64, u64), message: &str, rows: u64) {
        if self.options.format.is_json() {
            let problem = json!({
                "file": file, "line": line, "column": column, "message": message, "rows": rows,
            });
            self.raw(&format!("{}\n", json!({ "problem": problem })));
        } else {
            let message = in_rows(message, rows, line);
            let text = escape_line(&format!("{file}:{line}:{column}: {message}"));
            self.raw(&format!("{text}\n"));
        }
    }
}

/// `message`, and in how many rows it applies, if they are more than the one in `line`.
pub(crate) fn in_rows(message: &str, rows: u64, line: u64) -> String {
    match rows {
        1 => message.to_owned(),
        _ => format!("{message} ({rows} rows, the first in line {line})"),
    }
}
