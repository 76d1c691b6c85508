//! A plan in a file, to be applied later exactly as it is, or not at all.

use std::io::{self, BufRead, BufWriter, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Kind};
use crate::plan::change::Change;
use crate::plan::desired::Desired;
use crate::plan::jobs::JobOptions;
use crate::plan::planner::Planned;

/// The version of the format.
const VERSION: u32 = 3;

/// The number of hex digits of a digest.
const DIGEST: usize = 64;

/// The first line of a plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct PlanHeader {
    /// The version of the format; the field's name distinguishes a plan from a manifest.
    pub(crate) embedctl_plan: u32,
    /// The Looker that it is for.
    pub(crate) base_url: String,
    /// The address of that Looker's web pages, if it reported one: two Lookers may be reached at the same base URL one after
    /// the other.
    #[serde(default)]
    pub(crate) web_url: Option<String>,
    /// When it was created.
    pub(crate) created_at: String,
    /// How many users the manifest named, including those without a change.
    pub(crate) rows: u64,
    /// The options shared by all jobs.
    pub(crate) options: JobOptions,
    /// How many lines follow.
    #[serde(default)]
    pub(crate) lines: u64,
    /// A checksum of this line and all others, so that a plan that was cut or edited is detected.
    #[serde(default)]
    pub(crate) digest: String,
}

/// The first line of a plan of any version.
#[derive(Deserialize)]
struct AnyHeader {
    embedctl_plan: u32,
}

impl PlanHeader {
    /// The header of a new plan.
    pub(crate) fn new(
        base_url: String,
        web_url: Option<String>,
        created_at: String,
        rows: u64,
        options: JobOptions,
    ) -> Self {
        Self {
            embedctl_plan: VERSION,
            base_url,
            web_url,
            created_at,
            rows,
            options,
            // The longest possible values, so that the final header fits into the space of this one.
            lines: u64::MAX,
            digest: "0".repeat(DIGEST),
        }
    }

    /// Refuse a plan that was changed after it was written.
    pub(crate) fn check(&self, plan: &mut impl BufRead) -> Result<(), Error> {
        let mut sum = Sum::default();
        let mut line = Vec::new();
        let mut first = true;
        loop {
            line.clear();
            let read = plan.read_until(b'\n', &mut line);
            if read.map_err(Error::internal)? == 0 {
                break;
            }
            // The header itself holds the digest, so it is added at the end, without it.
            if !std::mem::take(&mut first) {
                sum.add(&line);
            }
        }
        let (lines, digest) = (sum.lines, sum.end(self));
        if (self.lines, &self.digest) == (lines, &digest) {
            return Ok(());
        }
        Err(
            Error::usage("the plan was cut or changed after it was created; nothing was done")
                .hint("create the plan again with `embedctl plan --out FILE`"),
        )
    }
}

/// The checksum of a plan.
#[derive(Default)]
struct Sum {
    lines: u64,
    digest: Sha256,
}

impl Sum {
    fn add(&mut self, line: &[u8]) {
        self.lines += 1;
        self.digest.update(line);
    }

    /// The digest of the lines and of `header`, ignoring the digest in it.
    fn end(mut self, header: &PlanHeader) -> String {
        let header = PlanHeader {
            lines: self.lines,
            digest: String::new(),
            ..header.clone()
        };
        self.digest.update(json!(header).to_string());
        let digest = self.digest.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A plan that is being written.
pub(crate) struct PlanWriter<W: Write> {
    out: BufWriter<W>,
    header: PlanHeader,
    sum: Sum,
}

impl<W: Write + Seek> PlanWriter<W> {
    /// A plan with this header, written to `out` from the start.
    pub(crate) fn new(out: W, header: PlanHeader) -> io::Result<Self> {
        let mut out = BufWriter::new(out);
        // Reserves space for the final header, which is not longer than this one.
        writeln!(out, "{}", json!(header))?;
        Ok(Self {
            // The digest is computed while writing: the plan of a large manifest does not fit in
            // memory.
            out,
            header,
            sum: Sum::default(),
        })
    }

    /// Write a user and its change.
    pub(crate) fn line(&mut self, planned: &Planned) -> io::Result<()> {
        let line = plan_line(planned)?;
        self.sum.add(line.as_bytes());
        self.out.write_all(line.as_bytes())
    }

    /// Write the final header, and return the output.
    pub(crate) fn end(mut self) -> io::Result<W> {
        // The header is rewritten in place; padding keeps the lines after it where they are.
        let room = json!(self.header).to_string().len();
        let mut header = self.header;
        header.lines = self.sum.lines;
        header.digest = self.sum.end(&header);
        self.out.seek(SeekFrom::Start(0))?;
        write!(self.out, "{:room$}", json!(header).to_string())?;
        self.out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
    }
}

/// A line of a plan: a desired user, and its change.
#[derive(Debug, Deserialize, Serialize)]
struct Line<C, D> {
    change: C,
    user: D,
}

/// A user and its change as a line of a plan, with its end.
pub(crate) fn plan_line(planned: &Planned) -> serde_json::Result<String> {
    let Planned { desired, change } = planned;
    let line = Line {
        change,
        user: desired,
    };
    Ok(serde_json::to_string(&line)? + "\n")
}

/// The header in `line`, the first line of a file; `None` if it is not a plan.
pub(crate) fn read_header(line: &str) -> Result<Option<PlanHeader>, Error> {
    let Ok(AnyHeader { embedctl_plan }) = serde_json::from_str(line) else {
        return Ok(None);
    };
    if embedctl_plan != VERSION {
        return Err(Error::usage(format!(
            "plan format {embedctl_plan} is not the one this embedctl supports ({VERSION})"
        ))
        .hint("create the plan again"));
    }
    let header = serde_json::from_str(line);
    // It is a plan of this version, so a header that cannot be read was damaged.
    header.map(Some).map_err(|_| {
        Error::usage("the plan was cut or changed after it was created; nothing was done")
            .hint("create the plan again with `embedctl plan --out FILE`")
    })
}

/// The lines of a plan after its header.
pub(crate) struct PlanFile<R>(pub(crate) R);

impl<R: BufRead> PlanFile<R> {
    /// The next user and its change; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Planned>, Error> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line);
        if read.map_err(Error::internal)? == 0 {
            return Ok(None);
        }
        let Line::<Change, Desired> { change, user } = serde_json::from_str(&line)
            .map_err(|error| Error::caused(Kind::Usage, error).context("the plan is damaged"))?;
        Ok(Some(Planned {
            desired: user,
            change,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::fuzz::survives;

    #[test]
    fn no_plan_file_makes_the_reader_panic_hang_or_grow() {
        let header = r#"{"embedctl_plan":3,"base_url":"https://acme.looker.com","created_at":"2026-01-01T00:00:00Z","rows":1,"options":{"via":"signed-url","target":"/alive","purpose":null,"verify":"sample"}}"#;
        let line = r#"{"change":{"action":"update","external_user_id":"a","looker_user_id":"7","changes":[{"field":"models","from":["demo"],"to":null}],"login":{"models":["demo"]},"ends_sessions":true,"key":"mint","edits":{"attributes":[{"id":"5","name":"region","value":"west"}]}},"user":{"external_user_id":"a","grants":{"models":["demo"],"session_length":300},"key":"ensure","state":"present"}}"#;
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
