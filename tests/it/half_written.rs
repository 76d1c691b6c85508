//! A process that dies between writing a file and giving it its name leaves the old file whole, whatever it was writing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::durable::can_trace;
use crate::support::{Sandbox, output};

/// A command that writes a whole file, where that is, and its mode.
struct Writer {
    args: &'static [&'static str],
    file: &'static str,
    mode: u32,
}

const MANIFEST: &str = "external_user_id,models,permissions\nacme-1,demo,access_data\n";

const STATE: &str = "../home/.local/state/embedctl";
const CONFIG: &str = "../home/.config/embedctl/config.toml";

#[rustfmt::skip]
const WRITERS: [Writer; 9] = [
    Writer { args: &["profile", "add", "NAME", "--base-url", "https://x.example", "--client-id", "x",
        "--client-secret-from", "env:X", "--no-check"], file: CONFIG, mode: 0o600 },
    Writer { args: &["keys", "mint", "acme-0", "--keys-to", "dir:."], file: "acme-0.json", mode: 0o600 },
    Writer { args: &["keys", "mint", "acme-0", "--keys-to", "env:.env"], file: ".env", mode: 0o600 },
    Writer { args: &["plan", "m.csv", "--out", "p.jsonl"], file: "p.jsonl", mode: 0o600 },
    Writer { args: &["apply", "m.csv", "--key", "none", "--failed-to", "f.csv"], file: "f.csv", mode: 0o600 },
    Writer { args: &["apply", "m.csv", "--key", "none", "--report", "r.html"], file: "r.html", mode: 0o600 },
    Writer { args: &["man", "pages"], file: "pages/embedctl-api.1", mode: 0o644 },
    Writer { args: &["url", "open", "acme-1", "/embed/looks/1"], file: "STATE/open.html", mode: 0o600 },
    Writer { args: &["doctor", "--probe"], file: "STATE/ANSWERS", mode: 0o600 },
];

impl Writer {
    /// The command of one of several runs: each adds a profile of its own.
    fn args(&self, run: &'static str) -> Vec<&'static str> {
        let name = |arg: &&'static str| if *arg == "NAME" { run } else { arg };
        self.args.iter().map(name).collect()
    }

    fn path(&self, sandbox: &Sandbox) -> PathBuf {
        let folder = sandbox.path(STATE);
        match self.file.strip_prefix("STATE/") {
            Some("ANSWERS") => {
                let found = fs::read_dir(folder)
                    .unwrap()
                    .map(|entry| entry.unwrap().path());
                let mut found =
                    found.filter(|path| path.extension().is_some_and(|it| it == "answers"));
                found.next().expect("answers were kept")
            }
            Some(name) => folder.join(name),
            None => sandbox.path(self.file),
        }
    }
}

/// What a process has left that was killed as it was about to name a file.
fn left_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_left = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".embedctl-") && name.ends_with(".partial")
    };
    paths.filter(is_left).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_old_file_stays_whole_and_what_is_left_is_in_nobodys_way() {
    for writer in WRITERS {
        let mut sandbox = Sandbox::new().await;
        if !can_trace(&sandbox) {
            return sandbox.finish().await;
        }
        sandbox.file("m.csv", MANIFEST);
        sandbox.var("BROWSER", "true");
        let user = ["create-user", "acme-0", "--no-key", "--model", "demo"];
        assert_eq!(sandbox.run(&user).await.exit, 0);
        let told = sandbox.run(&writer.args("first")).await;
        let path = writer.path(&sandbox);
        assert!(path.is_file(), "{:?}: {}", writer.args, told.err);
        let old = fs::read(&path).unwrap();

        let mut shell = sandbox.program("sh");
        let rename = "inject=rename,renameat,renameat2,link,linkat:error=EIO:signal=KILL";
        let script = "strace -f -qq -o /dev/null -e trace=rename,renameat,renameat2,link,linkat -e \"$@\"; exit $?";
        shell.args(["-c", script, "sh", rename, env!("CARGO_BIN_EXE_embedctl")]);
        shell.args(writer.args("second"));
        let killed = output(shell).await;

        assert_eq!(killed.exit, 128 + 9, "{:?}: {}", writer.args, killed.err);
        assert_eq!(fs::read(&path).unwrap(), old, "{:?}", writer.args);
        let left = left_in(path.parent().unwrap());
        assert_eq!(left.len(), 1, "{:?}: {left:?}", writer.args);
        assert_eq!(mode(&left[0]), writer.mode, "{:?}", writer.args);
        sandbox.emulator().end_tokens();

        let again = sandbox.run(&writer.args("third")).await;
        assert!(again.exit == told.exit, "{:?}: {}", writer.args, again.err);
        assert_eq!(mode(&path), writer.mode, "{:?}", writer.args);
        if writer.file == CONFIG {
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.contains("[profiles.third]") && !text.contains("second"),
                "{text}"
            );
        }
        sandbox.leave().await;
    }
}
