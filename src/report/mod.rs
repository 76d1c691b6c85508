//! Output for people and scripts: results on standard output, everything else on standard error.

mod count;
mod env;
mod escape;
mod few;
mod figures;
mod html;
mod live;
mod nearest;
mod options;
mod problem;
mod progress;
mod size;
mod status;
mod table;
mod terminal;
mod wrap;

use std::fmt;
use std::io::{self, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::error::{Error, Exit, Kind};
use crate::report::live::Live;
use crate::report::table::Table;
use crate::report::terminal::Terminal;
use crate::system::{Stream, System, duration};

pub(crate) use count::number_of;
pub(crate) use env::{quoted, variable};
pub(crate) use escape::escape_control;
pub(crate) use escape::escape_line;
pub(crate) use few::Few;
pub(crate) use html::Page;
pub(crate) use nearest::nearest;
pub(crate) use options::ReportOptions;
pub use options::{Color, Format, Progress};
pub(crate) use problem::in_rows;
pub(crate) use progress::Meter;
pub(crate) use size::size;
pub(crate) use terminal::{terminal_width, wants_color};
pub(crate) use wrap::wrapped;

/// The two streams of a run, and how to write to them. Clones share the streams.
#[derive(Clone, Debug)]
pub(crate) struct Ui {
    options: ReportOptions,
    out: Stream,
    err: Stream,
    color: bool,
    /// Whether results are coloured.
    color_data: bool,
    width: Option<usize>,
    terminal: Terminal,
    github: bool,
    live: Live,
}

/// The reader of standard output is gone, as after `embedctl users list | head -1`: not an error, but a reason to stop.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
struct ReaderGone;

impl Ui {
    pub(crate) fn new(options: &ReportOptions, system: &System) -> Self {
        Self {
            options: *options,
            out: system.out.clone(),
            err: system.err.clone(),
            color: wants_color(options.color, &system.err, system),
            color_data: wants_color(options.color, &system.out, system),
            width: terminal_width(system),
            terminal: Terminal::of(system),
            // Only Actions understands its commands; anywhere else they would print the secret once
            // more.
            github: system.var("GITHUB_ACTIONS").as_deref() == Some("true"),
            live: Live::default(),
        }
    }

    /// The format of the result.
    pub(crate) const fn format(&self) -> Format {
        self.options.format
    }

    /// How many times `-v` was given.
    pub(crate) const fn verbosity(&self) -> u8 {
        self.options.verbose
    }

    /// Write a piece of the result, as it is, to standard output.
    pub(crate) fn data(&self, text: &str) -> Result<(), Error> {
        self.bytes(text.as_bytes())
    }

    /// A part of a result in this colour, if results are coloured.
    pub(crate) fn painted(&self, text: &str, color: AnsiColor) -> String {
        match self.color_data {
            true => {
                let style = color.on_default();
                format!("{style}{text}{style:#}")
            }
            false => text.to_owned(),
        }
    }

    /// The same, for a part of a text that may end inside a character.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut out = self.out.clone();
        let mut write = || out.write_all(bytes).and_then(|()| out.flush());
        // Results and progress share the terminal; a pipe has no progress line.
        let written = if self.out.is_terminal() {
            self.live.aside(&self.err, write)
        } else {
            write()
        };
        written.map_err(|error| match error.kind() {
            // `embedctl … | head` closes the pipe when it has enough, which is no failure.
            io::ErrorKind::BrokenPipe => Error::caused(Kind::Internal, ReaderGone),
            _ => Error::internal(error).context("cannot write to standard output"),
        })
    }

    /// Write a result to standard output as one line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Error> {
        let mut text = serde_json::to_string(value).map_err(Error::internal)?;
        text.push('\n');
        self.data(&text)
    }

    /// Write the result for one thing: a name and a value per line.
    pub(crate) fn fields(&self, fields: &[(&str, String)]) -> Result<(), Error> {
        let rows = fields
            .iter()
            .map(|(name, value)| vec![(*name).to_owned(), escape_line(value)]);
        self.data(&Table::plain(rows).to_string())
    }

    /// Write the result for many things: one row each.
    pub(crate) fn table(
        &self,
        header: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<(), Error> {
        let mut table = Table::new(header, rows);
        // A pipe has no width, and scripts need all columns.
        let dropped = self.width.map_or_else(Vec::new, |width| table.fit(width));
        self.data(&table.to_string())?;
        if !dropped.is_empty() {
            let dropped = dropped.join(", ");
            self.status(format!(
                "No room on this terminal for: {dropped}. `-o json` has everything."
            ));
        }
        Ok(())
    }

    /// Write a list: each of `items` as an object, or as a row below `header`. People are told if it has `none`.
    pub(crate) fn list<T>(
        &self,
        items: &[T],
        object: impl Fn(&T) -> Value,
        (header, row): (&[&str], impl Fn(&T) -> Vec<String>),
        none: &str,
    ) -> Result<(), Error> {
        let mut objects = items.iter().map(object);
        match self.format() {
            Format::Env => return Err(self.no_env_form()),
            Format::Json => self.json(&objects.collect::<Vec<_>>())?,
            Format::Jsonl => objects.try_for_each(|object| self.json(&object))?,
            Format::Table if items.is_empty() => self.status(none),
            Format::Table => self.table(header, items.iter().map(row))?,
        }
        Ok(())
    }

    /// Write one line of a diagnosis, followed by how to fix it.
    pub(crate) fn finding(
        &self,
        state: &str,
        check: &str,
        detail: &str,
        fix: Option<&str>,
    ) -> Result<(), Error> {
        let detail = escape_control(detail).replace('\n', "\n      ");
        self.data(&format!("{state:<4}  {check}: {detail}\n"))?;
        match fix {
            Some(fix) => self.data(&format!("      fix: {}\n", fix.replace('\n', "\n      "))),
            None => Ok(()),
        }
    }

    /// Write a result as variables. In a step on GitHub Actions, `secret` is masked in the log first.
    pub(crate) fn env(
        &self,
        rows: &[(&'static str, String)],
        secret: Option<&str>,
    ) -> Result<(), Error> {
        // Before the value is printed, or the log has it already.
        if let Some(secret) = secret {
            self.mask(secret);
        }
        // Allocated once: growing would leave copies of the secret in freed memory.
        let mut lines = Zeroizing::new(String::with_capacity(4096));
        for (name, value) in rows {
            let line = variable(name, value).map_err(|refused| {
                Error::internal(refused).hint("use `-o json`, which can hold every value")
            })?;
            lines.push_str(&line);
        }
        self.data(&lines)
    }

    /// The error of a command whose result cannot be printed as variables.
    pub(crate) fn no_env_form(&self) -> Error {
        Error::usage("the result of this command cannot be printed as variables")
            .hint("use `-o json`")
    }

    /// Refuse `-o env`, for a command whose result cannot be printed as variables.
    pub(crate) fn refuse_env(&self) -> Result<(), Error> {
        match self.format() {
            Format::Env => Err(self.no_env_form()),
            Format::Table | Format::Json | Format::Jsonl => Ok(()),
        }
    }

    /// Print a status; silent with `--quiet`, and if programs read standard error.
    pub(crate) fn status(&self, text: impl fmt::Display) {
        if self.is_talkative() {
            self.line("", Style::new(), text);
        }
    }

    /// Print a question, which is answered on the same line.
    pub(crate) fn prompt(&self, question: impl fmt::Display) {
        self.raw(&format!("{}: ", escape_control(&question.to_string())));
    }

    /// End the line of a question that was left without an answer.
    pub(crate) fn end_prompt(&self) {
        self.raw("\n");
    }

    /// Report what was done and how long it took, in the format of `--progress`.
    pub(crate) fn step(&self, text: impl fmt::Display, elapsed: Duration) {
        match self.options.progress {
            Progress::None => {}
            Progress::Json => {
                let elapsed = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
                let event =
                    json!({ "event": "step", "text": text.to_string(), "elapsed_ms": elapsed });
                self.raw(&format!("{event}\n"));
            }
            Progress::Plain | Progress::Auto if !self.is_talkative() => {}
            Progress::Plain | Progress::Auto => {
                let heading = format!("{:>8}  ", duration::measured(elapsed));
                self.line(&heading, Style::new().dimmed(), text);
            }
        }
    }

    /// Print details for those who gave `-v` `level` times.
    pub(crate) fn detail(&self, level: u8, text: impl fmt::Display) {
        if self.options.verbose >= level {
            self.line("", Style::new().dimmed(), text);
        }
    }

    /// Print a warning; the run goes on.
    pub(crate) fn warning(&self, text: impl fmt::Display) {
        if self.options.format.is_json() {
            self.raw(&format!("{}\n", json!({ "warning": text.to_string() })));
        } else {
            self.line("warning: ", AnsiColor::Yellow.on_default().bold(), text);
        }
    }

    /// Print a suggestion.
    pub(crate) fn hint(&self, text: impl fmt::Display) {
        self.line("hint: ", AnsiColor::Cyan.on_default().bold(), text);
    }

    /// Print what went wrong, why, and what to do; returns the exit code.
    pub(crate) fn error(&self, error: &Error) -> Exit {
        // The reader has what it wanted.
        if error.is::<ReaderGone>() {
            return Exit::Done;
        }
        if self.options.format.is_json() {
            self.raw(&format!("{}\n", error_json(error)));
            return Exit::Failed(error.kind());
        }
        self.line(
            "error: ",
            AnsiColor::Red.on_default().bold(),
            error.message(),
        );
        for cause in error.causes() {
            self.line("caused by: ", Style::new().bold(), cause);
        }
        if let Some(advice) = error.advice() {
            self.hint(advice);
        }
        Exit::Failed(error.kind())
    }

    const fn is_talkative(&self) -> bool {
        // JSON on standard output is for programs, which need no running commentary.
        !self.options.quiet && (!self.options.format.is_json() || self.options.verbose > 0)
    }

    /// One line, or more if the text has them; all but the first are indented, so that text from elsewhere cannot imitate our
    /// own lines.
    fn line(&self, heading: &str, style: Style, text: impl fmt::Display) {
        // Looker's texts may contain control characters, which could rewrite the terminal.
        let text = escape_control(&text.to_string()).replace('\n', "\n  ");
        if self.color && heading.is_empty() {
            self.raw(&format!("{style}{text}{style:#}\n"));
        } else if self.color {
            self.raw(&format!("{style}{heading}{style:#}{text}\n"));
        } else {
            self.raw(&format!("{heading}{text}\n"));
        }
    }

    fn raw(&self, text: &str) {
        self.live.write(&self.err, text);
    }
}

/// An error as JSON, for standard error and for results of many.
pub(crate) fn error_json(error: &Error) -> Value {
    let body = json!({
        "kind": error.kind().word(),
        "message": error.message(),
        "causes": error.causes().collect::<Vec<_>>(),
        "hint": error.advice(),
    });
    let status = error
        .http_status()
        .map(|status| ("http_status", json!(status)));
    let operation = error
        .operation()
        .map(|operation| ("operation", json!(operation)));
    let mut members = Map::new();
    for (name, value) in [status, operation].into_iter().flatten() {
        members.insert(name.to_owned(), value);
    }
    if let Value::Object(body) = body {
        members.extend(body);
    }
    json!({ "error": members })
}
