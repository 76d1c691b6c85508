//! A command line that cannot be run, or a request for help or the version.

use std::ffi::OsString;
use std::io::Write as _;

use crate::config::ConfigArgs;
use crate::error::{Error, Exit, Kind};
use crate::report::{Color, Format, Ui, wants_color};
use crate::system::System;

/// What clap, or embedctl itself, says about the command line.
#[derive(Debug)]
pub(crate) struct Refusal {
    reason: Reason,
    json: bool,
}

/// Who refuses.
#[derive(Debug)]
pub(crate) enum Reason {
    Clap(Box<clap::Error>),
    Own(Box<Error>),
}

impl From<clap::Error> for Reason {
    fn from(error: clap::Error) -> Self {
        Self::Clap(Box::new(error))
    }
}

impl From<Error> for Reason {
    fn from(error: Error) -> Self {
        Self::Own(Box::new(error))
    }
}

impl Refusal {
    /// `args` are searched for the requested format of errors, because they could not be parsed.
    pub(crate) fn new(reason: Reason, args: &[OsString], system: &System) -> Self {
        Self {
            reason,
            json: wants_json(args, system),
        }
    }

    /// Print it on the right stream: help and version on standard output, the rest on standard error.
    pub(crate) fn print(self, system: &mut System) -> Exit {
        let Self { reason, json } = self;
        let config = ConfigArgs {
            output: json.then_some(Format::Json),
            ..ConfigArgs::default()
        };
        let ui = Ui::new(&config.report(), system);
        match reason {
            Reason::Own(error) => ui.error(&error),
            Reason::Clap(error) if json && error.use_stderr() => ui.error(&plain(&error)),
            Reason::Clap(error) => show(&error, system),
        }
    }
}

fn show(error: &clap::Error, system: &System) -> Exit {
    let mut stream = if error.use_stderr() {
        system.err.clone()
    } else {
        system.out.clone()
    };
    let text = error.render();
    let written = if wants_color(Color::Auto, &stream, system) {
        write!(stream, "{}", text.ansi())
    } else {
        write!(stream, "{text}")
    };
    match written {
        // A reader that went away, as in `embedctl --help | head -1`, has seen enough.
        _ if !error.use_stderr() => Exit::Done,
        _ => Exit::Failed(Kind::Usage),
    }
}

/// The first sentence of clap's message; its tips and usage are for people.
fn plain(error: &clap::Error) -> Error {
    let text = error.render().to_string();
    let message = text
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .replace('\'', "`");
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "))
        .map(|tip| tip.replace('\'', "`"));
    Error::usage(message).hint(tip.unwrap_or_else(|| "see `embedctl --help`".to_owned()))
}

fn wants_json(args: &[OsString], system: &System) -> bool {
    let is_json = |format: &str| matches!(format, "json" | "jsonl");
    let texts: Vec<_> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let apart = texts
        .windows(2)
        .any(|pair| matches!(pair, ["-o" | "--output", format] if is_json(format)));
    let joined = texts.iter().any(|arg| {
        let format = arg
            .strip_prefix("--output=")
            .or_else(|| arg.strip_prefix("-o"));
        format.is_some_and(|format| is_json(format.trim_start_matches('=')))
    });
    apart
        || joined
        || system
            .var("EMBEDCTL_OUTPUT")
            .is_some_and(|format| is_json(&format))
}
