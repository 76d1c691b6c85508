//! Commands of the user: their environment, how much of their output is kept, how long they may take, and that they do not
//! outlive embedctl.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::system::clock::Clock;
use crate::system::guard::{GUARD, UNREAD, WITH_LINE, WITHOUT};

/// How much of a command's standard error is kept.
const LONGEST_COMPLAINT: u64 = 2048;

/// How long to wait for remaining output once the command has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A command to run.
#[derive(Clone)]
pub(crate) struct Program {
    /// The program and its arguments.
    pub(crate) argv: Vec<OsString>,
    /// The folder it starts in.
    pub(crate) folder: PathBuf,
    /// Its complete environment.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// This program as its guard; without one, the command is ended with its group, and outlives a `kill -9`.
    pub(crate) helper: Option<PathBuf>,
}

/// How a command ended.
pub(crate) struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Whether it read the line it was given.
    pub(crate) read: bool,
    /// What it wrote to standard output.
    pub(crate) out: Zeroizing<Vec<u8>>,
    /// The beginning of what it wrote to standard error.
    pub(crate) err: Vec<u8>,
}

impl Program {
    /// Run it with `line`, which must end with a newline, on standard input, and keep up to `most` bytes of its standard output;
    /// `None` if it took longer than `patience` and was ended. Dropping the future ends it, too.
    pub(crate) async fn run(
        &self,
        line: Option<&[u8]>,
        most: u64,
        patience: Duration,
    ) -> io::Result<Option<Ended>> {
        let mut running = self.spawn(line.is_some(), most > 0)?;
        // Real time, not the test clock: a command must not be cut short because a test's clock runs fast.
        let time_is_up = Clock::os().sleep(patience);
        tokio::select! {
            ended = running.talk(line, most) => ended.map(Some),
            () = time_is_up => {
                running.end().await;
                Ok(None)
            }
        }
    }

    fn spawn(&self, with_line: bool, with_output: bool) -> io::Result<Running> {
        let mut argv = self.argv.iter();
        let mut command = match &self.helper {
            Some(helper) => {
                let mut command = Command::new(helper);
                let word = if with_line { WITH_LINE } else { WITHOUT };
                command.args([GUARD, word]);
                command
            }
            None => {
                let program = argv.next();
                Command::new(program.ok_or_else(|| io::Error::other("it has no name"))?)
            }
        };
        let takes_input = with_line || self.helper.is_some();
        command
            .args(argv)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(piped(takes_input))
            .stdout(piped(with_output))
            .stderr(Stdio::piped())
            // Its own process group: a Ctrl-C at the terminal must not stop it in the middle of a key.
            .process_group(0);
        let child = command.spawn()?;
        Ok(Running {
            child,
            guarded: self.helper.is_some(),
            ended: false,
        })
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("program", &self.argv.first())
            .finish_non_exhaustive()
    }
}

fn piped(wanted: bool) -> Stdio {
    if wanted {
        Stdio::piped()
    } else {
        Stdio::null()
    }
}

/// A running command. Dropping it ends the command: its guard sees the input close; without a guard, its group is killed from
/// here.
struct Running {
    child: Child,
    guarded: bool,
    ended: bool,
}

impl Running {
    async fn talk(&mut self, line: Option<&[u8]>, most: u64) -> io::Result<Ended> {
        let mut stdin = self.child.stdin.take();
        let mut out = tokio::spawn(hear(self.child.stdout.take(), most));
        let mut err = tokio::spawn(hear(self.child.stderr.take(), LONGEST_COMPLAINT));
        let give = async {
            let (Some(line), Some(input)) = (line, &mut stdin) else {
                return true;
            };
            let given = input.write_all(line).await.is_ok() && input.flush().await.is_ok();
            if !self.guarded {
                drop(stdin.take());
            }
            given
        };
        let (read, status) = tokio::join!(give, self.child.wait());
        self.ended = true;
        // A process that the command left running may keep a pipe open forever.
        let heard = async { (said(&mut out).await, said(&mut err).await) };
        let (out_said, err_said) = tokio::select! {
            heard = heard => heard,
            () = Clock::os().sleep(LAST_WORDS) => Default::default(),
        };
        out.abort();
        err.abort();
        let code = status?.code();
        let unread = self.guarded && code == Some(UNREAD.into());
        Ok(Ended {
            code: if unread { Some(0) } else { code },
            read: read && !unread,
            out: out_said,
            err: err_said.to_vec(),
        })
    }

    /// End it, and everything it started.
    async fn end(&mut self) {
        if self.guarded {
            drop(self.child.stdin.take());
            tokio::select! {
                _ended = self.child.wait() => self.ended = true,
                () = Clock::os().sleep(LAST_WORDS) => {}
            }
        }
        self.end_group();
        let _gone = self.child.kill().await.is_err();
        self.ended = true;
    }

    fn end_group(&self) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group.and_then(Pid::from_raw) {
            let _gone = kill_process_group(group, Signal::KILL).is_err();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The guard must live to end the others; its closing input is enough to tell it.
        if !self.guarded && !self.ended {
            self.end_group();
        }
    }
}

async fn said(hearing: &mut tokio::task::JoinHandle<Zeroizing<Vec<u8>>>) -> Zeroizing<Vec<u8>> {
    hearing.await.unwrap_or_default()
}

/// The beginning of a command's output. The rest is read and dropped, so that the command never blocks on a full pipe.
async fn hear(stream: Option<impl AsyncRead + Unpin>, most: u64) -> Zeroizing<Vec<u8>> {
    let mut said = Zeroizing::new(Vec::with_capacity(4096));
    if let Some(mut stream) = stream {
        let mut first = (&mut stream).take(most);
        let _heard = first.read_to_end(&mut said).await.is_ok();
        let _rest = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    said
}
