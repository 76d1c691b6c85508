//! Every sink: what it keeps, what it refuses before a key is minted, and what it says it holds after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use embedctl::error::Error;
use embedctl::secret::SecretString;
use embedctl::sink::{self, Key, KeyName, Opening, Sink, SinkError, Stdout};
use embedctl::system::{Input, Stream, System};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::skip;

const BASE_URL: &str = "https://acme.cloud.looker.com";

struct Place {
    folder: TempDir,
    env: Vec<(String, String)>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let env = [
            ("PATH", "/usr/bin:/bin"),
            ("LOOKERSDK_CLIENT_SECRET", "admin-secret"),
            ("MY_EMBED_SECRET", "embed-secret"),
            ("KEPT", "yes"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            folder,
            env: env.into(),
        }
    }

    fn try_open(&self, spec: &str) -> Result<Arc<dyn Sink>, Error> {
        let stream = || Stream::new(io::sink(), false);
        let env = self.env.clone();
        let system = System::with(env, self.folder.path(), Input::empty(), stream(), stream());
        let secret_variables = ["MY_EMBED_SECRET".to_owned()];
        let opening = Opening {
            secret_variables: &secret_variables,
            ..Opening::new(&system)
        };
        sink::open(&[spec.to_owned()], &opening)
    }

