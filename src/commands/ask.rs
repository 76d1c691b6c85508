//! Questions to the operator at the terminal.

use std::{io, thread};

use tokio::sync::oneshot;

use crate::commands::context::CommandContext;
use crate::config::bare;
use crate::error::{Error, Kind};
use crate::secret::SecretString;
use crate::system::Input;

const NO_ANSWER: &str = "no answer was given";

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

/// The next line that the operator types; `None` at the end of the input.
///
/// # Errors
/// It cannot be read, or the operator pressed Ctrl-C.
pub(crate) async fn line(cx: &CommandContext) -> Result<Option<String>, Error> {
    answer(Input::line, cx).await
}

/// Ask for a line of text.
pub(crate) async fn text(question: Question<'_>, cx: &CommandContext) -> Result<String, Error> {
    let Question { what, default, .. } = question;
    check(question, cx)?;
    loop {
        match default {
            Some("") => cx.ui.prompt(format!("{what} (may be left empty)")),
            Some(default) => cx.ui.prompt(format!("{what} [{default}]")),
            None => cx.ui.prompt(what),
        }
        let answer = line(cx).await?.ok_or_else(gave_up)?;
        match (answer.trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            // Empty and required: ask again.
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Ask for a secret, which is not echoed; `None` for an empty answer, if that is allowed.
pub(crate) async fn secret(
    question: Question<'_>,
    cx: &CommandContext,
) -> Result<Option<SecretString>, Error> {
    let Question { what, default, .. } = question;
    check(question, cx)?;
    let may_be_empty = match default {
        None => String::new(),
        Some("") => ", may be left empty".to_owned(),
        Some(meaning) => format!(", an empty answer {meaning}"),
    };
    loop {
        cx.ui.prompt(format!("{what} (not shown{may_be_empty})"));
        let echo = cx.system.input.keep_echo();
        let answer = answer(Input::hidden_line, cx).await?;
        drop(echo);
        let answer = answer.ok_or_else(gave_up)?;
        // Pasted secrets often come with a space, a line end or quotes.
        let answer = bare(&answer);
        if !answer.is_empty() {
            return Ok(Some(SecretString::from(answer)));
        }
        if default.is_some() {
            return Ok(None);
        }
    }
}

/// Wait for an answer, or for Ctrl-C, which leaves every question at once.
async fn answer(
    read: fn(&Input) -> io::Result<Option<String>>,
    cx: &CommandContext,
) -> Result<Option<String>, Error> {
    let interrupt = &cx.system.interrupt;
    interrupt.listen();
    let before = interrupt.count();
    let (sender, typed) = oneshot::channel();
    let input = cx.system.input.clone();
    // A thread of its own, since nothing can cancel the read of a terminal; it ends with the process.
    drop(thread::spawn(move || drop(sender.send(read(&input)))));
    tokio::select! {
        typed = typed => match typed {
            // While a line is hidden, Ctrl-C comes as a character.
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Err(left()),
            Ok(answer) => answer
                .map_err(|error| Error::internal(error).context("cannot read the answer")),
            Err(_) => Err(Error::internal("the thread that reads the answer is gone")),
        },
        () = interrupt.asked(before + 1) => {
            cx.ui.end_prompt();
            Err(left())
        }
    }
}

fn left() -> Error {
    Error::new(Kind::Interrupted, "interrupted; nothing was done")
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

fn gave_up() -> Error {
    Error::new(Kind::Interrupted, NO_ANSWER)
}

/// Whether this is the error of a question that met the end of the input.
pub(crate) fn is_end(error: &Error) -> bool {
    error.kind() == Kind::Interrupted && error.message() == NO_ANSWER
}
