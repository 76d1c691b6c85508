//! Files: whose they have to be, what nobody else may do with them, none in two roles, none half-written, none changed
//! behind our back.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use embedctl::secret::SecretString;
use embedctl::sink::{self, Held, Key, KeyName, Opening, Sink};
use embedctl::system::{Input, Stream, System};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Sandbox, delivered_keys, output};

const MANIFEST: &str = "external_user_id,models,permissions\nacme-1,demo,access_data\n";

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn key(user: &str, id: &str) -> Key {
    Key {
        name: KeyName {
            base_url: "https://acme.looker.com".to_owned(),
            external_user_id: user.to_owned(),
            looker_user_id: "7".to_owned(),
            id: id.to_owned(),
            client_id: format!("client{id}"),
            purpose: "embedctl".to_owned(),
            created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
            job: String::new(),
        },
        client_secret: SecretString::from(format!("secret{id}")),
    }
}

/// A sink of a process of its own, as far as the sink can tell.
fn sink(folder: &TempDir, spec: &str) -> Arc<dyn Sink> {
    let stream = || Stream::new(io::sink(), false);
    let none: [(String, String); 0] = [];
    let system = System::with(none, folder.path(), Input::empty(), stream(), stream());
    sink::open(&[spec.to_owned()], &Opening::new(&system)).unwrap()
}

#[tokio::test]
async fn a_file_in_two_roles_is_refused_before_anything_is_done() {
    let mut sandbox = Sandbox::new().await;
    sandbox.file("m.csv", MANIFEST);
    let keys = sandbox.file("k.jsonl", "");
    permit(&keys, 0o600);
    fs::hard_link(sandbox.path("m.csv"), sandbox.path("same.csv")).unwrap();
    symlink("k.jsonl", sandbox.path("link.jsonl")).unwrap();
    fs::create_dir(sandbox.path("keys")).unwrap();
    sandbox.var(
        "EMBEDCTL_LEDGER",
        sandbox.path("l.ledger").to_str().unwrap(),
    );
    let apply = ["apply", "m.csv", "--yes", "--keys-to"];
    for (args, flags) in [
        (
            vec!["plan", "m.csv", "--out", "m.csv"],
            ["the manifest", "--out"],
        ),
        (
            vec!["plan", "m.csv", "--out", "same.csv"],
            ["the manifest", "--out"],
        ),
        (
            vec!["plan", "m.csv", "--out", "l.ledger"],
            ["the ledger", "--out"],
        ),
        (
            [&apply[..], &["file:k.jsonl", "--failed-to", "./k.jsonl"]].concat(),
            ["--failed-to", "--keys-to"],
        ),
        (
            [&apply[..], &["file:k.jsonl", "--report", "link.jsonl"]].concat(),
            ["--report", "--keys-to"],
        ),
        (
            [&apply[..], &["file:new", "--failed-to", "keys/../new"]].concat(),
            ["--failed-to", "--keys-to"],
        ),
        (
            [
                &apply[..],
                &["file:k.jsonl", "--report", "r", "--failed-to", "r"],
            ]
            .concat(),
            ["--failed-to", "--report"],
        ),
        (
            [&apply[..], &["dir:keys", "--failed-to", "keys/a.json"]].concat(),
            ["--failed-to", "--keys-to"],
        ),
        (
            [&apply[..], &["file:m.csv"]].concat(),
            ["the manifest", "--keys-to"],
        ),
        (
            vec!["create-user", "a", "--keys-to", "file:l.ledger"],
            ["the ledger", "--keys-to"],
        ),
        (
            vec!["create-user", "a", "--keys-to", "env:l.ledger-wal"],
            ["the ledger", "--keys-to"],
        ),
    ] {
        let refused = sandbox.run(&args).await;

        assert_eq!(refused.exit, 2, "{args:?}: {}", refused.err);
        assert!(refused.err.contains("are the same file"), "{}", refused.err);
        for flag in flags {
            assert!(refused.err.contains(flag), "{args:?}: {}", refused.err);
        }
    }
    assert_eq!(sandbox.read("m.csv"), MANIFEST);
    assert_eq!(sandbox.read("k.jsonl"), "");
    assert!(sandbox.emulator().requests().is_empty());
    sandbox.finish().await;
}