    fn open(&self, spec: &str) -> Arc<dyn Sink> {
        self.try_open(spec).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let name = |file: io::Result<fs::DirEntry>| file.unwrap().file_name();
        let mut names: Vec<_> = files
            .map(|file| name(file).into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn key(user: &str, id: &str) -> Key {
    Key {
        name: KeyName {
            base_url: BASE_URL.to_owned(),
            external_user_id: user.to_owned(),
            looker_user_id: "12".to_owned(),
            id: id.to_owned(),
            client_id: format!("client{id}"),
            purpose: "embedctl:1:2".to_owned(),
            created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
            job: "0192f7a0-6a3c-0000000001/7".to_owned(),
        },
        client_secret: SecretString::from(format!("secret{id}")),
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, SinkError>) -> (String, String) {
    let error = Error::from(result.unwrap_err());
    (
        error.to_string(),
        error.advice().unwrap_or_default().to_owned(),
    )
}

async fn holds(sink: &Arc<dyn Sink>, key: &Key) -> Option<bool> {
    sink.holds(&key.name).await.unwrap()
}

#[test]
fn a_sink_of_no_known_form_is_refused_with_the_forms() {
    let place = Place::new();
    let refused = |spec| {
        let error = place.try_open(spec).unwrap_err();
        (error.to_string(), error.advice().unwrap().to_owned())
    };

    let forms = "keys go to `stdout`, `file:PATH`, `dir:PATH`, `env:PATH`, `exec:COMMAND`, `gcp:PROJECT/NAME`, `vault:MOUNT/PATH` or `aws:REGION/NAME`";
    let message = "`valt:x` is not a valid sink".to_owned();
    assert_eq!(refused("valt:x"), (message, forms.to_owned()));
    let hint = format!("{forms}; for a file, write `file:keys.jsonl`");
    assert_eq!(refused("keys.jsonl").1, hint);
    let expected = (
        "`exec: ` names no target".to_owned(),
        "write `exec:COMMAND`".to_owned(),
    );
    assert_eq!(refused("exec: "), expected);
}

#[tokio::test]
async fn a_path_may_begin_with_the_home_folder() {
    let mut place = Place::new();
    let home = place.path("home");
    fs::create_dir(&home).unwrap();
    place
        .env
        .push(("HOME".to_owned(), home.display().to_string()));

    place
        .open("file:~/keys.jsonl")
        .deliver(&key("a", "1"))
        .await
        .unwrap();

    assert!(home.join("keys.jsonl").exists());
}

#[tokio::test]
async fn stdout_hands_the_key_to_the_command_and_cannot_tell_later() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let sink = Stdout::new(move |_, secret| {
        seen.lock().unwrap().push(secret.to_owned());
        Ok(())
    });

    sink.probe().await.unwrap();
    sink.deliver(&key("a", "1")).await.unwrap();

    assert_eq!(*shown.lock().unwrap(), ["secret1"]);
    assert_eq!(sink.holds(&key("a", "1").name).await.unwrap(), None);
    let closed = Stdout::new(|_, _| Err(io::ErrorKind::BrokenPipe.into()));
    let (message, _) = refusal(closed.deliver(&key("a", "1")).await);
    assert_eq!(message, "cannot print the key: broken pipe");
}

mod file {
    use super::*;

    #[tokio::test]
    async fn each_key_is_one_line_of_json() {
        let place = Place::new();
        let sink = place.open("file:keys.jsonl");

        sink.probe().await.unwrap();
        sink.deliver(&key("acme-42", "1")).await.unwrap();
        sink.deliver(&key("acme-43", "2")).await.unwrap();

        let text = place.text("keys.jsonl");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let expected = json!({
            "external_user_id": "acme-42", "looker_user_id": "12", "base_url": BASE_URL,
            "key_id": "1", "client_id": "client1", "client_secret": "secret1",
            "purpose": "embedctl:1:2", "created_at": "2026-03-01T12:00:00Z",
        });
        assert_eq!(lines[0], expected);
        assert_eq!(
            (lines.len(), &lines[1]["client_secret"]),
            (2, &json!("secret2"))
        );
        assert_eq!(
            place.names(),
            ["keys.jsonl"],
            "the probe leaves nothing behind"
        );
    }

    #[tokio::test]
    async fn the_same_key_twice_leaves_one() {
        let place = Place::new();
        let first = place.open("file:keys.jsonl");
        first.deliver(&key("a", "1")).await.unwrap();
        first.deliver(&key("a", "1")).await.unwrap();
        let (one, two) = (key("a", "2"), key("a", "2"));
        let (one, two) = tokio::join!(first.deliver(&one), first.deliver(&two));
        one.and(two).unwrap();

        place
            .open("file:keys.jsonl")
            .deliver(&key("a", "1"))
            .await
            .unwrap();

        assert_eq!(place.text("keys.jsonl").lines().count(), 2);
    }

    #[tokio::test]
    async fn it_knows_the_keys_that_another_process_appended() {
        let place = Place::new();
        let (mine, other) = (place.open("file:k"), place.open("file:k"));
        mine.deliver(&key("a", "1")).await.unwrap();
        assert_eq!(holds(&mine, &key("a", "2")).await, Some(false));

        other.deliver(&key("a", "2")).await.unwrap();

        assert_eq!(holds(&mine, &key("a", "2")).await, Some(true));
        let mut elsewhere = key("a", "2");
        elsewhere.name.base_url = "https://other.looker.com".to_owned();
        assert_eq!(holds(&mine, &elsewhere).await, Some(false));
    }

    #[tokio::test]
    async fn it_does_not_hold_what_was_taken_out_by_hand() {
        let place = Place::new();
        let sink = place.open("file:k");
        assert_eq!(
            holds(&sink, &key("a", "1")).await,
            Some(false),
            "there is no file yet"
        );
        sink.deliver(&key("a", "1")).await.unwrap();
        sink.deliver(&key("a", "2")).await.unwrap();
        let text = place.text("k");

        fs::write(place.path("k"), text.replace("client1", "clientX")).unwrap();
        assert_eq!(holds(&sink, &key("a", "1")).await, Some(false));

        fs::write(place.path("k"), "").unwrap();
        assert_eq!(holds(&sink, &key("a", "2")).await, Some(false));
    }

    #[tokio::test]
    async fn a_line_that_a_crash_tore_is_left_alone_and_the_next_key_begins_a_line() {
        let place = Place::new();
        place.open("file:k").deliver(&key("a", "1")).await.unwrap();
        let whole = place.text("k");
        fs::write(place.path("k"), format!("{whole}{}", &whole[..40])).unwrap();

        let sink = place.open("file:k");
        sink.deliver(&key("a", "2")).await.unwrap();

        let text = place.text("k");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], [whole.trim_end(), &whole[..40]]);
        assert!(lines[2].contains("secret2"), "{text}");
        assert_eq!(holds(&sink, &key("a", "1")).await, Some(true));
        assert_eq!(holds(&sink, &key("a", "2")).await, Some(true));
    }

    #[tokio::test]
    async fn many_keys_at_once_are_all_kept_once() {
        let place = Place::new();
        let sink = place.open("file:k");

        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..200 {
            let sink = Arc::clone(&sink);
            tasks.spawn(async move { sink.deliver(&key("a", &n.to_string())).await.unwrap() });
        }
        tasks.join_all().await;

        assert_eq!(place.text("k").lines().count(), 200);
        assert_eq!(holds(&sink, &key("a", "199")).await, Some(true));
    }
}

mod dir {
    use super::*;

