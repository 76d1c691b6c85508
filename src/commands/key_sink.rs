//! Chooses the sink of a command that mints keys, and finds out whether it could store one.

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::context::CommandContext;
use crate::commands::files::Roles;
use crate::commands::session::Session;
use crate::config::Settings;
use crate::error::{Error, Kind};
use crate::report::Ui;
use crate::sink::{self, KeyName, Sink, Stdout};
use crate::system::System;
use crate::workflow::{Found, FoundKey};

/// The purpose of new keys, and the sink for their secrets.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct DeliveryArgs {
    /// The sink for the secret: stdout, file:PATH, dir:PATH, exec:COMMAND or env:PATH
    #[arg(long, value_name = "SINK")]
    pub(crate) keys_to: Option<String>,

    /// The purpose of the key, which Looker shows next to it
    #[arg(long, value_name = "TEXT")]
    pub(crate) key_purpose: Option<String>,
}

/// The name of the sink that prints the key with the result.
pub(crate) const STDOUT: &str = "stdout";

/// The sink as typed: from the flag, the settings, or standard output.
pub(crate) fn choose(flag: Option<&str>, settings: &Settings) -> String {
    let chosen = flag.or_else(|| settings.keys_to());
    chosen.unwrap_or(STDOUT).to_owned()
}

/// Whether the result of a job was already printed when its key was delivered.
pub(crate) fn has_printed(keys_to: &str, found: &Found) -> bool {
    keys_to == STDOUT && found.key.is_some()
}

/// Open the sink and probe it, before anything is done at Looker. `print` implements standard output as a sink.
pub(crate) async fn open(
    keys_to: &str,
    print: impl Fn(&KeyName, &str) -> io::Result<()> + Send + Sync + 'static,
    session: &Session,
) -> Result<Arc<dyn Sink>, Error> {
    // A sink that is also the ledger or the manifest would overwrite it with a secret.
    let mut roles = Roles::of(&session.settings, &session.system)?;
    roles.keys_to(keys_to, &session.system);
    roles.check()?;
    let sink: Arc<dyn Sink> = if keys_to == STDOUT {
        // Once Looker has shown a secret it cannot be read again, so losing it would waste the key.
        if session.system.out.is_lost() {
            let message = "standard output is closed or `/dev/null`, so the secret would be lost";
            return Err(Error::usage(message).hint("give `--keys-to`, or keep standard output"));
        }
        Arc::new(Stdout::new(print))
    } else {
        sink::open(
            keys_to,
            &session.system,
            session.settings.secret_variables(),
        )?
    };
    // Nothing has been done yet, so a sink that cannot store a key is a usage error.
    let probed = sink.probe().await.map_err(Error::from);
    probed.map_err(|error| error.with_kind(Kind::Usage))?;
    Ok(sink)
}

/// A key in a JSON result; with the secret only if standard output is the sink.
pub(crate) fn key_json(key: &FoundKey, secret: Option<&str>) -> Value {
    #[derive(Serialize)]
    struct Shown<'a> {
        id: &'a str,
        client_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_secret: Option<&'a str>,
        purpose: &'a str,
        delivered_to: String,
    }

    json!(Shown {
        id: &key.id,
        client_id: &key.client_id,
        client_secret: secret,
        purpose: &key.purpose,
        delivered_to: delivered_to(key, secret),
    })
}

/// A key in a result for people, last and easy to copy.
pub(crate) fn key_rows(key: &FoundKey, secret: Option<&str>) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("key", key.id.clone()),
        ("purpose", key.purpose.clone()),
        ("delivered_to", delivered_to(key, secret)),
        ("client_id", key.client_id.clone()),
    ];
    if let Some(secret) = secret {
        rows.push(("client_secret", secret.to_owned()));
    }
    rows
}

/// Variables for Looker's SDKs, ready for a step of a CI job.
pub(crate) fn print_env(
    ui: &Ui,
    base_url: &str,
    key: Option<&FoundKey>,
    secret: Option<&str>,
) -> Result<(), Error> {
    let mut rows = vec![("LOOKERSDK_BASE_URL", base_url.to_owned())];
    if let Some(key) = key {
        rows.push(("LOOKERSDK_CLIENT_ID", key.client_id.clone()));
    }
    if let Some(secret) = secret {
        rows.push(("LOOKERSDK_CLIENT_SECRET", secret.to_owned()));
    }
    ui.env(&rows, secret)
}

