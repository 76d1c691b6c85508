//! The sink `exec:COMMAND`: a command of the user that stores each key, which it gets as JSON on standard input.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::secret::{ExposeSecret as _, REDACTED, SecretString};
use crate::sink::record::{self, Line};
use crate::sink::{Answer, Held, Key, KeyName, Sink, SinkError, nothing};
use crate::system::{Program, duration};

/// How long the command may take for one key.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client id that no key has.
const NO_KEY: &str = "embedctl-no-such-key";

/// A command that stores keys.
#[derive(Debug)]
pub(super) struct ExecSink {
    command: String,
    program: Program,
    patience: Duration,
}

/// The command's result.
struct Answered {
    code: Option<i32>,
    /// Whether it read all of its input.
    read: bool,
    complaint: String,
}

impl ExecSink {
    /// The shell command `command`, run in `folder` with exactly the environment `env`, guarded by `helper`.
    pub(super) fn new(
        command: &str,
        folder: PathBuf,
        env: Vec<(OsString, OsString)>,
        helper: Option<PathBuf>,
    ) -> Self {
        Self {
            command: command.to_owned(),
            program: Program {
                // Through a shell, because the command is written as in one.
                argv: ["sh", "-c", command].map(OsString::from).to_vec(),
                folder,
                env,
                helper,
            },
            patience: PATIENCE,
        }
    }

    /// Run the command with `input`; its messages are shown with `secret` redacted.
    async fn call(
        &self,
        input: &[u8],
        secret: Option<&SecretString>,
    ) -> Result<Answered, SinkError> {
        let ended = self.program.run(Some(input), 0, self.patience).await;
        let ended = ended
            .map_err(|error| SinkError::new(format!("cannot run {}", self.name())).caused(error))?;
        let Some(ended) = ended else {
            let patience = duration::exact(self.patience);
            let message = format!("{} took longer than {patience}", self.name());
            return Err(SinkError::new(message).hint("find out what the command waits for"));
        };
        let mut complaint = readable(&ended.err);
        if let Some(secret) = secret
            .map(|secret| secret.expose_secret())
            .filter(|secret| !secret.is_empty())
        {
            // A command may print what it was given.
            complaint = complaint.replace(secret, REDACTED);
        }
        Ok(Answered {
            code: ended.code,
            read: ended.read,
            complaint,
        })
    }

    fn refused(&self, what: &str, ended: &Answered) -> SinkError {
        let code = ended
            .code
            .map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        let error = SinkError::new(format!("{} {what} ({code})", self.name()));
        let error = match ended.code {
            Some(127) => error.hint("the command was not found; check its path"),
            Some(126) => error.hint("the command may not be executed; try `chmod +x`"),
            _ => error.hint("run the command by hand: it gets JSON on standard input, and exit code 0 means success"),
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
            // Any other code is neither yes nor no.
            Some(1) => Some(false),
            _ => None,
        })
    }
}

impl Sink for ExecSink {
    /// Only the program: its arguments may be secret.
    fn name(&self) -> String {
        name(&self.command)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let ended = self.call(b"{\"action\":\"probe\"}\n", None).await?;
            match ended.code {
                Some(0) => Ok(()),
                _ => Err(self.refused("is not ready to store keys", &ended)),
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
            // Exit 0 without reading proves nothing: the key would be lost.
            match ended.code {
                Some(0) if ended.read => Ok(None),
                Some(0) => Err(
                    SinkError::new(format!("{} did not read the key", self.name()))
                        .hint("the key comes as JSON on the command's standard input"),
                ),
                _ => Err(self.refused("did not store the key", &ended)),
            }
        })
    }

    /// A command that says yes to a key that cannot exist does not check, so its answer counts for nothing.
    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        Box::pin(async move {
            let answer = self.says_yes(key).await?;
            // Only a yes needs proof.
            if answer != Some(true) {
                return Ok(answer);
            }
            let nothing = KeyName {
                client_id: NO_KEY.to_owned(),
                id: NO_KEY.to_owned(),
                ..key.clone()
            };
            // A command that says yes to a key that cannot exist says yes to everything.
            let doubt = self.says_yes(&nothing).await?;
            Ok((doubt == Some(false)).then_some(true))
        })
    }
}

/// How reports call a command: by its program.
pub fn name(command: &str) -> String {
    let words = command.split_whitespace();
    let mut program = words.skip_while(|word| word.contains('='));
    format!("exec:{}", program.next().unwrap_or("sh"))
}

/// A command's messages without control characters that a terminal would obey.
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
        let mut sink = ExecSink::new(command, folder.path().to_owned(), env, None);
        sink.patience = Duration::from_secs(1);

        let error = sink.probe().await.unwrap_err();

        assert_eq!(error.message, "exec:exec took longer than 1s");
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