    #[tokio::test]
    async fn the_newest_key_of_a_user_takes_the_place_of_the_older_one() {
        let place = Place::new();
        let sink = place.open("dir:.");
        sink.probe().await.unwrap();

        for (user, id) in [
            ("acme/42", "1"),
            ("b", "2"),
            ("acme/42", "3"),
            ("acme/42", "3"),
        ] {
            sink.deliver(&key(user, id)).await.unwrap();
        }

        assert_eq!(place.names(), ["acme%2F42.json", "b.json"]);
        let kept: Value = serde_json::from_str(&place.text("acme%2F42.json")).unwrap();
        assert_eq!(kept["client_secret"], "secret3");
        assert_eq!(holds(&sink, &key("acme/42", "3")).await, Some(true));
        assert_eq!(holds(&sink, &key("acme/42", "1")).await, Some(false));
        assert_eq!(holds(&sink, &key("c", "1")).await, Some(false));
    }

    #[tokio::test]
    async fn what_a_process_that_died_left_half_written_is_swept_once_it_is_old() {
        let place = Place::new();
        for name in ["old", "new"] {
            let path = place.path(&format!(".embedctl-{name}.partial"));
            fs::write(&path, "{\"client_id\":\"client1\",\"clie").unwrap();
            private_files::set_mode(&path, 0o600);
        }
        let old = fs::File::open(place.path(".embedctl-old.partial")).unwrap();
        old.set_modified(UNIX_EPOCH).unwrap();
        let sink = place.open("dir:.");

        assert_eq!(holds(&sink, &key("a", "1")).await, Some(false));
        sink.probe().await.unwrap();
        sink.deliver(&key("a", "1")).await.unwrap();

        assert_eq!(place.names(), [".embedctl-new.partial", "a.json"]);
    }

    #[tokio::test]
    async fn a_key_of_another_looker_or_a_file_of_something_else_is_not_overwritten() {
        let place = Place::new();
        let sink = place.open("dir:.");
        let mut other = key("a", "1");
        other.name.base_url = "https://staging.looker.com".to_owned();
        sink.deliver(&other).await.unwrap();

        let (message, hint) = refusal(sink.deliver(&key("a", "2")).await);

        let path = place.path("a.json");
        let shown = path.display();
        assert_eq!(
            message,
            format!("`{shown}` holds the key of `a` at https://staging.looker.com")
        );
        assert_eq!(hint, "give each Looker a folder of its own");
        fs::write(path, "{}").unwrap();
        let (message, _) = refusal(sink.deliver(&key("a", "2")).await);
        assert!(message.ends_with("exists and holds no key"), "{message}");
    }
}

mod env {
    use super::*;

