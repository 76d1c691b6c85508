//! Asks a person before something stops working.

use std::io::Read as _;

use crate::config::Settings;
use crate::error::Error;
use crate::report::Ui;
use crate::system::System;

/// Ask `question`, unless `--yes` has answered it. Only a person at a terminal is asked.
///
/// # Errors
/// The answer was not yes, or nobody can be asked: nothing was done.
pub(crate) fn confirm(
    question: &str,
    settings: &Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<(), Error> {
    if settings.yes {
        return Ok(());
    }
    if settings.no_input || !system.input.terminal {
        return Err(Error::usage(format!("nobody is here to answer: {question}"))
            .hint("pass `--yes` to go ahead without a question, or `--dry-run` to see what would be done"));
    }
    ui.question(&format!("{question} [y/N] "));
    match line(system)?.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::usage("not confirmed; nothing was done")),
    }
}

/// One line from standard input, and not a byte more: the rest is somebody else's.
fn line(system: &mut System) -> Result<String, Error> {
    const LONGEST: usize = 1024;
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.len() < LONGEST {
        let read = system
            .input
            .read(&mut byte)
            .map_err(|error| Error::internal(error).context("cannot read the answer"))?;
        if read == 0 || byte == *b"\n" {
            break;
        }
        line.extend(byte);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
