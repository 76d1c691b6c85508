//! Finds a run by the start of its id, or of the last part of it.

use crate::commands::runs::short_id;
use crate::error::{Error, Kind};
use crate::ledger::{Ledger, LedgerError, Run, RunId};

/// How many of the newest runs are searched for a shortened id.
const NEWEST: u32 = 100_000;

/// The run whose id is `text`, or starts with it, or whose last part does.
///
/// # Errors
/// There is none, or several.
pub(crate) async fn find(ledger: &dyn Ledger, text: &str) -> Result<Run, Error> {
    let text = text.trim().to_ascii_lowercase();
    if let Ok(id) = uuid::Uuid::try_parse(&text) {
        let run = ledger.run(RunId(id)).await?;
        return run.ok_or_else(|| LedgerError::NoSuchRun(RunId(id)).into());
    }
    let none = || {
        Error::new(
            Kind::NotFound,
            format!("no run in this ledger has an id that begins with `{text}`"),
        )
        .hint("`embedctl runs list` shows the runs there are")
    };
    if text.is_empty() {
        return Err(none());
    }
    let runs = ledger.runs(NEWEST).await?;
    let mut found: Vec<_> = runs
        .into_iter()
        .filter(|run| {
            let id = run.id.to_string();
            id.starts_with(&text) || short_id(run).starts_with(&text)
        })
        .collect();
    match (found.pop(), found.len()) {
        (Some(run), 0) => Ok(run),
        (Some(_), others) => Err(Error::usage(format!(
            "{} runs have an id that begins with `{text}`",
            others + 1
        ))
        .hint("give more of the id; `embedctl runs list` shows them in full")),
        (None, _) => Err(none()),
    }
}
