//! A program that runs on its own, and what it took.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How often it is looked at.
const RHYTHM: Duration = Duration::from_millis(5);

/// How many of proc(5)'s ticks there are to a second.
const TICKS: f64 = 100.0;

/// A program that runs.
pub(crate) struct Program {
    child: Child,
    began: Instant,
    // Files, since nobody reads while it runs and a pipe would fill up.
    out: File,
    err: File,
}

/// A program that has come to its end.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
    /// From its start to its end.
    pub(crate) elapsed: Duration,
    /// The processor time it took, in seconds; 0 where there is no proc(5).
    pub(crate) processor: f64,
    /// The most memory it held, in MiB; 0 where there is no proc(5).
    pub(crate) memory: f64,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (out, err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command
            .stdout(out.try_clone().unwrap())
            .stderr(err.try_clone().unwrap());
        Self {
            began: Instant::now(),
            child: command.spawn().unwrap(),
            out,
            err,
        }
    }

    /// Wait until it ends.
    pub(crate) fn end(mut self) -> Ended {
        let (mut processor, mut memory) = (0.0, 0.0);
        let status = loop {
            // Once it is waited for, there is nothing left to read.
            processor = ticks(&self.child).unwrap_or(processor);
            memory = peak(&self.child).unwrap_or(memory);
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            std::thread::park_timeout(RHYTHM);
        };
        Ended {
            status,
            elapsed: self.began.elapsed(),
            processor: processor / TICKS,
            memory: memory / 1024.0,
            out: text(self.out),
            err: text(self.err),
        }
    }

    /// Wait until it ends, which it must do well.
    #[track_caller]
    pub(crate) fn done(self) -> Ended {
        let ended = self.end();
        assert!(ended.status.success(), "{}\n{}", ended.status, ended.err);
        ended
    }

    /// Kill it; whether it still ran.
    pub(crate) fn kill(mut self) -> bool {
        let ran = self.child.try_wait().unwrap().is_none();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        ran
    }

    /// Whether it has not come to its end yet.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

/// The ticks of processor time a process has taken.
fn ticks(child: &Child) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().ok()).sum()
}

/// The most memory a process has held, in KiB.
fn peak(child: &Child) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn text(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}