    #[tokio::test]
    async fn the_variables_are_those_of_the_official_sdks_and_other_lines_stay() {
        let place = Place::new();
        let sink = place.open("env:.env");
        sink.probe().await.unwrap();
        sink.deliver(&key("acme-42", "1")).await.unwrap();
        let first = place.text(".env");
        let more = format!("# mine\nDEBUG=1\n{first}export PORT=80\n");
        fs::write(place.path(".env"), more).unwrap();

        sink.deliver(&key("acme-42", "2")).await.unwrap();

        let comment = |id| {
            format!(
                "# embedctl: {{\"external_user_id\":\"acme-42\",\"key_id\":\"{id}\",\"looker_user_id\":\"12\"}}\n\
                 LOOKERSDK_BASE_URL={BASE_URL}\nLOOKERSDK_CLIENT_ID=client{id}\nLOOKERSDK_CLIENT_SECRET=secret{id}\n"
            )
        };
        assert_eq!(first, comment("1"));
        let expected = format!("# mine\nDEBUG=1\nexport PORT=80\n{}", comment("2"));
        assert_eq!(place.text(".env"), expected);
        assert_eq!(holds(&sink, &key("acme-42", "2")).await, Some(true));
        assert_eq!(holds(&sink, &key("acme-42", "1")).await, Some(false));
    }

    #[tokio::test]
    async fn a_second_user_is_refused() {
        let place = Place::new();
        let sink = place.open("env:.env");
        sink.deliver(&key("a", "1")).await.unwrap();

        let (message, hint) = refusal(sink.deliver(&key("b", "2")).await);

        assert!(message.ends_with("holds the key of `a`"), "{message}");
        assert!(hint.contains("--keys-to dir:PATH"), "{hint}");
        assert_eq!(holds(&sink, &key("a", "1")).await, Some(true));
    }

    #[tokio::test]
    async fn a_key_that_embedctl_did_not_put_there_is_not_overwritten() {
        let place = Place::new();
        private(&place.path(".env"), "export LOOKERSDK_CLIENT_ID=admin\n");
        let sink = place.open("env:.env");

        let before = refusal(sink.probe().await);
        let after = refusal(sink.deliver(&key("a", "1")).await);

        assert!(
            before
                .0
                .ends_with("sets LOOKERSDK_CLIENT_ID, but not for a user of embedctl")
        );
        assert_eq!(before, after);
        assert_eq!(place.text(".env"), "export LOOKERSDK_CLIENT_ID=admin\n");
    }

    #[tokio::test]
    async fn a_shell_reads_back_every_value() {
        let place = Place::new();
        let sink = place.open("env:.env");
        let mut odd = key("o'brien \n x", "1");
        odd.client_secret = SecretString::from("a b$HOME`id`'\"\\x");
        sink.deliver(&odd).await.unwrap();

        let script =
            ". ./.env; printf '%s|%s' \"$LOOKERSDK_CLIENT_ID\" \"$LOOKERSDK_CLIENT_SECRET\"";
        let mut shell = std::process::Command::new("sh");
        let read = shell
            .args(["-c", script])
            .current_dir(place.folder.path())
            .output()
            .unwrap();

        assert_eq!(
            String::from_utf8(read.stdout).unwrap(),
            "client1|a b$HOME`id`'\"\\x"
        );
        assert_eq!(holds(&sink, &odd).await, Some(true));
    }
}

#[cfg(unix)]
fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(unix)]
mod private_files {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// The three sinks that write files, each with the file it writes for user `a`.
    const FILES: [(&str, &str); 3] = [("file:f", "f"), ("dir:.", "a.json"), ("env:e", "e")];

