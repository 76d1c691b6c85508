//! Questions to the operator at the terminal.

use std::io;

use crate::commands::context::CommandContext;
use crate::error::{Error, Kind};
use crate::secret::SecretString;

/// A question, and the flag that answers it in advance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// What is asked for, such as `base URL`.
    what: &'static str,
    /// The flag or variable to use if no one can be asked.
    instead: &'static str,
    /// The meaning of an empty answer; without a default an answer is required.
    default: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// A question that requires an answer.
    pub(crate) const fn needed(what: &'static str, instead: &'static str) -> Self {
        Self {
            what,
            instead,
            default: None,
        }
    }

    /// The same question, with a default for an empty answer.
    pub(crate) const fn or(mut self, default: &'a str) -> Self {
        self.default = Some(default);
        self
    }
}

/// Whether the operator can be asked and has not declined questions.
pub(crate) fn can_ask(cx: &CommandContext) -> bool {
    // A script that is asked would hang.
    cx.system.input.terminal && !cx.settings.no_input
}

/// Ask for a line of text.
pub(crate) fn text(question: Question<'_>, cx: &CommandContext) -> Result<String, Error> {
    let Question { what, default, .. } = question;
    check(question, cx)?;
    loop {
        match default {
            Some("") => cx.ui.prompt(format!("{what} (may be left empty)")),
            Some(default) => cx.ui.prompt(format!("{what} [{default}]")),
            None => cx.ui.prompt(what),
        }
        let answer = cx
            .system
            .input
            .line()
            .map_err(unreadable)?
            .ok_or_else(gave_up)?;
        match (answer.trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            // Empty and required: ask again.
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Ask for a secret, which is not echoed; `None` for an empty answer, if that is allowed.
pub(crate) fn secret(
    question: Question<'_>,
    cx: &CommandContext,
) -> Result<Option<SecretString>, Error> {
    let Question { what, default, .. } = question;
    check(question, cx)?;
    loop {
        let may_be_empty = if default.is_some() {
            ", may be left empty"
        } else {
            ""
        };
        cx.ui.prompt(format!("{what} (not shown{may_be_empty})"));
        let answer = cx
            .system
            .input
            .hidden_line()
            .map_err(unreadable)?
            .ok_or_else(gave_up)?;
        // Pasted secrets often come with a space or a line end.
        if !answer.trim().is_empty() {
            return Ok(Some(SecretString::from(answer.trim())));
        }
        if default.is_some() {
            return Ok(None);
        }
    }
}

fn check(question: Question<'_>, cx: &CommandContext) -> Result<(), Error> {
    if can_ask(cx) {
        return Ok(());
    }
    let Question { what, instead, .. } = question;
    Err(Error::usage(format!(
        "the {what} is missing, and standard input is not a terminal"
    ))
    .hint(format!("give it with {instead}")))
}

fn unreadable(error: io::Error) -> Error {
    Error::internal(error).context("cannot read the answer")
}

fn gave_up() -> Error {
    Error::new(Kind::Interrupted, "no answer was given")
}
