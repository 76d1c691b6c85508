//! The stores that tests talk to: one server of each kind for the whole program, which ends with it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::installed;
use crate::support::{found, in_time};

/// A server that ends with this process.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Ends the server once its standard input is closed.
    _keeper: Child,
}

/// The folder of the programs that come with the stores' packages; nothing, and a word, where they cannot be had.
pub(crate) fn programs() -> Option<PathBuf> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/stores/requirements.txt");
    let python = found(installed::python("stores", &list))?;
    python.parent().map(Path::to_owned)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A client without TLS, and past every proxy.
pub(crate) fn plain() -> reqwest::Client {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(config);
    client.no_proxy().build().unwrap()
}

impl Server {
    /// Start `command`, which will listen at `url`.
    pub(crate) fn start(url: String, command: &mut Command) -> Self {
        // The server's own standard input is not the one that is closed.
        let script = "\"$@\" </dev/null & server=$!; read -r _; kill -9 $server";
        let mut keeper = Command::new("sh");
        keeper.args(["-c", script, "sh"]).arg(command.get_program());
        keeper.args(command.get_args());
        for (name, value) in command.get_envs() {
            keeper.env(name, value.unwrap_or_default());
        }
        let keeper = keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            url,
            _keeper: keeper,
        }
    }

    /// Wait until a request for `path` has an answer.
    pub(crate) async fn ready(&self, path: &str) {
        let client = plain();
        let url = format!("{}{path}", self.url);
        let clock = embedctl::system::Clock::os();
        in_time(async {
            while client.get(&url).send().await.is_err() {
                clock.sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}