#[tokio::test]
async fn an_output_does_not_overwrite_a_file_of_another_kind() {
    let sandbox = Sandbox::new().await;
    sandbox.file("m.csv", MANIFEST);
    let key = "{\"external_user_id\":\"a\",\"client_id\":\"x\",\"client_secret\":\"y\"}\n";
    sandbox.file("keys.jsonl", key);
    sandbox.file("notes.txt", "to do\n");
    for (flag, file) in [
        ("--failed-to", "keys.jsonl"),
        ("--report", "keys.jsonl"),
        ("--report", "notes.txt"),
        ("--failed-to", "notes.txt"),
    ] {
        let args = ["apply", "m.csv", "--key", "none", flag, file];
        let refused = sandbox.run(&args).await;

        assert_eq!(refused.exit, 2, "{}", refused.err);
        assert!(refused.err.contains("would overwrite"), "{}", refused.err);
    }
    let refused = sandbox.run(&["plan", "m.csv", "--out", "keys.jsonl"]).await;
    assert_eq!(refused.exit, 2, "{}", refused.err);
    assert_eq!(sandbox.read("keys.jsonl"), key);
    assert_eq!(sandbox.read("notes.txt"), "to do\n");

    // What it wrote itself it writes again, and for its owner alone.
    for _ in 0..2 {
        let planned = sandbox.run(&["plan", "m.csv", "--out", "p.jsonl"]).await;
        assert_eq!(planned.exit, 0, "{}", planned.err);
    }
    assert_eq!(mode(&sandbox.path("p.jsonl")), 0o600);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_plan_that_was_cut_or_edited_is_not_applied() {
    let sandbox = Sandbox::new().await;
    let manifest = format!("{MANIFEST}acme-2,demo,access_data\n");
    sandbox.file("m.csv", &manifest);
    let planned = sandbox.run(&["plan", "m.csv", "--out", "p.jsonl"]).await;
    assert_eq!(planned.exit, 0, "{}", planned.err);
    let plan = sandbox.read("p.jsonl");
    let lines: Vec<&str> = plan.lines().collect();
    let header: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(header["lines"], 2);

    let swapped = [lines[0], lines[2], lines[1]].join("\n") + "\n";
    for (what, damaged) in [
        ("cut", lines[..2].join("\n") + "\n"),
        ("cut in a line", plan[..plan.len() - 20].to_owned()),
        ("without its last line end", plan.trim_end().to_owned()),
        ("edited", plan.replace("acme-2", "acme-3")),
        (
            "edited in its header",
            plan.replace("signed-url", "cookieless"),
        ),
        ("swapped", swapped),
        ("longer", format!("{plan}{}\n", lines[2])),
        ("without a digest", plan.replace("\"digest\"", "\"other\"")),
    ] {
        assert_ne!(damaged, plan, "{what}");
        sandbox.file("damaged.jsonl", &damaged);

        let refused = sandbox.run(&["apply", "damaged.jsonl", "--yes"]).await;

        assert_eq!(refused.exit, 2, "{what}: {}", refused.err);
        assert!(
            refused.err.contains("cut or changed"),
            "{what}: {}",
            refused.err
        );
    }
    let applied = sandbox.run(&["apply", "p.jsonl", "--yes"]).await;
    assert_eq!(applied.exit, 0, "{}", applied.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn settings_that_others_can_change_are_refused() {
    let sandbox = Sandbox::offline();
    let config = sandbox.root().join("home/.config/embedctl/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let text = "[profiles.p]\nbase_url = \"https://a.example\"\nclient_id = \"x\"\n\
                client_secret = { command = [\"sh\", \"-c\", \"echo x > ran; echo s\"] }\n";
    fs::write(&config, text).unwrap();
    let args = ["profile", "show", "--profile", "p"];
    for (mode, fine) in [(0o644, true), (0o600, true), (0o666, false), (0o606, false)] {
        permit(&config, mode);

        let shown = sandbox.run(&args).await;

        assert_eq!(shown.exit == 0, fine, "{mode:o}: {}", shown.err);
        assert!(
            fine || shown.err.contains("others can write to"),
            "{}",
            shown.err
        );
    }
    permit(&config, 0o600);
    permit(config.parent().unwrap(), 0o777);
    let shown = sandbox.run(&args).await;
    assert_eq!(shown.exit, 2);
    assert!(
        shown.err.contains("others can write to the folder"),
        "{}",
        shown.err
    );
    permit(config.parent().unwrap(), 0o700);

    // The neighbours: `looker.ini` and the netrc file, which name where secrets go to.
    let ini = sandbox.file("looker.ini", "[Looker]\nbase_url=https://a.example\n");
    permit(&ini, 0o622);
    let shown = sandbox.run(&["profile", "show"]).await;
    assert_eq!(shown.exit, 2, "{}", shown.err);
    fs::remove_file(&ini).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&ini).status();
    assert!(made.unwrap().success());
    let shown = sandbox.run(&["profile", "show"]).await;
    assert_eq!(
        shown.exit, 2,
        "a pipe is waited for by nobody: {}",
        shown.err
    );
    assert!(shown.err.contains("is not a file"), "{}", shown.err);
    assert!(!sandbox.path("ran").exists());
}

#[tokio::test]
async fn a_secret_in_a_looker_ini_that_others_can_read_is_not_used() {
    let sandbox = Sandbox::offline();
    let ini = sandbox.file(
        "looker.ini",
        "[Looker]\nbase_url=https://a.example\nclient_id=x\nclient_secret=hunter2\n",
    );
    permit(&ini, 0o644);

    let refused = sandbox.run(&["api", "GET", "/user"]).await;

    assert_eq!(refused.exit, 2, "{}", refused.err);
    assert!(
        refused.err.contains("is accessible to others (mode 644)"),
        "{}",
        refused.err
    );
    assert!(!refused.err.contains("hunter2"));
}

#[tokio::test]
async fn files_of_another_user_are_not_trusted() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    const NOBODY: u32 = 65534;
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("k.jsonl");
    fs::write(&theirs, "").unwrap();
    permit(&theirs, 0o600);
    std::os::unix::fs::chown(&theirs, Some(NOBODY), None).unwrap();
    let their_folder = folder.path().join("theirs");
    fs::create_dir(&their_folder).unwrap();
    permit(&their_folder, 0o700);
    std::os::unix::fs::chown(&their_folder, Some(NOBODY), None).unwrap();
    fs::create_dir(their_folder.join("mine")).unwrap();
    let mine = folder.path().join("mine");
    fs::write(&mine, "").unwrap();
    permit(&mine, 0o600);
    fs::hard_link(&mine, folder.path().join("second")).unwrap();

    for (spec, why) in [
        ("file:k.jsonl", "belongs to another user (uid 65534)"),
        ("env:k.jsonl", "belongs to another user (uid 65534)"),
        ("dir:theirs", "belongs to another user (uid 65534)"),
        ("file:theirs/mine/k", "belongs to another user (uid 65534)"),
        ("file:second", "has a second hard link"),
        ("env:mine", "has a second hard link"),
    ] {
        let error = sink(&folder, spec).probe().await.unwrap_err();
        assert!(error.message.contains(why), "{spec}: {}", error.message);
        let error = sink(&folder, spec)
            .deliver(&key("a", "1"))
            .await
            .unwrap_err();
        assert!(error.message.contains(why), "{spec}: {}", error.message);
    }
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "");
    assert_eq!(fs::read_to_string(&mine).unwrap(), "");
}

#[tokio::test]
async fn a_key_that_another_process_has_put_there_meanwhile_stays() {
    for spec in ["dir:.", "env:a.env"] {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (sink(&folder, spec), sink(&folder, spec));
        for runner in [&first, &second] {
            let held = runner.held("https://acme.looker.com", "a").await.unwrap();
            assert_eq!(held, None);
        }

        assert_eq!(first.deliver(&key("a", "1")).await.unwrap(), None);
        let refused = second.deliver(&key("a", "2")).await.unwrap_err();

        assert!(
            refused.message.contains("another process has put key 1"),
            "{refused}"
        );
        assert_eq!(first.holds(&key("a", "1").name).await.unwrap(), Some(true));
        // Who knows what is there may replace it, and learns what that was.
        let held = second.held("https://acme.looker.com", "a").await.unwrap();
        let one = Held {
            key_id: "1".to_owned(),
            client_id: "client1".to_owned(),
        };
        assert_eq!(held, Some(one.clone()));
        assert_eq!(second.deliver(&key("a", "3")).await.unwrap(), Some(one));
        assert_eq!(second.holds(&key("a", "3").name).await.unwrap(), Some(true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writers_at_once_each_learns_whose_key_it_replaced() {
    for spec in ["dir:.", "env:a.env"] {
        let folder = tempfile::tempdir().unwrap();
        let mut writers = tokio::task::JoinSet::new();
        for number in 0..40 {
            let sink = sink(&folder, spec);
            let key = key("a", &number.to_string());
            writers.spawn(async move { sink.deliver(&key).await.unwrap() });
        }
        let mut replaced: Vec<String> = Vec::new();
        while let Some(held) = writers.join_next().await {
            replaced.extend(held.unwrap().map(|held| held.client_id));
        }
        // All but the first replaced one, and none was replaced twice: only the last is left, and it is in the file.
        replaced.sort();
        replaced.dedup();
        assert_eq!(replaced.len(), 39, "{spec}");
        let left = (0..40).map(|number| key("a", &number.to_string()));
        let left = left.filter(|key| !replaced.contains(&key.name.client_id));
        let left: Vec<_> = left.collect();
        assert_eq!(left.len(), 1);
        let holds = sink(&folder, spec).holds(&left[0].name).await.unwrap();
        assert_eq!(holds, Some(true), "{spec}");
        let partial = fs::read_dir(folder.path()).unwrap();
        assert_eq!(partial.count(), 1, "{spec}");
    }
}

#[tokio::test]
async fn a_profile_is_added_although_an_earlier_try_died_half_way() {
    let sandbox = Sandbox::new().await;
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    for left in [
        "config.toml.new",
        ".embedctl-x.partial",
        "prod.client_secret",
    ] {
        fs::write(folder.join(left), "half").unwrap();
        permit(&folder.join(left), 0o600);
    }
    let (id, secret) = (
        sandbox.value("LOOKERSDK_CLIENT_ID").to_owned(),
        sandbox.value("LOOKERSDK_CLIENT_SECRET").to_owned(),
    );
    let base_url = sandbox.emulator().base_url().to_owned();
    let answers = format!("{base_url}\n{id}\n{secret}\n\n\n\n");
    let input = Input::new(io::Cursor::new(answers), true);

    let added = sandbox.run_with(&["profile", "add", "prod"], input).await;

    assert_eq!(added.exit, 0, "{}", added.err);
    let secret_file = folder.join("prod.client_secret");
    assert_eq!(
        fs::read_to_string(&secret_file).unwrap(),
        format!("{secret}\n")
    );
    assert_eq!(
        (
            mode(&secret_file),
            fs::metadata(&secret_file).unwrap().nlink()
        ),
        (0o600, 1)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_manifest_that_is_replaced_while_it_is_applied_is_applied_as_it_was_checked() {
    let sandbox = Sandbox::new().await;
    // A pipe can be read once: what was read then is what is applied.
    let pipe = sandbox.path("m.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let writer = std::thread::spawn(move || fs::write(pipe, MANIFEST).unwrap());

    let applied = sandbox
        .run(&["apply", "m.csv", "--yes", "--keys-to", "file:k.jsonl"])
        .await;

    writer.join().unwrap();
    assert_eq!(applied.exit, 0, "{}", applied.err);
    assert_eq!(delivered_keys(&sandbox.read("k.jsonl")).len(), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_manifest_that_is_changed_between_check_and_apply_is_applied_as_it_was_checked() {
    let other = format!("{MANIFEST}acme-2,demo,access_data\n");
    for change in [
        "cat other.csv > m.csv",
        "cp other.csv n.csv; mv n.csv m.csv",
    ] {
        // One that is kept in memory, and one that is too long for that.
        for filling in [0, 2 << 20] {
            let sandbox = Sandbox::new().await;
            sandbox.file("m.csv", &format!("{MANIFEST}{}", "\n".repeat(filling)));
            sandbox.file("other.csv", &other);
            // The command is probed before any row is applied.
            let keys_to = format!("exec:cat >/dev/null; {change}");
            let args = ["apply", "m.csv", "--keys-to", &keys_to, "-o", "json"];

            let applied = sandbox.run(&args).await.done();

            assert_eq!(sandbox.read("m.csv"), other, "{change}");
            let summary = applied.json();
            assert_eq!(
                (&summary["total"], &summary["created"]),
                (&1.into(), &1.into())
            );
            sandbox.finish().await;
        }
    }
}

#[tokio::test]
async fn a_stream_that_a_shell_has_led_to_a_file_in_another_role_is_refused() {
    let sandbox = Sandbox::new().await;
    sandbox.file("m.csv", MANIFEST);
    permit(&sandbox.file("k.jsonl", ""), 0o600);
    let embedctl = env!("CARGO_BIN_EXE_embedctl");
    for (script, names) in [
        (
            "create-user acme-1 --keys-to file:k.jsonl >> k.jsonl",
            ["standard output", "--keys-to"],
        ),
        (
            "create-user acme-1 --keys-to file:k.jsonl 2>> k.jsonl",
            ["standard error", "--keys-to"],
        ),
        (
            "keys mint acme-1 --keys-to file:k.jsonl >> k.jsonl",
            ["standard output", "--keys-to"],
        ),
        (
            "apply m.csv --keys-to file:new >> m.csv",
            ["standard output", "the manifest"],
        ),
        ("plan m.csv 1<> m.csv", ["standard output", "the manifest"]),
        (
            "plan m.csv --out p.jsonl > p.jsonl",
            ["standard output", "--out"],
        ),
        (
            "apply - --failed-to m.csv < m.csv",
            ["the manifest", "--failed-to"],
        ),
    ] {
        let mut shell = sandbox.program("sh");
        shell.args(["-c", &format!("exec {embedctl} {script}")]);
        // What goes to the file is what it says.
        let refused = output(shell).await;

        assert_eq!(refused.exit, 2, "{script}: {}", refused.err);
        let told = refused.err + &sandbox.read("k.jsonl");
        assert!(told.contains("are the same file"), "{script}: {told}");
        assert!(
            names.iter().all(|name| told.contains(name)),
            "{script}: {told}"
        );
        sandbox.file("k.jsonl", "");
    }
    assert_eq!(sandbox.read("m.csv"), MANIFEST);
    assert!(sandbox.emulator().requests().is_empty());
    // Both streams may go to one log.
    let mut shell = sandbox.program("sh");
    let script = format!("exec {embedctl} apply m.csv --keys-to file:k.jsonl > log 2>&1");
    shell.args(["-c", &script]);
    assert_eq!(output(shell).await.exit, 0, "{}", sandbox.read("log"));
    sandbox.finish().await;
}
