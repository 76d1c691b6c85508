//! A local Looker in a process of its own, and what it tells of what was done to it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// What embedctl, and the official SDKs, read; and the member of what the emulator prints that belongs there.
const VARIABLES: [(&str, &str); 4] = [
    ("LOOKERSDK_BASE_URL", "base_url"),
    ("LOOKERSDK_CLIENT_ID", "client_id"),
    ("LOOKERSDK_CLIENT_SECRET", "client_secret"),
    ("LOOKERSDK_EMBED_SECRET", "embed_secret"),
];

/// How the names of operations begin that change something.
const WRITES: [&str; 6] = [
    "login_embed",
    "create_",
    "update_",
    "set_",
    "add_",
    "delete_",
];

/// A local Looker. It stops when dropped.
pub(crate) struct Looker {
    child: Child,
    listening: Value,
}

impl Looker {
    /// One whose answers take so many milliseconds.
    pub(crate) fn start(latency: u32) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_embedctl"));
        command.args(["emulator", "--port", "0", "-o", "json"]);
        if latency > 0 {
            command.arg(format!("--latency={latency}ms"));
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        Self {
            child,
            listening: serde_json::from_str(&line).unwrap(),
        }
    }

    /// `program`, pointed at this Looker and at nothing else.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_string_lossy();
            if name.starts_with("LOOKERSDK_") || name.starts_with("EMBEDCTL_") {
                command.env_remove(variable);
            }
        }
        for (variable, member) in VARIABLES {
            command.env(variable, self.told(member));
        }
        // Nobody else creates keys here, so that a key whose answer was lost is known for one of ours, and revoked.
        command.env("EMBEDCTL_SOLE_MINTER", "true");
        command
    }

    /// How often each operation was called.
    pub(crate) fn calls(&self) -> BTreeMap<String, u32> {
        let figures = self.figures();
        let calls = figures["requests"].as_object().unwrap();
        let count = |count: &Value| u32::try_from(count.as_u64().unwrap()).unwrap();
        calls
            .iter()
            .map(|(name, calls)| (name.clone(), count(calls)))
            .collect()
    }

    /// How many calls there were that change something.
    pub(crate) fn writes(&self) -> u32 {
        let write = |name: &str| WRITES.iter().any(|write| name.starts_with(write));
        let calls = self.calls();
        let writes = calls.iter().filter(|(name, _)| write(name));
        writes.map(|(_, count)| count).sum()
    }

    /// How much there is of everything.
    pub(crate) fn figures(&self) -> Value {
        serde_json::from_str(&self.ask("GET", "/__emulator/figures", "", "").1).unwrap()
    }

    /// The embed users, as `--state` has them.
    pub(crate) fn embed_users(&self) -> Vec<Value> {
        let (_, state) = self.ask("GET", "/__emulator/state", "", "");
        let mut state: Value = serde_json::from_str(&state).unwrap();
        let Value::Array(mut users) = state["users"].take() else {
            return Vec::new();
        };
        users.retain(|user| user["external_user_id"].is_string());
        users
    }

    /// Put faults in force.
    pub(crate) fn inject(&self, faults: &Value) {
        let json = "application/json";
        let (status, text) = self.ask("POST", "/__emulator/faults", json, &faults.to_string());
        assert_eq!(status, 204, "{text}");
    }

    /// How many calls went wrong, by faults that strike once.
    pub(crate) fn struck(&self) -> usize {
        let (_, faults) = self.ask("GET", "/__emulator/faults", "", "");
        let faults: Vec<Value> = serde_json::from_str(&faults).unwrap();
        let struck = |fault: &&Value| fault["seen"].as_u64() > fault["fault"]["skip"].as_u64();
        faults.iter().filter(struck).count()
    }

    /// Whether somebody can log in with this key.
    pub(crate) fn knows_key(&self, client_id: &str, client_secret: &str) -> bool {
        let form = "application/x-www-form-urlencoded";
        let key = format!("client_id={client_id}&client_secret={client_secret}");
        self.ask("POST", "/api/4.0/login", form, &key).0 == 200
    }

    /// Nothing was asked of it that the real one would not understand.
    #[track_caller]
    pub(crate) fn assert_understood(&self) {
        let (_, violations) = self.ask("GET", "/__emulator/violations", "", "");
        assert_eq!(violations.trim(), "[]");
    }

    /// Status and body of the answer to one request.
    fn ask(&self, method: &str, path: &str, content_type: &str, body: &str) -> (u16, String) {
        let host = self.told("base_url").trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    fn told(&self, member: &str) -> &str {
        self.listening[member].as_str().unwrap()
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
