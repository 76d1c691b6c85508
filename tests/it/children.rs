//! Commands that embedctl starts: they end with it however it ends, and learn no secret; and what the process itself
//! leaves behind.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;

use embedctl::system::Clock;
use tokio::process::Child;

use crate::support::{Sandbox, in_time, output, skip};

/// A command that holds the lock on `alive` as long as it, or anything it started, runs; it says so in `started`.
const ENDLESS: &str = "exec 3>alive; flock 3; (setsid tail -f /dev/null &) ; tail -f /dev/null & \
                       echo x > started.new; mv started.new started; cat >/dev/null; wait";

/// Wait until a command has made `started`.
async fn started(sandbox: &Sandbox) {
    let path = sandbox.path("started");
    in_time(async {
        while !path.exists() {
            Clock::os().sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Wait until nobody holds the lock any more.
async fn all_have_ended(sandbox: &Sandbox) {
    let alive = File::open(sandbox.path("alive")).unwrap();
    let gone = tokio::task::spawn_blocking(move || alive.lock());
    in_time(gone).await.unwrap().unwrap();
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    let status = tokio::process::Command::new("kill")
        .args(["-s", name, &pid])
        .status();
    assert!(in_time(status).await.unwrap().success());
}

/// embedctl, which has asked the endless command to keep a key or to give a secret.
async fn waiting_for_a_command(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = sandbox.process(args);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = tokio::process::Command::from(command).spawn().unwrap();
    started(sandbox).await;
    child
}

/// embedctl as an emulator that listens, started by a shell that has done `first`.
async fn emulator_after(sandbox: &Sandbox, first: &str) -> Child {
    let mut shell = sandbox.program("sh");
    let embedctl = env!("CARGO_BIN_EXE_embedctl");
    let script = format!("{first}; exec {embedctl} emulator -o json");
    shell.args(["-c", &script]).stdout(Stdio::piped());
    let mut child = tokio::process::Command::from(shell)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    said_a_line(&mut child).await;
    child
}

/// Wait until a process has written a line to standard output.
async fn said_a_line(child: &mut Child) {
    let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let read = tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line);
    assert!(in_time(read).await.unwrap() > 0, "it has ended");
}

#[tokio::test]
async fn a_command_ends_with_embedctl_however_that_ends() {
    for signals in [&["KILL"][..], &["INT", "INT"], &["TERM", "HUP"]] {
        let sandbox = Sandbox::new().await;
        let keys_to = format!("exec:{ENDLESS}");
        let args = ["create-user", "acme-1", "--keys-to", &keys_to];
        let mut child = waiting_for_a_command(&sandbox, &args).await;

        for name in signals {
            signal(&child, name).await;
        }
        let _status = in_time(child.wait()).await.unwrap();

        all_have_ended(&sandbox).await;
        if signals == ["KILL"] {
            sandbox.emulator().end_tokens();
        }
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_command_that_gives_a_secret_ends_with_embedctl_too() {
    let sandbox = Sandbox::offline();
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    let command = ENDLESS.replace("cat >/dev/null; ", "");
    let text = format!(
        "default_profile = \"p\"\n[profiles.p]\nbase_url = \"http://127.0.0.1:9\"\nclient_id = \"x\"\n\
         client_secret = {{ command = [\"sh\", \"-c\", \"{command}\"] }}\n"
    );
    fs::write(folder.join("config.toml"), text).unwrap();
    let mut child = waiting_for_a_command(&sandbox, &["api", "GET", "/user"]).await;

    signal(&child, "KILL").await;
    let _status = in_time(child.wait()).await.unwrap();

    all_have_ended(&sandbox).await;
}

#[tokio::test]
async fn the_end_of_the_terminal_stops_as_ctrl_c_does_unless_it_is_ignored() {
    let sandbox = Sandbox::new().await;
    let keys_to = "exec:grep -q probe || { touch started; exec 3<go; cat <&3; }";
    let go = sandbox.path("go");
    let made = std::process::Command::new("mkfifo").arg(&go).status();
    assert!(made.unwrap().success());
    let args = ["create-user", "acme-1", "--keys-to", keys_to];
    let mut child = waiting_for_a_command(&sandbox, &args).await;

    signal(&child, "HUP").await;
    tokio::task::spawn_blocking(move || fs::write(go, ""))
        .await
        .unwrap()
        .unwrap();
    let status = in_time(child.wait()).await.unwrap();

    // What was in flight was finished, or taken back, in order; a signal would have ended it without a code.
    assert!(matches!(status.code(), Some(0 | 130)), "{status}");
    sandbox.finish().await;

    let sandbox = Sandbox::offline();
    let child = emulator_after(&sandbox, "trap '' HUP").await;
    let status = fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
    assert_eq!(caught & 1, 0, "nohup is heeded: {status}");
}

#[tokio::test]
async fn no_core_is_dumped() {
    let sandbox = Sandbox::offline();
    let mut child = emulator_after(&sandbox, "ulimit -c unlimited").await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();

    signal(&child, "ABRT").await;
    let status = in_time(child.wait()).await.unwrap();

    let cores = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let soft = cores.unwrap().split_ascii_whitespace().nth(4);
    assert_eq!(soft, Some("0"), "{limits}");
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&status));
    let left = sandbox.files().into_iter().map(|(path, _)| path);
    let cores = left.filter(|path| path.to_string_lossy().contains("core"));
    assert_eq!(cores.count(), 0);
}

/// What looks into a process's memory goes by the owner of these files: the user of the process, or root if it is protected.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn no_other_process_of_the_same_user_can_look_into_its_memory() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    const NOBODY: u32 = 65_534;
    let sandbox = Sandbox::offline();
    let (me, mut owners) = (fs::metadata("/proc/self").unwrap().uid(), Vec::new());
    let user = if me == 0 { NOBODY } else { me };
    // Where it was built, another user may not be let in.
    let copy = tempfile::tempdir().unwrap();
    fs::set_permissions(copy.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = copy.path().join("embedctl");
    fs::copy(env!("CARGO_BIN_EXE_embedctl"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let embedctl = [program.to_str().unwrap(), "emulator", "-o", "json"];
    for args in [&["sh", "-c", "echo; exec tail -f /dev/null"][..], &embedctl] {
        let mut command = tokio::process::Command::from(sandbox.program(args[0]));
        command.args(&args[1..]).current_dir("/");
        command.stdout(Stdio::piped()).kill_on_drop(true);
        if me == 0 {
            command.uid(NOBODY);
        }
        let Ok(mut child) = command.spawn() else {
            return skip("another user than root cannot start a program in the temporary folder");
        };
        said_a_line(&mut child).await;
        let process = format!("/proc/{}", child.id().unwrap());
        for file in ["mem", "environ", "coredump_filter"] {
            owners.push(fs::metadata(format!("{process}/{file}")).unwrap().uid());
        }
    }

    assert_eq!(owners, [user, user, user, 0, 0, 0]);
}

#[tokio::test]
async fn a_command_learns_no_secret_of_any_profile() {
    let mut sandbox = Sandbox::new().await;
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    let text = "[profiles.other]\nclient_secret = { env = \"OTHER_SECRET\" }\n\
                [profiles.third]\nembed_secret = { env = \"THIRD_SECRET\" }\n";
    fs::write(folder.join("config.toml"), text).unwrap();
    sandbox
        .var("OTHER_SECRET", "hunter2")
        .var("THIRD_SECRET", "hunter3")
        .var("EMBEDCTL_EMULATOR_EMBED_SECRET", "hunter4")
        .var("KEPT", "kept");

    let keys_to =
        "exec:cat >/dev/null; env >> environment; tr '\\\\0' ' ' < /proc/$$/cmdline >> environment";
    let args = ["create-user", "acme-1", "--keys-to", keys_to];
    let created = sandbox.run(&args).await;

    assert_eq!(created.exit, 0, "{}", created.err);
    let seen = sandbox.read("environment");
    assert!(seen.contains("KEPT=kept"), "{seen}");
    let secrets = [
        "hunter2",
        "hunter3",
        "hunter4",
        sandbox.value("LOOKERSDK_CLIENT_SECRET"),
        sandbox.value("LOOKERSDK_EMBED_SECRET"),
    ];
    for secret in secrets {
        assert!(!seen.contains(secret), "{seen}");
    }
    // Of the command, the ledger keeps the program alone.
    let files = sandbox.files().into_iter();
    for (path, content) in files.filter(|(path, _)| !path.ends_with("environment")) {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains("/proc/$$/cmdline"), "{}", path.display());
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_run_with_a_command_asks_for_it_again() {
    let sandbox = Sandbox::new().await;
    let fails = "exec:sh -c 'grep -q probe && exit 0; exit 9'";
    let first = sandbox
        .run(&["create-user", "acme-1", "--keys-to", fails])
        .await;
    assert_ne!(first.exit, 0);
    let runs = sandbox.run(&["runs", "list", "-o", "json"]).await;
    let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap();
    let run = runs[0]["id"]
        .as_str()
        .or_else(|| runs[0]["run_id"].as_str())
        .unwrap()
        .to_owned();

    let without = sandbox.run(&["runs", "resume", &run]).await;
    assert_eq!(without.exit, 2, "{}", without.err);
    assert!(
        without.err.contains("arguments are not kept"),
        "{}",
        without.err
    );
    let other = ["runs", "resume", &run, "--keys-to", "file:k"];
    assert_eq!(sandbox.run(&other).await.exit, 2);
    let keeps = "exec:sh -c 'cat >/dev/null; exit 0'";
    let again = sandbox
        .run(&["runs", "resume", &run, "--keys-to", keeps])
        .await;
    assert_eq!(again.exit, 0, "{}", again.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_filter_that_eats_the_stack_ends_with_an_error_and_without_a_token() {
    let sandbox = Sandbox::new().await;
    for filter in ["def f: 1 + f; f", "def f: [f]; f"] {
        let args = ["api", "GET", "/user", "--jq", filter];
        let ended = output(sandbox.process(&args)).await;

        assert_eq!(ended.exit, 2, "{}", ended.err);
        assert!(
            ended.err.contains("takes too long, or more memory"),
            "{}",
            ended.err
        );
    }
    let deep = "[".repeat(100_000);
    let args = ["api", "GET", "/user", "--jq", &deep];
    let ended = output(sandbox.process(&args)).await;
    assert_eq!(ended.exit, 2, "{}", ended.err);
    let id = sandbox.run(&["api", "GET", "/user", "--jq", ".id"]).await;
    assert_eq!((id.exit, id.out.trim()), (0, "1"), "{}", id.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_secret_that_nobody_would_see_is_not_minted() {
    let sandbox = Sandbox::new().await;
    let embedctl = env!("CARGO_BIN_EXE_embedctl");
    for redirected in [">/dev/null", ">&-"] {
        let mut shell = sandbox.program("sh");
        let script = format!("exec {embedctl} create-user acme-1 {redirected}");
        shell.args(["-c", &script]);
        let refused = output(shell).await;

        assert_eq!(refused.exit, 2, "{}", refused.err);
        assert!(refused.err.contains("would be lost"), "{}", refused.err);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn an_id_that_a_terminal_would_obey_is_refused_at_every_door() {
    let sandbox = Sandbox::new().await;
    for id in ["a\u{1b}[2Jb", "a\nb", "a\u{202e}b", "a\u{85}"] {
        let line = serde_json::json!({ "external_user_id": id, "models": ["demo"] });
        sandbox.file("m.jsonl", &format!("{line}\n"));
        sandbox.file("map.csv", &format!("old,new\nx,\"{id}\"\n"));
        let batch = serde_json::json!({ "path": "/embed/looks/1", "external_user_id": id });
        sandbox.file("batch.jsonl", &format!("{batch}\n"));
        for args in [
            &["create-user", id, "--no-key"][..],
            &["create-user", id, "--no-key", "--via", "cookieless"],
            &["apply", "m.jsonl", "--key", "none"],
            &["rotate-id", "--from", "map.csv", "--yes"],
            &["url", "sign", "/embed/looks/1", "--external-user-id", id],
            &["url", "sign", "--batch", "batch.jsonl"],
        ] {
            let refused = sandbox.run(args).await;
            assert!(matches!(refused.exit, 2 | 3), "{args:?}: {}", refused.err);
        }
    }
    assert!(
        sandbox.emulator().state()["users"]
            .as_array()
            .is_none_or(|users| { users.iter().all(|user| user["external_user_id"].is_null()) })
    );
    sandbox.finish().await;
}
