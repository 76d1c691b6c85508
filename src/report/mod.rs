//! What people and scripts see: results on standard output, everything else on standard error.

use std::fmt;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;

use crate::error::{Error, Exit};
use crate::system::{Stream, System};

/// The form of a result on standard output.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Variables, as a shell or a `.env` file reads them.
    Env,
}

/// Whether to use colour.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to show progress.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Progress {
    /// A live view on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// Plain lines.
    Plain,
    /// One JSON object per event.
    Json,
    /// Nothing.
    None,
}

/// How a run reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportOptions {
    pub(crate) format: Format,
    pub(crate) color: Color,
    pub(crate) progress: Progress,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
    pub(crate) no_color: bool,
}

/// The two streams of a run, and how to write to them. Clones share the streams.
#[derive(Clone, Debug)]
pub(crate) struct Ui {
    options: ReportOptions,
    out: Stream,
    err: Stream,
    color: bool,
}

impl Ui {
    pub(crate) fn new(options: &ReportOptions, system: &System) -> Self {
        let color = match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => system.err.is_terminal() && !options.no_color,
        };
        Self {
            options: *options,
            out: system.out.clone(),
            err: system.err.clone(),
            color,
        }
    }

    /// The form of the result.
    pub(crate) const fn format(&self) -> Format {
        self.options.format
    }

    /// How many times `-v` was given.
    pub(crate) const fn verbosity(&self) -> u8 {
        self.options.verbose
    }

    /// Write a piece of the result, as it is, to standard output.
    pub(crate) fn data(&self, text: &str) -> Result<(), Error> {
        let mut out = self.out.clone();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| Error::internal(error).context("cannot write to standard output"))
    }

    /// Write a result as one line of JSON to standard output.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Error> {
        let mut text = serde_json::to_string(value).map_err(Error::internal)?;
        text.push('\n');
        self.data(&text)
    }

    /// Say what is going on; silent with `--quiet`.
    pub(crate) fn status(&self, text: impl fmt::Display) {
        if !self.options.quiet {
            self.line("", Style::new(), text);
        }
    }

    /// Say something only people who gave `-v` `level` times want to know.
    pub(crate) fn detail(&self, level: u8, text: impl fmt::Display) {
        if self.options.verbose >= level {
            self.line("", Style::new().dimmed(), text);
        }
    }

    /// Say that something is not as it should be, though the run goes on.
    pub(crate) fn warning(&self, text: impl fmt::Display) {
        self.line("warning: ", AnsiColor::Yellow.on_default().bold(), text);
    }

    /// Say what the reader could do.
    pub(crate) fn hint(&self, text: impl fmt::Display) {
        self.line("hint: ", AnsiColor::Cyan.on_default().bold(), text);
    }

    /// Say what went wrong, why, and what to do; gives the exit code.
    pub(crate) fn error(&self, error: &Error) -> Exit {
        if matches!(self.options.format, Format::Json | Format::Jsonl) {
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

    fn line(&self, heading: &str, style: Style, text: impl fmt::Display) {
        let text = escape_control(&text.to_string());
        if self.color && heading.is_empty() {
            self.raw(&format!("{style}{text}{style:#}\n"));
        } else if self.color {
            self.raw(&format!("{style}{heading}{style:#}{text}\n"));
        } else {
            self.raw(&format!("{heading}{text}\n"));
        }
    }

    fn raw(&self, text: &str) {
        // Standard error may be closed; there is nobody left to tell.
        let _closed = self.err.clone().write_all(text.as_bytes()).is_err();
    }
}

fn error_json(error: &Error) -> serde_json::Value {
    let mut body = json!({
        "kind": error.kind().word(),
        "message": error.message(),
        "causes": error.causes().collect::<Vec<_>>(),
        "hint": error.advice(),
    });
    if let Some(status) = error.http_status() {
        body["http_status"] = json!(status);
    }
    if let Some(operation) = error.operation() {
        body["operation"] = json!(operation);
    }
    json!({ "error": body })
}

/// `text` with the control characters, which could drive a terminal, shown as `\u{1b}`; line breaks stay.
pub(crate) fn escape_control(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}
