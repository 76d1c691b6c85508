//! Problems of a file, with their position.

use serde_json::json;

use crate::report::Ui;
use crate::report::escape::escape_line;

impl Ui {
    /// Report a problem at a line and column of `file`, in the format that editors turn into a link.
    pub(crate) fn problem(&self, file: &str, (line, column): (u64, u64), message: &str) {
        if self.options.format.is_json() {
            let problem =
                json!({ "file": file, "line": line, "column": column, "message": message });
            self.raw(&format!("{}\n", json!({ "problem": problem })));
        } else {
            let text = escape_line(&format!("{file}:{line}:{column}: {message}"));
            self.raw(&format!("{text}\n"));
        }
    }
}