    pub(super) fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn are_made_for_their_owner_alone() {
        let place = Place::new();
        for (spec, name) in FILES {
            place.open(spec).deliver(&key("a", "1")).await.unwrap();

            let mode = fs::metadata(place.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{spec}");
        }
    }

    #[tokio::test]
    async fn are_refused_where_others_may_read_them() {
        let place = Place::new();
        for (spec, name) in FILES {
            let sink = place.open(spec);
            sink.deliver(&key("a", "1")).await.unwrap();
            set_mode(&place.path(name), 0o644);

            let (message, hint) = refusal(sink.deliver(&key("a", "2")).await);

            let path = place.path(name);
            let path = path.display();
            assert_eq!(
                message,
                format!("`{path}` is accessible to others (mode 644)")
            );
            assert_eq!(hint, format!("restrict it with `chmod 600 {path}`"));
            assert!(sink.holds(&key("a", "1").name).await.is_err());
            if !spec.starts_with("dir") {
                assert_eq!(refusal(sink.probe().await).0, message);
            }
        }
    }

    #[tokio::test]
    async fn are_refused_where_they_are_links() {
        let place = Place::new();
        private(&place.path("target"), "");
        for (spec, name) in FILES {
            symlink(place.path("target"), place.path(name)).unwrap();

            let (message, _) = refusal(place.open(spec).deliver(&key("a", "1")).await);

            assert!(message.ends_with("is a link"), "{spec}: {message}");
        }
        assert_eq!(place.text("target"), "");
    }

    #[tokio::test]
    async fn are_refused_where_they_are_no_files() {
        let place = Place::new();
        fs::create_dir(place.path("f")).unwrap();
        let pipe = std::process::Command::new("mkfifo")
            .arg(place.path("e"))
            .status();
        assert!(pipe.unwrap().success());
        set_mode(&place.path("e"), 0o600);

        let folder = refusal(place.open("file:f").probe().await).0;
        let pipe = refusal(place.open("env:e").probe().await).0;

        assert!(folder.contains("f`"), "{folder}");
        assert!(pipe.ends_with("e` is not a file"), "{pipe}");
    }

    #[tokio::test]
    async fn need_a_folder_that_exists_and_not_everybody_may_write_to() {
        let place = Place::new();
        let shared = place.path("shared");
        fs::create_dir(&shared).unwrap();
        set_mode(&shared, 0o777);
        for form in ["file:DIR/k", "dir:DIR", "env:DIR/e"] {
            let probe =
                async |dir: &str| refusal(place.open(&form.replace("DIR", dir)).probe().await);

            let (missing, advice) = probe("no/such").await;
            let (open, _) = probe("shared").await;

            let path = place.path("no/such");
            let path = path.display();
            assert_eq!(
                missing,
                format!("the folder `{path}` does not exist"),
                "{form}"
            );
            assert_eq!(
                advice,
                format!("create the folder with `mkdir -m 700 -p {path}`")
            );
            let expected = format!(
                "others can write to the folder `{}` (mode 777)",
                shared.display()
            );
            assert_eq!(open, expected, "{form}");
        }
        set_mode(&shared, 0o1777);
        assert!(place.open("dir:shared").probe().await.is_ok());
        assert_eq!(fs::read_dir(shared).unwrap().count(), 0);
    }
}

#[cfg(unix)]
mod exec {
    use super::*;

