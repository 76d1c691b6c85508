//! Chooses the sink of a command that mints keys, and finds out whether it could store one.

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::context::CommandContext;
use crate::commands::files::Roles;
use crate::commands::keys_to::{KeysTo, SinkArgs};
use crate::commands::session::{Session, UiTrace};
use crate::error::{Error, Kind};
use crate::net::Trace;
use crate::report::Ui;
use crate::sink::{self, KeyName, Opening, STDOUT, Sink, Stdout, WebOptions};
use crate::workflow::{Found, FoundKey};

/// The purpose of new keys, and the sink for their secrets.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct DeliveryArgs {
    #[command(flatten)]
    pub(crate) sinks: SinkArgs,

    /// The purpose of the key, which Looker shows next to it
    #[arg(long, value_name = "TEXT")]
    pub(crate) key_purpose: Option<String>,
}

/// Whether the result of a job was already printed when its key was delivered.
pub(crate) fn has_printed(keys_to: Option<&KeysTo>, found: &Found) -> bool {
    keys_to.is_some_and(KeysTo::prints) && found.key.is_some()
}

/// Open the sinks and probe them, before anything is done at Looker. `print` implements standard output as a sink. `many` says
/// that more than one user may get a key.
pub(crate) async fn open(
    keys_to: &KeysTo,
    print: impl Fn(&KeyName, &str) -> io::Result<()> + Send + Sync + 'static,
    many: bool,
    session: &Session,
) -> Result<Arc<dyn Sink>, Error> {
    keys_to.check()?;
    // A sink that is also the ledger or the manifest would overwrite it with a secret.
    let mut roles = Roles::of(&session.settings, &session.system)?;
    roles.keys_to(keys_to, &session.system);
    roles.check()?;
    let sink: Arc<dyn Sink> = if keys_to.prints() {
        // Once Looker has shown a secret it cannot be read again, so losing it would waste the key.
        if session.system.out.is_lost() {
            let message = "standard output is closed or `/dev/null`, so the secret would be lost";
            return Err(Error::usage(message).hint("give `--keys-to`, or keep standard output"));
        }
        Arc::new(Stdout::new(print))
    } else {
        stored(keys_to, session)?
    };
    if many && sink.is_for_one_user() {
        let message = format!("`{keys_to}` has room for one user's key, and there are more users");
        return Err(Error::usage(message)
            .hint("put `{external_user_id}` into the name of a store, or use `dir:PATH`"));
    }
    // Nothing has been done yet, so a sink that cannot store a key is a usage error.
    let probed = sink.probe().await.map_err(Error::from);
    probed.map_err(|error| error.with_kind(Kind::Usage))?;
    Ok(sink)
}

/// Open sinks that store keys; their logins end with the session.
pub(crate) fn stored(keys_to: &KeysTo, session: &Session) -> Result<Arc<dyn Sink>, Error> {
    let web = web_options(session, Arc::new(UiTrace(session.ui.clone())));
    let sink = sink::open(
        keys_to.sinks(),
        &Opening {
            system: &session.system,
            secret_variables: session.settings.secret_variables(),
            web,
            adopt: keys_to.adopt,
        },
    )?;
    session.ends(&sink);
    Ok(sink)
}

/// How stores are reached: what these settings say of connections, but for what concerns Looker alone.
pub(crate) fn web_options(cx: &CommandContext, trace: Arc<dyn Trace>) -> WebOptions {
    WebOptions {
        retries: cx.settings.retries(),
        ca_files: cx.settings.ca_files(),
        trace,
    }
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
        delivered_to: Value,
    }

    json!(Shown {
        id: &key.id,
        client_id: &key.client_id,
        client_secret: secret,
        purpose: &key.purpose,
        delivered_to: match delivered_to(key, secret).as_slice() {
            [one] => json!(one),
            [] => json!(""),
            several => json!(several),
        },
    })
}

/// A key in a result for people, last and easy to copy.
pub(crate) fn key_rows(key: &FoundKey, secret: Option<&str>) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("key", key.id.clone()),
        ("purpose", key.purpose.clone()),
        ("delivered_to", delivered_to(key, secret).join(", ")),
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
fn delivered_to(key: &FoundKey, secret: Option<&str>) -> Vec<String> {
    match secret {
        None => key.delivered_to.clone(),
        Some(_) => vec![STDOUT.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;
    use std::sync::{Arc, Mutex};

    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{FoundKey, Opening, Ui, print_env, sink};
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
            job: String::new(),
        };
        let found = FoundKey {
            id: name.id.clone(),
            client_id: name.client_id.clone(),
            purpose: name.purpose.clone(),
            created_at: name.created_at,
            delivered_to: Vec::new(),
            due: None,
        };
        print_env(&ui, &name.base_url, Some(&found), Some(secret)).unwrap();
        let client_secret = SecretString::from(secret);
        let key = Key {
            name,
            client_secret,
        };
        let sink = sink::open(&["env:key.env".to_owned()], &Opening::new(&system)).unwrap();
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