/// A key that is being printed is thereby delivered.
fn delivered_to(key: &FoundKey, secret: Option<&str>) -> String {
    match (secret, &key.delivered_to) {
        (None, Some(sink)) => sink.clone(),
        (Some(_), _) => STDOUT.to_owned(),
        (None, None) => String::new(),
    }
}

/// The form of the sink `keys_to` that is recorded: of a command only its program, since its arguments may be secret; of a path
/// the absolute one, since a run may be continued from another folder.
pub(crate) fn recorded(keys_to: &str, system: &System) -> String {
    match keys_to.split_once(':') {
        Some(("exec", command)) => sink::exec_name(command),
        Some((kind @ ("file" | "dir" | "env"), path)) => {
            let path = system.path(path);
            // A process may be in a folder that is gone; then the path is as good as it was typed.
            let path = std::path::absolute(&path).unwrap_or(path);
            format!("{kind}:{}", path.display())
        }
        _ => keys_to.to_owned(),
    }
}

/// The sink of a run that is continued: as recorded, or as `given` again if the record is incomplete.
pub(crate) fn again(
    recorded_as: &str,
    given: Option<&str>,
    cx: &CommandContext,
) -> Result<String, Error> {
    let is_command = recorded_as.starts_with("exec:");
    let known = given.or_else(|| cx.settings.keys_to().filter(|_| is_command));
    match known {
        Some(known) if recorded(known, &cx.system) == recorded_as => Ok(known.to_owned()),
        None if !is_command => Ok(recorded_as.to_owned()),
        Some(_) if !is_command => Err(Error::usage(format!(
            "the run delivers its keys to `{recorded_as}`, and not elsewhere"
        ))
        .hint("leave `--keys-to` out")),
        _ => Err(Error::usage(format!(
            "the run delivers its keys to `{recorded_as}`, whose arguments are not kept"
        ))
        .hint("run `embedctl runs resume` with the same `--keys-to exec:COMMAND` again")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;
    use std::sync::{Arc, Mutex};

    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{FoundKey, Ui, print_env, sink};
    use crate::report::ReportOptions;
    use crate::secret::SecretString;
    use crate::sink::{Key, KeyName};
    use crate::system::{Input, Stream, System};

    #[derive(Clone, Default)]
    struct Printed(Arc<Mutex<Vec<u8>>>);

    impl Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines of a key with this secret: those that `-o env` prints, and those in the file of the sink.
    fn lines(folder: &std::path::Path, secret: &str) -> (String, String) {
        let printed = Printed::default();
        let out = Stream::new(printed.clone(), false);
        let err = Stream::new(std::io::sink(), false);
        let system = System::with([], folder, Input::empty(), out, err);
        let ui = Ui::new(&ReportOptions::default(), &system);
        let name = KeyName {
            base_url: "https://acme.looker.com".to_owned(),
            external_user_id: "acme-42".to_owned(),
            looker_user_id: "7".to_owned(),
            id: "1".to_owned(),
            client_id: "it's".to_owned(),
            purpose: "embedctl".to_owned(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let found = FoundKey {
            id: name.id.clone(),
            client_id: name.client_id.clone(),
            purpose: name.purpose.clone(),
            created_at: name.created_at,
            delivered_to: None,
            due: None,
        };
        print_env(&ui, &name.base_url, Some(&found), Some(secret)).unwrap();
        let client_secret = SecretString::from(secret);
        let key = Key {
            name,
            client_secret,
        };
        let sink = sink::open("env:key.env", &system, &[]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(sink.deliver(&key)).unwrap();
        let kept = std::fs::read_to_string(folder.join("key.env")).unwrap();
        let (comment, kept) = kept.split_once('\n').unwrap();
        assert!(comment.starts_with("# embedctl: "), "{comment}");
        let printed = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
        (printed, kept.to_owned())
    }

    proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn variables_are_the_same_printed_and_kept_and_a_shell_reads_them_back(
            secret in "([^\\p{Cc}]|[ '\"\\\\$`!#~*=])*"
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (printed, kept) = lines(folder.path(), &secret);

            prop_assert_eq!(&printed, &kept);
            let script = ". ./key.env; printf %s \"$LOOKERSDK_CLIENT_SECRET\"";
            let mut shell = Command::new("sh");
            let read = shell.args(["-c", script]).current_dir(folder.path()).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&read.stdout), secret);
        }
    }
}
