//! The sink `exec:COMMAND`: a command of the user's that keeps each key, which it gets as JSON on its standard input.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, Command};

use crate::secret::{ExposeSecret as _, REDACTED, SecretString};
use crate::sink::record::{self, Line};
use crate::sink::{Answer, Held, Key, KeyName, Sink, SinkError, nothing};
use crate::system::Clock;

/// How long the command may take for one key.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of what the command says is shown.
const LONGEST_COMPLAINT: u64 = 2048;

/// How long its complaints are waited for once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A client id that no key has.
const NO_KEY: &str = "embedctl-no-such-key";

/// A command that keeps keys.
#[derive(Debug)]
pub(super) struct ExecSink {
    command: String,
    env: Vec<(OsString, OsString)>,
    folder: PathBuf,
    patience: Duration,
}

/// How the command ended.
struct Ended {
    code: Option<i32>,
    /// Whether it took all that it was given.
    read: bool,
    complaint: String,
}

impl ExecSink {
    /// The shell command `command`, run in `folder` with nothing but `env`.
    pub(super) fn new(command: String, folder: PathBuf, env: Vec<(OsString, OsString)>) -> Self {
        Self {
            command,
            env,
            folder,
            patience: PATIENCE,
        }
    }

    /// Run the command with `input`; what it says is shown without `secret`.
    async fn call(&self, input: &[u8], secret: Option<&SecretString>) -> Result<Ended, SinkError> {
        let failed = |error| SinkError::new(format!("cannot run {}", self.name())).caused(error);
        let mut child = self.spawn().map_err(failed)?;
        // A command is not to wait for less because a test's clock runs fast.
        let patience = Clock::os().sleep(self.patience);
        let ended = tokio::select! {
            ended = talk(&mut child, input) => Some(ended.map_err(failed)?),
            () = patience => None,
        };
        let Some(mut ended) = ended else {
            end(&mut child).await;
            let seconds = self.patience.as_secs();
            let message = format!("{} took longer than {seconds} s", self.name());
            return Err(SinkError::new(message).hint("find out what the command waits for"));
        };
        if let Some(secret) = secret
            .map(|secret| secret.expose_secret())
            .filter(|secret| !secret.is_empty())
        {
            ended.complaint = ended.complaint.replace(secret, REDACTED);
        }
        Ok(ended)
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(&self.command)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own: Ctrl-C lets it finish the key it has, and what it started ends with it.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }

    fn refused(&self, what: &str, ended: &Ended) -> SinkError {
        let code = ended
            .code
            .map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        let error = SinkError::new(format!("{} {what} ({code})", self.name()));
        let error = match ended.code {
            Some(127) => error.hint("the command was not found; check its path"),
            Some(126) => error.hint("the command may not be executed; try `chmod +x`"),
            _ => error.hint("run the command by hand; it gets JSON on its standard input, and exit code 0 means yes"),
        };
        if ended.complaint.is_empty() {
            return error;
        }
        error.caused(anyhow::Error::msg(ended.complaint.clone()))
    }

    async fn says_yes(&self, key: &KeyName) -> Result<Option<bool>, SinkError> {
        let ended = self.call(record::check(key).bytes(), None).await?;
        Ok(match ended.code {
            Some(0) => Some(true),
            Some(1) => Some(false),
            _ => None,
        })
    }
}

impl Sink for ExecSink {
    /// Only the program: its arguments may hold what is not to be shown.
    fn name(&self) -> String {
        let words = self.command.split_whitespace();
        let mut program = words.skip_while(|word| word.contains('='));
        format!("exec:{}", program.next().unwrap_or("sh"))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let ended = self.call(b"{\"action\":\"probe\"}\n", None).await?;
            match ended.code {
                Some(0) => Ok(()),
                _ => Err(self.refused("is not ready to keep keys", &ended)),
            }
        })
    }

    fn held<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Held>> {
        nothing()
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        let line: Line = record::store(key);
        Box::pin(async move {
            let ended = self.call(line.bytes(), Some(&key.client_secret)).await?;
            match ended.code {
                Some(0) if ended.read => Ok(None),
                Some(0) => Err(
                    SinkError::new(format!("{} did not read the key", self.name()))
                        .hint("the key comes as JSON on the command's standard input"),
                ),
                _ => Err(self.refused("did not keep the key", &ended)),
            }
        })
    }

    /// A command that says yes to a key that cannot exist does not look, and tells nothing.
    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        Box::pin(async move {
            let answer = self.says_yes(key).await?;
            if answer != Some(true) {
                return Ok(answer);
            }
            let nothing = KeyName {
                client_id: NO_KEY.to_owned(),
                id: NO_KEY.to_owned(),
                ..key.clone()
            };
            let doubt = self.says_yes(&nothing).await?;
            Ok((doubt == Some(false)).then_some(true))
        })
    }
}

/// Give the command its input, hear its complaints, and wait for its end.
async fn talk(child: &mut Child, input: &[u8]) -> std::io::Result<Ended> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let give = async {
        let Some(mut stdin) = stdin else { return false };
        stdin.write_all(input).await.is_ok() && stdin.shutdown().await.is_ok()
    };
    let mut hearing = tokio::spawn(hear(stderr));
    let (read, status) = tokio::join!(give, child.wait());
    // Something that the command left running may keep its end of the pipe open for ever.
    let said = tokio::select! {
        said = &mut hearing => said.unwrap_or_default(),
        () = Clock::os().sleep(LAST_WORDS) => Vec::new(),
    };
    hearing.abort();
    Ok(Ended {
        code: status?.code(),
        read,
        complaint: readable(&said),
    })
}

/// The beginning of what a command says. The rest is read and dropped, so that the command does not wait for a reader.
async fn hear(stderr: Option<ChildStderr>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(mut stderr) = stderr {
        let mut first = (&mut stderr).take(LONGEST_COMPLAINT);
        let _heard = first.read_to_end(&mut said).await.is_ok();
        let _rest = tokio::io::copy(&mut stderr, &mut tokio::io::sink())
            .await
            .is_ok();
    }
    said
}

/// End the command and what it started.
async fn end(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
            let signal = rustix::process::Signal::KILL;
            let _gone = rustix::process::kill_process_group(group, signal).is_err();
        }
    }
    let _gone = child.kill().await.is_err();
}

/// What a command said, without the characters that a terminal would obey.
fn readable(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.trim().chars().map(plain).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::ExecSink;
    use crate::sink::Sink as _;
    use crate::system::Clock;

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let command = "exec 3>alive; flock 3; tail -f /dev/null & tail -f /dev/null";
        let env = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let mut sink = ExecSink::new(command.to_owned(), folder.path().to_owned(), env);
        sink.patience = Duration::from_secs(1);

        let error = sink.probe().await.unwrap_err();

        assert_eq!(error.message, "exec:exec took longer than 1 s");
        assert_eq!(
            error.hint.as_deref(),
            Some("find out what the command waits for")
        );
        // The lock goes when the last of them has ended.
        let alive = std::fs::File::open(folder.path().join("alive")).unwrap();
        while alive.try_lock().is_err() {
            Clock::os().sleep(Duration::from_millis(10)).await;
        }
    }
}
