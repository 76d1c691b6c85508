//! A browser for the tests that look at pages, driven by the scripts in `tests/browser`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::installed;
use crate::support::{Sandbox, found, in_time, skip};

/// A browser and what drives it.
pub(crate) struct Browser {
    pub(crate) program: PathBuf,
    modules: PathBuf,
}

impl Browser {
    /// The browser of this machine; `None`, with the reason printed, where there is none.
    pub(crate) fn find() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&folders)
            .flat_map(|folder| names.map(|name| folder.join(name)))
            .find(|program| program.is_file());
        let Some(program) = program else {
            skip("no chromium to look at pages with");
            return None;
        };
        let list = scripts().join("package.json");
        let modules = found(installed::npm("browser", &list))?;
        Some(Self { program, modules })
    }

    /// Let the script of this name look at pages, and give what it tells.
    pub(crate) async fn look(&self, sandbox: &Sandbox, script: &str, asked: &Value) -> Value {
        let script = format!("{script}.mjs");
        let text = fs::read_to_string(scripts().join(&script)).unwrap();
        let script = sandbox.file(&script, &text);
        std::os::unix::fs::symlink(&self.modules, sandbox.path("node_modules")).unwrap();
        let mut command = tokio::process::Command::from(sandbox.program("node"));
        command
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let asked = asked.to_string();
        stdin.write_all(asked.as_bytes()).await.unwrap();
        drop(stdin);
        let output = in_time(child.wait_with_output()).await.unwrap();
        std::io::stderr().write_all(&output.stderr).unwrap();
        assert!(output.status.success(), "{}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}
