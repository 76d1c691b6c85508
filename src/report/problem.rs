//! What is wrong with a file, at the place where it is.

use serde_json::json;

use crate::report::Ui;
use crate::report::escape::escape_line;

impl Ui {
    /// Say what is wrong at a line and column of `file`, in the form that editors make a link of.
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
