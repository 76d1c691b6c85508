//! The job that is measured: a manifest of users, applied by `embedctl apply` in a folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::looker::Looker;
use crate::program::{Ended, Program};

/// A manifest, and what `embedctl` has written beside it.
pub(crate) struct Job {
    folder: TempDir,
}

/// What an apply came to.
pub(crate) struct Applied {
    pub(crate) summary: Value,
    /// How long it worked on users: without the start, the checks, the look at who is there, and the end.
    pub(crate) working: Duration,
    pub(crate) ended: Ended,
}

impl Job {
    /// So many users; `key` is what the manifest says of their keys.
    pub(crate) fn new(users: u32, key: &str) -> Self {
        let mut text =
            "external_user_id,first_name,last_name,models,permissions,external_group_id,key\n"
                .to_owned();
        for user in 0..users {
            let tenant = user / 100;
            let grants = format!("demo,access_data;see_looks,tenant-{tenant}");
            writeln!(text, "acme-{user},Ada,Byron,{grants},{key}").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("users.csv"), text).unwrap();
        Self { folder }
    }

    /// The folder where it all is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Apply it, `width` users at a time; it may end with some users failed.
    pub(crate) fn apply(&self, looker: &Looker, width: u32) -> Applied {
        let ended = self.start(looker, width).end();
        let code = ended.status.code();
        assert!(matches!(code, Some(0 | 3)), "{code:?}\n{}", ended.err);
        Applied {
            summary: serde_json::from_str(&ended.out).unwrap(),
            working: working(&ended.err),
            ended,
        }
    }

    /// Begin to apply it.
    pub(crate) fn start(&self, looker: &Looker, width: u32) -> Program {
        let mut command = self.embedctl(looker);
        command
            .args(["apply", "users.csv", "--keys-to", "file:keys.jsonl"])
            .args(["--progress", "json"])
            .arg(format!("--concurrency={width}"));
        Program::start(&mut command)
    }

    /// `embedctl runs resume` of the run with this id.
    pub(crate) fn resume(&self, looker: &Looker, run: &str) -> Ended {
        let mut command = self.embedctl(looker);
        Program::start(command.args(["runs", "resume", run])).done()
    }

    /// The keys that were delivered.
    pub(crate) fn keys(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder().join("keys.jsonl")).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn embedctl(&self, looker: &Looker) -> Command {
        let mut command = looker.command(env!("CARGO_BIN_EXE_embedctl"));
        command
            .current_dir(self.folder())
            .args(["--ledger", "runs.ledger", "-o", "json"]);
        command
    }
}

impl Applied {
    /// A number of the summary.
    pub(crate) fn count(&self, member: &str) -> u32 {
        u32::try_from(self.summary[member].as_u64().unwrap()).unwrap()
    }
}

/// How long users were worked on, by what `--progress json` told; nothing where none had to be.
fn working(events: &str) -> Duration {
    let mut events = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let last = events.rfind(|event| event["what"] == "users");
    let millis = last.and_then(|event| event["elapsed_ms"].as_u64());
    Duration::from_millis(millis.unwrap_or_default())
}
