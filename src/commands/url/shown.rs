//! An inspection as text: the verdict, what to change, then all details.

use std::fmt::Write as _;

use serde_json::Value;

use crate::report::escape_control;
use crate::signed_url::inspect::Inspection;

/// The whole inspection as text.
pub(super) fn text(inspection: &Inspection) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _written = write(inspection, &mut out).is_ok();
    out
}

fn write(inspection: &Inspection, out: &mut String) -> std::fmt::Result {
    if let Some(undone) = &inspection.read_as {
        writeln!(out, "Read as the URL inside: {undone}.")?;
    }
    writeln!(out, "{}", verdict(inspection))?;
    for (list, then) in [
        (&inspection.diagnosis, "fix"),
        (&inspection.advice, "advice"),
    ] {
        for found in list {
            writeln!(out, "\n{}: {}", found.name, line(&found.message))?;
            writeln!(out, "  {then}: {}", line(&found.fix))?;
        }
    }
    if inspection
        .diagnosis
        .iter()
        .any(|found| found.name == "no_url")
    {
        // There is nothing to show.
        return Ok(());
    }

    writeln!(out, "\nChecks")?;
    for check in &inspection.checks {
        let mark = match check.ok {
            Some(true) => "ok",
            Some(false) if check.is_advice() => "warn",
            Some(false) => "no",
            None => "?",
        };
        writeln!(
            out,
            "  {mark:<4}  {:<14}  {}",
            check.name,
            line(&check.detail)
        )?;
    }

    writeln!(out, "\nParameters")?;
    for (name, value) in &inspection.params {
        writeln!(out, "  {:<18}  {}", line(name), line(&value_text(value)))?;
    }

    writeln!(out, "\nString to sign")?;
    for (number, text) in inspection.string_to_sign.iter().enumerate() {
        writeln!(out, "  {:>2}  {}", number + 1, line(text))?;
    }
    writeln!(out)
}

fn verdict(inspection: &Inspection) -> &'static str {
    let cookieless = inspection
        .advice
        .iter()
        .any(|found| found.name == "cookieless");
    match inspection.valid {
        Some(true) => "The URL is valid. It works once: Looker refuses it if it was opened before.",
        Some(false) => "The URL is not valid.",
        None if cookieless => "Nothing of the URL is signed, so nothing can be checked here.",
        None => "Nothing wrong was found; the signature was not checked.",
    }
}

fn value_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// On one line, so that a line break in a value is visible.
fn line(text: &str) -> String {
    escape_control(&text.replace('\n', "\\n"))
}