    /// A command that keeps each key in a file named after its client id, as the documentation asks.
    const STORE: &str = r#"
        input=$(cat)
        id=$(printf %s "$input" | sed 's/.*"client_id":"\([^"]*\)".*/\1/')
        case $input in
            '{"action":"probe"}') exit 0 ;;
            '{"action":"store",'*) printf %s "$input" > "kept-$id" ;;
            '{"action":"check",'*) test -e "kept-$id" ;;
            *) exit 64 ;;
        esac"#;

    #[tokio::test]
    async fn the_command_gets_the_key_on_its_input_and_answers_with_its_exit_code() {
        let place = Place::new();
        let sink = place.open(&format!("exec:{STORE}"));

        sink.probe().await.unwrap();
        sink.deliver(&key("acme-42", "1")).await.unwrap();

        let kept: Value = serde_json::from_str(&place.text("kept-client1")).unwrap();
        let expected = json!({
            "action": "store",
            "external_user_id": "acme-42", "looker_user_id": "12", "base_url": BASE_URL,
            "key_id": "1", "client_id": "client1", "client_secret": "secret1",
            "purpose": "embedctl:1:2", "created_at": "2026-03-01T12:00:00Z",
        });
        assert_eq!(kept, expected);
        assert_eq!(holds(&sink, &key("acme-42", "1")).await, Some(true));
        assert_eq!(holds(&sink, &key("acme-42", "2")).await, Some(false));
    }

    /// A script of the examples, with its arguments.
    fn example(script: &str, arguments: &str) -> String {
        format!(
            "exec:{}/examples/{script} {arguments}",
            env!("CARGO_MANIFEST_DIR")
        )
    }

    #[tokio::test]
    async fn the_example_keeps_each_key_in_a_private_file() {
        use std::os::unix::fs::PermissionsExt as _;

        let place = Place::new();
        fs::create_dir(place.path("keys")).unwrap();
        let sink = place.open(&example("exec-sink.sh", "keys"));

        sink.probe().await.unwrap();
        sink.deliver(&key("acme-42", "1")).await.unwrap();

        let kept: Value = serde_json::from_str(&place.text("keys/client1.json")).unwrap();
        assert_eq!(
            (&kept["client_secret"], &kept["action"]),
            (&json!("secret1"), &Value::Null)
        );
        let mode = fs::metadata(place.path("keys/client1.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(holds(&sink, &key("acme-42", "1")).await, Some(true));
        assert_eq!(holds(&sink, &key("acme-42", "2")).await, Some(false));
        let (missing, _) = refusal(place.open(&example("exec-sink.sh", "no")).probe().await);
        assert!(
            missing.ends_with("no is not a folder that can be written to"),
            "{missing}"
        );
    }

    #[tokio::test]
    async fn the_recipe_for_age_keeps_keys_that_only_the_recipient_reads() {
        use std::process::Command;

        if !Path::new("/usr/bin/age-keygen").exists() {
            return skip("no age is installed");
        }
        let mut place = Place::new();
        fs::create_dir(place.path("keys")).unwrap();
        let made = Command::new("age-keygen").output().unwrap();
        let identity = String::from_utf8(made.stdout).unwrap();
        let recipient = identity.split_once("public key: ").unwrap().1;
        let recipient = recipient.lines().next().unwrap();
        fs::write(place.path("identity"), &identity).unwrap();
        let recipe = example("exec-sink-stores.sh", &format!("age keys {recipient}"));
        let sink = place.open(&recipe);

        sink.probe().await.unwrap();
        assert_eq!(holds(&sink, &key("acme-42", "1")).await, Some(false));
        sink.deliver(&key("acme-42", "1")).await.unwrap();

        assert!(!place.text("keys/12.age").contains("secret1"));
        let opened = Command::new("age")
            .args(["--decrypt", "--identity"])
            .arg(place.path("identity"))
            .arg(place.path("keys/12.age"))
            .output()
            .unwrap();
        let kept: Value = serde_json::from_slice(&opened.stdout).unwrap();
        assert_eq!(kept["client_secret"], "secret1");
        assert_eq!(kept["action"], Value::Null);
        // Whoever cannot read it cannot tell, and says so.
        assert_eq!(holds(&sink, &key("acme-42", "1")).await, None);
        let identity = place.path("identity").display().to_string();
        place.env.push(("AGE_IDENTITY".to_owned(), identity));
        let sink = place.open(&recipe);
        assert_eq!(holds(&sink, &key("acme-42", "1")).await, Some(true));
        assert_eq!(holds(&sink, &key("acme-42", "2")).await, Some(false));
        let nobody = example("exec-sink-stores.sh", "age keys no-recipient");
        assert!(place.open(&nobody).probe().await.is_err());
    }

    /// The tools are played by a script that writes down how it was called.
    #[tokio::test]
    async fn the_other_recipes_give_the_key_to_their_tool_on_its_input_only() {
        for (tool, program, arguments) in [
            ("azure", "az", "azure vault"),
            ("1password", "op", "1password vault"),
            ("doppler", "doppler", "doppler project config"),
            ("sops", "sops", "sops . age1recipient"),
        ] {
            let mut place = Place::new();
            let script = "#!/bin/sh\necho \"$*\" >> \"$0.calls\"\ncase \"$*\" in *create* | *set* | *encrypt*) tee \"$0.kept\" ;; esac\n";
            executable(&place.path(program), script);
            place.env[0].1 = format!("{}:/usr/bin:/bin", place.folder.path().display());
            let sink = place.open(&example("exec-sink-stores.sh", arguments));

            sink.probe().await.unwrap();
            sink.deliver(&key("a", "1")).await.unwrap();

            assert!(
                place.text(&format!("{program}.kept")).contains("secret1"),
                "{tool}"
            );
            let calls = place.text(&format!("{program}.calls"));
            assert!(!calls.contains("secret1"), "{tool}: {calls}");
        }
    }

    #[tokio::test]
    async fn the_example_for_vault_puts_the_key_on_its_input() {
        let mut place = Place::new();
        // Keeps what it gets in a file, and speaks as Vault does.
        let vault = r#"#!/bin/sh
            echo "$*" >> "$0.calls"
            case "$*" in
                'token lookup') ;;
                'kv put -mount=secret looker/12 -') cat > "$0.kept" ;;
                'kv get -mount=secret -field=client_id looker/12')
                    test -e "$0.kept" || { echo 'No value found at secret/data/looker/12'; exit 2; }
                    sed 's/.*"client_id":"\([^"]*\)".*/\1/' "$0.kept" ;;
                *) exit 1 ;;
            esac
        "#;
        executable(&place.path("vault"), vault);
        place.env[0].1 = format!("{}:/usr/bin:/bin", place.folder.path().display());
        let sink = place.open(&example("exec-sink-vault.sh", "secret looker"));

        sink.probe().await.unwrap();
        assert_eq!(holds(&sink, &key("a", "1")).await, Some(false));
        sink.deliver(&key("a", "1")).await.unwrap();

        assert!(
            place
                .text("vault.kept")
                .contains("\"client_secret\":\"secret1\"")
        );
        assert!(!place.text("vault.calls").contains("secret1"));
        assert_eq!(holds(&sink, &key("a", "1")).await, Some(true));
        assert_eq!(holds(&sink, &key("a", "2")).await, Some(false));
    }

    /// Made by another process: a file that any thread of this one has open for writing cannot be executed.
    fn executable(path: &Path, text: &str) {
        let source = path.with_extension("text");
        fs::write(&source, text).unwrap();
        let mut install = std::process::Command::new("install");
        let made = install.args(["-m", "700"]).args([&source, path]).status();
        assert!(made.unwrap().success());
    }

    #[tokio::test]
    async fn a_question_holds_no_secret() {
        let place = Place::new();
        let sink = place.open("exec:cat > asked");

        assert_eq!(holds(&sink, &key("a", "1")).await, None);

        let asked: Value = serde_json::from_str(&place.text("asked")).unwrap();
        assert_eq!(asked["action"], "check");
        assert!(asked.get("client_secret").is_none());
    }

    #[tokio::test]
    async fn a_command_that_says_yes_to_everything_or_does_not_know_the_question_cannot_tell() {
        let place = Place::new();
        let answer = async |command: &str| {
            let sink = place.open(&format!("exec:cat >/dev/null; {command}"));
            holds(&sink, &key("a", "1")).await
        };

        assert_eq!(answer("exit 0").await, None);
        assert_eq!(answer("exit 1").await, Some(false));
        assert_eq!(answer("exit 64").await, None);
        assert_eq!(answer("kill -9 $$").await, None);
    }

    #[tokio::test]
    async fn a_command_that_is_missing_or_fails_is_found_before_a_key_is_minted() {
        let place = Place::new();
        private(&place.path("plain"), "");
        let probe =
            async |command: &str| refusal(place.open(&format!("exec:{command}")).probe().await);

        let (missing, hint) = probe("./no-such-command --token x").await;
        assert!(
            missing
                .starts_with("exec:./no-such-command is not ready to store keys (exit code 127)")
        );
        assert!(missing.contains("not found"), "{missing}");
        assert_eq!(hint, "the command was not found; check its path");
        assert!(
            !missing.contains("--token"),
            "arguments may be secret: {missing}"
        );
        let (closed, hint) = probe("./plain").await;
        assert!(closed.contains("(exit code 126)"), "{closed}");
        assert_eq!(hint, "the command may not be executed; try `chmod +x`");
        let (failed, _) = probe("cat >/dev/null; echo sealed >&2; exit 2").await;
        assert_eq!(
            failed,
            "exec:cat is not ready to store keys (exit code 2): sealed"
        );
    }

    #[tokio::test]
    async fn what_a_failed_command_says_is_shown_without_the_secret() {
        let place = Place::new();
        let sink = place
            .open("exec:cat >&2; printf '\\033[31m\\n' >&2; yes x | head -c 9999999 >&2; exit 3");

        let (message, _) = refusal(sink.deliver(&key("a", "1")).await);

        assert!(
            message
                .starts_with("exec:cat did not store the key (exit code 3): {\"action\":\"store\"")
        );
        assert!(
            message.contains("\"client_secret\":\"[redacted]\""),
            "{message}"
        );
        assert!(!message.contains("secret1"), "{message}");
        assert!(!message.contains('\u{1b}'), "{message}");
        assert!(message.len() < 3000, "{}", message.len());
    }

    #[tokio::test]
    async fn the_command_gets_the_environment_without_secrets() {
        let place = Place::new();

        place
            .open("exec:cat >/dev/null; env > seen")
            .deliver(&key("a", "1"))
            .await
            .unwrap();

        let seen = place.text("seen");
        assert!(seen.contains("KEPT=yes"), "{seen}");
        assert!(!seen.contains("admin-secret"), "{seen}");
        assert!(!seen.contains("embed-secret"), "{seen}");
        assert!(!seen.contains("secret1"), "{seen}");
    }

    #[tokio::test]
    async fn something_left_running_does_not_hold_the_answer_up() {
        let place = Place::new();
        let sink = place.open("exec:cat >/dev/null; sleep 5 & exit 0");

        sink.deliver(&key("a", "1")).await.unwrap();
    }
}

