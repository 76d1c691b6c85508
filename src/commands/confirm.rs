//! Asks for confirmation before something stops working.

use crate::commands::ask;
use crate::commands::context::CommandContext;
use crate::error::Error;

/// Ask `question`, unless `--yes` was given. Only an operator at a terminal is asked.
///
/// # Errors
/// The answer was not yes, or no one can be asked: nothing was done.
pub(crate) fn confirm(question: &str, cx: &CommandContext) -> Result<(), Error> {
    if cx.settings.yes {
        return Ok(());
    }
    if !ask::can_ask(cx) {
        return Err(Error::usage(format!(
            "confirmation required, but standard input is not a terminal: {question}"
        ))
        .hint(
            "pass `--yes` to go ahead without a question, or `--dry-run` to see what would be done",
        ));
    }
    cx.ui.prompt(format!("{question} [y/N]"));
    let answer = cx.system.input.line();
    let answer =
        answer.map_err(|error| Error::internal(error).context("cannot read the answer"))?;
    match answer
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "y" | "yes" => Ok(()),
        _ => Err(Error::usage("not confirmed; nothing was done")),
    }
}

/// Ask the operator to type `expected` before something irreversible is done, unless `--yes` was given.
///
/// # Errors
/// Something else was typed, or no one can be asked: nothing was done.
pub(crate) fn typed(what: &str, expected: &str, cx: &CommandContext) -> Result<(), Error> {
    if cx.settings.yes {
        return Ok(());
    }
    if !ask::can_ask(cx) {
        let message = format!("{what} must be confirmed, but standard input is not a terminal");
        return Err(Error::usage(message)
            .hint("pass `--yes` to go ahead, or `--dry-run` to see what would be done"));
    }
    cx.ui.prompt(format!("to go on, type `{expected}`"));
    let answer = cx.system.input.line();
    let answer =
        answer.map_err(|error| Error::internal(error).context("cannot read the answer"))?;
    match answer {
        Some(answer) if answer.trim() == expected => Ok(()),
        _ => Err(Error::usage("not confirmed; nothing was done")),
    }
}
