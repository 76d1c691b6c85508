//! How a run reports: format of results, color, progress, verbosity.

/// The format of a result on standard output.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// Variables for a shell or a `.env` file.
    Env,
}

impl Format {
    /// Whether it is JSON, so that standard error is read by programs too.
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }
}

/// When to use color.
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
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReportOptions {
    pub(crate) format: Format,
    pub(crate) color: Color,
    pub(crate) progress: Progress,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
}