/// What happens to a sink: a key comes, comes again, or the machine stops in the middle of a write.
#[derive(Clone, Debug)]
enum Step {
    Deliver(u8),
    Crash { key: u8, written: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6_u8).prop_map(Step::Deliver),
        (0..6_u8, 0..400_usize).prop_map(|(key, written)| Step::Crash { key, written }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_crash_a_file_holds_exactly_the_keys_whose_lines_are_whole(
        steps in prop::collection::vec(step(), 1..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check_crashes(&steps));
    }
}

async fn check_crashes(steps: &[Step]) {
    let place = Place::new();
    let mut sink = place.open("file:k");
    for step in steps {
        match step {
            Step::Deliver(n) => {
                sink.deliver(&key("a", &n.to_string())).await.unwrap();
                assert_eq!(holds(&sink, &key("a", &n.to_string())).await, Some(true));
            }
            Step::Crash { key: n, written } => {
                let before = fs::read(place.path("k")).unwrap_or_default();
                sink.deliver(&key("a", &n.to_string())).await.unwrap();
                let after = fs::read(place.path("k")).unwrap();
                let left = (before.len() + written).min(after.len());
                private_bytes(&place.path("k"), &after[..left]);
                sink = place.open("file:k");
            }
        }
        let text = fs::read(place.path("k")).unwrap();
        for n in 0..6 {
            let asked = key("a", &n.to_string());
            let whole = text.split_inclusive(|byte| *byte == b'\n').any(|line| {
                let parsed = serde_json::from_slice::<Value>(line).ok();
                line.ends_with(b"\n")
                    && parsed.is_some_and(|line| line["client_id"] == *asked.name.client_id)
            });
            assert_eq!(
                holds(&sink, &asked).await,
                Some(whole),
                "key {n} after {step:?}"
            );
        }
    }
}

fn private_bytes(path: &Path, bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    private(path, &text);
}
