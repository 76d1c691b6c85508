//! What only a process of its own can show: exit codes, closed pipes, files as others see them, signals.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::support::{Sandbox, in_time, output};

#[tokio::test]
async fn version_and_help_go_to_standard_output() {
    let sandbox = Sandbox::offline();

    let version = output(sandbox.process(&["--version"])).await.done();
    let help = output(sandbox.process(&["--help"])).await.done();

    let expected = format!("embedctl {} (from source)\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.out, version.err), (expected, String::new()));
    assert!(help.out.contains("Usage: embedctl"), "{}", help.out);
    assert_eq!(help.err, "");
}

#[tokio::test]
async fn a_wrong_command_line_exits_with_2_and_says_so_on_standard_error() {
    let sandbox = Sandbox::offline();

    let outcome = output(sandbox.process(&["crate-user", "acme-42"]))
        .await
        .exits(2);

    assert_eq!(outcome.out, "");
    assert!(
        outcome.err.contains("create-user"),
        "no nearest name in: {}",
        outcome.err
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let sandbox = Sandbox::offline();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = sandbox.process(&["--help"]);
    command
        .stdout(writer)
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    drop(reader);

    let child = tokio::process::Command::from(command).spawn().unwrap();
    let output = in_time(child.wait_with_output()).await.unwrap();

    assert_eq!(output.status.code(), Some(0), "{}", output.status);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

/// A local Looker as a process, and what it says once it listens.
async fn serving(sandbox: &Sandbox, args: &[&str]) -> (Child, String) {
    let mut command = sandbox.process(&[&["emulator", "-o", "json"], args].concat());
    command.stdout(Stdio::piped()).stdin(Stdio::null());
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = in_time(lines.next_line()).await.unwrap().unwrap();
    (child, line)
}

#[tokio::test]
async fn a_local_looker_has_all_that_its_flags_name() {
    let mut sandbox = Sandbox::offline();
    sandbox.file("state.yaml", "users:\n- external_user_id: from-the-file\n");
    let flags = [
        "--seed",
        "7",
        "--seed",
        "rotation",
        "--model",
        "thelook",
        "--state",
        "state.yaml",
    ];
    let (child, line) = serving(&sandbox, &flags).await;
    let listening: Value = serde_json::from_str(&line).unwrap();
    for (variable, name) in [
        ("LOOKERSDK_BASE_URL", "base_url"),
        ("LOOKERSDK_CLIENT_ID", "client_id"),
        ("LOOKERSDK_CLIENT_SECRET", "client_secret"),
        ("LOOKERSDK_EMBED_SECRET", "embed_secret"),
    ] {
        sandbox.var(variable, listening[name].as_str().unwrap());
    }

    let users = sandbox.run(&["users", "list", "-o", "jsonl"]).await.done();
    let create = [
        "create-user",
        "new",
        "--model",
        "thelook",
        "--permission",
        "access_data",
    ];
    let created = sandbox
        .run(&[&create[..], &["-o", "json"]].concat())
        .await
        .done();

    for user in ["acme-42", "from-the-file"] {
        assert!(users.out.contains(user), "{user} in {}", users.out);
    }
    assert_eq!(created.json()["outcome"], "created");
    // The number makes the same secrets again.
    let (again, line) = serving(&sandbox, &["--seed", "7"]).await;
    let same: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(same["client_secret"], listening["client_secret"]);
    drop((child, again));
}

#[tokio::test]
async fn the_emulator_says_where_it_listens_and_ends_well_when_asked_to() {
    let sandbox = Sandbox::offline();

    let (mut child, line) = serving(&sandbox, &[]).await;
    let id = child.id().map(u64::from);
    let listening: Value = serde_json::from_str(&line).unwrap();
    signal(&sandbox, "TERM", &listening["pid"]).await;
    let status = in_time(child.wait()).await.unwrap();

    assert_eq!(listening["event"], "listening");
    assert_eq!(listening["pid"].as_u64(), id, "{line}");
    assert!(
        listening["base_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:"),
        "{line}"
    );
    for secret in [
        "client_id",
        "client_secret",
        "embed_secret",
        "algorithm",
        "blank_dashboard",
    ] {
        assert!(listening[secret].is_string(), "{secret} in {line}");
    }
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn what_a_run_leaves_behind_is_for_its_owner_only() {
    let sandbox = Sandbox::new().await;

    let args = ["create-user", "acme-42", "--keys-to", "file:keys.jsonl"];
    let _done = output(sandbox.process(&args)).await.done();

    let files: Vec<PathBuf> = sandbox.files().into_iter().map(|(path, _)| path).collect();
    assert!(files.contains(&sandbox.path("keys.jsonl")), "{files:?}");
    assert!(
        files
            .iter()
            .any(|path| path.starts_with(sandbox.value("XDG_STATE_HOME"))),
        "{files:?}"
    );
    for path in files {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_key_whose_reader_went_away_is_revoked() {
    let sandbox = Sandbox::new().await;
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = sandbox.process(&["create-user", "acme-42", "--keys-to", "stdout"]);
    command
        .stdout(writer)
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    drop(reader);

    let child = tokio::process::Command::from(command).spawn().unwrap();
    let ended = in_time(child.wait_with_output()).await.unwrap();

    assert_ne!(ended.status.code(), Some(0));
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(err.contains("revoked"), "{err}");
    assert_eq!(keys(&sandbox).await, Vec::<String>::new());
    sandbox.finish().await;
}

/// A sink that takes its time: it says through a pipe that it has the key, and then waits.
const SLOW_SINK: &str = "read -r line
case $line in *'\"store\"'*)
    echo got-it > got
    read -r never < wait ;;
esac
";

#[tokio::test]
async fn a_run_that_was_killed_with_a_key_in_its_hands_is_put_right_by_the_next() {
    let sandbox = Sandbox::new().await;
    sandbox.file("slow.sh", SLOW_SINK);
    let mut pipes = sandbox.program("mkfifo");
    pipes.args(["got", "wait"]);
    let _made = output(pipes).await.done();
    let mut command = sandbox.process(&["create-user", "acme-42", "--keys-to", "exec:sh slow.sh"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());

    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert_eq!(pipe(sandbox.path("got"), fs::read).await, b"got-it\n");
    // The command ends with embedctl, so that nobody may be left to read from the other pipe.
    in_time(child.kill()).await.unwrap();
    let lost = keys(&sandbox).await;
    let again = [
        "create-user",
        "acme-42",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];
    let outcome = output(sandbox.process(&again)).await.done();

    let key = outcome.json()["key"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(lost.len(), 1);
    assert!(!lost.contains(&key));
    assert_eq!(keys(&sandbox).await, [key]);
    // The process that was killed could not log out.
    sandbox.emulator().end_tokens();
    sandbox.finish().await;
}

#[tokio::test]
async fn ctrl_c_lets_the_user_in_flight_be_finished() {
    let sandbox = Sandbox::new().await;
    sandbox.file("slow.sh", SLOW_SINK);
    let mut pipes = sandbox.program("mkfifo");
    pipes.args(["got", "wait"]);
    let _made = output(pipes).await.done();
    let mut command = sandbox.process(&["create-user", "acme-42", "--keys-to", "exec:sh slow.sh"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());

    let child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert_eq!(pipe(sandbox.path("got"), fs::read).await, b"got-it\n");
    signal(&sandbox, "INT", child.id().unwrap()).await;
    pipe(sandbox.path("wait"), |path| fs::write(path, "\n")).await;
    let ended = in_time(child.wait_with_output()).await.unwrap();

    // With a single user, that is all there was to do.
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(
        matches!(ended.status.code(), Some(0 | 130)),
        "{}: {err}",
        ended.status
    );
    assert_eq!(keys(&sandbox).await.len(), 1);
    sandbox.finish().await;
}

/// Send a signal with the shell's own `kill`; the program of that name is not on every machine.
async fn signal(sandbox: &Sandbox, name: &str, process: impl std::fmt::Display) {
    let mut shell = sandbox.program("sh");
    shell.args(["-c", &format!("kill -{name} {process}")]);
    let _sent = output(shell).await.done();
}

/// What `act` does with a named pipe, which waits for the other side to open it.
async fn pipe<T: Send + 'static>(
    path: PathBuf,
    act: impl FnOnce(PathBuf) -> std::io::Result<T> + Send + 'static,
) -> T {
    let acting = tokio::task::spawn_blocking(move || act(path));
    in_time(acting).await.unwrap().unwrap()
}

/// The client ids of all keys of the user `acme-42`, as Looker tells them.
async fn keys(sandbox: &Sandbox) -> Vec<String> {
    let admin = sandbox.admin();
    let user = admin.user_for_credential_embed("acme-42").await.unwrap();
    let keys = admin.api3_keys(&user.unwrap().id).await.unwrap();
    admin.logout().await.unwrap();
    keys.into_iter().map(|key| key.client_id).collect()
}
