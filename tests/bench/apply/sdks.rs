//! The same job by Looker's official SDKs, against the same Looker: `tests/bench/sdk`.
//!
//! Their programs too make four requests for a user: a signed URL from the API, that URL, the look-up and the mint. They
//! keep no ledger, try nothing twice, and cannot go on where they stopped. The Python SDK, at 26.22, adds a hook to its
//! converter with every answer it reads, so that each takes longer than the one before: the ratio grows with the users.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::installed;
use crate::job::Job;
use crate::looker::Looker;
use crate::program::{Ended, Program};

/// Latency in milliseconds, and how many users.
const CELLS: [(u32, u32); 2] = [(25, 300), (200, 150)];

const WIDTH: u32 = 10;

pub(crate) fn run(test: bool) {
    let sdks = [Sdk::python(), Sdk::node()];
    println!("latency  program           users   users/s  CPU ms/user     MiB");
    for (latency, users) in CELLS {
        let users = if test { 20 } else { users };
        let looker = Looker::start(latency);
        let ours = Job::new(users, "ensure").apply(&looker, WIDTH);
        assert_eq!(ours.count("keys_delivered"), users, "{}", ours.summary);
        print(latency, "embedctl", users, &ours.ended, None);
        for sdk in sdks.iter().flatten() {
            let theirs = sdk.provision(&looker, users);
            print(latency, sdk.name, users, &theirs, Some(&ours.ended));
        }
        looker.assert_understood();
    }
}

fn print(latency: u32, name: &str, users: u32, ended: &Ended, ours: Option<&Ended>) {
    let rate = |ended: &Ended| f64::from(users) / ended.elapsed.as_secs_f64();
    let ratio = ours.map(|ours| {
        let faster = rate(ours) / rate(ended);
        let cheaper = ended.processor / ours.processor;
        format!("  embedctl: {faster:.2} times the users/s, 1/{cheaper:.0} of the CPU")
    });
    println!(
        "{latency:>4} ms  {name:<16} {users:>6} {:>9.1} {:>12.2} {:>7.1}{}",
        rate(ended),
        ended.processor * 1000.0 / f64::from(users),
        ended.memory,
        ratio.unwrap_or_default()
    );
}

/// An official SDK, and the program that provisions users with it.
struct Sdk {
    name: &'static str,
    interpreter: PathBuf,
    script: &'static str,
    /// Where a script finds the SDK, where that is not the interpreter's matter.
    modules: Option<PathBuf>,
}

impl Sdk {
    fn python() -> Option<Self> {
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/python/requirements.txt");
        let interpreter = found(installed::python("python", &list))?;
        Some(Self {
            name: "Python SDK",
            interpreter,
            script: "provision.py",
            modules: None,
        })
    }

    fn node() -> Option<Self> {
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/node/package.json");
        let modules = found(installed::npm("node", &list))?;
        Some(Self {
            name: "TypeScript SDK",
            interpreter: PathBuf::from("node"),
            script: "provision.mjs",
            modules: Some(modules),
        })
    }

    /// Let its program make the users in a folder of its own.
    fn provision(&self, looker: &Looker, users: u32) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/sdk");
        fs::copy(scripts.join(self.script), folder.path().join(self.script)).unwrap();
        if let Some(modules) = &self.modules {
            symlink(modules, folder.path().join("node_modules")).unwrap();
        }
        let mut command = looker.command(&self.interpreter);
        command.current_dir(folder.path()).args([
            self.script,
            &users.to_string(),
            &WIDTH.to_string(),
        ]);
        let ended = Program::start(&mut command).done();
        let keys = fs::read_to_string(folder.path().join("keys.jsonl")).unwrap();
        assert_eq!(keys.lines().count(), usize::try_from(users).unwrap());
        ended
    }
}

/// What is needed, where it is to be had; otherwise the reason is printed, which is a failure where all is required.
fn found<T>(found: Result<T, String>) -> Option<T> {
    let required = std::env::var_os("EMBEDCTL_TEST_REQUIRE_ALL").is_some_and(|value| value != "0");
    let skip = |why: &String| {
        assert!(!required, "{why}, and EMBEDCTL_TEST_REQUIRE_ALL is set");
        println!("skipped: {why}");
    };
    found.inspect_err(skip).ok()
}
