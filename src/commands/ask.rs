//! Questions to the person at the terminal.

use std::io;

use crate::commands::context::CommandContext;
use crate::error::{Error, Kind};
use crate::secret::SecretString;

/// What may be asked, and the flag that gives the same answer without a question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// What is asked for, as in `base URL`.
    what: &'static str,
    /// The flag or variable to use where nobody can be asked.
    instead: &'static str,
    /// What an empty answer means; without one an answer is needed.
    default: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// A question that needs an answer.
    pub(crate) const fn needed(what: &'static str, instead: &'static str) -> Self {
        Self {
            what,
            instead,
            default: None,
        }
    }

    /// The same question, with what an empty answer means.
    pub(crate) const fn or(mut self, default: &'a str) -> Self {
        self.default = Some(default);
        self
    }
}

/// Whether somebody is there to be asked, and wants to be.
pub(crate) fn can_ask(cx: &CommandContext) -> bool {
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
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Ask for a secret, which is not shown while it is typed; `None` for an empty answer where one may be given.
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
