//! What the terminals on standard output and standard error can show.

use crate::report::Color;
use crate::system::{Stream, System};

/// What the environment says about the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    /// Its width, if it is known.
    pub(super) columns: Option<usize>,
    /// Whether a line can be rewritten.
    pub(super) moves: bool,
    /// Whether it can show more than ASCII.
    pub(super) blocks: bool,
}

impl Terminal {
    pub(super) fn of(system: &System) -> Self {
        let columns = system.var("COLUMNS");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"];
        let locale = locale.iter().find_map(|name| system.var(name));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        Self {
            columns: columns.and_then(|columns| columns.parse().ok()),
            moves: system.var("TERM").as_deref() != Some("dumb"),
            // Another locale may have no block characters.
            blocks: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }
}

/// The width of the terminal on standard output; a pipe has none.
pub(crate) fn terminal_width(system: &System) -> Option<usize> {
    // A redirected table keeps all its columns.
    if !system.out.is_terminal() {
        return None;
    }
    let columns = Terminal::of(system).columns;
    columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| width.0.into()))
}

/// Whether to color `stream`: as requested, else by the conventions `NO_COLOR` and `CLICOLOR_FORCE`, else if it is a
/// terminal.
pub(crate) fn wants_color(color: Color, stream: &Stream, system: &System) -> bool {
    let is_set = |name| system.var(name).is_some_and(|value| value != "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        // See no-color.org: any value turns colors off.
        Color::Auto if system.var("NO_COLOR").is_some() => false,
        Color::Auto if is_set("CLICOLOR_FORCE") => true,
        Color::Auto => stream.is_terminal() && system.var("TERM").as_deref() != Some("dumb"),
    }
}
