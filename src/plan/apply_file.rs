//! A plan kept in a file, to be applied later exactly as it is, or not at all.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};
use crate::plan::decide::Change;
use crate::plan::desired::Desired;
use crate::plan::jobs::JobOptions;
use crate::plan::planner::Planned;

/// The version of the form.
const VERSION: u32 = 1;

/// The first line of a plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct PlanHeader {
    /// The version of the form; its name tells a plan from a manifest.
    pub(crate) embedctl_plan: u32,
    /// The Looker it is for.
    pub(crate) base_url: String,
    /// When it was made.
    pub(crate) created_at: String,
    /// How many users the manifest named, those without a change too.
    pub(crate) rows: u64,
    /// What is the same for every job.
    pub(crate) options: JobOptions,
}

impl PlanHeader {
    /// The header of a new plan.
    pub(crate) const fn new(
        base_url: String,
        created_at: String,
        rows: u64,
        options: JobOptions,
    ) -> Self {
        Self {
            embedctl_plan: VERSION,
            base_url,
            created_at,
            rows,
            options,
        }
    }
}

/// A line of a plan: a user as it is to be, and what was to be done for that.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    change: Change,
    user: Desired,
}

/// The header of the plan that `line`, the first of a file, begins; `None` where it is no plan.
pub(crate) fn read_header(line: &str) -> Result<Option<PlanHeader>, Error> {
    let Ok(header) = serde_json::from_str::<PlanHeader>(line) else {
        return Ok(None);
    };
    if header.embedctl_plan != VERSION {
        return Err(Error::usage(format!(
            "the plan is of version {}; this embedctl knows version {VERSION}",
            header.embedctl_plan
        ))
        .hint("make the plan again"));
    }
    Ok(Some(header))
}

/// The lines of a plan behind its header.
pub(crate) struct PlanFile<R>(pub(crate) R);

impl<R: BufRead> PlanFile<R> {
    /// The next user and its change; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Planned>, Error> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line);
        if read.map_err(Error::internal)? == 0 {
            return Ok(None);
        }
        let Line { change, user } = serde_json::from_str(&line)
            .map_err(|error| Error::caused(Kind::Usage, error).context("the plan is damaged"))?;
        Ok(Some(Planned {
            desired: user,
            change,
        }))
    }
}

/// Write the header of a plan.
pub(crate) fn write_header(out: &mut dyn Write, header: &PlanHeader) -> std::io::Result<()> {
    writeln!(out, "{}", serde_json::to_string(header)?)
}

/// Write a user and its change.
pub(crate) fn write_line(out: &mut dyn Write, planned: &Planned) -> std::io::Result<()> {
    let line = Line {
        change: planned.change.clone(),
        user: planned.desired.clone(),
    };
    writeln!(out, "{}", serde_json::to_string(&line)?)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::fuzz::survives;

    #[test]
    fn no_plan_file_makes_the_reader_panic_hang_or_grow() {
        let header = r#"{"embedctl_plan":1,"base_url":"https://acme.looker.com","created_at":"2026-01-01T00:00:00Z","rows":1,"options":{"via":"signed-url","target":"/alive","purpose":null,"verify":"sample"}}"#;
        let line = r#"{"change":{"action":"update","external_user_id":"a","looker_user_id":"7","differences":[{"field":"models","from":["demo"],"to":null}],"login":true,"ends_sessions":true,"key":"mint","attributes":[{"id":"5","name":"region","value":"west"}]},"user":{"external_user_id":"a","grants":{"models":["demo"],"session_length":300},"key":"ensure","state":"present"}}"#;
        assert!(read_header(header).unwrap().is_some());
        assert!(PlanFile(line.as_bytes()).next().unwrap().is_some());

        survives(&[header, line], |input| {
            let _header = read_header(&String::from_utf8_lossy(input)).is_ok();
            let mut file = PlanFile(Cursor::new(input));
            while let Ok(Some(planned)) = file.next() {
                drop(planned);
            }
        });
    }
}
